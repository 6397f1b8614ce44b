//! `package.json`, as far as it matters. What has another shape than it should counts as absent: npm judges manifests.

use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// A `package.json`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Manifest(Map<String, Value>);

impl Manifest {
    /// Reads one; none where it is no JSON object.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        // Editors of another system write a mark in front, and npm takes it.
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        serde_json::from_slice(bytes).ok().map(Manifest)
    }

    /// A field that is a text.
    pub fn text(&self, field: &str) -> Option<&str> {
        self.0.get(field)?.as_str()
    }

    /// Is there a field, whatever it is?
    pub fn has(&self, field: &str) -> bool {
        self.0.contains_key(field)
    }

    /// The texts of a field that is a list of them, or one.
    pub fn list(&self, field: &str) -> Option<Vec<&str>> {
        match self.0.get(field)? {
            Value::String(text) => Some(vec![text]),
            Value::Array(items) => Some(items.iter().filter_map(Value::as_str).collect()),
            _ => None,
        }
    }

    /// The texts of a field that is a table of them.
    pub fn table(&self, field: &str) -> BTreeMap<&str, &str> {
        let table = self.0.get(field).and_then(Value::as_object);
        table.into_iter().flatten().filter_map(|(key, value)| Some((key.as_str(), value.as_str()?))).collect()
    }

    /// Name and version, as messages and reasons call it; `other` where it has no name.
    pub fn title(&self, other: &str) -> String {
        let name = self.text("name").unwrap_or(other);
        match self.text("version") {
            Some(version) => format!("{name} {version}"),
            None => name.into(),
        }
    }

    /// The packages without which it does not work.
    pub fn required(&self) -> BTreeMap<&str, &str> {
        let optional = self.table("optionalDependencies");
        let mut required = self.table("dependencies");
        required.retain(|name, _| !optional.contains_key(name));
        required
    }

    /// Is it for this system, by a field such as `os`: `linux`, `!win32`?
    pub fn takes(&self, field: &str, value: &str) -> bool {
        let Some(list) = self.list(field) else { return true };
        let is_barred = list.iter().any(|item| item.strip_prefix('!') == Some(value));
        let mut named = list.iter().filter(|item| !item.starts_with('!')).peekable();
        !is_barred && (named.peek().is_none() || named.any(|item| *item == value || *item == "any"))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail")]
mod tests {
    use super::*;

    #[test]
    fn what_has_another_shape_is_absent() {
        let manifest = Manifest::parse(br#"{"name": 3, "dependencies": ["a"], "files": {"a": 1}}"#).unwrap();
        assert_eq!((manifest.text("name"), manifest.list("files")), (None, None));
        assert!(manifest.required().is_empty());
        assert!(Manifest::parse(b"[]").is_none() && Manifest::parse(b"{").is_none());
        assert!(Manifest::parse(b"\xef\xbb\xbf{}").is_some());
    }

    #[test]
    fn packages_say_what_they_are_for() {
        for (json, expected) in [
            (r#"{}"#, true),
            (r#"{"libc": "glibc"}"#, true),
            (r#"{"libc": ["musl"]}"#, false),
            (r#"{"libc": ["!musl"]}"#, true),
            (r#"{"libc": ["!glibc"]}"#, false),
            (r#"{"libc": ["any"]}"#, true),
            (r#"{"libc": []}"#, true),
        ] {
            assert_eq!(Manifest::parse(json.as_bytes()).unwrap().takes("libc", "glibc"), expected, "{json}");
        }
    }
}
