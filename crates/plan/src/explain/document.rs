//! The document of reasons that travels beside an image. `docs/reasons.md` describes it.

use super::{Basis, LeftOutRecord, PackageRecord, Place, PlaceKind, Record};
use crate::{Setting, reason::Reason, spec::Line};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use tree::TreePath;

/// The layout of the document.
const FORMAT: u64 = 1;

/// A document of reasons cannot be understood.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
    /// It is no JSON, or has another shape.
    #[error("it is no document of reasons")]
    Malformed(#[source] serde_json::Error),
    /// A newer bantam wrote it.
    #[error("its format is {found}, and this bantam knows {FORMAT}")]
    Format {
        /// What it says.
        found: Value,
    },
    /// It says something that cannot be.
    #[error("{path}: {what}")]
    Wrong {
        /// The path that it is said of.
        path: String,
        /// What is wrong.
        what: String,
    },
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    format: u64,
    images: Vec<ImageDocument>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ImageDocument {
    name: String,
    platform: String,
    #[serde(default, skip_serializing_if = "is_false")]
    derived: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    spec: Option<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    lines: BTreeMap<Line, String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    config: Vec<Setting>,
    search_path: String,
    packages: BTreeMap<String, PackageDocument>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    left_out: BTreeMap<String, LeftOutRecord>,
    paths: BTreeMap<String, PlaceDocument>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PackageDocument {
    version: String,
    architecture: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PlaceDocument {
    kind: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    size: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    target: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    layer: Option<String>,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    packages: BTreeSet<String>,
    reasons: Vec<Reason>,
}

/// Writes records as one document: JSON without blanks, keys sorted, so that equal records are equal
/// bytes.
pub fn write(records: &[Record]) -> Vec<u8> {
    let images = records.iter().map(ImageDocument::of).collect();
    let document = Document { format: FORMAT, images };
    // By way of a value, whose keys are sorted as texts. Every field is plain data: this cannot fail.
    serde_json::to_value(document).map_or(vec![], |value| value.to_string().into_bytes())
}

/// Reads what [`write()`] wrote.
///
/// # Errors
/// When the bytes are no such document, or that of a newer bantam.
pub fn read(bytes: &[u8]) -> Result<Vec<Record>, RecordError> {
    /// What a newer bantam wrote is told by its number before its keys are looked at.
    #[derive(Deserialize)]
    struct Head {
        format: Value,
    }
    let head: Head = serde_json::from_slice(bytes).map_err(RecordError::Malformed)?;
    if head.format != FORMAT {
        return Err(RecordError::Format { found: head.format });
    }
    let document: Document = serde_json::from_slice(bytes).map_err(RecordError::Malformed)?;
    document.images.into_iter().map(ImageDocument::into_record).collect()
}

/// A reason as the document has it: an object with its `kind`.
pub fn reason_json(reason: &Reason) -> Value {
    serde_json::to_value(reason).unwrap_or_default()
}

impl ImageDocument {
    fn of(record: &Record) -> Self {
        let package = |(name, package): (&String, &PackageRecord)| {
            let PackageRecord { version, architecture } = package.clone();
            (name.clone(), PackageDocument { version, architecture })
        };
        let place = |(path, place): (&TreePath, &Place)| (path.to_string(), PlaceDocument::of(place));
        ImageDocument {
            name: record.name.clone(),
            platform: record.platform.clone(),
            derived: record.basis == Basis::Derived,
            spec: record.spec.clone(),
            lines: record.lines.clone(),
            config: record.config.clone(),
            search_path: record.search_path.clone(),
            packages: record.packages.iter().map(package).collect(),
            left_out: record.left_out.clone(),
            paths: record.places.iter().map(place).collect(),
        }
    }

    fn into_record(self) -> Result<Record, RecordError> {
        let mut places = BTreeMap::new();
        for (path, place) in self.paths {
            let wrong = |what: &str| RecordError::Wrong { path: path.clone(), what: what.into() };
            let parsed = TreePath::parse(&path).map_err(|error| wrong(&error.to_string()))?;
            if parsed.as_str() != path || parsed.is_root() {
                return Err(wrong("a path is written the shortest way, and is not the root"));
            }
            if !place.packages.iter().all(|package| self.packages.contains_key(package)) {
                return Err(wrong("its package is not among the packages"));
            }
            places.insert(parsed, place.into_place().map_err(wrong)?);
        }
        let package = |(name, package): (String, PackageDocument)| {
            let PackageDocument { version, architecture } = package;
            (name, PackageRecord { version, architecture })
        };
        Ok(Record {
            name: self.name,
            platform: self.platform,
            basis: if self.derived { Basis::Derived } else { Basis::Recorded },
            spec: self.spec,
            lines: self.lines,
            config: self.config,
            search_path: self.search_path,
            packages: self.packages.into_iter().map(package).collect(),
            left_out: self.left_out,
            places,
        })
    }
}

impl PlaceDocument {
    fn of(place: &Place) -> Self {
        let (kind, size, target) = match &place.kind {
            PlaceKind::Directory => ("directory", None, None),
            PlaceKind::File(size) => ("file", Some(*size), None),
            PlaceKind::Link(target) => ("link", None, Some(target.clone())),
        };
        PlaceDocument {
            kind: kind.into(),
            size,
            target,
            layer: place.layer.clone(),
            packages: place.packages.clone(),
            reasons: place.reasons.clone(),
        }
    }

    fn into_place(self) -> Result<Place, &'static str> {
        let kind = match (&*self.kind, self.size, self.target) {
            ("directory", None, None) => PlaceKind::Directory,
            ("file", Some(size), None) => PlaceKind::File(size),
            ("link", None, Some(target)) => PlaceKind::Link(target),
            _ => return Err("it is a `directory`, a `file` with its `size`, or a `link` with its `target`"),
        };
        Ok(Place { kind, layer: self.layer, packages: self.packages, reasons: self.reasons })
    }
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
fn is_false(flag: &bool) -> bool {
    !flag
}

/// Values that the document has as texts.
pub(crate) mod text {
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error};
    use std::{fmt::Display, str::FromStr};

    pub fn serialize<T: Display, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(value)
    }

    pub fn deserialize<'de, T, D>(deserializer: D) -> Result<T, D::Error>
    where
        T: FromStr<Err: Display> + Display,
        D: Deserializer<'de>,
    {
        let text = String::deserialize(deserializer)?;
        let value: T = text.parse().map_err(D::Error::custom)?;
        if value.to_string() == text {
            Ok(value)
        } else {
            Err(D::Error::custom(format!("`{text}` is written `{value}`")))
        }
    }
}

/// The same where there may be none.
pub(crate) mod optional_text {
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error};
    use std::{fmt::Display, str::FromStr};

    pub fn serialize<T: Display, S: Serializer>(value: &Option<T>, serializer: S) -> Result<S::Ok, S::Error> {
        match value {
            Some(value) => serializer.collect_str(value),
            None => serializer.serialize_none(),
        }
    }

    pub fn deserialize<'de, T, D>(deserializer: D) -> Result<Option<T>, D::Error>
    where
        T: FromStr<Err: Display>,
        D: Deserializer<'de>,
    {
        let text = Option::<String>::deserialize(deserializer)?;
        text.map(|text| text.parse().map_err(D::Error::custom)).transpose()
    }
}
