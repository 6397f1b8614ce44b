//! What `uv` says when it fails: read for what cannot be had, and for whose fault it is.

use crate::LanguageError;
use std::collections::BTreeSet;

/// Words of failures that are not for what was asked.
const OF_OTHERS: [&str; 9] = [
    "Failed to fetch",
    "Failed to download",
    "error sending request",
    "could not be queried",
    "could not connect",
    "timed out",
    "No interpreter found",
    "(os error",
    "panicked",
];

/// A package that cannot be had as a wheel.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(in super::super) enum Refused {
    /// It is there as source only.
    SourceOnly(String),
    /// None of its wheels fits; with what there are, where that was told.
    Unfit(String, String),
}

impl Refused {
    /// The package.
    pub fn name(&self) -> &str {
        match self {
            Refused::SourceOnly(name) | Refused::Unfit(name, _) => name,
        }
    }
}

/// The packages of which its words say that no wheel can be had.
pub(super) fn refusals(said: &str) -> BTreeSet<Refused> {
    let text = said.split_whitespace().collect::<Vec<_>>().join(" ");
    let named = |before: &str| {
        let found: Vec<(String, &str)> = text
            .split(before)
            .skip(1)
            .filter_map(|rest| rest.split_once('`'))
            .map(|(name, rest)| (name.to_owned(), rest))
            .collect();
        found
    };
    let mut refused = BTreeSet::new();
    for before in [
        "Wheels are required for `",
        "Building source distributions for `",
        "Building source distributions is disabled for `",
    ] {
        refused.extend(named(before).into_iter().map(|(name, _)| Refused::SourceOnly(name)));
    }
    for before in ["only found wheels for `", "Wheels are available for `"] {
        refused.extend(named(before).into_iter().map(|(name, rest)| {
            let end = rest.find(" hint: ").unwrap_or(rest.len());
            let tags: Vec<&str> = rest[..end].split('`').skip(1).step_by(2).collect();
            Refused::Unfit(name, tags.join(", "))
        }));
    }
    // Without such hints, the reasons themselves.
    let words: Vec<&str> = text.split(' ').collect();
    for window in words.windows(5) {
        let name = |word: &str| word.split(['=', '<', '>', '!', '~']).next().unwrap_or_default().to_owned();
        let found = match window {
            [subject, "has" | "have", "no", "usable", "wheels"] => Refused::SourceOnly(name(subject)),
            [subject, "has" | "have", "no", "wheels", "with"] => Refused::Unfit(name(subject), String::new()),
            _ => continue,
        };
        if !found.name().is_empty() && !refused.iter().any(|one| one.name() == found.name()) {
            refused.insert(found);
        }
    }
    refused
}

/// A failure, told as what the application asks for where neither the network nor this machine is the reason.
pub(super) fn blamed(error: LanguageError) -> LanguageError {
    match error {
        LanguageError::Failed { tool, status, said }
            if status.starts_with("exit") && !OF_OTHERS.iter().any(|words| said.contains(words)) =>
        {
            LanguageError::Refused { tool, said }
        }
        error => error,
    }
}

/// What it says without what it only warns of, which is said before what went wrong.
pub(super) fn without_warnings(said: &str) -> String {
    let lines = said.lines().filter(|line| !line.starts_with("warning:"));
    lines.collect::<Vec<_>>().join("\n").trim().to_owned()
}

/// Does it not know what it was asked?
pub(super) fn is_old(said: &str) -> bool {
    ["unexpected argument '--format'", "invalid value 'pylock.toml'", "unrecognized subcommand"]
        .iter()
        .any(|words| said.contains(words))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn its_words_name_what_cannot_be_had() {
        let said = "\
error: No solution found when resolving dependencies
  cause: Because all versions of docopt have no usable wheels and you require docopt, we can conclude that your requirements are unsatisfiable.

hint: Wheels are required for `docopt` because building from source is disabled for all packages (i.e., with `--no-build`)";
        assert_eq!(refusals(said), [Refused::SourceOnly("docopt".into())].into());
        let said = "\
  cause: Because pyodbc==4.0.0 has no wheels with a matching Python ABI tag (e.g., `cp313`) and you require pyodbc==4.0.0, we can conclude that your requirements are unsatisfiable.

hint: You require CPython 3.13 (`cp313`), but we only found wheels for `pyodbc` (v4.0.0) with the following Python ABI tags: `cp27m`, `cp34m`";
        assert_eq!(refusals(said), [Refused::Unfit("pyodbc".into(), "cp27m, cp34m".into())].into());
        let said = "  x No solution found when resolving dependencies:
  `-> Because tensorflow==2.20.0 has no wheels with a matching platform tag and
      you require tensorflow==2.20.0, we can conclude that …";
        assert_eq!(refusals(said), [Refused::Unfit("tensorflow".into(), String::new())].into());
        assert!(refusals("Because flask==99 was not found in the package registry").is_empty());
    }

    #[test]
    fn what_is_asked_for_is_told_from_the_network() {
        for (status, said, of_user) in [
            ("exit status: 1", "error: No solution found when resolving dependencies", true),
            ("exit status: 2", "error: Couldn't parse requirement in `requirements.txt` at position 0", true),
            ("exit status: 2", "error: Failed to fetch: `https://pypi.org/simple/flask/`", false),
            ("exit status: 1", "No solution found\nhint: An index URL could not be queried", false),
            ("signal: 9 (SIGKILL)", "", false),
        ] {
            let failed =
                LanguageError::Failed { tool: "uv".into(), status: status.into(), said: said.into() };
            assert_eq!(matches!(blamed(failed), LanguageError::Refused { .. }), of_user, "{said}");
        }
        assert_eq!(without_warnings("warning: a\nerror: b\n  c\nwarning: d\n"), "error: b\n  c");
    }
}
