//! The format of `.sources` files: paragraphs of fields, one or several sources in each.

use super::sources::{AptSource, SignedBy, Wrong};
use std::collections::BTreeMap;

/// A field: the number of its line, and its value, of which further lines stand without the blank before them.
type Fields = BTreeMap<String, (usize, String)>;

/// Reads a `.sources` file.
pub(super) fn parse(text: &str) -> Result<Vec<AptSource>, Wrong> {
    let mut sources = vec![];
    let mut fields = Fields::new();
    let mut last: Option<String> = None;
    let mut first_line = 1;
    // An empty line ends the last paragraph, too.
    for (at, line) in text.lines().chain([""]).enumerate() {
        let number = at + 1;
        if line.starts_with('#') {
            continue;
        }
        if line.trim().is_empty() {
            let paragraph = std::mem::take(&mut fields);
            last = None;
            if !paragraph.is_empty() {
                sources.extend(source(paragraph).map_err(|what| (first_line, what))?);
            }
            continue;
        }
        if line.starts_with([' ', '\t']) {
            let open = last.as_ref().and_then(|name| fields.get_mut(name));
            let (_, value) = open.ok_or((number, "it goes on with no field"))?;
            let line = line.trim();
            value.push('\n');
            value.push_str(if line == "." { "" } else { line });
            continue;
        }
        let (name, value) = line.split_once(':').ok_or((number, "it is no field"))?;
        if fields.is_empty() {
            first_line = number;
        }
        let name = name.trim().to_ascii_lowercase();
        if fields.insert(name.clone(), (number, value.trim().into())).is_some() {
            return Err((number, "it is there twice"));
        }
        last = Some(name);
    }
    Ok(sources)
}

fn source(mut fields: Fields) -> Result<Option<AptSource>, &'static str> {
    let mut take = |name: &str| fields.remove(name).map(|(_, value)| value);
    let words = |value: Option<String>| -> Vec<String> {
        value.unwrap_or_default().split_whitespace().map(String::from).collect()
    };
    let types = words(take("types"));
    let disabled = take("enabled").is_some_and(|value| is_no(&value));
    if types.is_empty() {
        return Err("it has no Types");
    }
    if disabled || !types.iter().any(|kind| kind == "deb") {
        return Ok(None);
    }
    let source = AptSource {
        uris: words(take("uris")),
        suites: words(take("suites")),
        components: words(take("components")),
        signed_by: take("signed-by").map(|value| SignedBy::parse(&value)),
        options: fields.into_iter().map(|(name, (_, value))| (name, value)).collect(),
    };
    if source.uris.is_empty() {
        return Err("it has no URIs");
    }
    if source.suites.is_empty() {
        return Err("it has no Suites");
    }
    let paths = source.suites.iter().filter(|suite| suite.ends_with('/')).count();
    if paths > 0 && !source.components.is_empty() {
        return Err("a path has no Components");
    }
    if paths < source.suites.len() && source.components.is_empty() {
        return Err("it has no Components");
    }
    Ok(Some(source))
}

/// How apt writes that something is not so.
fn is_no(value: &str) -> bool {
    ["no", "false", "without", "off", "disable", "0"].iter().any(|no| value.trim().eq_ignore_ascii_case(no))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paragraphs() {
        let text = "\
# a comment
Types: deb deb-src
URIs: http://a.example.com/debian
# another
Suites: bookworm
 bookworm-updates
Components: main contrib
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
Architectures: amd64

Types: deb
enabled: no
URIs: http://no.example.com
Suites: x
Components: main

Types: deb-src
URIs: http://no.example.com
Suites: x
Components: main


types: deb
uris: http://b.example.com
suites: ./
signed-by:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 mDM=
 -----END PGP PUBLIC KEY BLOCK-----";
        let sources = parse(text).unwrap();
        let words = |words: &[&str]| words.iter().map(ToString::to_string).collect::<Vec<_>>();
        let first = AptSource {
            uris: words(&["http://a.example.com/debian"]),
            suites: words(&["bookworm", "bookworm-updates"]),
            components: words(&["main", "contrib"]),
            signed_by: Some(SignedBy::Named(words(&["/usr/share/keyrings/debian-archive-keyring.gpg"]))),
            options: [("architectures".into(), "amd64".into())].into(),
        };
        let key = "\n-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nmDM=\n-----END PGP PUBLIC KEY BLOCK-----";
        let second = AptSource {
            uris: words(&["http://b.example.com"]),
            suites: words(&["./"]),
            signed_by: Some(SignedBy::Inline(key.into())),
            ..AptSource::default()
        };
        assert_eq!(sources, [first, second]);
    }

    #[test]
    fn what_is_no_source() {
        for (text, expected) in [
            ("Types", (1, "it is no field")),
            (" deb", (1, "it goes on with no field")),
            ("\n\nTypes: deb\nTypes: deb", (4, "it is there twice")),
            ("\nURIs: http://a", (2, "it has no Types")),
            ("Types: deb\nSuites: x\nComponents: main", (1, "it has no URIs")),
            ("Types: deb\nURIs: http://a\nComponents: main", (1, "it has no Suites")),
            ("Types: deb\nURIs: http://a\nSuites: x", (1, "it has no Components")),
            ("Types: deb\nURIs: http://a\nSuites: x/\nComponents: main", (1, "a path has no Components")),
        ] {
            assert_eq!(parse(text), Err(expected), "{text}");
        }
        for text in ["", "\n\n", "# only\n"] {
            assert_eq!(parse(text), Ok(vec![]), "{text:?}");
        }
    }

    #[test]
    fn half_a_file_is_an_error_or_none() {
        let whole = "# c\nTypes: deb\nURIs: http://é\n http://b\nSuites: x/\n\nTypes: deb\nSigned-By:\n .\n é\nEnabled: no\n";
        for (at, _) in whole.char_indices() {
            let joined = format!("{}\n{}", &whole[..at], &whole[at..]);
            for text in [&whole[..at], &whole[at..], &joined] {
                let _ = parse(text);
            }
        }
    }
}
