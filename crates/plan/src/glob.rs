//! Globs over paths: of the image (`keep`, `drop`) and of the payload (`from`).
//!
//! `*` and `?` stay within one name, `**` stands for any number of names, `[a-z]` and `[!a-z]` for
//! one letter, `{a,b}` for either; `\` takes a letter's meaning away.

use crate::wildcard::{self, Piece};
use std::{iter::Peekable, str::Chars};

/// The letters that make a text a glob.
pub(crate) const WILDCARDS: [char; 4] = ['*', '?', '[', '{'];
/// The letters that have a meaning in one, and so must lose it.
const LITERALLY: [char; 6] = ['*', '?', '[', ']', '{', '}'];
/// The longest glob, in bytes: as long as a path may be.
const MAX_LEN: usize = 4096;
/// How deep braces may stand in braces.
const MAX_DEPTH: usize = 8;

/// A compiled glob. It matches whole paths, as they are written.
#[derive(Debug, Clone)]
pub struct Glob {
    pieces: Vec<Piece>,
    prefix: String,
    literal: Option<String>,
}

/// A text is no glob.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GlobError {
    /// A bracket is not closed, a range runs backwards, or the like.
    #[error("`{glob}` is no glob: {reason}")]
    Syntax {
        /// The text.
        glob: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// `**` together with other letters in one name, where it would mean no more than `*`.
    #[error("`**` in `{glob}` must be a name of its own")]
    Recursive {
        /// The text.
        glob: String,
    },
    /// The text is longer than a path may be.
    #[error("`{glob}…` is too long for a glob")]
    TooLong {
        /// How it begins.
        glob: String,
    },
}

impl Glob {
    /// Compiles a glob. Doubled and trailing slashes and `.` are dropped, as from a path.
    ///
    /// # Errors
    /// When the text is no glob.
    pub fn new(text: &str) -> Result<Self, GlobError> {
        if text.len() > MAX_LEN {
            return Err(GlobError::TooLong { glob: text.chars().take(40).collect() });
        }
        let names: Vec<&str> = text.split('/').filter(|name| !matches!(*name, "" | ".")).collect();
        if names.iter().any(|name| name.contains("**") && *name != "**") {
            return Err(GlobError::Recursive { glob: text.into() });
        }
        let root = if text.starts_with('/') { "/" } else { "" };
        let cleaned = format!("{root}{}", names.join("/"));
        let mut letters = cleaned.chars().peekable();
        let syntax = |reason| GlobError::Syntax { glob: text.into(), reason };
        let pieces = pieces(&mut letters, 0).map_err(syntax)?;
        if letters.next().is_some() {
            return Err(syntax("a `}` has no `{`"));
        }

        let fixed: Vec<String> = names.iter().map_while(|name| unescaped(name)).collect();
        let literal = wildcard::literal(&pieces).filter(|_| !names.is_empty());
        let directories = if literal.is_some() { names.len() - 1 } else { fixed.len() };
        let prefix = format!("{root}{}", fixed.get(..directories).unwrap_or_default().join("/"));
        Ok(Glob { pieces, prefix, literal })
    }

    /// A glob that matches the path `text` and nothing else. A text without wildcards stays as it is.
    pub fn literally(text: &str) -> String {
        if !text.contains(LITERALLY) {
            return text.into();
        }
        let mut out = String::new();
        for letter in text.chars() {
            if LITERALLY.contains(&letter) || matches!(letter, ',' | '\\') {
                out.push('\\');
            }
            out.push(letter);
        }
        out
    }

    /// Does the path match?
    pub fn matches(&self, path: &str) -> bool {
        match &self.literal {
            Some(literal) => literal == path,
            None => path.starts_with(&self.prefix) && wildcard::matches(&self.pieces, path),
        }
    }

    /// Could a path below this directory match? Yes where in doubt.
    pub fn reaches_below(&self, directory: &str) -> bool {
        self.literal.is_none() && wildcard::reach_below(&self.pieces, directory)
    }

    /// The directory that holds all that can match: where a walk starts. It is `/` or empty where
    /// the first name varies already.
    pub fn literal_prefix(&self) -> &str {
        &self.prefix
    }

    /// The one path that matches, where nothing varies.
    pub fn literal(&self) -> Option<&str> {
        self.literal.as_deref()
    }
}

/// Takes a glob apart, up to its end, or within braces up to the `,` or `}` there.
fn pieces(letters: &mut Peekable<Chars<'_>>, depth: usize) -> Result<Vec<Piece>, &'static str> {
    let mut out = vec![];
    while let Some(letter) = letters.next_if(|letter| *letter != '}' && (*letter != ',' || depth == 0)) {
        out.push(match letter {
            '*' if letters.next_if_eq(&'*').is_some() => match letters.next_if_eq(&'/') {
                Some(_) => Piece::Directories,
                None => Piece::Rest,
            },
            '*' => Piece::Name,
            '?' => Piece::Any,
            '[' => class(letters)?,
            '{' => either(letters, depth + 1)?,
            '\\' => Piece::Letter(letters.next().ok_or("nothing follows the last `\\`")?),
            letter => Piece::Letter(letter),
        });
    }
    Ok(out)
}

/// Reads what stands in braces, after the `{`.
fn either(letters: &mut Peekable<Chars<'_>>, depth: usize) -> Result<Piece, &'static str> {
    if depth > MAX_DEPTH {
        return Err("braces stand too deep in braces");
    }
    let mut ways = vec![];
    loop {
        ways.push(pieces(letters, depth)?);
        match letters.next() {
            Some(',') => {}
            Some(_) => return Ok(Piece::Either(ways)),
            None => return Err("a `{` has no `}`"),
        }
    }
}

/// Reads a class, after its `[`. A `]` that comes first, and a `-` at either end, are letters.
fn class(letters: &mut Peekable<Chars<'_>>) -> Result<Piece, &'static str> {
    const OPEN: &str = "a `[` has no `]`";
    let mut letter = || match letters.next() {
        Some('\\') => letters.next().map(|letter| (letter, true)).ok_or(OPEN),
        Some(letter) => Ok((letter, false)),
        None => Err(OPEN),
    };
    let mut next = letter()?;
    let negated = matches!(next, ('!' | '^', false));
    if negated {
        next = letter()?;
    }
    let mut ranges = vec![];
    loop {
        let low = next.0;
        next = letter()?;
        let mut high = low;
        if next == ('-', false) {
            next = letter()?;
            if next == (']', false) {
                ranges.push(('-', '-'));
            } else {
                high = next.0;
                next = letter()?;
            }
        }
        if high < low {
            return Err("a range runs backwards");
        }
        ranges.push((low, high));
        if next == (']', false) {
            return Ok(Piece::Class { negated, slash: false, ranges });
        }
    }
}

/// The name that this part of a glob stands for, if it stands for just one.
fn unescaped(name: &str) -> Option<String> {
    let mut out = String::with_capacity(name.len());
    let mut letters = name.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => out.push(letters.next()?),
            '*' | '?' | '[' | ']' | '{' | '}' => return None,
            letter => out.push(letter),
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_by_its_very_name() {
        for (name, from) in [
            ("shop", "shop"),
            ("a\\b", "a\\b"),
            ("a[1],*", "a\\[1\\]\\,\\*"),
            ("x${arch}", "x$\\{arch\\}"),
            ("\\{", "\\\\\\{"),
            ("}", "\\}"),
        ] {
            assert_eq!(Glob::literally(name), from, "{name}");
            assert!(from == name || Glob::new(from).unwrap().matches(name), "{name}");
        }
    }

    #[test]
    fn matching() {
        for (glob, yes, no) in [
            (
                "/usr/lib/*.so",
                &["/usr/lib/a.so", "/usr/lib/.so"][..],
                &["/usr/lib/x/a.so", "/usr/lib/a.so.1"][..],
            ),
            (
                "/usr/lib/*/gconv/UTF-16.so",
                &["/usr/lib/x86_64-linux-gnu/gconv/UTF-16.so"],
                &["/usr/lib/gconv/UTF-16.so"],
            ),
            ("/usr/**/a", &["/usr/a", "/usr/b/a", "/usr/b/c/a"], &["/usr", "/a", "/usr/ba"]),
            ("/usr/share/**", &["/usr/share/a", "/usr/share/a/b"], &["/usr/share", "/usr/shared"]),
            ("/a/?", &["/a/b", "/a/ü"], &["/a/", "/a/bc", "/a/b/c"]),
            ("/a/[bc]", &["/a/b"], &["/a/d"]),
            ("/a/[]-]", &["/a/]", "/a/-"], &["/a/b"]),
            ("/a/[a-c-]", &["/a/b", "/a/-"], &["/a/d"]),
            (r"/a/[^\]b]", &["/a/c"], &["/a/]", "/a/b"]),
            ("/[ä-ö]", &["/ö", "/å"], &["/a"]),
            ("/a[!x]b", &["/ayb"], &["/a/b"]),
            ("/{a,{b,c}d}/{,x}e", &["/a/e", "/bd/xe", "/cd/e"], &["/b/e", "/ad/e"]),
            ("/a,b", &["/a,b"], &["/a"]),
            ("/a/[!b]", &["/a/c"], &["/a/b", "/a//"]),
            ("/{a,b/c}/d", &["/a/d", "/b/c/d"], &["/b/d"]),
            ("/a/b{,.gz}", &["/a/b", "/a/b.gz"], &["/a/b.xz"]),
            (r"/a/\[slug\].js", &["/a/[slug].js"], &["/a/s.js"]),
            ("dist/*.js", &["dist/a.js"], &["/dist/a.js", "a/dist/a.js", "dist/a/b.js"]),
            ("./dist//*.js", &["dist/a.js"], &["./dist/a.js"]),
            ("**/*.so", &["a.so", "b/a.so"], &["a.so/b"]),
            ("libfoo*.so.?", &["libfoo-2.so.1"], &["libfoo.so.10", "x/libfoo.so.1"]),
            ("/usr/bin/tool", &["/usr/bin/tool"], &["/usr/bin/tools", "usr/bin/tool"]),
        ] {
            let compiled = Glob::new(glob).unwrap();
            yes.iter().for_each(|path| assert!(compiled.matches(path), "{glob} {path}"));
            no.iter().for_each(|path| assert!(!compiled.matches(path), "{glob} {path}"));
        }
    }

    #[test]
    fn walks_go_below_what_may_match() {
        for (glob, yes, no) in [
            (
                "/a/{b/*/,c/}d/e",
                &["/a", "/a/b", "/a/b/x", "/a/b/x/d", "/a/c", "/a/c/d"][..],
                &["/b", "/a/d", "/a/c/x"][..],
            ),
            ("/{a,b/{c/d,e}}/f", &["/a", "/b", "/b/c", "/b/c/d", "/b/e"], &["/c", "/a/b", "/b/d"]),
            ("/a/**/b", &["/a", "/a/x/y"], &["/b"]),
            ("/a*/b", &["/", "/a", "/ax"], &["/b", "/a/b/c"]),
            ("/{a,b}/c", &["/", "/a", "/b"], &["/c"]),
        ] {
            let compiled = Glob::new(glob).unwrap();
            yes.iter().for_each(|path| assert!(compiled.reaches_below(path), "{glob} {path}"));
            no.iter().for_each(|path| assert!(!compiled.reaches_below(path), "{glob} {path}"));
        }
    }

    #[test]
    fn walks_start_at_the_fixed_part() {
        for (glob, prefix, literal) in [
            ("/usr/lib/*/x.so", "/usr/lib", None),
            ("/usr/lib/x.so", "/usr/lib", Some("/usr/lib/x.so")),
            ("/*.so", "/", None),
            ("/**", "/", None),
            ("/x", "/", Some("/x")),
            ("/", "/", None),
            ("*.js", "", None),
            ("a", "", Some("a")),
            ("dist/./{a,b}/c", "dist", None),
            ("dist/{a/b,c}/d", "dist", None),
            (r"a/\{b\}/c*", "a/{b}", None),
            (r"a/\*", "a", Some("a/*")),
            ("../dist/*", "../dist", None),
        ] {
            let compiled = Glob::new(glob).unwrap();
            assert_eq!((compiled.literal_prefix(), compiled.literal()), (prefix, literal), "{glob}");
        }
    }

    #[test]
    fn what_is_no_glob_is_refused() {
        let wrong = |glob: &str| Glob::new(glob).unwrap_err().to_string();
        insta::assert_snapshot!(
            ["/a/[b", "/a/{b", "/a/b}", "/a/[z-a]", "/a/[]", r"/a\", "/{{{{{{{{{a}}}}}}}}}", "/usr/lib/**.so", &"/x".repeat(3000)]
                .map(wrong)
                .join("\n"),
            @r#"
`/a/[b` is no glob: a `[` has no `]`
`/a/{b` is no glob: a `{` has no `}`
`/a/b}` is no glob: a `}` has no `{`
`/a/[z-a]` is no glob: a range runs backwards
`/a/[]` is no glob: a `[` has no `]`
`/a\` is no glob: nothing follows the last `\`
`/{{{{{{{{{a}}}}}}}}}` is no glob: braces stand too deep in braces
`**` in `/usr/lib/**.so` must be a name of its own
`/x/x/x/x/x/x/x/x/x/x/x/x/x/x/x/x/x/x/x/x…` is too long for a glob
"#
        );
    }
}
