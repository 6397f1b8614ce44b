//! Ignore patterns as Docker has them in `.dockerignore`, and in `exclude`.
//!
//! They are not those of git: a pattern is anchored at the root of what is taken, and matches a
//! directory with all that is below it; the last pattern that matches decides; one with `!` lets
//! in again. A name may hold `*`, `?` and `[a-z]`; `**` stands for any number of directories.

mod pattern;

use pattern::Pattern;

/// A list of ignore patterns.
#[derive(Debug, Clone, Default)]
pub struct Ignore {
    patterns: Vec<Pattern>,
}

/// A line that is no pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{pattern}` is no ignore pattern: {reason}")]
pub struct IgnoreError {
    /// The line, from 1; of a list of patterns, the place in it.
    pub line: usize,
    /// The pattern.
    pub pattern: String,
    /// What is wrong with it.
    pub reason: &'static str,
}

impl Ignore {
    /// Reads an ignore file: a pattern a line. Lines that begin with `#` are comments.
    ///
    /// # Errors
    /// With every line that is no pattern.
    pub fn parse(text: &str) -> Result<Self, Vec<IgnoreError>> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        Self::collect(text.lines().enumerate().filter(|(_, line)| !line.starts_with('#')))
    }

    /// Takes patterns from a list, where `#` has no meaning.
    ///
    /// # Errors
    /// With every text that is no pattern.
    pub fn from_patterns<T: AsRef<str>>(patterns: &[T]) -> Result<Self, Vec<IgnoreError>> {
        Self::collect(patterns.iter().map(AsRef::as_ref).enumerate())
    }

    fn collect<'a>(lines: impl Iterator<Item = (usize, &'a str)>) -> Result<Self, Vec<IgnoreError>> {
        let mut patterns = vec![];
        let mut errors = vec![];
        for (index, line) in lines.filter(|(_, line)| !line.trim().is_empty()) {
            match Pattern::parse(line) {
                Ok(pattern) => patterns.push(pattern),
                Err(reason) => {
                    errors.push(IgnoreError { line: index + 1, pattern: line.trim().into(), reason });
                }
            }
        }
        if errors.is_empty() { Ok(Ignore { patterns }) } else { Err(errors) }
    }

    /// Is the path left out? It is relative to the root of what is taken, and apart by slashes.
    /// Directories need no mark: a pattern makes no difference between them and files.
    pub fn excluded(&self, path: &str) -> bool {
        let mut matched = vec![false; self.patterns.len()];
        let ends = path.match_indices('/').map(|(at, _)| at).chain([path.len()]);
        ends.filter_map(|end| path.get(..end)).fold(false, |_, part| self.step(part, &mut matched))
    }

    /// Can anything at or below this directory be let in? An excluded directory must still be
    /// entered when a `!` pattern could match something in it.
    pub fn may_descend(&self, directory: &str) -> bool {
        !self.excluded(directory)
            || self.patterns.iter().any(|pattern| pattern.exception && pattern.reaches_below(directory))
    }

    /// Decides on `path`, given which patterns matched its parent, and notes which match it. A
    /// pattern that could not change the outcome is not asked, and then does not count for what is
    /// below: that is Docker's way.
    fn step(&self, path: &str, matched: &mut [bool]) -> bool {
        let mut excluded = false;
        for (pattern, matched) in self.patterns.iter().zip(matched) {
            *matched = *matched || (pattern.exception == excluded && pattern.matches(path));
            if *matched {
                excluded = !pattern.exception;
            }
        }
        excluded
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The file, what it leaves out, what it leaves in.
    const TABLE: &[(&str, &[&str], &[&str])] = &[
        // The examples of Docker's reference.
        ("*/temp*", &["somedir/temporary.txt", "somedir/temp", "somedir/temp/x"], &["temp", "a/b/temp"]),
        ("*/*/temp*", &["somedir/subdir/temporary.txt"], &["somedir/temp", "temp"]),
        ("temp?", &["tempa", "tempb", "tempb/x"], &["temp", "tempab", "x/tempa"]),
        ("**/*.go", &["a.go", "x/a.go", "x/y/a.go"], &["a.go.txt", "go"]),
        ("*.md\n!README.md", &["a.md"], &["README.md", "docs/a.md"]),
        ("*.md\n!README*.md\nREADME-secret.md", &["a.md", "README-secret.md"], &["README.md", "README-2.md"]),
        ("*.md\nREADME-secret.md\n!README*.md", &["a.md"], &["README.md", "README-secret.md"]),
        // A pattern is cleaned twice.
        ("./ **/", &["a", "a/b"], &[]),
        ("a\n/!a", &[], &["a"]),
        // Comments, blank lines, white space, the byte order mark.
        ("# c\n\n  a  \n\t#b\n", &["a", "#b"], &["# c", "c", "b"]),
        ("\u{feff}# c\na\r\nb\r\n", &["a", "b"], &["c"]),
        ("\\#a\n", &["#a"], &["a", "\\#a"]),
        // Slashes and dots.
        ("/a", &["a", "a/b"], &["b/a"]),
        ("a/", &["a", "a/b"], &["b/a"]),
        ("/a/b//c/", &["a/b/c"], &["a/b"]),
        ("./a\n./b/../c", &["a", "c"], &["b"]),
        (".\n/\n..\n../x", &[], &["a", "x", ".git"]),
        ("*\n!.", &["a", "a/b"], &[]),
        ("! /a/", &[], &["a"]),
        // A directory with all below it, and exceptions below.
        ("a", &["a", "a/b", "a/b/c"], &["ab", "b/a"]),
        ("a\n!a/b", &["a", "a/c", "a/bc"], &["a/b", "a/b/c"]),
        ("a/*\n!a/b", &["a/c"], &["a", "a/b", "a/b/c"]),
        ("a\n!a/b\na/b/c", &["a/b/c", "a/b/c/d"], &["a/b", "a/b/x"]),
        ("*\n!src\n!src/**", &["a", "b/c"], &["src", "src/a", "src/a/b"]),
        ("**\n!**/*.txt", &["a", "a/b"], &["a.txt", "a/b.txt"]),
        ("!a\na", &["a", "a/b"], &[]),
        ("a/b\n!a", &["a/b"], &["a", "a/c"]),
        // Doubled stars.
        ("**", &["a", "a/b", ".x"], &[]),
        ("a/**", &["a/b", "a/b/c"], &["a", "ab"]),
        ("a**", &["a", "ab", "ab/c"], &["b"]),
        ("**/a", &["a", "x/a", "x/y/a", "x/a/b"], &["xa", "x/ab"]),
        ("a/**/b", &["a/b", "a/x/b", "a/x/y/b"], &["ab", "a/xb"]),
        ("**a", &["a", "xa", "x/a", "x/ya"], &["ab"]),
        ("a**/b", &["ab", "ax/b", "a/x/b"], &["a/x", "axb"]),
        ("**/a/**", &["a/b", "x/a/b"], &["a", "x/a"]),
        ("**/**", &["a", "a/b"], &[]),
        ("a/***", &["a/b", "a/b/c"], &["a"]),
        // Letters.
        ("[a-c]x", &["ax", "cx"], &["dx", "x"]),
        ("[^a]x", &["bx"], &["ax"]),
        ("[!a]x", &["!x", "ax"], &["bx"]),
        ("a[^b]c", &["a/c", "axc"], &["abc"]),
        ("[\\]a]x", &["]x", "ax"], &["bx"]),
        ("\\*", &["*"], &["a"]),
        ("a.b+(c)|{d}$", &["a.b+(c)|{d}$"], &["axb"]),
        ("ü?", &["üx", "üü"], &["ü"]),
        ("{a,b}", &["{a,b}"], &["a", "b"]),
        ("!!a\n", &[], &["!a"]),
        ("!a\n", &[], &["a"]),
    ];

    #[test]
    fn docker_decides_so() {
        for (text, out, kept) in TABLE {
            let ignore = Ignore::parse(text).unwrap();
            out.iter().for_each(|path| assert!(ignore.excluded(path), "{text:?} leaves out {path}"));
            kept.iter().for_each(|path| assert!(!ignore.excluded(path), "{text:?} keeps {path}"));
        }
    }

    /// Whatever is kept can be reached.
    #[test]
    fn every_directory_above_what_is_kept_is_entered() {
        for (text, _, kept) in TABLE {
            let ignore = Ignore::parse(text).unwrap();
            for path in *kept {
                for (at, _) in path.match_indices('/') {
                    assert!(ignore.may_descend(&path[..at]), "{text:?} enters {}", &path[..at]);
                }
            }
        }
    }

    #[test]
    fn directories_without_exceptions_are_not_entered() {
        for (text, dir, want) in [
            ("a", "a", false),
            ("a", "a/b", false),
            ("a", "b", true),
            ("a\n!b", "a", false),
            ("a\n!a/b/c", "a", true),
            ("a\n!a/b/c", "a/b", true),
            ("a\n!a/b/c", "a/x", false),
            ("a\n!a/b/c", "a/b/c", true),
            ("a\n!*/b", "a", true),
            ("a\n!*/b", "a/x", false),
            ("a\n!**/b", "a/x/y", true),
            ("*\n!src/**", "src/a/b", true),
            ("*\n!src/**", "dist", false),
            ("node_modules\n!node_modules/a*/x", "node_modules/abc", true),
            ("node_modules\n!node_modules/a*/x", "node_modules/bcd", false),
        ] {
            assert_eq!(Ignore::parse(text).unwrap().may_descend(dir), want, "{text:?} {dir}");
        }
    }

    #[test]
    fn every_bad_line_is_reported() {
        let errors = Ignore::parse("a\n[\n# [\n!\n[]\n[b-a]\nx\\\n[a-]\n!/\n").unwrap_err();
        let shown: Vec<_> = errors.iter().map(|error| format!("{}: {error}", error.line)).collect();
        insta::assert_snapshot!(shown.join("\n"), @r#"
2: `[` is no ignore pattern: a `[` has no `]`
4: `!` is no ignore pattern: nothing follows the `!`
5: `[]` is no ignore pattern: a `[]` is empty
6: `[b-a]` is no ignore pattern: a range runs backwards
7: `x\` is no ignore pattern: nothing follows the last `\`
8: `[a-]` is no ignore pattern: a `-` has no letter at one side
9: `!/` is no ignore pattern: nothing follows the `!`
"#);
    }

    #[test]
    fn a_list_has_no_comments() {
        let ignore = Ignore::from_patterns(&["#a", "/b/", "", "!#a/c"]).unwrap();
        assert!(ignore.excluded("#a") && ignore.excluded("b/x") && !ignore.excluded("#a/c"));
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics(text in "[ab/*?!\\[\\]\\\\^#. -]{0,12}(\n[ab/*!.]{0,6})?", path in "[ab/]{0,8}") {
            if let Ok(ignore) = Ignore::parse(&text) {
                // What is kept can be reached, whatever the patterns are.
                if !ignore.excluded(&path) {
                    for (at, _) in path.match_indices('/') {
                        assert!(ignore.may_descend(&path[..at]));
                    }
                }
            }
        }
    }
}
