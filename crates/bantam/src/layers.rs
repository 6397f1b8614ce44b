//! Layers, from the cache where they were written before.
//!
//! A layer is looked for by its key; if it is not there, its chunks are, and only those that are new are compressed.
//! A cache that cannot be written, or is damaged, costs time and nothing else.

use crate::{
    Error,
    build::side_by_side,
    event::{Event, Watch},
    shared::told,
};
use cache::{Cache, CacheError, RecordKind};
use oci::{Blob, Chunk, Chunks, Layer, LayerOptions, StoredChunk, Written};
use plan::LayerPlan;
use std::{
    collections::HashMap,
    fs::File,
    num::NonZeroUsize,
    os::{fd::AsFd, unix::fs::FileExt},
    sync::{Arc, OnceLock, PoisonError, RwLock},
};
use store::Spool;
use tree::Sha256Digest;

/// How many layers are asked for chunks: those that were used last.
const LAYERS: usize = 256;
/// How much of the lists of their chunks is read.
const LISTS: u64 = 64 << 20;

/// How many of those are read at a time.
const READERS: NonZeroUsize = NonZeroUsize::MIN.saturating_add(7);

/// Writes layers, or finds them.
pub(crate) struct Layers<'a> {
    spool: &'a Spool,
    options: LayerOptions,
    chunks: &'a StoredChunks<'a>,
}

/// A layer with its bytes.
pub(crate) struct Ready {
    pub layer: Layer,
    pub blob: Arc<dyn Blob>,
}

impl<'a> Layers<'a> {
    /// `chunks` are those of the cache in which layers are looked for and left.
    pub fn new(spool: &'a Spool, options: LayerOptions, chunks: &'a StoredChunks<'a>) -> Self {
        Layers { spool, options, chunks }
    }

    /// The layer of a plan.
    ///
    /// # Errors
    /// When its files cannot be read, or it can be written nowhere.
    pub fn make(&self, plan: &LayerPlan, watch: Watch<'_>) -> Result<Ready, Error> {
        let unpacked = plan.tree.content_size();
        watch(Event::LayerStarted { name: &plan.name, unpacked });
        let failed = |source| Error::Layer { name: plan.name.clone(), source };
        let key = oci::layer_key(&plan.tree, &self.options).map_err(failed)?;
        let ready = match key.and_then(|key| self.find(&key)) {
            Some(ready) => {
                watch(Event::LayerAdvanced { bytes: ready.layer.tar_size });
                ready
            }
            None => self.write(plan, key, watch)?,
        };
        watch(Event::LayerDone { name: &plan.name, compressed: ready.layer.descriptor.size });
        Ok(ready)
    }

    fn find(&self, key: &Sha256Digest) -> Option<Ready> {
        let cache = self.chunks.cache;
        let record = cache.record(RecordKind::Layer, key)?;
        let layer: Layer = serde_json::from_slice(&record).ok()?;
        let descriptor = &layer.descriptor;
        let file = cache.blob(&Sha256Digest(*descriptor.digest.bytes()), descriptor.size)?;
        let blob = store::file_blob(file, descriptor.clone());
        Some(Ready { layer, blob })
    }

    fn write(&self, plan: &LayerPlan, key: Option<Sha256Digest>, watch: Watch<'_>) -> Result<Ready, Error> {
        let advance = |bytes| watch(Event::LayerAdvanced { bytes });
        let mut file = self.spool.file()?;
        let Written { layer, chunks } =
            oci::write_layer_with(&plan.tree, &self.options, self.chunks, &mut file, &advance)
                .map_err(|source| Error::Layer { name: plan.name.clone(), source })?;
        let blob = file.finish(&layer.descriptor)?;
        self.keep(key, &layer, chunks, &*blob).iter().for_each(|error| self.chunks.complain(error, watch));
        Ok(Ready { layer, blob })
    }

    /// Leaves a layer to later runs. Gives what could not be written: that one of several places fails is no matter
    /// of the others.
    fn keep(
        &self,
        key: Option<Sha256Digest>,
        layer: &Layer,
        chunks: Vec<Chunk>,
        blob: &dyn Blob,
    ) -> Vec<CacheError> {
        let (cache, descriptor) = (self.chunks.cache, &layer.descriptor);
        let digest = Sha256Digest(*descriptor.digest.bytes());
        let Some(file) = blob.fd().and_then(|fd| fd.as_fd().try_clone_to_owned().ok()).map(File::from) else {
            return vec![];
        };
        let list = ChunkList { size: descriptor.size, start: self.options.prologue(), chunks };
        let record = serde_json::to_vec(layer).unwrap_or_default();
        let puts = [
            cache.put_blob(&digest, &file),
            cache.put_record(RecordKind::Chunks, &digest, &list.encode()),
            key.map_or(Ok(()), |key| cache.put_record(RecordKind::Layer, &key, &record)),
        ];
        let failed: Vec<CacheError> = puts.into_iter().filter_map(Result::err).collect();
        if failed.is_empty() {
            self.chunks.add(digest, &list);
        }
        failed
    }
}

/// The chunks of the layers in a cache.
pub(crate) struct StoredChunks<'a> {
    cache: &'a Cache,
    index: OnceLock<RwLock<Index>>,
    complained: OnceLock<()>,
}

#[derive(Default)]
struct Index {
    chunks: HashMap<Sha256Digest, Place>,
    layers: Vec<StoredLayer>,
}

/// What a record says of the chunks of a layer.
struct ChunkList {
    /// The bytes of the layer.
    size: u64,
    /// Where the first chunk begins.
    start: u64,
    chunks: Vec<Chunk>,
}

impl ChunkList {
    fn encode(&self) -> Vec<u8> {
        [&self.size.to_le_bytes()[..], &self.start.to_le_bytes(), &Chunk::write_all(&self.chunks)].concat()
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (size, rest) = bytes.split_first_chunk()?;
        let (start, chunks) = rest.split_first_chunk()?;
        let (size, start) = (u64::from_le_bytes(*size), u64::from_le_bytes(*start));
        Some(ChunkList { size, start, chunks: Chunk::read_all(chunks)? })
    }
}

/// Where a chunk is: in which layer, and at which of its bytes.
#[derive(Clone, Copy)]
struct Place {
    layer: usize,
    offset: u64,
    chunk: Chunk,
}

struct StoredLayer {
    digest: Sha256Digest,
    size: u64,
    file: OnceLock<Option<Arc<File>>>,
}

impl<'a> StoredChunks<'a> {
    pub fn new(cache: &'a Cache) -> Self {
        StoredChunks { cache, index: OnceLock::new(), complained: OnceLock::new() }
    }

    /// Remembers the chunks of a layer that was just written.
    fn add(&self, digest: Sha256Digest, list: &ChunkList) {
        self.index().write().unwrap_or_else(PoisonError::into_inner).add(digest, list);
    }

    /// Says once that the cache takes nothing: the build goes on without.
    pub fn complain(&self, error: &CacheError, watch: Watch<'_>) {
        if self.complained.set(()).is_ok() {
            let text = match error {
                CacheError::Shared { .. } => told(error),
                error => format!("the cache is left as it is: {}", told(error)),
            };
            watch(Event::Notice { text: &text, details: &[] });
        }
    }

    fn index(&self) -> &RwLock<Index> {
        self.index.get_or_init(|| {
            let mut left = LISTS;
            let mut recent = self.cache.recent(RecordKind::Chunks, LAYERS);
            recent.retain(|(_, size)| {
                left = left.saturating_sub(*size);
                left > 0
            });
            // Those of a cache that others share may be far away.
            let lists = side_by_side(READERS, &recent, &|(digest, _)| {
                let record = self.cache.record(RecordKind::Chunks, digest)?;
                Some((*digest, ChunkList::decode(&record)?))
            });
            let mut index = Index::default();
            for (digest, list) in lists.into_iter().flatten() {
                index.add(digest, &list);
            }
            RwLock::new(index)
        })
    }
}

impl Index {
    fn add(&mut self, digest: Sha256Digest, list: &ChunkList) {
        let layer = self.layers.len();
        self.layers.push(StoredLayer { digest, size: list.size, file: OnceLock::new() });
        let mut offset = list.start;
        for chunk in &list.chunks {
            let place = Place { layer, offset, chunk: *chunk };
            // Newer layers come first: what they have need not be looked for in older ones.
            for key in chunk.source.into_iter().chain([chunk.raw]) {
                self.chunks.entry(key).or_insert(place);
            }
            offset = offset.saturating_add(chunk.len.into());
        }
    }
}

impl Chunks for StoredChunks<'_> {
    fn find(&self, key: &Sha256Digest) -> Option<StoredChunk> {
        let (place, file) = {
            let index = self.index().read().unwrap_or_else(PoisonError::into_inner);
            let place = *index.chunks.get(key)?;
            let layer = index.layers.get(place.layer)?;
            let open = || self.cache.blob(&layer.digest, layer.size).map(Arc::new);
            (place, Arc::clone(layer.file.get_or_init(open).as_ref()?))
        };
        let mut bytes = vec![0; usize::try_from(place.chunk.len).ok()?];
        file.read_exact_at(&mut bytes, place.offset).ok()?;
        place.chunk.is(&bytes).then_some(StoredChunk { chunk: place.chunk, bytes })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use cache::{Shared, SharedDirectory};
    use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
    use tempfile::TempDir;
    use tree::Tree;

    /// Chunks that count which were found.
    struct Counting<'a> {
        chunks: StoredChunks<'a>,
        found: AtomicUsize,
    }

    impl Chunks for Counting<'_> {
        fn find(&self, key: &Sha256Digest) -> Option<StoredChunk> {
            let found = self.chunks.find(key);
            self.found.fetch_add(usize::from(found.is_some()), Relaxed);
            found
        }
    }

    fn options() -> LayerOptions {
        LayerOptions { compression: oci::Compression::Gzip, level: None, threads: NonZeroUsize::MIN }
    }

    /// A layer of several chunks. Nothing is known of the files that they come from.
    fn plan() -> LayerPlan {
        let file = |name| format!("644 0:0 /{name} = {}\n", format!("{name} and more ").repeat(300_000));
        let text = ["a", "b", "c"].map(file).concat();
        LayerPlan { name: "app".into(), tree: Tree::from_lines(&text).unwrap() }
    }

    #[test]
    fn a_machine_with_nothing_compresses_nothing_that_another_has_compressed() {
        let dir = TempDir::new().unwrap();
        let shared = || Arc::new(SharedDirectory::new(dir.path().join("shared"))) as Arc<dyn Shared>;
        let spool = Spool::for_places([], &dir.path().join("spool")).unwrap();
        let one = Cache::new(dir.path().join("one")).with_shared(vec![], vec![shared()]);
        let chunks = StoredChunks::new(&one);
        let written = Layers::new(&spool, options(), &chunks).make(&plan(), &|_| {}).unwrap().layer;
        for (from, of) in [(vec![], 0), (vec![shared()], 1)] {
            let two = Cache::new(dir.path().join("two")).with_shared(from, vec![]);
            let counting = Counting { chunks: StoredChunks::new(&two), found: AtomicUsize::new(0) };
            let again =
                oci::write_layer_with(&plan().tree, &options(), &counting, &mut std::io::sink(), &|_| {})
                    .unwrap();
            assert_eq!(again.layer, written);
            assert!(again.chunks.len() > 5, "{} chunks", again.chunks.len());
            assert_eq!(counting.found.load(Relaxed), of * again.chunks.len());
        }
    }
}
