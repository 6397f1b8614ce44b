//! Manifests of jars (the JAR file specification, "JAR Manifest").

/// No line is longer, in bytes without its end.
const MAX_LINE: usize = 72;

/// A manifest.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Manifest {
    /// The attributes of the whole jar, in their order.
    main: Vec<(String, String)>,
    /// The sections of single entries, as they stand there.
    sections: String,
}

impl Manifest {
    /// Reads a manifest. Lines that say nothing are passed over, as Java does with most of them.
    pub fn parse(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes).replace("\r\n", "\n").replace('\r', "\n");
        let (main, sections) = text.split_once("\n\n").unwrap_or((&text, ""));
        let unfolded = main.replace("\n ", "");
        let attribute = |line: &str| {
            let (name, value) = line.split_once(": ")?;
            Some((name.to_owned(), value.to_owned()))
        };
        let sections = sections.trim_start_matches('\n').to_owned();
        Manifest { main: unfolded.lines().filter_map(attribute).collect(), sections }
    }

    /// An attribute of the whole jar. Case does not matter in names.
    pub fn get(&self, name: &str) -> Option<&str> {
        let found = self.main.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.trim()).filter(|value| !value.is_empty())
    }

    /// Sets an attribute, in its place or at the end.
    pub fn set(&mut self, name: &str, value: &str) {
        match self.main.iter_mut().find(|(known, _)| known.eq_ignore_ascii_case(name)) {
            Some((_, old)) => value.clone_into(old),
            None => self.main.push((name.into(), value.into())),
        }
    }

    /// Removes an attribute.
    pub fn remove(&mut self, name: &str) {
        self.main.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
    }

    /// The manifest as a file, its long lines folded.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = String::new();
        for (name, value) in &self.main {
            fold(&mut out, &format!("{name}: {value}"));
        }
        out.push_str("\r\n");
        if !self.sections.is_empty() {
            out.push_str(&self.sections.replace('\n', "\r\n"));
        }
        out.into_bytes()
    }
}

/// Writes a line; what is too long goes on in the next, after a space.
fn fold(out: &mut String, line: &str) {
    let mut len = 0;
    for letter in line.chars() {
        if len + letter.len_utf8() > MAX_LINE {
            out.push_str("\r\n ");
            len = 1;
        }
        out.push(letter);
        len += letter.len_utf8();
    }
    out.push_str("\r\n");
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail")]
mod tests {
    use super::*;

    #[test]
    fn attributes_are_found_whatever_their_case_and_folds() {
        let text = "Manifest-Version: 1.0\r\nmain-class: shop.\r\n Shop\r\nClass-Path: lib/a.jar \r\n lib/b.jar\r\n\
                    Empty: \r\n\r\nName: a\r\nMain-Class: other\r\n";
        let manifest = Manifest::parse(text.as_bytes());
        for (name, value) in [
            ("Main-Class", Some("shop.Shop")),
            ("CLASS-PATH", Some("lib/a.jar lib/b.jar")),
            ("Empty", None),
            ("Name", None),
        ] {
            assert_eq!(manifest.get(name), value, "{name}");
        }
        assert_eq!(Manifest::parse(b"A: 1\nB: 2\n").get("b"), Some("2"));
        assert_eq!(Manifest::parse(b"\xff\xfe no\nmanifest").get("no"), None);
    }

    #[test]
    fn lines_are_folded_at_72_bytes() {
        for (value, lines) in [
            ("x".repeat(72 - 3), vec![72]),
            ("x".repeat(72 - 2), vec![72, 2]),
            ("x".repeat(72 - 3 + 71 + 1), vec![72, 72, 2]),
            // A letter of two bytes is not cut.
            (format!("{}é", "x".repeat(72 - 4)), vec![71, 3]),
        ] {
            let manifest = Manifest { main: vec![("A".into(), value.clone())], ..Manifest::default() };
            let bytes = manifest.to_bytes();
            let text = String::from_utf8(bytes.clone()).unwrap();
            let lengths: Vec<usize> = text.trim_end().split("\r\n").map(str::len).collect();
            assert_eq!(lengths, lines);
            assert_eq!(Manifest::parse(&bytes).get("A"), Some(&*value));
        }
    }

    #[test]
    fn what_is_set_and_removed_leaves_the_rest_in_its_place() {
        let mut manifest = Manifest::parse(b"A: 1\nB: 2\nC: 3\n\nName: x\nD: 4\n");
        manifest.set("b", "5");
        manifest.remove("C");
        manifest.set("E", "6");
        assert_eq!(manifest.to_bytes(), b"A: 1\r\nB: 5\r\nE: 6\r\n\r\nName: x\r\nD: 4\r\n");
    }
}
