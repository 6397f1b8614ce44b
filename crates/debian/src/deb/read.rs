//! A package from its first byte to its last.

use super::ar::{Ar, Member};
use super::compression::MemberCompression;
use super::control::ControlFiles;
use super::data::{Data, DebEntry};
use super::error::DebError;
use super::limits::Limits;
use cache::PartRange;
use oci::Hashing;
use std::collections::BTreeMap;
use std::io::{self, BufReader, Read, Write};
use tree::{Sha256Digest, TreePath};

/// How much is read at a time.
const STEP: usize = 128 << 10;

/// What is in a package, but for the bytes of its files.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Unpacked {
    pub control: ControlFiles,
    /// All entries, the root among them where the package has it.
    pub entries: BTreeMap<TreePath, DebEntry>,
    /// The files that the entries speak of, one after the other without gaps.
    pub files: Vec<PartRange>,
    /// When it was built, in seconds since 1970, as its first member says.
    pub built: u64,
}

/// Reads a package, and writes the content of its files to `content`. The bytes must have the digest `sha256`;
/// where they have another, that is the error, whatever else is wrong with them.
pub(crate) fn read_deb<W: Write>(
    deb: impl Read,
    sha256: &Sha256Digest,
    package: &str,
    limits: &Limits,
    content: &mut Hashing<W>,
) -> Result<Unpacked, DebError> {
    let mut reader = BufReader::with_capacity(STEP, Hashing::new(deb));
    let outcome = read_members(&mut reader, package, limits, content);
    if let Err(error @ (DebError::Read { .. } | DebError::Write { .. })) = outcome {
        return Err(error);
    }
    let rest = io::copy(&mut reader, &mut io::sink());
    rest.map_err(|source| DebError::Read { package: package.into(), source })?;
    let (found, _) = reader.into_inner().finish();
    let found = Sha256Digest(*found.bytes());
    if found != *sha256 {
        return Err(DebError::Digest { package: package.into(), expected: *sha256, found });
    }
    outcome
}

fn read_members<W: Write>(
    reader: &mut impl Read,
    package: &str,
    limits: &Limits,
    content: &mut Hashing<W>,
) -> Result<Unpacked, DebError> {
    let mut ar = Ar::open(package, reader)?;
    let first = ar.next_member()?;
    let built = first.as_ref().map_or(0, |member| member.time);
    check_format(&mut ar, first, package)?;

    let (member, compression) = named(&mut ar, "control.tar")?;
    let label = (package, member.name.as_str());
    let plain = compression.reader(BufReader::new(&mut ar), label, member.size, limits)?;
    let control = ControlFiles::read(plain, label, limits)?;

    let (member, compression) = named(&mut ar, "data.tar")?;
    let label = (package, member.name.as_str());
    let plain = compression.reader(BufReader::with_capacity(STEP, &mut ar), label, member.size, limits)?;
    let most = plain.limit();
    let Data { entries, files } = Data::read(plain, label, (limits, most), content)?;

    // What comes after is for programs of the future, but it must be members.
    while ar.next_member()?.is_some() {}
    Ok(Unpacked { control, entries, files, built })
}

/// Is the first member `debian-binary` of a format that is known?
fn check_format<R: Read>(ar: &mut Ar<'_, R>, first: Option<Member>, package: &str) -> Result<(), DebError> {
    let wrong = |found: &str| DebError::Format { package: package.into(), found: found.into() };
    if first.is_none_or(|member| member.name != "debian-binary") {
        return Err(ar.wrong("the first member is not debian-binary"));
    }
    let mut text = vec![];
    let read = ar.take(64).read_to_end(&mut text);
    read.map_err(|source| DebError::Read { package: package.into(), source })?;
    let text = String::from_utf8_lossy(&text);
    let format = text.lines().next().unwrap_or_default();
    // A minor number that is not known changes nothing for readers.
    let minor = format.strip_prefix("2.").filter(|minor| !minor.is_empty());
    match minor {
        Some(minor) if minor.bytes().all(|byte| byte.is_ascii_digit()) => Ok(()),
        _ => Err(wrong(format)),
    }
}

/// The next member, which must be `stem` in some compression. Those that start with `_` are passed over.
fn named<R: Read>(ar: &mut Ar<'_, R>, stem: &str) -> Result<(Member, MemberCompression), DebError> {
    loop {
        let Some(member) = ar.next_member()? else {
            return Err(ar.wrong(format!("there is no {stem}")));
        };
        if member.name.starts_with('_') {
            continue;
        }
        return match MemberCompression::of(&member.name, stem) {
            Some(compression) => Ok((member, compression)),
            None => Err(ar.wrong(format!("the member {} stands where {stem} should", member.name))),
        };
    }
}
