//! An object store in memory that can be made to fail.

#![allow(clippy::unwrap_used)]

use super::bucket::Bucket;
use async_trait::async_trait;
use fetch::{Client, Options};
use futures_util::StreamExt as _;
use futures_util::stream::BoxStream;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    ObjectStoreExt as _, PutMode, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result, UploadPart,
};
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex};

/// A store in memory that writes down what it is asked, and fails as it is told to.
#[derive(Debug, Default)]
pub(crate) struct Store {
    pub inner: InMemory,
    pub log: Arc<Mutex<Vec<String>>>,
    /// Which part of an upload fails, from one on.
    pub bad_part: usize,
    /// Has it no conditional puts?
    pub unconditional: bool,
    /// Is everything forbidden?
    pub forbidden: bool,
    pub fetched: AtomicUsize,
}

#[derive(Debug)]
struct Uploading {
    inner: Box<dyn MultipartUpload>,
    log: Arc<Mutex<Vec<String>>>,
    until_bad: usize,
}

fn broken() -> Error {
    Error::Generic { store: "test", source: "status code: 500 Internal Server Error: ".into() }
}

impl Store {
    fn note(&self, what: &str, key: &Path) -> Result<()> {
        self.log.lock().unwrap().push(format!("{what} {key}"));
        let path = key.to_string();
        if self.forbidden {
            let source = "status code: 403 Forbidden: <Code>AccessDenied</Code>".into();
            return Err(Error::PermissionDenied { path, source });
        }
        Ok(())
    }

    /// What it was asked since the last time.
    pub fn took(&self) -> Vec<String> {
        std::mem::take(&mut self.log.lock().unwrap())
    }
}

impl fmt::Display for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a store in memory")
    }
}

#[async_trait]
impl MultipartUpload for Uploading {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        self.log.lock().unwrap().push(format!("part {}", data.content_length()));
        self.until_bad = self.until_bad.wrapping_sub(1);
        if self.until_bad == 0 { Box::pin(async { Err(broken()) }) } else { self.inner.put_part(data) }
    }
    async fn complete(&mut self) -> Result<PutResult> {
        self.log.lock().unwrap().push("complete".into());
        self.inner.complete().await
    }
    async fn abort(&mut self) -> Result<()> {
        self.log.lock().unwrap().push("abort".into());
        self.inner.abort().await
    }
}

#[async_trait]
impl ObjectStore for Store {
    async fn put_opts(&self, key: &Path, bytes: PutPayload, options: PutOptions) -> Result<PutResult> {
        self.note("put", key)?;
        if self.unconditional && options.mode != PutMode::Overwrite {
            return Err(Error::NotImplemented {
                operation: "conditional put".into(),
                implementer: "S3".into(),
            });
        }
        self.inner.put_opts(key, bytes, options).await
    }
    async fn put_multipart_opts(
        &self,
        key: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.note("start", key)?;
        let inner = self.inner.put_multipart_opts(key, options).await?;
        Ok(Box::new(Uploading { inner, log: Arc::clone(&self.log), until_bad: self.bad_part }))
    }
    async fn get_opts(&self, key: &Path, options: GetOptions) -> Result<GetResult> {
        self.note(if options.head { "head" } else { "get" }, key)?;
        let is_head = options.head;
        let result = self.inner.get_opts(key, options).await?;
        let bytes = if is_head { 0 } else { result.range.end - result.range.start };
        self.fetched.fetch_add(usize::try_from(bytes).unwrap(), Relaxed);
        Ok(result)
    }
    fn delete_stream(&self, keys: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        self.inner.delete_stream(keys)
    }
    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        match self.note("list", prefix.unwrap_or(&Path::default())) {
            Ok(()) => self.inner.list(prefix),
            Err(error) => futures_util::stream::iter([Err(error)]).boxed(),
        }
    }
    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }
    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.inner.copy_opts(from, to, options).await
    }
}

/// A bucket of the store.
pub(crate) fn bucket(store: &Arc<Store>) -> Bucket {
    let client = Client::new(Options::default());
    Bucket::new(Arc::clone(store) as _, client, &"s3://bucket/".parse().unwrap())
}

/// All keys that are there.
pub(crate) fn keys(store: &Store) -> Vec<String> {
    let all = store.inner.list(None).map(|meta| meta.unwrap().location.to_string()).collect::<Vec<_>>();
    let mut keys = Client::new(Options::default()).wait(all).unwrap();
    keys.sort();
    keys
}

/// Puts an object, whatever the store is told to do.
pub(crate) fn put(store: &Store, key: &str, bytes: &[u8]) {
    let put = async { store.inner.put(&key.into(), PutPayload::from(bytes.to_vec())).await };
    Client::new(Options::default()).wait(put).unwrap().unwrap();
}

/// An object, whatever the store is told to do.
pub(crate) fn get(store: &Store, key: &str) -> Vec<u8> {
    let get = async { store.inner.get(&key.into()).await.unwrap().bytes().await };
    Client::new(Options::default()).wait(get).unwrap().unwrap().to_vec()
}
