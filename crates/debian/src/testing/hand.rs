//! Parts of this crate that others reach by the cache only, at hand for whoever tries them with any bytes.

use crate::deb::{self, DebEntry, DebError, Limits};
use crate::scripts::{Effects, Knowledge, ScriptLine};
use cache::PartRange;
use oci::Hashing;
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use std::io;
use tree::{Sha256Digest, Tree, TreePath};

/// What a `.deb` has: its entries, and the ranges of its files.
///
/// # Errors
/// When it is no package that an image can have files of.
pub fn read_deb(bytes: &[u8]) -> Result<(BTreeMap<TreePath, DebEntry>, Vec<PartRange>), DebError> {
    let sha256 = Sha256Digest(Sha256::digest(bytes).into());
    let limits = Limits { always: 1 << 20, unpacked: 4 << 20, entries: 10_000, ..Limits::PACKAGE };
    let mut content = Hashing::new(io::sink());
    let unpacked = deb::read_deb(bytes, &sha256, "any 1.0", &limits, &mut content)?;
    Ok((unpacked.entries, unpacked.files))
}

/// What a `postinst` of the package `any` does where there is no file, and what nobody knows of it.
pub fn read_script(script: &[u8]) -> (Effects, Vec<ScriptLine>) {
    Effects::of_any(script, "any", &Tree::new(), Knowledge::built_in())
}
