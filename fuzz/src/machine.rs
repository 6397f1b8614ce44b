//! Files of the machine that the fuzzer runs on, as far as they are there.

use std::fs;
use std::path::PathBuf;

/// The machines that hand-made files are made for: both word sizes in both byte orders, and those whose flags matter.
pub const UNAMES: [&str; 8] =
    ["x86_64", "i686", "s390x", "mips", "aarch64", "armv7l", "riscv64", "loongarch64"];

/// The files at these paths of at most so many bytes.
pub fn files(paths: impl IntoIterator<Item = impl Into<PathBuf>>, limit: usize) -> Vec<Vec<u8>> {
    let read = paths.into_iter().filter_map(|path| fs::read(path.into()).ok());
    read.filter(|bytes| bytes.len() <= limit).collect()
}

/// The files in a directory, sorted.
pub fn list(dir: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(|path| path.is_file()).collect();
    paths.sort();
    paths
}
