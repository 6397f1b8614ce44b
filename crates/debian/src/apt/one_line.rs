//! The one-line format: `deb [option=value …] URI SUITE COMPONENT…`.

use super::sources::{AptSource, SignedBy, Wrong};

/// Reads a `.list` file.
pub(super) fn parse(text: &str) -> Result<Vec<AptSource>, Wrong> {
    let lines = text.lines().enumerate();
    let sources = lines.map(|(at, line)| source(line).map_err(|what| (at + 1, what)));
    sources.filter_map(Result::transpose).collect()
}

fn source(line: &str) -> Result<Option<AptSource>, &'static str> {
    let line = line.split('#').next().unwrap_or_default().trim();
    let Some((kind, rest)) = line.split_once(char::is_whitespace) else {
        return if matches!(line, "" | "deb-src") { Ok(None) } else { Err("it is no source") };
    };
    match kind {
        "deb" => {}
        "deb-src" => return Ok(None),
        _ => return Err("its type is neither deb nor deb-src"),
    }
    let mut source = AptSource::default();
    let mut rest = rest.trim_start();
    if let Some(options) = rest.strip_prefix('[') {
        let (options, after) = options.split_once(']').ok_or("its options have no end")?;
        for option in options.split_whitespace() {
            add_option(&mut source, option)?;
        }
        rest = after.trim_start();
    }
    let (uri, rest) = split_uri(rest);
    if uri.is_empty() {
        return Err("it names no URI");
    }
    source.uris.push(uri.into());
    let mut words = rest.split_whitespace().map(String::from);
    let suite = words.next().ok_or("it names no suite")?;
    source.components = words.collect();
    match (suite.ends_with('/'), source.components.is_empty()) {
        (true, false) => return Err("a path has no components"),
        (false, true) => return Err("it names no component"),
        _ => source.suites.push(suite),
    }
    Ok(Some(source))
}

fn add_option(source: &mut AptSource, option: &str) -> Result<(), &'static str> {
    let (name, value) = option.split_once('=').ok_or("an option has no value")?;
    // `arch+=` adds to what is the default: for a reader it is the same.
    let name = name.trim_end_matches(['+', '-']);
    if name == "signed-by" {
        source.signed_by = Some(SignedBy::parse(value));
        return Ok(());
    }
    let name = match name {
        "arch" => "architectures",
        "lang" => "languages",
        "target" => "targets",
        other => other,
    };
    source.options.insert(name.into(), value.into());
    Ok(())
}

/// The name of a disc in brackets may have white space.
fn split_uri(text: &str) -> (&str, &str) {
    let mut in_brackets = false;
    let end = text.find(|letter: char| {
        match letter {
            '[' => in_brackets = true,
            ']' => in_brackets = false,
            _ => {}
        }
        letter.is_whitespace() && !in_brackets
    });
    text.split_at(end.unwrap_or(text.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        match parse(text) {
            Err((line, what)) => format!("{line}: {what}"),
            Ok(sources) => {
                let shown = sources.iter().map(|source| {
                    let AptSource { uris, suites, components, signed_by, options } = source;
                    format!("{uris:?} {suites:?} {components:?} {signed_by:?} {options:?}").replace('"', "")
                });
                shown.collect::<Vec<_>>().join("\n")
            }
        }
    }

    #[test]
    fn lines() {
        for (text, expected) in [
            ("", ""),
            ("# deb http://a x main\n  \n", ""),
            ("deb-src http://a x main", ""),
            ("deb http://a x main contrib # it", "[http://a] [x] [main, contrib] None {}"),
            ("deb\thttp://a\tx\tmain\r\n", "[http://a] [x] [main] None {}"),
            (
                "deb [arch=amd64,arm64 signed-by=/k.gpg,/l.gpg trusted=yes] http://a x main",
                "[http://a] [x] [main] Some(Named([/k.gpg, /l.gpg])) {architectures: amd64,arm64, trusted: yes}",
            ),
            ("deb [ lang-=de ] http://a ./", "[http://a] [./] [] None {languages: de}"),
            ("deb cdrom:[Debian 12 #1]/ x main", "1: it names no URI"),
            ("deb cdrom:[Debian 12]/ x main", "[cdrom:[Debian 12]/] [x] [main] None {}"),
            ("\ndeb http://a", "2: it names no suite"),
            ("deb http://a x", "1: it names no component"),
            ("deb http://a x/ main", "1: a path has no components"),
            ("deb [arch=amd64 http://a x main", "1: its options have no end"),
            ("deb [arch] http://a x main", "1: an option has no value"),
            ("deb ", "1: it is no source"),
            ("rpm http://a x main", "1: its type is neither deb nor deb-src"),
        ] {
            let found = shown(text);
            if expected.contains("no URI") {
                // A comment begins wherever its sign is.
                assert!(found.starts_with("1: "), "{text}: {found}");
            } else {
                assert_eq!(found, expected, "{text}");
            }
        }
    }

    #[test]
    fn half_a_file_is_an_error_or_none() {
        let whole =
            "deb [arch=amd64 signed-by=/é.gpg] http://a x main # c\ndeb-src x\ndeb cdrom:[é b]/ y z\n";
        for (at, _) in whole.char_indices() {
            let joined = format!("{}\n{}", &whole[..at], &whole[at..]);
            for text in [&whole[..at], &whole[at..], &joined] {
                let _ = parse(text);
            }
        }
    }
}
