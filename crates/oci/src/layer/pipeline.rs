//! One producer, one who hashes the tar, several compressors, one writer in order.
//!
//! The producer gives each chunk to the hash of the tar, and a slot: the sending half goes with the chunk to whichever
//! compressor is free, the receiving half goes in order to the writer, who waits at each slot in
//! turn. Both queues are bounded, so the chunks under way are too. Who stops, by an error or a
//! panic, drops its ends of the queues; the others find them closed and stop.

use super::buffer::Buffer;
use super::chunk::{Part, Stop, produce};
use super::chunks::{Chunk, Chunks, raw_key};
use super::encode::Codec;
use super::{Layer, LayerError, Written};
use crate::{Descriptor, Digest, Hashing};
use sha2::{Digest as _, Sha256};
use std::io::Write;
use std::num::NonZeroUsize;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::{panic, thread};
use tree::{Sha256Digest, Tree};

/// Chunks under way for each compressor: one at work, one waiting, one done.
const CHUNKS_EACH: usize = 3;

/// A chunk on its way to a compressor, and where its bytes go.
struct Job {
    raw: Arc<Buffer>,
    source: Option<Sha256Digest>,
    slot: SyncSender<Result<Encoded, LayerError>>,
}

/// A compressed chunk.
struct Encoded {
    bytes: Buffer,
    crc: crc32fast::Hasher,
    raw_len: u64,
    /// What is remembered of it, if anybody does.
    chunk: Option<Chunk>,
}

/// Where a compressed chunk will arrive.
type Slot = Receiver<Result<Encoded, LayerError>>;

/// Buffers that were used and may be used again.
struct Pool {
    buffers: Mutex<Vec<Buffer>>,
    /// More than can be under way at a time are not kept.
    most: usize,
}

impl Pool {
    fn new(most: usize) -> Self {
        Pool { buffers: Mutex::default(), most }
    }

    fn take(&self) -> Buffer {
        self.buffers.lock().ok().and_then(|mut pool| pool.pop()).unwrap_or_default()
    }

    /// Takes a buffer back from the last of those who share it.
    fn give_shared(&self, buf: Arc<Buffer>) {
        if let Some(buf) = Arc::into_inner(buf) {
            self.give(buf);
        }
    }

    fn give(&self, mut buf: Buffer) {
        buf.truncate(0);
        if let Ok(mut pool) = self.buffers.lock()
            && pool.len() < self.most
        {
            pool.push(buf);
        }
    }
}

/// The most threads that compress.
const MOST_THREADS: NonZeroUsize = NonZeroUsize::new(256).unwrap();

/// Writes the layer of `tree` to `out`. `stored` has chunks that were compressed before.
pub(super) fn run(
    tree: &Tree,
    codec: Codec,
    threads: NonZeroUsize,
    stored: Option<&dyn Chunks>,
    out: &mut (dyn Write + Send),
    progress: &(dyn Fn(u64) + Sync),
) -> Result<Written, LayerError> {
    // More threads than any machine has processors only cost memory.
    let threads = threads.min(MOST_THREADS);
    let (jobs, waiting) = sync_channel::<Job>(threads.get());
    let under_way = CHUNKS_EACH.saturating_mul(threads.get());
    let (slots, in_order) = sync_channel::<Slot>(under_way);
    let (plain, to_hash) = sync_channel::<Arc<Buffer>>(threads.get());
    let (raw, packed) = (Pool::new(under_way), Pool::new(under_way));
    thread::scope(|scope| {
        let producer = scope.spawn(|| {
            let (jobs, slots, plain) = (jobs, slots, plain);
            produce(tree, codec, &mut |part| {
                let Part { raw: chunk, source } = part;
                let chunk = Arc::new(chunk);
                let (slot, arrival) = sync_channel(1);
                slots.send(arrival).ok()?;
                plain.send(Arc::clone(&chunk)).ok()?;
                jobs.send(Job { raw: chunk, source, slot }).ok()?;
                Some(raw.take())
            })
        });
        let hasher = scope.spawn(|| hash(to_hash, &raw));
        // The queue ends when the last compressor does, so that nobody feeds it in vain.
        let waiting = Arc::new(Mutex::new(waiting));
        for _ in 0..threads.get() {
            let waiting = Arc::clone(&waiting);
            let (raw, packed) = (&raw, &packed);
            scope.spawn(move || compress(codec, stored, &waiting, raw, packed));
        }
        drop(waiting);
        let written = write(codec, in_order, &packed, out, progress);
        let produced = producer.join().unwrap_or_else(|panic| panic::resume_unwind(panic));
        let (diff_id, tar_size) = hasher.join().unwrap_or_else(|panic| panic::resume_unwind(panic));
        match (produced, written) {
            (Err(Stop::Error(error)), _) | (_, Err(Some(error))) => Err(error),
            (Ok(unpacked_size), Ok((descriptor, chunks))) => {
                let layer = Layer { descriptor, diff_id, unpacked_size, tar_size };
                Ok(Written { layer, chunks })
            }
            // Only a compressor that panicked stops the rest without an error; leaving the scope
            // passes its panic on.
            (Err(Stop::Closed), _) | (_, Err(None)) => {
                Err(LayerError::Compress(std::io::Error::other("a compressor stopped")))
            }
        }
    })
}

/// Hashes the tar, and counts its bytes.
fn hash(to_hash: Receiver<Arc<Buffer>>, raw: &Pool) -> (Digest, u64) {
    let mut hash = Sha256::new();
    let mut size = 0;
    for chunk in to_hash {
        hash.update(&**chunk);
        size += chunk.len() as u64;
        raw.give_shared(chunk);
    }
    (Digest::finish(hash), size)
}

/// Compresses what waits until nothing more comes.
fn compress(
    codec: Codec,
    stored: Option<&dyn Chunks>,
    waiting: &Mutex<Receiver<Job>>,
    raw: &Pool,
    packed: &Pool,
) {
    loop {
        let Ok(job) = waiting.lock().map(|queue| queue.recv()) else { return };
        let Ok(Job { raw: chunk, source, slot }) = job else { return };
        let encoded = match stored {
            None => encode(codec, &chunk, packed.take()),
            Some(stored) => find_or_encode(codec, stored, &chunk, source, packed),
        };
        raw.give_shared(chunk);
        // A writer that is gone has said why.
        let _ = slot.send(encoded);
    }
}

fn find_or_encode(
    codec: Codec,
    stored: &dyn Chunks,
    raw: &[u8],
    source: Option<Sha256Digest>,
    packed: &Pool,
) -> Result<Encoded, LayerError> {
    let fits = |found: &super::StoredChunk| found.chunk.raw_len as usize == raw.len();
    let by_source = source.and_then(|key| stored.find(&key)).filter(fits);
    let key = by_source.as_ref().map_or_else(|| raw_key(codec, raw), |found| found.chunk.raw);
    if let Some(found) = by_source.or_else(|| stored.find(&key).filter(fits)) {
        let raw_len = raw.len() as u64;
        let crc = crc32fast::Hasher::new_with_initial_len(found.chunk.crc, raw_len);
        let chunk = Chunk { source, ..found.chunk };
        return Ok(Encoded { bytes: found.bytes.into(), crc, raw_len, chunk: Some(chunk) });
    }
    let encoded = encode(codec, raw, packed.take())?;
    let length =
        |len: usize| u32::try_from(len).map_err(|error| LayerError::Compress(std::io::Error::other(error)));
    let chunk = Chunk {
        raw: key,
        source,
        raw_len: length(raw.len())?,
        crc: encoded.crc.clone().finalize(),
        len: length(encoded.bytes.len())?,
        check: crc32fast::hash(&encoded.bytes),
    };
    Ok(Encoded { chunk: Some(chunk), ..encoded })
}

fn encode(codec: Codec, raw: &[u8], mut bytes: Buffer) -> Result<Encoded, LayerError> {
    let crc = codec.encode(raw, &mut bytes)?;
    Ok(Encoded { bytes, crc, raw_len: raw.len() as u64, chunk: None })
}

/// Writes the chunks in order. No error at all means that a compressor vanished.
fn write(
    codec: Codec,
    in_order: Receiver<Slot>,
    packed: &Pool,
    out: &mut (dyn Write + Send),
    progress: &(dyn Fn(u64) + Sync),
) -> Result<(Descriptor, Vec<Chunk>), Option<LayerError>> {
    let failed = |error| Some(LayerError::Write(error));
    let mut out = Hashing::new(out);
    let mut crc = crc32fast::Hasher::new();
    let mut tar_size = 0;
    let mut chunks = vec![];
    out.write_all(codec.prologue()).map_err(failed)?;
    for slot in in_order {
        let encoded = slot.recv().map_err(|_| None)??;
        out.write_all(&encoded.bytes).map_err(failed)?;
        packed.give(encoded.bytes);
        chunks.extend(encoded.chunk);
        crc.combine(&encoded.crc);
        tar_size += encoded.raw_len;
        progress(encoded.raw_len);
    }
    out.write_all(&codec.epilogue(crc, tar_size)).map_err(failed)?;
    out.flush().map_err(failed)?;
    let (digest, size) = out.finish();
    Ok((Descriptor::new(codec.media_type(), digest, size), chunks))
}
