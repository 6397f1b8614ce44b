//! Files made up here: the same bytes on every machine.

use std::fs;
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;

use crate::step::Outcome;

/// A file of the large tree has 64 KiB of content, then a hole up to the next MiB: the disk holds a sixteenth of it.
const STRIDE: u64 = 1 << 20;
const FILLED: usize = 64 << 10;

/// So many files in folders of a few dozen, each of half of `mean` bytes to one and a half.
pub fn files(folder: &Path, count: usize, mean: usize) -> Outcome {
    let mut noise = Noise(1);
    for number in 0..count {
        let path = folder.join(format!("{}/{}/{number}.py", number % 20, number % (count / 50).max(20)));
        let failed = |error: std::io::Error| format!("{}: {error}", path.display());
        let length = mean / 2 + noise.number() % mean.max(1);
        fs::create_dir_all(path.parent().unwrap_or(folder)).map_err(failed)?;
        fs::write(&path, noise.content(length)).map_err(failed)?;
    }
    Ok(())
}

/// Files of 1 GiB each that take little of the disk: what is read, hashed and compressed is as large as they look.
pub fn large(folder: &Path, count: usize) -> Outcome {
    fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut noise = Noise(2);
    for number in 0..count {
        let path = folder.join(format!("{number}.bin"));
        let failed = |error: std::io::Error| format!("{}: {error}", path.display());
        let mut file = fs::File::create(&path).map_err(failed)?;
        for at in (0..1 << 30).step_by(STRIDE as usize) {
            file.seek(SeekFrom::Start(at)).map_err(failed)?;
            file.write_all(&noise.content(FILLED)).map_err(failed)?;
        }
        file.set_len(1 << 30).map_err(failed)?;
    }
    Ok(())
}

/// A file of bytes that do not compress; for each seed others.
pub fn noise(file: &Path, length: usize, seed: usize) -> Outcome {
    let mut noise = Noise(seed as u64);
    let bytes: Vec<u8> = (0..length).map(|_| noise.number() as u8).collect();
    fs::write(file, bytes).map_err(|error| format!("{}: {error}", file.display()))
}

/// A linear congruential generator: the same numbers everywhere.
struct Noise(u64);

impl Noise {
    fn number(&mut self) -> usize {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.0 >> 33) as usize
    }

    /// Words from a small set in one half and noise in the other: together they shrink as programs do.
    fn content(&mut self, length: usize) -> Vec<u8> {
        const WORDS: [&str; 8] = ["import ", "return ", "value", "self.", "\n    ", "(", ")\n", "name"];
        let mut content = Vec::with_capacity(length + 8);
        while content.len() < length / 2 {
            let word = WORDS.get(self.number() % WORDS.len()).copied().unwrap_or_default();
            content.extend_from_slice(word.as_bytes());
        }
        content.resize_with(length, || self.number() as u8);
        content
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_content_each_time_and_of_the_length_asked_for() {
        let content = || Noise(1).content(1000);
        assert_eq!(content().len(), 1000);
        assert_eq!(content(), content());
        assert!(Noise(2).content(1000) != content());
    }
}
