//! What the machine could do at best with the same bytes: reading, hashing, compressing, and nothing else.

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Instant;

use flate2::{Compress, Compression, FlushCompress};
use sha2::{Digest, Sha256};

use super::measure::{Measured, Row, median};
use super::payload::{Payload, files_under};
use crate::step::Outcome;

/// The level that bantam compresses at.
const LEVEL: u32 = 5;
/// What is compressed in one piece.
const PIECE: u64 = 1 << 20;

/// The parts of each round.
pub struct Limit {
    files: Vec<(PathBuf, u64)>,
    cores: usize,
    rounds: Vec<Parts>,
}

/// Seconds, as they are when all cores share the work, except those of SHA-256: a stream has one core.
struct Parts {
    read: f64,
    hash_content: f64,
    hash_layer: f64,
    compress: f64,
    layer_bytes: f64,
}

impl Limit {
    pub fn of(payload: &Payload) -> Outcome<Self> {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        Ok(Self { files: files_under(&payload.folder)?, cores, rounds: vec![] })
    }

    /// Measures them once more.
    pub fn round(&mut self) -> Outcome {
        let start = Instant::now();
        self.on_all_cores(&|_, _: &mut ()| ())?;
        let read = start.elapsed().as_secs_f64();
        let compressed: Vec<(f64, usize)> =
            self.on_all_cores(&|piece, (seconds, bytes): &mut (f64, usize)| {
                let start = Instant::now();
                *bytes += compressed(piece);
                *seconds += start.elapsed().as_secs_f64();
            })?;
        let content: u64 = self.files.iter().map(|(_, size)| size).sum();
        let layer_bytes: usize = compressed.iter().map(|(_, bytes)| bytes).sum();
        self.rounds.push(Parts {
            read,
            hash_content: hashed(content),
            hash_layer: hashed(layer_bytes as u64),
            compress: compressed.iter().map(|(seconds, _)| seconds).sum::<f64>() / self.cores as f64,
            layer_bytes: layer_bytes as f64,
        });
        Ok(())
    }

    /// The rows: the limit, and what it is made of.
    pub fn rows(&self) -> Vec<Row> {
        let of = |part: &dyn Fn(&Parts) -> f64| median(self.rounds.iter().map(part).collect());
        let read = of(&|parts| parts.read);
        // The two streams are hashed side by side, where there are two cores.
        let hash = of(&|parts| match self.cores {
            1 => parts.hash_content + parts.hash_layer,
            _ => parts.hash_content.max(parts.hash_layer),
        });
        let compress = of(&|parts| parts.compress);
        let shared = of(&|parts| {
            let hashes = (parts.hash_content + parts.hash_layer) / self.cores as f64;
            parts.read + hashes + parts.compress
        });
        let bytes = of(&|parts| parts.layer_bytes);
        let row = |name: &str, seconds: f64, bytes: Option<f64>| {
            Row::Measured(Measured { name: name.to_owned(), seconds, bytes, peak_bytes: None })
        };
        vec![
            row("the machine's limit: the slowest of its parts", read.max(hash).max(compress), Some(bytes)),
            row("– reading all files", read, None),
            row("– SHA-256 of the content and of the layer", hash, None),
            row("– compression at the same level, all cores", compress, Some(bytes)),
            row("– all parts, shared by all cores", shared, None),
        ]
    }

    /// Gives every piece of the files to `work`, which keeps a sum for each core.
    fn on_all_cores<T: Default + Send>(&self, work: &(impl Fn(&[u8], &mut T) + Sync)) -> Outcome<Vec<T>> {
        let pieces = pieces(&self.files);
        let next = AtomicUsize::new(0);
        let worker = || -> Outcome<T> {
            let (mut sum, mut buffer) = (T::default(), Vec::new());
            while let Some(piece) = pieces.get(next.fetch_add(1, Ordering::Relaxed)) {
                buffer.clear();
                for part in piece {
                    self.read(part, &mut buffer)?;
                }
                work(&buffer, &mut sum);
            }
            Ok(sum)
        };
        thread::scope(|scope| {
            let workers: Vec<_> = (0..self.cores).map(|_| scope.spawn(worker)).collect();
            let sums = workers.into_iter().map(|worker| worker.join().unwrap_or(Err("a thread died".into())));
            sums.collect()
        })
    }

    fn read(&self, part: &Part, buffer: &mut Vec<u8>) -> Outcome {
        let Some((path, _)) = self.files.get(part.file) else { return Ok(()) };
        let failed = |error: std::io::Error| format!("{}: {error}", path.display());
        let mut file = File::open(path).map_err(failed)?;
        let start = buffer.len();
        if part.offset == 0 {
            file.by_ref().take(part.length).read_to_end(buffer).map_err(failed)?;
        } else {
            buffer.resize(start + part.length as usize, 0);
            let into = buffer.get_mut(start..).unwrap_or_default();
            file.read_exact_at(into, part.offset).map_err(failed)?;
        }
        Ok(())
    }
}

/// A part of a file.
struct Part {
    file: usize,
    offset: u64,
    length: u64,
}

/// Small files together and large ones cut, about [`PIECE`] each.
fn pieces(files: &[(PathBuf, u64)]) -> Vec<Vec<Part>> {
    let (mut pieces, mut piece, mut filled) = (vec![], vec![], 0);
    for (file, (_, size)) in files.iter().enumerate() {
        let mut offset = 0;
        while offset < *size {
            let length = (*size - offset).min(PIECE - filled);
            piece.push(Part { file, offset, length });
            offset += length;
            filled += length;
            if filled == PIECE {
                pieces.push(std::mem::take(&mut piece));
                filled = 0;
            }
        }
    }
    pieces.push(piece);
    pieces
}

/// How large a piece is when it is compressed on its own.
fn compressed(piece: &[u8]) -> usize {
    let mut state = Compress::new(Compression::new(LEVEL), false);
    let mut out = Vec::with_capacity(piece.len() + piece.len() / 8 + 1024);
    // The buffer holds what even noise becomes, so that one call does it.
    match state.compress_vec(piece, &mut out, FlushCompress::Sync) {
        Ok(_) => out.len(),
        Err(_) => piece.len(),
    }
}

/// The seconds that SHA-256 of so many bytes takes: what they are does not matter.
fn hashed(bytes: u64) -> f64 {
    let piece = vec![0xa5; PIECE as usize];
    let start = Instant::now();
    let mut state = Sha256::new();
    let mut left = bytes;
    while left > 0 {
        let length = left.min(PIECE);
        state.update(piece.get(..length as usize).unwrap_or_default());
        left -= length;
    }
    std::hint::black_box(state.finalize());
    start.elapsed().as_secs_f64()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_hold_all_bytes_once_and_in_order() {
        let sizes = [10, 0, PIECE, 3 * PIECE + 5, 7];
        let files: Vec<(PathBuf, u64)> = sizes.iter().map(|size| (PathBuf::new(), *size)).collect();
        let pieces = pieces(&files);
        let mut reached = [0; 5];
        for part in pieces.iter().flatten() {
            assert_eq!(reached[part.file], part.offset);
            reached[part.file] += part.length;
        }
        assert_eq!(reached, sizes);
        let lengths: Vec<u64> =
            pieces.iter().map(|piece| piece.iter().map(|part| part.length).sum()).collect();
        assert_eq!(lengths, [PIECE, PIECE, PIECE, PIECE, 22]);
    }

    #[test]
    fn what_compresses_is_smaller_and_noise_is_whole() {
        assert!(compressed(&[7; 100_000]) < 1000);
        let mut state = 1u32;
        let noise: Vec<u8> = (0..100_000)
            .map(|_| {
                state = state.wrapping_mul(1664525).wrapping_add(1013904223);
                (state >> 24) as u8
            })
            .collect();
        assert!((100_000..100_200).contains(&compressed(&noise)), "{}", compressed(&noise));
    }
}
