//! Command lines as a shell takes them apart, to show the array that is meant.

/// A quote is not closed, or nothing follows the last backslash.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not closed")]
pub(super) struct Unclosed(char);

/// The words of a command line: apart by white space, with quotes and backslashes as in a POSIX
/// shell. Nothing is expanded.
pub(super) fn split(text: &str) -> Result<Vec<String>, Unclosed> {
    let mut words = vec![];
    let mut word: Option<String> = None;
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match letter {
            ' ' | '\t' | '\n' | '\r' => words.extend(word.take()),
            '\'' => {
                let word = word.get_or_insert_default();
                loop {
                    match letters.next().ok_or(Unclosed('\''))? {
                        '\'' => break,
                        letter => word.push(letter),
                    }
                }
            }
            '"' => {
                let word = word.get_or_insert_default();
                loop {
                    match letters.next().ok_or(Unclosed('"'))? {
                        '"' => break,
                        '\\' => match letters.next().ok_or(Unclosed('"'))? {
                            letter @ ('"' | '\\' | '$' | '`') => word.push(letter),
                            '\n' => {}
                            letter => word.extend(['\\', letter]),
                        },
                        letter => word.push(letter),
                    }
                }
            }
            '\\' => {
                let letter = letters.next().ok_or(Unclosed('\\'))?;
                if letter != '\n' {
                    word.get_or_insert_default().push(letter);
                }
            }
            letter => word.get_or_insert_default().push(letter),
        }
    }
    words.extend(word);
    Ok(words)
}

/// The words of a command line, where all quotes are closed.
pub(crate) fn command_words(text: &str) -> Option<Vec<String>> {
    split(text).ok()
}

/// The first sign in a command line that only means something to a shell.
pub(crate) fn shell_syntax(text: &str) -> Option<&'static str> {
    const SIGNS: [&str; 11] = ["&&", "||", "|", ";", "&", "$", "`", "<", ">", "*", "~"];
    // In single quotes, which every second part is in, nothing is special.
    let open = text.split('\'').step_by(2);
    open.flat_map(|part| part.char_indices().map(|(at, _)| &part[at..]))
        .find_map(|rest| SIGNS.into_iter().find(|sign| rest.starts_with(sign)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splitting() {
        for (text, want) in [
            ("foo --bar", &["foo", "--bar"][..]),
            ("  foo\t-x\n", &["foo", "-x"]),
            ("foo 'a b' \"c d\"", &["foo", "a b", "c d"]),
            (r#"foo a\ b "x\"y\z" 'a\b'"#, &["foo", "a b", r#"x"y\z"#, r"a\b"]),
            ("foo '' \"\"", &["foo", "", ""]),
            ("a'b'\"c\"d", &["abcd"]),
            ("foo \\\n  bar", &["foo", "bar"]),
            ("", &[]),
        ] {
            assert_eq!(split(text).unwrap(), want, "{text}");
        }
        for text in ["'a", "\"a", "a\\", "\"a\\"] {
            assert!(split(text).is_err(), "{text}");
        }
    }

    #[test]
    fn what_only_a_shell_understands() {
        for (text, want) in [
            ("foo --bar", None),
            ("foo && bar", Some("&&")),
            ("foo | bar", Some("|")),
            ("foo || bar", Some("||")),
            ("foo; bar $X", Some(";")),
            ("foo $PORT", Some("$")),
            ("foo '$PORT'", None),
            ("foo \"$PORT\"", Some("$")),
        ] {
            assert_eq!(shell_syntax(text), want, "{text}");
        }
    }
}
