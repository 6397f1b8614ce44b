//! Unpacks a wheel into the cache, once for all Pythons: the archive is checked, and every file against `RECORD`.
//!
//! What is kept has a directory for each place that an installer has: [`SITE`], [`SCRIPTS`], [`DATA`], [`HEADERS`].

use super::{
    metadata, record,
    tags::{WheelName, normalized},
};
use crate::kept::{Keeper, Kept};
use std::{
    collections::BTreeSet,
    fs::File,
    io::{self, BufReader, Read},
};
use tree::TreePath;
use zip::{CompressionMethod, ZipArchive, result::ZipError};

/// The version of what is kept.
pub(super) const DOMAIN: &str = "wheel-2";
/// What goes where packages are.
pub(super) const SITE: &str = "/site";
/// What goes where programs are.
pub(super) const SCRIPTS: &str = "/scripts";
/// What goes to where Python is installed.
pub(super) const DATA: &str = "/data";
/// What goes where headers are.
pub(super) const HEADERS: &str = "/headers";

/// No wheel has more files.
const MAX_FILES: usize = 200_000;
/// No wheel is larger when it is unpacked, in bytes.
const MAX_UNPACKED: u64 = 16 << 30;
/// A wheel may grow so much whatever its size, in bytes.
const ALWAYS: u64 = 256 << 20;
/// Beyond that, no wheel grows more than so many times.
const MAX_RATIO: u64 = 100;
/// No description of a wheel is longer, in bytes.
const MAX_TEXT: u64 = 64 << 20;

/// What stops a wheel from being unpacked.
#[derive(Debug)]
pub(super) enum Stop {
    /// It is not what it should be: in words that follow "is damaged:".
    Damaged(String),
    /// It cannot be read, or what is in it cannot be written.
    Io(io::Error),
}

/// How a wheel is unpacked.
pub(super) struct Unpack<'a> {
    /// The name of its file.
    pub name: &'a WheelName,
    /// Was it built here? Then which tool did so is left out.
    pub built_here: bool,
    /// What is noted beside it.
    pub note: &'a str,
}

/// Unpacks a wheel.
///
/// # Errors
/// When it is damaged, or something cannot be read or written.
pub(super) fn unpack(file: &File, mut keeper: Keeper<'_>, how: &Unpack<'_>) -> Result<Kept, Stop> {
    let length = file.metadata()?.len();
    let mut archive = ZipArchive::new(BufReader::new(file))?;
    if archive.len() > MAX_FILES {
        return Err(damaged(format!("it has {} files, and {MAX_FILES} are the most", archive.len())));
    }
    if archive.has_duplicate_names() {
        return Err(damaged("its archive has a file twice"));
    }
    if archive.has_overlapping_entries()? {
        return Err(damaged("files of its archive overlap"));
    }
    let info = info_directory(&archive, &how.name.name)?;
    let data = format!("{}.data", info.strip_suffix(".dist-info").unwrap_or(&info));
    check_layout(&text(&mut archive, &format!("{info}/WHEEL"))?)?;
    let metadata = text(&mut archive, &format!("{info}/METADATA"))?;
    metadata::check(&metadata, &how.name.name, &how.name.version).map_err(Stop::Damaged)?;
    let own = format!("{info}/RECORD");
    let mut record = record::parse(text(&mut archive, &own)?.as_bytes()).map_err(Stop::Damaged)?;
    let signatures = [own.clone(), format!("{own}.jws"), format!("{own}.p7s")];
    record.retain(|path, _| !signatures.contains(path));

    let mut taken = BTreeSet::new();
    let mut unpacked = 0;
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index)?;
        let name = entry.name()?.into_owned();
        if entry.is_dir() || signatures.contains(&name) {
            continue;
        }
        let path = place(&name, &data)?;
        if entry.is_symlink() || entry.encrypted() {
            return Err(damaged(format!("{name} is no plain file")));
        }
        if !matches!(entry.compression(), CompressionMethod::Stored | CompressionMethod::Deflated) {
            return Err(damaged(format!("{name} is compressed in a way that wheels are not")));
        }
        let row = record.remove(&name).ok_or_else(|| damaged(format!("{name} is not in its RECORD")))?;
        let expected = row.sha256().ok_or_else(|| damaged(format!("its RECORD has no SHA-256 of {name}")))?;
        let size = entry.size();
        if row.size.is_some_and(|recorded| recorded != size) {
            return Err(damaged(format!("{name} has not the size of its RECORD")));
        }
        unpacked += size;
        if grows_too_much(length, unpacked) {
            return Err(damaged("it would be far larger than such a wheel is"));
        }
        let executable = path.as_str().starts_with(SCRIPTS) || entry.unix_mode().unwrap_or(0) & 0o111 != 0;
        let mode = if executable { 0o755 } else { 0o644 };
        if !taken.insert(path.clone()) {
            return Err(damaged(format!("two of its files go where {name} goes")));
        }
        let mut bounded = (&mut entry).take(size + 1);
        let found = if how.built_here && name == format!("{info}/WHEEL") {
            let mut text = vec![];
            bounded.read_to_end(&mut text)?;
            keeper.file(path, mode, &mut &*without_generator(&text))?;
            tree::Sha256Digest::of(&text)
        } else {
            keeper.file(path, mode, &mut bounded).map_err(of_archive)?
        };
        if found != expected {
            return Err(damaged(format!("{name} has not the digest of its RECORD")));
        }
    }
    if let Some(missing) = record.keys().find(|path| !path.ends_with('/')) {
        return Err(damaged(format!("{missing} of its RECORD is missing")));
    }
    let pairs = taken.iter().zip(taken.iter().skip(1));
    if let Some((file, _)) = pairs.into_iter().find(|(file, next)| next.is_within(file)) {
        return Err(damaged(format!("{file} is a file and a directory")));
    }
    keeper.finish(how.note).map_err(Stop::Io)
}

/// Is so much more than any archive of this length holds? Both in bytes.
fn grows_too_much(length: u64, unpacked: u64) -> bool {
    unpacked > MAX_UNPACKED || unpacked > ALWAYS.max(length.saturating_mul(MAX_RATIO))
}

/// The one directory with the description of the distribution.
fn info_directory<R: Read + io::Seek>(archive: &ZipArchive<R>, name: &str) -> Result<String, Stop> {
    let mut found = BTreeSet::new();
    for path in archive.file_names() {
        let path = path?;
        let top = path.split('/').next().unwrap_or_default();
        if top.ends_with(".dist-info") && path.contains('/') {
            found.insert(top.to_owned());
        }
    }
    match (found.pop_first(), found.is_empty()) {
        (Some(info), true) => {
            let stem = info.strip_suffix(".dist-info").unwrap_or_default();
            let of = stem.rsplit_once('-').map_or(stem, |(name, _)| name);
            if normalized(of) == name { Ok(info) } else { Err(damaged(format!("it describes {stem}"))) }
        }
        (None, _) => Err(damaged("it does not describe itself: it has no .dist-info")),
        (Some(_), false) => Err(damaged("it describes more than one distribution")),
    }
}

/// Does `WHEEL` say a layout that is known? Whether the wheel wants the place of pure packages or the other makes no
/// difference: they are one.
fn check_layout(text: &str) -> Result<(), Stop> {
    let mut fields = text.lines().filter_map(|line| line.split_once(':'));
    let version = fields.find(|(key, _)| key.trim().eq_ignore_ascii_case("wheel-version"));
    match version.map(|(_, value)| value.trim()) {
        Some(version) if version.split('.').next() == Some("1") => Ok(()),
        Some(version) => Err(damaged(format!("it has the layout {version} of wheels, which is not known"))),
        None => Err(damaged("its WHEEL does not say which layout it has")),
    }
}

/// Where a file of the archive goes.
fn place(name: &str, data: &str) -> Result<TreePath, Stop> {
    let outside = || damaged(format!("`{}` is no path inside of it", name.escape_debug()));
    let rooted = |place: &str, below: &str| {
        let root = TreePath::parse(place).map_err(|_| outside())?;
        let path = root.join(below).map_err(|_| outside())?;
        // Anything that is not written the shortest way means to lead somewhere else.
        if path.below(&root) == Some(below) && !below.is_empty() { Ok(path) } else { Err(outside()) }
    };
    if name.starts_with('/') || name.contains('\\') {
        return Err(outside());
    }
    let Some(rest) = name.strip_prefix(data).and_then(|rest| rest.strip_prefix('/')) else {
        return rooted(SITE, name);
    };
    let (scheme, below) = rest.split_once('/').ok_or_else(outside)?;
    match scheme {
        "purelib" | "platlib" => rooted(SITE, below),
        "scripts" if below.contains('/') => Err(outside()),
        "scripts" => rooted(SCRIPTS, below),
        "data" => rooted(DATA, below),
        "headers" => rooted(HEADERS, below),
        other => Err(damaged(format!("it has files for `{other}`, which is no place"))),
    }
}

fn text<R: Read + io::Seek>(archive: &mut ZipArchive<R>, name: &str) -> Result<String, Stop> {
    let entry = match archive.by_name(name) {
        Err(ZipError::FileNotFound) => return Err(damaged(format!("it has no {name}"))),
        entry => entry?,
    };
    let mut bytes = vec![];
    entry.take(MAX_TEXT + 1).read_to_end(&mut bytes).map_err(of_archive)?;
    if bytes.len() as u64 > MAX_TEXT {
        return Err(damaged(format!("its {name} is too long")));
    }
    String::from_utf8(bytes).map_err(|_| damaged(format!("its {name} is not UTF-8")))
}

fn without_generator(text: &[u8]) -> Vec<u8> {
    let lines = text.split_inclusive(|byte| *byte == b'\n');
    lines.filter(|line| !line.starts_with(b"Generator:")).flatten().copied().collect()
}

fn damaged(why: impl Into<String>) -> Stop {
    Stop::Damaged(why.into())
}

/// Tells what is wrong with the archive from what is wrong with the disk.
fn of_archive(error: io::Error) -> Stop {
    match error.kind() {
        io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput | io::ErrorKind::UnexpectedEof => {
            damaged(format!("its archive cannot be read: {error}"))
        }
        io::ErrorKind::Other if error.raw_os_error().is_none() => {
            damaged(format!("its archive cannot be read: {error}"))
        }
        _ => Stop::Io(error),
    }
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        of_archive(error)
    }
}

impl From<ZipError> for Stop {
    fn from(error: ZipError) -> Self {
        match error {
            ZipError::Io(error) => of_archive(error),
            other => damaged(format!("its archive cannot be read: {other}")),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail")]
mod tests {
    use super::*;
    use crate::{kept::key, python::dependencies::testing::Made};
    use cache::Cache;
    use std::io::Write as _;

    fn unpacked(wheel: &[u8]) -> Result<Kept, Stop> {
        let dir = tempfile::tempdir().unwrap();
        let cache = Cache::new(dir.path().join("cache"));
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(wheel).unwrap();
        let keeper = Keeper::new(&cache, key(DOMAIN, &[wheel]), "shop").unwrap();
        let name = WheelName::parse("shop-1.0-py3-none-any.whl").unwrap();
        unpack(&file, keeper, &Unpack { name: &name, built_here: false, note: "n" })
    }

    fn refused(made: &Made) -> String {
        match unpacked(&made.bytes()) {
            Err(Stop::Damaged(why)) => why,
            Err(Stop::Io(error)) => panic!("the disk: {error}"),
            Ok(_) => panic!("it was unpacked"),
        }
    }

    #[test]
    fn each_file_goes_to_its_place() {
        let made = Made::new("shop", "1.0")
            .file("shop/__init__.py", "x = 1\n")
            .executable("shop/helper", "#!/bin/x\n")
            .file("shop-1.0.data/scripts/shop-run", "#!python\n")
            .file("shop-1.0.data/purelib/more.py", "")
            .file("shop-1.0.data/platlib/fast.so", "elf")
            .file("shop-1.0.data/data/share/shop.txt", "data")
            .file("shop-1.0.data/headers/shop.h", "int x;");
        let kept = unpacked(&made.bytes()).unwrap();
        let all: Vec<(&str, u32)> =
            kept.entries.iter().map(|(path, entry)| (path.as_str(), entry.meta.mode)).collect();
        assert_eq!(
            all,
            [
                ("/data/share/shop.txt", 0o644),
                ("/headers/shop.h", 0o644),
                ("/scripts/shop-run", 0o755),
                ("/site/fast.so", 0o644),
                ("/site/more.py", 0o644),
                ("/site/shop/__init__.py", 0o644),
                ("/site/shop/helper", 0o755),
                ("/site/shop-1.0.dist-info/METADATA", 0o644),
                ("/site/shop-1.0.dist-info/WHEEL", 0o644),
            ]
        );
        assert_eq!(kept.note, "n");
        let init = &kept.entries[&TreePath::parse("/site/shop/__init__.py").unwrap()];
        assert_eq!(init.content().unwrap().read(100).unwrap(), b"x = 1\n");
    }

    #[test]
    fn what_is_damaged_is_refused_with_what_is_wrong() {
        let good = || Made::new("shop", "1.0").file("shop/__init__.py", "x = 1\n");
        for (made, why) in [
            (good().unrecorded("shop/extra.py", ""), "shop/extra.py is not in its RECORD"),
            (good().recorded("shop/none.py", "x"), "shop/none.py of its RECORD is missing"),
            (good().misrecorded("shop/a.py", "one", "two"), "has not the digest of its RECORD"),
            (good().misrecorded("shop/a.py", "one", "three"), "has not the size of its RECORD"),
            (good().file("../evil.py", ""), "`../evil.py` is no path inside of it"),
            (good().file("/etc/evil", ""), "is no path inside of it"),
            (good().file("shop/./a.py", ""), "is no path inside of it"),
            (good().file("shop\\a.py", ""), "is no path inside of it"),
            (good().file("shop-1.0.data/scripts/../x", ""), "is no path inside of it"),
            (good().file("shop-1.0.data/secrets/x", ""), "`secrets`, which is no place"),
            (good().file("shop/__init__.py/x", ""), "is a file and a directory"),
            (good().file("shop-1.0.data/purelib/shop/__init__.py", ""), "two of its files go where"),
            (good().link("shop/link.py", "/etc/passwd"), "is no plain file"),
            (good().file("other-1.dist-info/WHEEL", ""), "more than one distribution"),
            (Made::new("other", "1.0"), "it describes other-1.0"),
            (good().layout("2.0"), "the layout 2.0"),
        ] {
            let found = refused(&made);
            assert!(found.contains(why), "{found} lacks {why}");
        }
        let whole = good().bytes();
        for cut in [0, 10, whole.len() / 2, whole.len() - 1] {
            assert!(matches!(unpacked(&whole[..cut]), Err(Stop::Damaged(_))), "cut at {cut}");
        }
        let mut turned = whole.clone();
        let at = turned.windows(4).position(|bytes| bytes == b"x = ").unwrap();
        turned[at] = b'y';
        assert!(matches!(unpacked(&turned), Err(Stop::Damaged(_))));
    }

    #[test]
    fn what_grows_too_much_is_none() {
        for (length, unpacked, much) in [
            (1000, 200 << 20, false),
            (1000, 300 << 20, true),
            (100 << 20, 5 << 30, false),
            (100 << 20, 11 << 30, true),
            (1 << 30, 17 << 30, true),
        ] {
            assert_eq!(grows_too_much(length, unpacked), much, "{length} {unpacked}");
        }
    }

    #[test]
    fn the_tool_that_built_it_does_not_show() {
        assert_eq!(
            without_generator(b"Wheel-Version: 1.0\nGenerator: hatchling 1.27.0\nTag: py3-none-any\n"),
            b"Wheel-Version: 1.0\nTag: py3-none-any\n"
        );
    }
}
