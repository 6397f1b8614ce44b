//! Copies of files, without their bytes passing through where the file system can do that.

use rustix::fs::{copy_file_range, ioctl_ficlone};
use rustix::io::Errno;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;

/// The most that the kernel is asked to copy at once.
const RANGE: usize = 1 << 30;
/// How much passes through memory at once, where it has to.
const STEP: usize = 256 << 10;

/// Copies all of `from` to `to`, which is empty. Blocks are shared where the file system shares them.
/// The place where either is read or written next does not move.
pub(crate) fn copy(from: &File, to: &File) -> io::Result<()> {
    if ioctl_ficlone(to, from).is_ok() {
        return Ok(());
    }
    let mut read = 0;
    let mut written = 0;
    loop {
        match copy_file_range(from, Some(&mut read), to, Some(&mut written), RANGE) {
            Err(Errno::INTR) => {}
            Ok(got) if got > 0 => {}
            // The end, or a file system that cannot: what is left, if anything, is read and written.
            _ => break,
        }
    }
    let mut offset = written;
    each_block(from, offset, |block| {
        to.write_all_at(block, offset)?;
        offset += block.len() as u64;
        Ok(())
    })
}

/// Reads `file` from `offset` to its end, a block at a time.
pub(crate) fn each_block(
    file: &File,
    mut offset: u64,
    mut take: impl FnMut(&[u8]) -> io::Result<()>,
) -> io::Result<()> {
    let mut buf = vec![0; STEP];
    loop {
        match file.read_at(&mut buf, offset) {
            Ok(0) => return Ok(()),
            Ok(got) => {
                take(buf.get(..got).unwrap_or_default())?;
                offset += got as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read as _;

    #[test]
    fn a_copy_is_whole_wherever_it_goes() {
        let bytes: Vec<u8> = (0..STEP as u32 * 2 + 7).map(|number| number.to_le_bytes()[1]).collect();
        let mut dirs = vec![tempfile::tempdir().unwrap()];
        dirs.extend(tempfile::tempdir_in("/dev/shm"));
        for from in &dirs {
            for to in &dirs {
                for bytes in [&bytes[..], b""] {
                    let from = tempfile::tempfile_in(from).unwrap();
                    from.write_all_at(bytes, 0).unwrap();
                    let mut to = tempfile::tempfile_in(to).unwrap();
                    copy(&from, &to).unwrap();
                    let mut found = vec![];
                    to.read_to_end(&mut found).unwrap();
                    assert!(found == bytes);
                }
            }
        }
    }

    #[test]
    fn a_file_of_the_kernel_says_no_size_and_is_copied_all_the_same() {
        let mut to = tempfile::tempfile().unwrap();
        copy(&File::open("/proc/self/status").unwrap(), &to).unwrap();
        let mut text = String::new();
        to.read_to_string(&mut text).unwrap();
        assert!(text.starts_with("Name:"), "{text}");
    }
}
