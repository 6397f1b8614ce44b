//! What well-known libraries and programs load by name while running, as a table: `data/plugins.toml`
//! says what its columns mean.

use elf::Machine;
use serde::Deserialize;
use std::sync::OnceLock;
use tree::TreePath;

const TABLE: &str = include_str!("../data/plugins.toml");

/// What stands for the directory of libraries.
const LIBDIR: &str = "${libdir}";

/// One row: something that is loaded by name when a library or program of the image runs.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Row {
    /// Names of libraries, or paths of programs where there is a slash; `*` stands for any part.
    trigger: Vec<String>,
    /// Globs over paths of the source, in which `${libdir}` and `$1` are to be filled in.
    files: Vec<String>,
    /// Does it count only where a program needs the library itself?
    #[serde(default)]
    pub direct: bool,
    /// Globs over what is not meant all the same.
    #[serde(default)]
    pub except: Vec<String>,
    /// Is the first of the globs that matches anything enough?
    #[serde(default)]
    pub first: bool,
    /// Is it taken?
    pub verdict: Verdict,
    /// What the files are good for, as a clause: `to draw labels`.
    pub purpose: String,
}

/// What a row says about its files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Verdict {
    /// The program does not do its main work without them: they are taken.
    Take,
    /// Some would miss them: a notice says how to get them.
    Hint,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    plugins: Vec<Row>,
}

/// All rows.
pub(crate) fn table() -> &'static [Row] {
    static ROWS: OnceLock<Vec<Row>> = OnceLock::new();
    // The table is part of the program, and tests read it.
    ROWS.get_or_init(|| toml::from_str::<Table>(TABLE).map(|table| table.plugins).unwrap_or_default())
}

impl Row {
    /// The globs of the files for a library or program at `path`, if that triggers the row: for each
    /// of `files` the ways to read it, the likelier first.
    pub fn triggered_by(&self, path: &TreePath, machine: &Machine) -> Option<Vec<Vec<String>>> {
        let captures = self.trigger.iter().find_map(|trigger| {
            captures(trigger, if trigger.contains('/') { path.as_str() } else { path.name() })
        })?;
        let dirs = libdirs(path, machine);
        let fill = |pattern: &String| -> Vec<String> {
            let mut text = pattern.clone();
            for (index, capture) in captures.iter().enumerate() {
                text = text.replace(&format!("${}", index + 1), capture);
            }
            if !text.contains(LIBDIR) {
                return vec![text];
            }
            dirs.iter().map(|dir| text.replace(LIBDIR, dir)).collect()
        };
        Some(self.files.iter().map(fill).collect())
    }
}

/// What the stars of a pattern stand for in a text: nothing with a slash or with a letter that means
/// something in a glob. Each but the last takes as little as it can.
fn captures<'t>(pattern: &str, text: &'t str) -> Option<Vec<&'t str>> {
    let mut fixed = pattern.split('*');
    let mut rest = text.strip_prefix(fixed.next()?)?;
    let mut captures = vec![];
    let fixed: Vec<&str> = fixed.collect();
    for (index, part) in fixed.iter().enumerate() {
        let end = if index + 1 == fixed.len() { rest.strip_suffix(part)?.len() } else { rest.find(part)? };
        captures.push(&rest[..end]);
        rest = &rest[end + part.len()..];
    }
    let is_plain =
        |text: &&str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._+-".contains(&byte));
    (rest.is_empty() && captures.iter().all(is_plain)).then_some(captures)
}

/// Where what belongs to a library or program may stand: beside the library, with and without `/usr`;
/// for a program in the directories of its machine.
fn libdirs(path: &TreePath, machine: &Machine) -> Vec<String> {
    let dir = path.parent().unwrap_or_else(TreePath::root);
    if path.name().contains(".so") {
        let twin = match dir.as_str().strip_prefix("/usr/") {
            Some(rest) => format!("/{rest}"),
            None => format!("/usr{dir}"),
        };
        return vec![dir.to_string(), twin];
    }
    let multiarch = machine.multiarch().map(|triplet| format!("/usr/lib/{triplet}"));
    multiarch.into_iter().chain(["/usr/lib64".to_owned(), "/usr/lib".to_owned()]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::glob::Glob;

    #[test]
    fn the_table_can_be_read_and_every_glob_of_it_too() {
        let table: Table = toml::from_str(TABLE).unwrap();
        let machine = Machine::from_uname("x86_64").unwrap();
        for row in &table.plugins {
            for trigger in &row.trigger {
                let path = match trigger.starts_with('/') {
                    true => trigger.replace('*', "1"),
                    false => format!("/usr/lib/x86_64-linux-gnu/{}", trigger.replace('*', "1")),
                };
                let files = row.triggered_by(&TreePath::parse(&path).unwrap(), &machine);
                let files = files.unwrap_or_else(|| panic!("{path} does not trigger {row:?}"));
                assert!(!files.is_empty(), "{row:?}");
                for glob in files.iter().flatten().chain(&row.except) {
                    assert!(!glob.contains('$') && glob.starts_with(['/', '*']), "{glob}");
                    Glob::new(glob).unwrap();
                }
            }
            assert!(row.purpose.starts_with("to ") || row.purpose.starts_with("for "), "{row:?}");
            assert!(!row.purpose.ends_with('.'), "{row:?}");
        }
    }

    #[test]
    fn stars_stand_for_what_varies() {
        for (pattern, text, expected) in [
            ("libperl.so.*", "libperl.so.5.36", Some(&["5.36"][..])),
            ("libMagickCore-*.*.so.*", "libMagickCore-6.Q16.so.6.0.0", Some(&["6", "Q16", "6.0.0"])),
            ("libpython3.*.so.1.0", "libpython3.11.so.1.0", Some(&["11"])),
            ("libpython3.*.so.1.0", "libpython3.11.so.1.0.1", None),
            ("/usr/bin/git", "/usr/bin/git", Some(&[])),
            ("/usr/bin/git", "/usr/bin/gitk", None),
            ("/usr/bin/perl5*", "/usr/bin/perl5.36.0", Some(&[".36.0"])),
            ("/usr/bin/perl5*", "/usr/bin/perl5/x", None),
            ("lib*.so.*", "lib{a}.so.1", None),
            ("libx.so.*", "liby.so.1", None),
            ("a*a", "a", None),
        ] {
            assert_eq!(captures(pattern, text).as_deref(), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn files_stand_beside_their_library() {
        let row = |trigger: &str, files: &str| Row {
            trigger: vec![trigger.into()],
            files: vec![files.into()],
            direct: false,
            except: vec![],
            first: false,
            verdict: Verdict::Take,
            purpose: "testing".into(),
        };
        let machine = Machine::from_uname("aarch64").unwrap();
        let globs = |row: Row, path: &str| {
            row.triggered_by(&TreePath::parse(path).unwrap(), &machine).map(|files| files.concat())
        };
        let gvc = || row("libgvc.so.*", "${libdir}/graphviz/v$1/*");
        assert_eq!(
            globs(gvc(), "/usr/lib64/libgvc.so.6"),
            Some(vec!["/usr/lib64/graphviz/v6/*".into(), "/lib64/graphviz/v6/*".into()])
        );
        assert_eq!(globs(gvc(), "/lib/libgvc.so.6").unwrap()[1], "/usr/lib/graphviz/v6/*");
        assert_eq!(
            globs(row("/usr/bin/perl", "${libdir}/perl"), "/usr/bin/perl").unwrap(),
            ["/usr/lib/aarch64-linux-gnu/perl", "/usr/lib64/perl", "/usr/lib/perl"]
        );
        assert_eq!(globs(gvc(), "/usr/lib64/libgv.so.6"), None);
    }
}
