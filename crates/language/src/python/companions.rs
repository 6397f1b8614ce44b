//! What Python reads beside its standard library: types of files, a locale, time zones, terminals. No ELF file names it.

use super::stdlib::Imports;
use crate::{Ask, LanguageError};
use tree::{Entry, Kind, TreePath, View};

/// Something that Python reads.
struct Companion {
    /// Where it may stand: the first that is there counts.
    paths: &'static [&'static str],
    /// It enters where one of these modules is imported, or imports are not known; empty: always.
    modules: &'static [&'static str],
    /// What for.
    purpose: &'static str,
}

const COMPANIONS: &[Companion] = &[
    Companion { paths: &["/etc/mime.types"], modules: &[], purpose: "types of files by name, for mimetypes" },
    Companion { paths: LOCALES, modules: &[], purpose: "the locale of LANG, for setlocale" },
    Companion {
        paths: &["/usr/share/zoneinfo"],
        modules: &["zoneinfo", "tzdata", "pytz", "dateutil", "tzlocal"],
        purpose: "time zones",
    },
    Companion {
        paths: &["/lib/terminfo/x/xterm", "/usr/share/terminfo/x/xterm"],
        modules: TERMINALS,
        purpose: "how to draw on a terminal, for curses",
    },
    Companion {
        paths: &["/lib/terminfo/x/xterm-256color", "/usr/share/terminfo/x/xterm-256color"],
        modules: TERMINALS,
        purpose: "how to draw on a terminal, for curses",
    },
];

/// The directories of C.UTF-8, by what Debian, Ubuntu and others called it.
const LOCALES: &[&str] = &["/usr/lib/locale/C.utf8", "/usr/lib/locale/C.UTF-8"];
const TERMINALS: &[&str] = &["curses", "_curses", "blessed"];

/// Copies of the same zones by other clocks, and where the machine is.
const LEFT_OUT: &[&str] = &[
    "/usr/share/zoneinfo/right",
    "/usr/share/zoneinfo/posix",
    "/usr/share/zoneinfo/localtime",
    "/usr/share/zoneinfo/posixrules",
];

/// A file or link that is taken, and what for.
pub(super) type Taken = (TreePath, Entry, &'static str);

/// The packages that have these files, each by its names in several releases.
pub(super) fn packages() -> Vec<Vec<String>> {
    [&["libc-bin"][..], &["media-types", "mime-support"], &["tzdata"], &["ncurses-base"]]
        .map(|names| names.iter().map(|name| (*name).to_owned()).collect())
        .into()
}

/// What of this a source has, and whether the locale is among it.
///
/// # Errors
/// When the source cannot be read.
pub(super) fn take(ask: &Ask<'_>, imports: Option<&Imports>) -> Result<Vec<Taken>, LanguageError> {
    let mut taken = vec![];
    for Companion { paths, modules, purpose } in COMPANIONS {
        if !modules.is_empty() && imports.is_some_and(|imports| !imports.have(modules)) {
            continue;
        }
        for path in *paths {
            let path = TreePath::parse(path)?;
            if take_from(ask.runtime, &path, purpose, &mut taken)? {
                break;
            }
        }
    }
    Ok(taken)
}

/// Is the locale of `LANG=C.UTF-8` among what was taken?
pub(super) fn has_locale(taken: &[Taken]) -> bool {
    taken.iter().any(|(path, ..)| LOCALES.iter().any(|dir| path.as_str().starts_with(dir)))
}

/// Takes what a path leads to, with the links on the way. False: nothing is there.
fn take_from(
    view: &dyn View,
    path: &TreePath,
    purpose: &'static str,
    taken: &mut Vec<Taken>,
) -> Result<bool, LanguageError> {
    let found = view.follow(path)?;
    let Some(entry) = found.entry else { return Ok(false) };
    for link in found.links {
        if let Some(entry) = view.entry(&link)? {
            taken.push((link, entry, purpose));
        }
    }
    walk(view, found.path, entry, purpose, taken)?;
    Ok(true)
}

fn walk(
    view: &dyn View,
    path: TreePath,
    entry: Entry,
    purpose: &'static str,
    taken: &mut Vec<Taken>,
) -> Result<(), LanguageError> {
    if LEFT_OUT.contains(&path.as_str()) {
        return Ok(());
    }
    match entry.kind {
        Kind::Directory => {
            for name in view.list(&path)? {
                let child = path.child(&name);
                if let Some(entry) = view.entry(&child)? {
                    walk(view, child, entry, purpose, taken)?;
                }
            }
        }
        Kind::File(_) | Kind::Symlink(_) => taken.push((path, entry, purpose)),
        Kind::Special(_) => {}
    }
    Ok(())
}
