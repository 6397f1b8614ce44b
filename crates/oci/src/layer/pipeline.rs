//! One producer, several compressors, one writer in order.
//!
//! The producer gives each chunk a slot: the sending half goes with the chunk to whichever
//! compressor is free, the receiving half goes in order to the writer, who waits at each slot in
//! turn. Both queues are bounded, so the chunks under way are too. Who stops, by an error or a
//! panic, drops its ends of the queues; the others find them closed and stop.

use super::chunk::{Stop, Totals, produce};
use super::encode::Codec;
use super::{Layer, LayerError};
use crate::{Descriptor, Hashing};
use std::io::Write;
use std::num::NonZeroUsize;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::{panic, thread};
use tree::Tree;

/// Chunks under way for each compressor: one at work, one waiting, one done.
const CHUNKS_EACH: usize = 3;

/// A chunk on its way to a compressor, and where its bytes go.
struct Job {
    raw: Vec<u8>,
    slot: SyncSender<Result<Encoded, LayerError>>,
}

/// A compressed chunk.
struct Encoded {
    bytes: Vec<u8>,
    crc: crc32fast::Hasher,
    raw_len: u64,
}

/// Where a compressed chunk will arrive.
type Slot = Receiver<Result<Encoded, LayerError>>;

/// Buffers that were used and may be used again.
#[derive(Default)]
struct Pool(Mutex<Vec<Vec<u8>>>);

impl Pool {
    fn take(&self) -> Vec<u8> {
        self.0.lock().ok().and_then(|mut pool| pool.pop()).unwrap_or_default()
    }

    fn give(&self, mut buf: Vec<u8>) {
        buf.clear();
        if let Ok(mut pool) = self.0.lock() {
            pool.push(buf);
        }
    }
}

/// The most threads that compress.
const MOST_THREADS: NonZeroUsize = NonZeroUsize::new(256).unwrap();

/// Writes the layer of `tree` to `out`.
pub(super) fn run(
    tree: &Tree,
    codec: Codec,
    threads: NonZeroUsize,
    out: &mut (dyn Write + Send),
    progress: &(dyn Fn(u64) + Sync),
) -> Result<Layer, LayerError> {
    // More threads than any machine has processors only cost memory.
    let threads = threads.min(MOST_THREADS);
    let (jobs, waiting) = sync_channel::<Job>(threads.get());
    let (slots, in_order) = sync_channel::<Slot>(CHUNKS_EACH.saturating_mul(threads.get()));
    let (raw, packed) = (Pool::default(), Pool::default());
    thread::scope(|scope| {
        let producer = scope.spawn(|| {
            let (jobs, slots) = (jobs, slots);
            produce(tree, &mut |chunk| {
                let (slot, arrival) = sync_channel(1);
                slots.send(arrival).ok()?;
                jobs.send(Job { raw: chunk, slot }).ok()?;
                Some(raw.take())
            })
        });
        // The queue ends when the last compressor does, so that nobody feeds it in vain.
        let waiting = Arc::new(Mutex::new(waiting));
        for _ in 0..threads.get() {
            let waiting = Arc::clone(&waiting);
            let (raw, packed) = (&raw, &packed);
            scope.spawn(move || compress(codec, &waiting, raw, packed));
        }
        drop(waiting);
        let written = write(codec, in_order, &packed, out, progress);
        let produced = producer.join().unwrap_or_else(|panic| panic::resume_unwind(panic));
        match (produced, written) {
            (Err(Stop::Error(error)), _) | (_, Err(Some(error))) => Err(error),
            (Ok(totals), Ok(descriptor)) => {
                let Totals { diff_id, tar_size, unpacked_size } = totals;
                Ok(Layer { descriptor, diff_id, unpacked_size, tar_size })
            }
            // Only a compressor that panicked stops the rest without an error; leaving the scope
            // passes its panic on.
            (Err(Stop::Closed), _) | (_, Err(None)) => {
                Err(LayerError::Compress(std::io::Error::other("a compressor stopped")))
            }
        }
    })
}

/// Compresses what waits until nothing more comes.
fn compress(codec: Codec, waiting: &Mutex<Receiver<Job>>, raw: &Pool, packed: &Pool) {
    loop {
        let Ok(job) = waiting.lock().map(|queue| queue.recv()) else { return };
        let Ok(Job { raw: chunk, slot }) = job else { return };
        let mut bytes = packed.take();
        let encoded = codec.encode(&chunk, &mut bytes);
        let encoded = encoded.map(|crc| Encoded { bytes, crc, raw_len: chunk.len() as u64 });
        raw.give(chunk);
        // A writer that is gone has said why.
        let _ = slot.send(encoded);
    }
}

/// Writes the chunks in order. No error at all means that a compressor vanished.
fn write(
    codec: Codec,
    in_order: Receiver<Slot>,
    packed: &Pool,
    out: &mut (dyn Write + Send),
    progress: &(dyn Fn(u64) + Sync),
) -> Result<Descriptor, Option<LayerError>> {
    let failed = |error| Some(LayerError::Write(error));
    let mut out = Hashing::new(out);
    let mut crc = crc32fast::Hasher::new();
    let mut tar_size = 0;
    out.write_all(codec.prologue()).map_err(failed)?;
    for slot in in_order {
        let encoded = slot.recv().map_err(|_| None)??;
        out.write_all(&encoded.bytes).map_err(failed)?;
        packed.give(encoded.bytes);
        crc.combine(&encoded.crc);
        tar_size += encoded.raw_len;
        progress(encoded.raw_len);
    }
    out.write_all(&codec.epilogue(crc, tar_size)).map_err(failed)?;
    out.flush().map_err(failed)?;
    let (digest, size) = out.finish();
    Ok(Descriptor::new(codec.media_type(), digest, size))
}
