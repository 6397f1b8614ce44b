//! `LANG` and `LC_*`: the locales of glibc, as directories or in an archive.

use tree::{Content, Entry, ReadAt, TreePath, View, ViewError};

/// Where glibc has its locales, unless `LOCPATH` says otherwise.
pub(super) const LOCALES: &str = "/usr/lib/locale";
const ARCHIVE: &str = "/usr/lib/locale/locale-archive";

/// The first bytes of an archive, in the byte order of its machine.
const MAGIC: u32 = 0xde02_0109;
/// More names than any real archive has room for.
const MAX_SLOTS: u32 = 1 << 18;
/// Longer than any locale's name.
const MAX_NAME: usize = 128;

/// Does glibc need no file for this locale? C and POSIX are built in; C.UTF-8 is not.
pub(super) fn is_built_in(name: &str) -> bool {
    matches!(name, "" | "C" | "POSIX")
}

/// The file of a locale that says of its category, as in `/usr/lib/locale/de_DE.utf8/LC_TIME`; `LANG`
/// and `LC_ALL` are of all categories.
pub(super) fn category(variable: &str) -> &str {
    match variable {
        "LANG" | "LC_ALL" => "LC_CTYPE",
        category => category,
    }
}

/// Where a view has this locale: its directory, or the archive. `locpath` is what `LOCPATH` lists; with
/// one, glibc looks nowhere else.
///
/// # Errors
/// When the view cannot be read.
pub(super) fn find(
    view: &dyn View,
    name: &str,
    category: &str,
    locpath: &[TreePath],
) -> Result<Option<TreePath>, ViewError> {
    let usual = TreePath::parse(LOCALES).ok();
    if locpath.is_empty()
        && let Ok(at) = TreePath::parse(ARCHIVE)
        && let Some(content) = view.follow(&at)?.entry.as_ref().and_then(Entry::content)
        && archive_has(content, &normalised(name))
    {
        return Ok(Some(at));
    }
    let dirs = if locpath.is_empty() { usual.as_slice() } else { locpath };
    for dir in dirs {
        for candidate in candidates(name) {
            let Ok(at) = dir.join(&candidate) else { continue };
            if view.follow(&at.child(category))?.entry.is_some() {
                return Ok(Some(at));
            }
        }
    }
    Ok(None)
}

/// The parts of `language[_territory][.codeset][@modifier]`.
struct Parts<'a> {
    language: &'a str,
    territory: Option<&'a str>,
    codeset: Option<&'a str>,
    modifier: Option<&'a str>,
}

fn parts(name: &str) -> Parts<'_> {
    let cut = |text, at| match str::split_once(text, at) {
        Some((before, after)) => (before, Some(after)),
        None => (text, None),
    };
    let (rest, modifier) = cut(name, '@');
    let (rest, codeset) = cut(rest, '.');
    let (language, territory) = cut(rest, '_');
    Parts { language, territory, codeset, modifier }
}

/// The names of directories that glibc takes for a locale, best first: with the codeset as written and
/// as normalised, then without territory or modifier.
fn candidates(name: &str) -> Vec<String> {
    let Parts { language, territory, codeset, modifier } = parts(name);
    let own = |text: Option<&str>, mark: char| text.map_or(String::new(), |text| format!("{mark}{text}"));
    let modifiers = if modifier.is_some() { &[true, false][..] } else { &[false] };
    let territories = if territory.is_some() { &[true, false][..] } else { &[false] };
    let mut codesets = vec![own(codeset, '.')];
    codesets.extend(codeset.map(|codeset| format!(".{}", normalised_codeset(codeset))));
    codesets.dedup();
    let mut names = vec![];
    for with_modifier in modifiers {
        for with_territory in territories {
            for codeset in &codesets {
                let territory = own(territory.filter(|_| *with_territory), '_');
                let modifier = own(modifier.filter(|_| *with_modifier), '@');
                names.push(format!("{language}{territory}{codeset}{modifier}"));
            }
        }
    }
    names
}

/// The name as archives have it: `de_DE.utf8`.
fn normalised(name: &str) -> String {
    match parts(name).codeset {
        None => name.to_owned(),
        Some(codeset) => name.replacen(codeset, &normalised_codeset(codeset), 1),
    }
}

/// Letters and digits of a codeset, in lower case; one of digits alone is of ISO.
fn normalised_codeset(codeset: &str) -> String {
    let kept: String = codeset.chars().filter(char::is_ascii_alphanumeric).collect();
    let iso = !kept.is_empty() && kept.bytes().all(|byte| byte.is_ascii_digit());
    format!("{}{}", if iso { "iso" } else { "" }, kept.to_ascii_lowercase())
}

/// Does an archive have a locale of this name? One that cannot be read has none.
fn archive_has(content: &Content, name: &str) -> bool {
    let Ok(file) = content.open() else { return false };
    slots(&*file).is_some_and(|slots| slots.into_iter().any(|at| name_at(&*file, at, name)))
}

/// Where an archive has the names of its locales.
fn slots(file: &dyn ReadAt) -> Option<Vec<u32>> {
    let head = words(&bytes(file, 0, 20)?);
    // In the byte order of the machine that it is for.
    let swap = *head.first()? != MAGIC;
    let ordered = |word: u32| if swap { word.swap_bytes() } else { word };
    let (magic, table, slots) = (ordered(*head.first()?), ordered(*head.get(2)?), ordered(*head.get(4)?));
    if magic != MAGIC || slots > MAX_SLOTS {
        return None;
    }
    // A slot is a hash, the place of a name and that of a record; unused ones have no name.
    let table = words(&bytes(file, table.into(), usize::try_from(slots).ok()?.checked_mul(12)?)?);
    let names = table.chunks_exact(3).map(|slot| ordered(slot[1]));
    Some(names.filter(|at| *at != 0).collect())
}

fn words(bytes: &[u8]) -> Vec<u32> {
    bytes.as_chunks().0.iter().map(|word| u32::from_le_bytes(*word)).collect()
}

fn name_at(file: &dyn ReadAt, at: u32, name: &str) -> bool {
    name.len() < MAX_NAME
        && bytes(file, at.into(), name.len() + 1)
            .is_some_and(|found| found.strip_suffix(&[0]).is_some_and(|found| found == name.as_bytes()))
}

fn bytes(file: &dyn ReadAt, at: u64, len: usize) -> Option<Vec<u8>> {
    let mut bytes = vec![0; len];
    file.read_exact_at(&mut bytes, at).ok()?;
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tree::Tree;

    /// An archive as localedef writes it: a header, slots, names.
    pub(super) fn archive(names: &[&str]) -> Vec<u8> {
        let slots = names.len() + 3;
        let strings = 56 + 12 * slots;
        let header = [MAGIC, 1, 56, names.len() as u32, slots as u32, strings as u32, 0, 0, 0, 0, 0, 0, 0, 0];
        let mut bytes: Vec<u8> = header.iter().flat_map(|word| word.to_le_bytes()).collect();
        let mut text: Vec<u8> = vec![];
        for slot in 0..slots {
            // Every slot but each third is used.
            let name = (slot % 3 != 2).then(|| names.get(slot - slot / 3)).flatten();
            let at = name.map_or(0, |_| (strings + text.len()) as u32);
            bytes.extend([7, at, at].iter().flat_map(|word: &u32| word.to_le_bytes()));
            text.extend(name.into_iter().flat_map(|name| name.bytes().chain([0])));
        }
        bytes.extend(text);
        bytes
    }

    fn tree(files: &[(&str, Vec<u8>)]) -> Tree {
        let mut tree = Tree::new();
        for (path, bytes) in files {
            let entry = Entry::file(Content::bytes(bytes.clone(), "the test"), 0o644);
            tree.insert(TreePath::parse(path).unwrap(), entry);
        }
        tree.add_parents();
        tree
    }

    #[test]
    fn names_of_directories() {
        assert_eq!(
            candidates("de_DE.UTF-8@euro"),
            [
                "de_DE.UTF-8@euro",
                "de_DE.utf8@euro",
                "de.UTF-8@euro",
                "de.utf8@euro",
                "de_DE.UTF-8",
                "de_DE.utf8",
                "de.UTF-8",
                "de.utf8"
            ]
        );
        assert_eq!(candidates("C.utf8"), ["C.utf8"]);
        assert_eq!(candidates("en_US"), ["en_US", "en"]);
        assert_eq!(normalised("en_US.ISO-8859-1"), "en_US.iso88591");
        assert_eq!(normalised("ja_JP.8859-1@x"), "ja_JP.iso88591@x");
    }

    #[test]
    fn locales_are_found_where_glibc_finds_them() {
        let tree = tree(&[
            ("/usr/lib/locale/C.utf8/LC_CTYPE", vec![]),
            ("/usr/lib/locale/locale-archive", archive(&["de_DE.utf8", "en_US", "fr_FR.utf8"])),
            ("/opt/locale/sv_SE.UTF-8/LC_CTYPE", vec![]),
        ]);
        let found = |name: &str, locpath: &[&str]| {
            let locpath: Vec<TreePath> = locpath.iter().map(|dir| TreePath::parse(dir).unwrap()).collect();
            find(&tree, name, "LC_CTYPE", &locpath).unwrap().map(|path| path.to_string())
        };
        for (name, at) in [
            ("C.UTF-8", Some("/usr/lib/locale/C.utf8")),
            ("C.utf-8", Some("/usr/lib/locale/C.utf8")),
            ("C", None),
            ("c.utf8", None),
            ("de_DE.UTF-8", Some(ARCHIVE)),
            ("de_DE", None),
            ("de_DE.UTF-8@euro", None),
            ("en_US", Some(ARCHIVE)),
            ("en_US.UTF-8", None),
            ("fr_FR.UTF8", Some(ARCHIVE)),
            ("sv_SE.UTF-8", None),
            ("../../etc", None),
            ("fr_FR.utf", None),
        ] {
            assert_eq!(found(name, &[]).as_deref(), at, "{name}");
        }
        assert_eq!(found("sv_SE.UTF-8", &["/opt/locale"]).as_deref(), Some("/opt/locale/sv_SE.UTF-8"));
        assert_eq!(found("de_DE.UTF-8", &["/opt/locale"]), None, "LOCPATH takes the archive's place");
    }

    #[test]
    fn damaged_archives_have_nothing() {
        let whole = archive(&["de_DE.utf8"]);
        for len in 0..whole.len() {
            let content = Content::bytes(whole[..len].to_vec(), "the test");
            assert!(!archive_has(&content, "de_DE.utf8"), "{len} bytes");
        }
        for at in 0..56 {
            let mut damaged = whole.clone();
            damaged[at] ^= 0xff;
            // Whatever it says: it ends.
            archive_has(&Content::bytes(damaged, "the test"), "de_DE.utf8");
        }
        assert!(archive_has(&Content::bytes(whole, "the test"), "de_DE.utf8"));
    }
}
