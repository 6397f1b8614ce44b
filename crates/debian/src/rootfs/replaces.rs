//! Which package may take a file over from which: the field `Replaces`, policy 7.6.1.

use crate::control::Paragraph;
use crate::pack::Pack;
use crate::relation::{Relation, parse_relations};
use crate::version::Version;

/// Does `package` say that it replaces files of `other`? What is no relation replaces nothing.
pub fn replaces(package: &Pack, other: &Pack) -> bool {
    let paragraph = Paragraph::parse(&package.control().control);
    let field = paragraph.ok().and_then(|paragraph| paragraph.get("Replaces"));
    let relations = field.and_then(|field| parse_relations(field, package.architecture()).ok());
    relations.into_iter().flatten().any(|relation| is_meant(&relation, other))
}

fn is_meant(relation: &Relation, other: &Pack) -> bool {
    let fits = |architecture: &str| architecture == "any" || architecture == other.architecture();
    relation.name == other.name()
        && relation.qualifier.as_deref().is_none_or(fits)
        && Version::parse(other.version()).is_ok_and(|version| relation.admits(&version))
}
