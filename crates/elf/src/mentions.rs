//! Names of libraries among the constants of a file: what it may load by name while running.

use crate::image::Image;
use crate::{ElfError, Facts};
use goblin::elf::ProgramHeader;
use goblin::elf::program_header::{PF_W, PF_X, PT_LOAD};
use memchr::memmem;
use std::collections::BTreeSet;
use tree::Content;

/// The most bytes of one file that are looked through.
const MAX_BYTES: u64 = 1 << 30;
/// How many are read at a time.
const CHUNK: usize = 1 << 20;
/// Names are no longer, so that none is missed between two chunks.
const MAX_NAME: usize = 256;
/// More names than any program tries.
const MAX_NAMES: usize = 64;

/// The constants of an ELF file that look like names of libraries, `libfoo.so.1`, other than its own
/// and those that its headers name. None for what is no ELF file.
///
/// Only what is loaded and cannot be written is read, in pieces. A name stands alone: it begins where
/// its string does, or behind a slash, and ends with its string.
///
/// # Errors
/// When the content cannot be read, or its headers make no sense.
pub fn mentions(content: &Content, facts: &Facts) -> Result<BTreeSet<String>, ElfError> {
    let mut names = BTreeSet::new();
    let Some(mut image) = Image::open(content)? else { return Ok(names) };
    let constant = |segment: &&ProgramHeader| segment.p_type == PT_LOAD && segment.p_flags & PF_W == 0;
    let loaded = || image.segments.iter().filter(constant);
    // Most linkers keep constants apart from code; where one has not, they are among it.
    let apart = loaded().any(|segment| segment.p_flags & PF_X == 0);
    let ranges: Vec<(u64, u64)> = loaded()
        .filter(|segment| !apart || segment.p_flags & PF_X == 0)
        .map(|segment| (segment.p_offset, segment.p_filesz))
        .collect();
    let mut left = MAX_BYTES;
    for (start, size) in ranges {
        let end = start.saturating_add(size.min(left)).min(content.size());
        left = left.saturating_sub(size);
        let mut at = start;
        while at < end {
            let len = usize::try_from(end - at).unwrap_or(CHUNK).min(CHUNK);
            names_in(image.file.get(at, len, "its constants")?, &mut names);
            if len < CHUNK || names.len() > MAX_NAMES {
                break;
            }
            at += (CHUNK - MAX_NAME) as u64;
        }
    }
    let is_header = |name: &String| {
        facts.soname.as_ref() == Some(name)
            || facts.needed.contains(name)
            || facts.version_needs.iter().any(|need| need.library == *name)
    };
    names.retain(|name| !is_header(name));
    Ok(names.into_iter().take(MAX_NAMES).collect())
}

fn names_in(bytes: &[u8], names: &mut BTreeSet<String>) {
    let of_name = |byte: &u8| byte.is_ascii_alphanumeric() || b"_+-.".contains(byte);
    for at in memmem::find_iter(bytes, ".so.") {
        let begin = bytes[..at].iter().rposition(|byte| !of_name(byte)).map_or(0, |before| before + 1);
        let end = bytes[at..].iter().position(|byte| !of_name(byte)).map(|len| at + len);
        let Some(end) = end.filter(|end| end - begin <= MAX_NAME && bytes.get(*end) == Some(&0)) else {
            continue;
        };
        // Numbers may lie before the first of the strings.
        let stands_alone = begin == 0 || matches!(bytes.get(begin - 1), Some(0..=8 | b'/'));
        let (name, version) = (&bytes[begin..end], &bytes[at + ".so.".len()..end]);
        let numbers = version.split(|byte| *byte == b'.');
        let is_version = numbers.clone().count() > 0
            && numbers.clone().all(|part| !part.is_empty() && part.iter().all(u8::is_ascii_digit));
        if stands_alone && is_version && name.starts_with(b"lib") {
            names.insert(String::from_utf8_lossy(name).into_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stand_alone() {
        for (constant, expected) in [
            (&b"\0libfoo.so.1\0"[..], Some("libfoo.so.1")),
            (b"\0/opt/lib/libfoo-2.so.1.10\0", Some("libfoo-2.so.1.10")),
            (b"\0\x02\0\x01libfoo.so.1\0", Some("libfoo.so.1")),
            (b"cannot load libfoo.so.1\0", None),
            (b"\0libfoo.so.%d\0", None),
            (b"\0libfoo.so.1: no such file\0", None),
            (b"\0libfoo.so\0", None),
            (b"\0foo.so.1\0", None),
            (b"\0libfoo.so.\0", None),
            (b"\0libfoo.so.1", None),
        ] {
            let mut names = BTreeSet::new();
            names_in(constant, &mut names);
            assert_eq!(names.first().map(String::as_str), expected, "{}", constant.escape_ascii());
        }
    }
}
