//! The first line of a script, as the kernel reads it, and what `env` makes of it.

use tree::{Content, ReadError};

/// As much of a file as the kernel looks at (`BINPRM_BUF_SIZE`).
const BUFFER: usize = 256;

/// What runs a script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shebang {
    /// The program, as written.
    pub interpreter: String,
    /// All that stands behind it, as one argument.
    pub argument: Option<String>,
}

/// Reads the `#!` line at the start of a file, by the rules of Linux (`fs/binfmt_script.c`): spaces and
/// tabs around both parts are dropped; a line that does not end within 256 bytes is cut there, and is
/// none at all where that cuts the program's name.
pub fn shebang(head: &[u8]) -> Option<Shebang> {
    let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t');
    let line = &head[..head.len().min(BUFFER)];
    let line = line.strip_prefix(b"#!")?;
    let end = line.iter().position(|byte| matches!(byte, b'\n' | 0));
    let cut = end.is_none() && head.len() >= BUFFER;
    let line = &line[..end.unwrap_or(line.len())];
    let start = line.iter().position(|byte| !is_blank(byte))?;
    let line = &line[start..];
    let (interpreter, rest) = match line.iter().position(is_blank) {
        Some(at) => line.split_at(at),
        None if cut => return None,
        None => (line, &[][..]),
    };
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let first = rest.iter().position(|byte| !is_blank(byte));
    let last = rest.iter().rposition(|byte| !is_blank(byte));
    let argument = first.zip(last).map(|(first, last)| text(&rest[first..=last]));
    Some(Shebang { interpreter: text(interpreter), argument })
}

/// What runs a file, if it is a script. As much of it is read as the kernel looks at.
///
/// # Errors
/// When the content cannot be read.
pub fn shebang_of(content: &Content) -> Result<Option<Shebang>, ReadError> {
    // Most files are no scripts, and their first bytes are remembered.
    if !content.starts_with(b"#!")? {
        return Ok(None);
    }
    Ok(shebang(&content.head(BUFFER)?))
}

/// The program that a `#!` line with `env` looks up in `PATH`; none if the line does not go through
/// `env`, names no program, or says itself where to look: with a `PATH` of its own, another directory
/// to start in, or a variable in the name.
///
/// Takes what people mean: `env -S` with quotes, options, and assignments are understood, and a line
/// with arguments but without `-S` is taken as if it had it; that it has not, [`env_unsplit`] says.
pub fn env_program(shebang: &Shebang) -> Option<String> {
    if shebang.interpreter.rsplit('/').next() != Some("env") {
        return None;
    }
    let mut words = words(shebang.argument.as_deref()?).into_iter();
    let (mut elsewhere, mut only_assignments) = (false, false);
    let program = loop {
        let word = words.next()?;
        match word.as_str() {
            word if word.contains('=') && (only_assignments || !word.starts_with('-')) => {
                elsewhere |= word.starts_with("PATH=");
            }
            "--" => only_assignments = true,
            word if only_assignments || !word.starts_with('-') => break word.to_owned(),
            "-u" | "--unset" | "-a" | "--argv0" => {
                words.next();
            }
            "-C" | "--chdir" => {
                words.next();
                elsewhere = true;
            }
            word => match split_string(word) {
                None | Some("") => elsewhere |= word.starts_with("-C") || word.starts_with("--chdir="),
                Some(first) => break first.to_owned(),
            },
        }
    };
    Some(program).filter(|program| !elsewhere && !program.is_empty() && !program.contains("${"))
}

/// All that stands behind `env` in a `#!` line, where that is several words and nothing says to take
/// them apart (`-S`): the kernel hands them over as one, and `env` finds no program of such a name.
pub fn env_unsplit(shebang: &Shebang) -> Option<&str> {
    let argument =
        shebang.argument.as_deref().filter(|_| shebang.interpreter.rsplit('/').next() == Some("env"))?;
    let (first, _) = argument.split_once([' ', '\t'])?;
    split_string(first).is_none().then_some(argument)
}

/// What `-S`, also behind options without a value, or `--split-string` has in the same word.
fn split_string(word: &str) -> Option<&str> {
    if let Some(long) = word.strip_prefix("--split-string") {
        return if long.is_empty() { Some("") } else { long.strip_prefix('=') };
    }
    word.strip_prefix('-')?.trim_start_matches(['i', 'v', '0']).strip_prefix('S')
}

/// The words of a line, with quotes around parts of them taken off.
fn words(line: &str) -> Vec<String> {
    let mut words = vec![];
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut chars = line.chars();
    while let Some(char) = chars.next() {
        match (quote, char) {
            (Some(open), char) if open == char => quote = None,
            (None, '\'' | '"') => {
                quote = Some(char);
                word.get_or_insert_default();
            }
            (None, ' ' | '\t') => words.extend(word.take()),
            (None | Some('"'), '\\') => word.get_or_insert_default().extend(chars.next()),
            (_, char) => word.get_or_insert_default().push(char),
        }
    }
    words.extend(word);
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(head: &[u8]) -> Option<(String, Option<String>)> {
        shebang(head).map(|found| (found.interpreter, found.argument))
    }

    #[test]
    fn lines_are_read_as_the_kernel_reads_them() {
        for (head, interpreter, argument) in [
            ("#!/bin/sh\necho", "/bin/sh", None),
            ("#! /bin/sh -e \t\n", "/bin/sh", Some("-e")),
            ("#!\t/usr/bin/env  python3  -u\n", "/usr/bin/env", Some("python3  -u")),
            ("#!/bin/sh", "/bin/sh", None),
            ("#!/bin/sh\0/x\n", "/bin/sh", None),
            ("#!/bin/sh\r\n", "/bin/sh\r", None),
            ("#!sh\n", "sh", None),
        ] {
            assert_eq!(
                read(head.as_bytes()),
                Some((interpreter.into(), argument.map(Into::into))),
                "{head:?}"
            );
        }
        for head in ["", "#", "#!", "#!\n/bin/sh", "#!   \n", "\n#!/bin/sh", "/bin/sh"] {
            assert_eq!(read(head.as_bytes()), None, "{head:?}");
        }
    }

    #[test]
    fn long_lines_are_cut_but_not_within_the_program() {
        let path = format!("#!/{}", "x".repeat(300));
        assert_eq!(read(path.as_bytes()), None);
        let argument = format!("#!/bin/sh {}", "x".repeat(300));
        assert_eq!(read(argument.as_bytes()), Some(("/bin/sh".into(), Some("x".repeat(246)))));
        let short = format!("#!/{}", "x".repeat(200));
        assert_eq!(read(short.as_bytes()), Some((short[2..].into(), None)));
    }

    #[test]
    fn env_names_its_program() {
        for (line, program) in [
            ("#!/usr/bin/env python3", Some("python3")),
            ("#!/bin/env python3 -u", Some("python3")),
            ("#!/usr/bin/env -S python3 -u", Some("python3")),
            ("#!/usr/bin/env -S \"deno\" run", Some("deno")),
            ("#!/usr/bin/env -Sdeno run", Some("deno")),
            ("#!/usr/bin/env -vS A=1 node", Some("node")),
            ("#!/usr/bin/env --split-string=perl -w", Some("perl")),
            ("#!/usr/bin/env LANG=C awk -f", Some("awk")),
            ("#!/usr/bin/env -i -u HOME bash", Some("bash")),
            ("#!/usr/bin/env -S -- A=1 ruby", Some("ruby")),
            ("#!/usr/bin/env -ivSruby -w", Some("ruby")),
            ("#!/usr/bin/env -S -i PATH=/opt/bin ruby", None),
            ("#!/usr/bin/env -S -C /opt ./ruby", None),
            ("#!/usr/bin/env -S --chdir=/opt ./ruby", None),
            ("#!/usr/bin/env -S ${RUBY}", None),
            ("#!/usr/bin/env", None),
            ("#!/usr/bin/env -i", None),
            ("#!/usr/bin/env -S ''", None),
            ("#!/usr/bin/python3 env", None),
        ] {
            let found = shebang(line.as_bytes()).unwrap();
            assert_eq!(env_program(&found).as_deref(), program, "{line}");
        }
    }

    #[test]
    fn env_is_handed_one_argument() {
        for (line, unsplit) in [
            ("#!/usr/bin/env python3", None),
            ("#!/usr/bin/env python3 \t", None),
            ("#!/usr/bin/env python3 -u", Some("python3 -u")),
            ("#!/usr/bin/env\tawk\t-f", Some("awk\t-f")),
            ("#!/usr/bin/env LANG=C awk", Some("LANG=C awk")),
            ("#!/usr/bin/env -i bash", Some("-i bash")),
            ("#!/usr/bin/env -uS bash", Some("-uS bash")),
            ("#!/usr/bin/env -S python3 -u", None),
            ("#!/usr/bin/env -Spython3 -u", None),
            ("#!/usr/bin/env -ivS python3 -u", None),
            ("#!/usr/bin/env --split-string python3 -u", None),
            ("#!/usr/bin/env --split-string=python3 -u", None),
            ("#!/usr/bin/python3 -u -O", None),
        ] {
            let found = shebang(line.as_bytes()).unwrap();
            assert_eq!(env_unsplit(&found), unsplit, "{line}");
        }
    }
}
