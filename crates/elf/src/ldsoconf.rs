//! `/etc/ld.so.conf`: the directories that `ldconfig` puts into the cache.

use crate::ElfError;
use std::collections::BTreeSet;
use std::sync::Arc;
use tree::{TreePath, View};

/// The most that is read of all configuration files together, in bytes.
const MAX_TEXT: u64 = 4 << 20;
/// The most configuration files that are read, and paths that one pattern stands for.
const MAX_FILES: usize = 4096;
/// How much patterns may be compared with names, in characters: no configuration comes near it.
const MAX_COMPARED: usize = 1 << 24;

/// What a configuration says.
#[derive(Debug, Default)]
pub struct Conf {
    /// The directories, in order, as written. A directory may be there twice, or not at all.
    pub dirs: Vec<TreePath>,
    /// The files that were read, in order.
    pub files: Vec<TreePath>,
    /// The files that could not be read.
    pub problems: Vec<ElfError>,
}

/// Reads the configuration at `path` and all that it includes, by the rules of `ldconfig`: a
/// directory a line, perhaps with `=TYPE` behind it; `include PATTERN…`, where a relative pattern is
/// meant from the directory of the file; `#` starts a comment; `hwcap` lines are ignored. A file is
/// read once, so that files which include each other come to an end.
pub fn ld_so_conf(view: &dyn View, path: &TreePath) -> Conf {
    let todo = vec![Todo::File(path.clone())];
    let conf = Conf::default();
    let mut reader =
        Reader { view, conf, todo, seen: BTreeSet::new(), text_left: MAX_TEXT, compare_left: MAX_COMPARED };
    while let Some(next) = reader.todo.pop() {
        match next {
            Todo::File(path) => reader.file(&path),
            Todo::Line(line, dir) => reader.line(&line, &dir),
        }
    }
    reader.conf
}

struct Reader<'a> {
    view: &'a dyn View,
    conf: Conf,
    /// What is still to be read, the next last. A row of files that include each other may be long.
    todo: Vec<Todo>,
    seen: BTreeSet<TreePath>,
    text_left: u64,
    compare_left: usize,
}

enum Todo {
    File(TreePath),
    /// A line, and the directory of its file.
    Line(String, Arc<TreePath>),
}

impl Reader<'_> {
    fn file(&mut self, path: &TreePath) {
        match self.text(path) {
            Ok(Some(text)) => {
                self.conf.files.push(path.clone());
                let dir = Arc::new(path.parent().unwrap_or_else(TreePath::root));
                self.todo.extend(text.lines().rev().map(|line| Todo::Line(line.into(), dir.clone())));
            }
            Ok(None) => {}
            Err(error) => self.conf.problems.push(error),
        }
    }

    /// The text of the file, unless it is not there or was read before.
    fn text(&mut self, path: &TreePath) -> Result<Option<String>, ElfError> {
        let found = self.view.resolve(path)?;
        let Some(content) = found.entry.as_ref().and_then(|entry| entry.content()) else { return Ok(None) };
        if self.seen.len() >= MAX_FILES || !self.seen.insert(found.path) {
            return Ok(None);
        }
        let bytes = content.read(self.text_left)?;
        self.text_left -= bytes.len() as u64;
        Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
    }

    fn line(&mut self, line: &str, dir: &TreePath) {
        let line = line.split('#').next().unwrap_or("").trim_matches(is_space);
        if let Some(patterns) = line.strip_prefix("include").filter(|rest| rest.starts_with([' ', '\t'])) {
            let mut files = vec![];
            for pattern in patterns.split([' ', '\t']).filter(|pattern| !pattern.is_empty()) {
                files.extend(self.glob(dir, pattern).into_iter().map(Todo::File));
            }
            self.todo.extend(files.into_iter().rev());
            return;
        }
        let is_hwcap = line.get(..5).is_some_and(|word| word.eq_ignore_ascii_case("hwcap"));
        if is_hwcap && line[5..].starts_with([' ', '\t']) {
            return;
        }
        let text = line.split('=').next().unwrap_or("").trim_matches(is_space);
        self.conf.dirs.extend(TreePath::parse(text));
    }

    /// The paths that a pattern stands for, sorted: `*`, `?` and `[…]` match within a name, and no dot at
    /// its start. A pattern without any of these stands for itself.
    fn glob(&mut self, dir: &TreePath, pattern: &str) -> Vec<TreePath> {
        let mut paths = vec![if pattern.starts_with('/') { TreePath::root() } else { dir.clone() }];
        for part in pattern.split('/').filter(|part| !part.is_empty()) {
            let is_pattern = part.contains(['*', '?', '[']);
            let part_chars: Vec<char> = part.chars().collect();
            let mut matching = vec![];
            for path in &paths {
                if !self.may_compare(path.as_str().len() + part.len()) {
                    return vec![];
                }
                if !is_pattern {
                    matching.extend(path.join(part));
                    continue;
                }
                let names = self.view.resolve(path).and_then(|found| Ok(self.view.list(&found.path)?));
                for name in names.unwrap_or_default() {
                    let name_chars: Vec<char> = name.chars().collect();
                    if !self.may_compare(path.as_str().len() + part.len() * name_chars.len()) {
                        return vec![];
                    }
                    let is_hidden = name.starts_with('.') && !part.starts_with('.');
                    if !is_hidden && matches(&part_chars, &name_chars) {
                        matching.push(path.child(&name));
                    }
                }
            }
            matching.truncate(MAX_FILES);
            paths = matching;
        }
        paths
    }

    /// Is so much left of what may be compared? Then it is taken off.
    fn may_compare(&mut self, count: usize) -> bool {
        let left = self.compare_left.checked_sub(count);
        self.compare_left = left.unwrap_or(0);
        left.is_some()
    }
}

/// Does the pattern match the whole name? A star that fails gives one more character to the one
/// before it, which takes the product of both lengths at most.
fn matches(pattern: &[char], name: &[char]) -> bool {
    let (mut p, mut n) = (0, 0);
    let mut star = None;
    while n < name.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, n));
                p += 1;
                continue;
            }
            Some('?') => {
                (p, n) = (p + 1, n + 1);
                continue;
            }
            Some('[') => {
                if let Some((true, len)) = set(&pattern[p..], name[n]) {
                    (p, n) = (p + len, n + 1);
                    continue;
                }
            }
            Some(char) if *char == name[n] => {
                (p, n) = (p + 1, n + 1);
                continue;
            }
            _ => {}
        }
        let Some((at, from)) = star else { return false };
        star = Some((at, from + 1));
        (p, n) = (at + 1, from + 1);
    }
    pattern[p..].iter().all(|char| *char == '*')
}

/// Is the character in the set at the start of the pattern, and how long is the set? None if it has
/// no end.
fn set(pattern: &[char], char: char) -> Option<(bool, usize)> {
    let negated = matches!(pattern.get(1), Some('!' | '^'));
    let start = if negated { 2 } else { 1 };
    let end = start + 1 + pattern.get(start + 1..)?.iter().position(|char| *char == ']')?;
    let mut members = &pattern[start..end];
    let mut found = false;
    while let Some((first, rest)) = members.split_first() {
        if let ['-', last, after @ ..] = rest {
            found |= (*first..=*last).contains(&char);
            members = after;
        } else {
            found |= *first == char;
            members = rest;
        }
    }
    Some((found != negated, end + 1))
}

/// What C calls a space.
fn is_space(char: char) -> bool {
    matches!(char, ' ' | '\t' | '\n' | '\r' | '\x0b' | '\x0c')
}

#[cfg(test)]
mod tests {
    use super::*;
    use tree::{Content, Entry, Tree};

    fn read(tree: &str) -> (Vec<String>, Vec<String>) {
        let tree = Tree::from_lines(tree).unwrap();
        let conf = ld_so_conf(&tree, &TreePath::parse("/etc/ld.so.conf").unwrap());
        assert!(conf.problems.is_empty(), "{:?}", conf.problems);
        let texts = |paths: &[TreePath]| paths.iter().map(ToString::to_string).collect();
        (texts(&conf.dirs), texts(&conf.files))
    }

    #[test]
    fn lines_are_read_as_ldconfig_reads_them() {
        let (dirs, _) = read(
            r"644 0:0 /etc/ld.so.conf = # all\n/usr/local/lib\n\n  /opt/a b/lib/  # with a space\n/lib32=libc6\nhwcap 1 nosegneg\nHWCAP 0 x\nrelative/lib\nincluded\n/last",
        );
        assert_eq!(dirs, ["/usr/local/lib", "/opt/a b/lib", "/lib32", "/last"]);
    }

    #[test]
    fn includes_are_sorted_relative_and_finite() {
        let (dirs, files) = read(
            r"
            644 0:0 /etc/ld.so.conf = include ld.so.conf.d/*.conf /etc/ld.so.conf.d/more/[a-b]?.list\n/after
            644 0:0 /etc/ld.so.conf.d/b.conf = /b\ninclude /etc/ld.so.conf
            644 0:0 /etc/ld.so.conf.d/a.conf = /a\ninclude more/x
            644 0:0 /etc/ld.so.conf.d/.hidden.conf = /hidden
            644 0:0 /etc/ld.so.conf.d/README = /readme
            777 0:0 /etc/ld.so.conf.d/c.conf -> ../elsewhere
            777 0:0 /etc/ld.so.conf.d/d.conf -> nowhere
            644 0:0 /etc/elsewhere = /c
            644 0:0 /etc/ld.so.conf.d/more/x = /x
            644 0:0 /etc/ld.so.conf.d/more/a1.list = /a1
            644 0:0 /etc/ld.so.conf.d/more/c1.list = /c1
            ",
        );
        assert_eq!(dirs, ["/a", "/x", "/b", "/c", "/a1", "/after"]);
        assert_eq!(files.len(), 6);
    }

    #[test]
    fn nothing_there_says_nothing() {
        assert_eq!(read("755 0:0 /etc/"), (vec![], vec![]));
        assert_eq!(read("755 0:0 /etc/ld.so.conf/"), (vec![], vec![]));
    }

    #[test]
    fn a_long_row_of_files_and_costly_patterns_come_to_an_end() {
        let mut tree = Tree::new();
        let mut put = |path: &str, text: String| {
            let path = TreePath::parse(path).unwrap();
            tree.insert(path, Entry::file(Content::bytes(text, "the test"), 0o644));
        };
        for number in 0..MAX_FILES + 10 {
            put(&format!("/etc/{number}"), format!("include {}\n/lib{number}", number + 1));
        }
        put(
            "/etc/ld.so.conf",
            format!("include 0\n{}", "include */../*/*[a*[a*[a*[ */*/*/*\n".repeat(20_000)),
        );
        tree.add_parents();
        let conf = ld_so_conf(&tree, &TreePath::parse("/etc/ld.so.conf").unwrap());
        assert_eq!((conf.files.len(), conf.dirs.len()), (MAX_FILES, MAX_FILES - 1));
        assert_eq!(conf.dirs[0].as_str(), format!("/lib{}", MAX_FILES - 2), "what is included comes first");
    }

    #[test]
    fn patterns_match_names() {
        for (pattern, name, expected) in [
            ("*.conf", "a.conf", true),
            ("*.conf", "a.conf.d", false),
            ("*a*b*", "xxaxxbxx", true),
            ("*a*b*", "xxbxxaxx", false),
            ("?", "", false),
            ("[!a]x", "bx", true),
            ("[^a]x", "ax", false),
            ("[]]", "]", true),
            ("[a-c-]", "-", true),
            ("[a", "[a", false),
            ("", "", true),
            ("**", "x", true),
            ("ä?", "äö", true),
        ] {
            let chars = |text: &str| text.chars().collect::<Vec<_>>();
            assert_eq!(matches(&chars(pattern), &chars(name)), expected, "{pattern} {name}");
        }
        let stars = "*a".repeat(50).chars().collect::<Vec<_>>();
        assert!(!matches(&stars, &['a'; 255].map(|_| 'b')));
    }
}
