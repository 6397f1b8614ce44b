//! Relations between packages: `Depends`, `Conflicts`, `Provides` and their like (Debian Policy §7.1).

use crate::version::{Version, VersionError};
use std::fmt;

/// A field with more relations is refused. The longest of a real archive has some 2,000.
const MAX_RELATIONS: usize = 100_000;

/// `a | b (>= 1)`: any one of them will do, the first is preferred.
pub type Alternatives = Vec<Relation>;

/// `libc6:any (>= 2.36)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Relation {
    /// The name.
    pub name: String,
    /// What follows a colon: `any`, `native`, or an architecture.
    pub qualifier: Option<String>,
    /// The versions that count.
    pub versions: Option<(Comparison, Version)>,
}

/// How a version is held against another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Comparison {
    Less,
    LessOrEqual,
    Equal,
    GreaterOrEqual,
    Greater,
}

/// A text is no relation.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RelationError {
    /// It is not written as relations are.
    #[error("relation {text:?}: {problem}")]
    Syntax {
        /// The text, cut when it is long.
        text: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// It names a version that is none.
    #[error("relation to {name}")]
    Version {
        /// The package that it is to.
        name: String,
        /// What is wrong with the version.
        source: VersionError,
    },
    /// A field has more than anybody writes.
    #[error("more than {MAX_RELATIONS} relations in one field")]
    TooMany,
}

/// Reads a field such as `Depends`: relations between commas, alternatives between bars.
///
/// What is restricted to other architectures than `architecture`, or to a build profile (none is active), is left out.
///
/// # Errors
/// When a relation is not written as Policy §7.1 has it.
pub fn parse_alternatives(field: &str, architecture: &str) -> Result<Vec<Alternatives>, RelationError> {
    let mut groups = vec![];
    let mut count = 0;
    for group in items(field, ',') {
        let mut alternatives = vec![];
        for text in group.split('|') {
            count += 1;
            if count > MAX_RELATIONS {
                return Err(RelationError::TooMany);
            }
            alternatives.extend(relation(text, architecture)?);
        }
        if !alternatives.is_empty() {
            groups.push(alternatives);
        }
    }
    Ok(groups)
}

/// Reads a field without alternatives, such as `Conflicts` or `Provides`.
///
/// # Errors
/// As [`parse_alternatives`], and when there are alternatives.
pub fn parse_relations(field: &str, architecture: &str) -> Result<Vec<Relation>, RelationError> {
    let mut relations = vec![];
    for text in items(field, ',') {
        if relations.len() >= MAX_RELATIONS {
            return Err(RelationError::TooMany);
        }
        relations.extend(relation(text, architecture)?);
    }
    Ok(relations)
}

impl Relation {
    /// Whether a version is one of those that count.
    pub fn admits(&self, version: &Version) -> bool {
        self.versions.as_ref().is_none_or(|(comparison, bound)| comparison.holds(version, bound))
    }
}

impl Comparison {
    /// Whether `a` stands in this relation to `b`.
    pub fn holds(self, a: &Version, b: &Version) -> bool {
        let ordering = a.cmp(b);
        match self {
            Comparison::Less => ordering.is_lt(),
            Comparison::LessOrEqual => ordering.is_le(),
            Comparison::Equal => ordering.is_eq(),
            Comparison::GreaterOrEqual => ordering.is_ge(),
            Comparison::Greater => ordering.is_gt(),
        }
    }
}

impl fmt::Display for Relation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        if let Some(qualifier) = &self.qualifier {
            write!(f, ":{qualifier}")?;
        }
        match &self.versions {
            Some((comparison, version)) => write!(f, " ({comparison} {version})"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Comparison::Less => "<<",
            Comparison::LessOrEqual => "<=",
            Comparison::Equal => "=",
            Comparison::GreaterOrEqual => ">=",
            Comparison::Greater => ">>",
        })
    }
}

/// Alternatives as they are written: `a | b (>= 1)`.
pub fn text(alternatives: &[Relation]) -> String {
    alternatives.iter().map(ToString::to_string).collect::<Vec<_>>().join(" | ")
}

/// Whether a text can be the name of a package (Policy §5.6.1), taken as widely as dpkg takes it.
pub(crate) fn is_name(text: &str) -> bool {
    let has_start = text.starts_with(|c: char| c.is_ascii_alphanumeric());
    has_start && text.len() <= 255 && text.bytes().all(|c| c.is_ascii_alphanumeric() || b"+-._".contains(&c))
}

/// The parts between separators; a trailing separator is common.
fn items(field: &str, separator: char) -> impl Iterator<Item = &str> {
    field.split(separator).filter(|item| !item.trim().is_empty())
}

/// Reads one relation; none if it does not apply here.
fn relation(text: &str, architecture: &str) -> Result<Option<Relation>, RelationError> {
    let text = text.trim();
    let fails = |problem| RelationError::Syntax { text: text.chars().take(120).collect(), problem };
    let end = text.find(|c: char| c.is_whitespace() || "([<".contains(c)).unwrap_or(text.len());
    let (name, mut rest) = text.split_at(end);
    let (name, qualifier) = match name.split_once(':') {
        Some((name, qualifier)) => (name, Some(qualifier)),
        None => (name, None),
    };
    if !is_name(name) || !qualifier.is_none_or(is_name) {
        return Err(fails("no name of a package"));
    }
    let mut versions = None;
    let mut applies = true;
    // A relation of build profiles is met by any one of its lists, and without lists.
    let mut profiles: Option<bool> = None;
    loop {
        rest = rest.trim_start();
        let close = match rest.bytes().next() {
            None => break,
            Some(b'(') => ')',
            Some(b'[') => ']',
            Some(b'<') => '>',
            Some(_) => return Err(fails("more than one relation without a comma")),
        };
        let Some((inside, after)) = rest.get(1..).and_then(|rest| rest.split_once(close)) else {
            return Err(fails("a bracket that is not closed"));
        };
        rest = after;
        match close {
            ')' if versions.is_some() => return Err(fails("two versions")),
            ')' => {
                versions = Some(
                    bound(inside, name)
                        .map_err(|error| error.unwrap_or_else(|| fails("no version to compare with")))?,
                )
            }
            ']' => applies &= names_architecture(inside, architecture),
            _ => {
                // No profile is active: only what is negated holds.
                let holds = inside.split_whitespace().all(|term| term.starts_with('!'));
                profiles = Some(profiles.unwrap_or(false) || holds);
            }
        }
    }
    let applies = applies && profiles.unwrap_or(true);
    let qualifier = qualifier.map(String::from);
    Ok(applies.then(|| Relation { name: name.into(), qualifier, versions }))
}

/// Reads what stands in parentheses; an error is none where there is nothing that could be a version.
fn bound(inside: &str, name: &str) -> Result<(Comparison, Version), Option<RelationError>> {
    let inside = inside.trim();
    let end = inside.find(|c| !"<>=".contains(c)).unwrap_or(inside.len());
    let (sign, version) = inside.split_at(end);
    let comparison = match sign {
        "<<" => Comparison::Less,
        // Obsolete, and read by dpkg as if they had an equals sign.
        "<=" | "<" => Comparison::LessOrEqual,
        "=" | "" => Comparison::Equal,
        ">=" | ">" => Comparison::GreaterOrEqual,
        ">>" => Comparison::Greater,
        _ => return Err(None),
    };
    match Version::parse(version.trim()) {
        Ok(version) => Ok((comparison, version)),
        Err(_) if version.trim().is_empty() => Err(None),
        Err(source) => Err(Some(RelationError::Version { name: name.into(), source })),
    }
}

/// Whether `[amd64 linux-any]` or `[!i386]` names an architecture of Linux.
fn names_architecture(list: &str, architecture: &str) -> bool {
    let is = |term: &str| match term {
        "any" | "linux-any" => true,
        _ => {
            let bare = term.strip_prefix("any-").or(term.strip_prefix("linux-")).unwrap_or(term);
            bare == architecture
        }
    };
    // Terms are negated all or not at all.
    match list.split_whitespace().map(|term| term.strip_prefix('!')).collect::<Option<Vec<_>>>() {
        Some(negated) => !negated.into_iter().any(is),
        None => list.split_whitespace().any(is),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_read() {
        for (field, want) in [
            ("", ""),
            ("a", "a"),
            ("a, b", "a; b"),
            ("a,b,", "a; b"),
            ("a (>= 1) | b:any, c [amd64] <!nocheck>", "a (>= 1) | b:any; c"),
            ("a(>=1)|b(<<2~)", "a (>= 1) | b (<< 2~)"),
            ("a (>> 1:2-3)", "a (>> 1:2-3)"),
            ("a (< 1), b (> 1), c (1)", "a (<= 1); b (>= 1); c (= 1)"),
            ("a [i386] | b, c [!amd64], d [!i386], e [linux-any], f [i386 amd64]", "b; d; e; f"),
            ("a <stage1>, b <!stage1 !nocheck>, c <stage1> <!nodoc>, d <!x y>", "b; c"),
            ("a:native (= 1), b:arm64", "a:native (= 1); b:arm64"),
            ("a,\n b (>=\n 1)", "a; b (>= 1)"),
            ("libstdc++6, g++-12, 0ad", "libstdc++6; g++-12; 0ad"),
        ] {
            let got = parse_alternatives(field, "amd64").unwrap();
            assert_eq!(got.iter().map(|group| text(group)).collect::<Vec<_>>().join("; "), want, "{field}");
        }
        let provides = parse_relations("mail-transport-agent, x (= 1.2)", "amd64").unwrap();
        assert_eq!(provides.len(), 2);
    }

    #[test]
    fn what_is_no_relation_is_refused() {
        let many = "a,".repeat(MAX_RELATIONS + 1);
        for field in [
            "a b",
            "a (",
            "a (>= )",
            "a ()",
            "a (=> 1)",
            "a (>= 1/2)",
            "|",
            "a |",
            "/etc",
            "a:",
            ":any",
            "a (= 1) (= 2)",
            "é",
            &many,
        ] {
            assert!(parse_alternatives(field, "amd64").is_err(), "{field}");
        }
        assert!(parse_relations("a | b", "amd64").is_err());
    }
}
