//! A cache to look things up in.

use super::{CacheEntry, find_in_cache, read_cache};
use crate::{Endian, Machine};
use std::collections::HashMap;
use tree::Content;

/// The largest cache that is read, in bytes.
const MAX_CACHE: u64 = 64 << 20;

/// The libraries of an `ld.so.cache`, by name.
#[derive(Debug, Default)]
pub struct Cache(HashMap<String, Vec<CacheEntry>>);

impl Cache {
    /// The libraries of a cache, as a loader of this byte order reads it: to the loader, a cache that makes
    /// no sense is empty.
    pub fn read(content: &Content, endian: Endian) -> Self {
        let bytes = content.read(MAX_CACHE).unwrap_or_default();
        let mut by_name: HashMap<String, Vec<CacheEntry>> = HashMap::new();
        for entry in read_cache(&bytes, endian).unwrap_or_default() {
            by_name.entry(entry.soname.clone()).or_default().push(entry);
        }
        Cache(by_name)
    }

    /// The library that a loader of this machine takes for `soname`.
    pub fn find(&self, soname: &str, machine: &Machine) -> Option<&CacheEntry> {
        find_in_cache(self.0.get(soname)?, soname, machine)
    }
}
