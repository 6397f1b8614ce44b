//! Which package may take a file over from which: the field `Replaces`, policy 7.6.1.

use crate::pack::Pack;
use debversion::Version;

/// Does `package` say that it replaces files of `other`?
pub fn replaces(package: &Pack, other: &Pack) -> bool {
    let value = folded(&package.control().control, "Replaces");
    value.split(',').any(|relation| names(relation, other))
}

fn names(relation: &str, other: &Pack) -> bool {
    let (name, versions) = match relation.split_once('(') {
        Some((name, rest)) => (name, rest.split_once(')').map(|(versions, _)| versions)),
        None => (relation, None),
    };
    let name = name.trim();
    let (name, architecture) = name.split_once(':').map_or((name, None), |(name, arch)| (name, Some(arch)));
    let fits = |arch| arch == "any" || arch == other.architecture();
    name == other.name() && architecture.is_none_or(fits) && versions.is_none_or(|text| holds(text, other))
}

/// `<< 1.2`: does the version of `other` fit? What is no relation fits nothing.
fn holds(text: &str, other: &Pack) -> bool {
    let text = text.trim();
    let at = text.find(|letter| !"<>=".contains(letter)).unwrap_or(text.len());
    let Some((sign, wanted)) = text.split_at_checked(at) else { return false };
    let parse = |text: &str| text.trim().parse::<Version>().ok();
    let (Some(wanted), Some(found)) = (parse(wanted), parse(other.version())) else { return false };
    match sign {
        "<<" => found < wanted,
        "<=" | "<" => found <= wanted,
        "=" => found == wanted,
        ">=" | ">" => found >= wanted,
        ">>" => found > wanted,
        _ => false,
    }
}

/// The whole value of a field, its lines joined.
fn folded(paragraph: &str, key: &str) -> String {
    let is_start = |line: &str| line.split_once(':').is_some_and(|(name, _)| name.eq_ignore_ascii_case(key));
    let mut lines = paragraph.lines().skip_while(|line| !is_start(line));
    let first = lines.next().and_then(|line| line.split_once(':')).map(|(_, value)| value);
    let more = lines.take_while(|line| line.starts_with([' ', '\t']));
    first.into_iter().chain(more).collect()
}
