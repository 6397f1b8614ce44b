//! A bucket: objects read whole or in parts, and put whole or not at all.

use super::failure::{Said, failure, said};
use super::upload::Upload;
use super::url::ObjectUrl;
use crate::error::{ErrorKind, StoreError};
use fetch::Client;
use futures_util::{StreamExt as _, TryStreamExt as _};
use object_store::path::Path;
use object_store::{
    Error, GetOptions, GetRange, GetResult, ObjectMeta, ObjectStore, ObjectStoreExt as _, PutMode,
    PutOptions, PutPayload, UpdateVersion,
};
use std::fmt;
use std::sync::Arc;

/// A bucket of an object store. Its functions wait, on the runtime of the HTTP client.
#[derive(Clone)]
pub(crate) struct Bucket {
    pub(super) store: Arc<dyn ObjectStore>,
    pub(super) client: Client,
    /// The URL without the key, for messages.
    root: String,
}

/// When an object is put.
#[derive(Debug, Clone)]
pub(crate) enum If {
    /// It is not there.
    Absent,
    /// It is still this one.
    Still(Version),
}

/// Which of the objects that had a key over time one is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Version(UpdateVersion);

impl fmt::Debug for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bucket").field("root", &self.root).finish_non_exhaustive()
    }
}

impl Bucket {
    /// The bucket of `url` in a store.
    pub fn new(store: Arc<dyn ObjectStore>, client: Client, url: &ObjectUrl) -> Self {
        let text = url.to_string();
        let root = text.strip_suffix(url.key()).unwrap_or(&text).to_owned();
        Bucket { store, client, root }
    }

    /// What an object is called.
    pub fn shown(&self, key: &str) -> String {
        format!("{}{key}", self.root)
    }

    /// Would an object be taken, as far as reading tells? Who may only write is not let read, and is let pass.
    pub fn probe(&self, key: &str) -> Result<(), StoreError> {
        let first = GetOptions { range: Some(GetRange::Bounded(0..1)), ..GetOptions::default() };
        let path = self.path(key)?;
        let Err(error) = self.wait("reach", key, self.store.get_opts(&path, first))? else { return Ok(()) };
        let Said { status, code, .. } = said(&error);
        let passes = match (status, code.as_deref()) {
            (Some(404), Some("NoSuchBucket" | "ContainerNotFound")) => false,
            (Some(404 | 416), _) => true,
            (Some(403), code) => matches!(code, None | Some("AccessDenied")),
            _ => matches!(error, Error::NotFound { .. }),
        };
        if passes { Ok(()) } else { Err(failure("reach", self.shown(key), &error)) }
    }

    /// What is known of an object; nothing, if it is not there.
    pub fn head(&self, key: &str) -> Result<Option<ObjectMeta>, StoreError> {
        let path = self.path(key)?;
        self.found("read", key, self.wait("read", key, self.store.head(&path))?)
    }

    /// A short object as a whole, with its version; nothing, if it is not there.
    pub fn get(&self, key: &str, limit: u64) -> Result<Option<(Vec<u8>, Version)>, StoreError> {
        let path = self.path(key)?;
        let work = async {
            let result = self.store.get(&path).await?;
            let version = Version::of(&result.meta);
            if result.meta.size > limit {
                return Ok(Err(result.meta.size));
            }
            let bytes = result.into_stream().try_fold(vec![], |mut bytes, part| async move {
                bytes.extend_from_slice(&part);
                Ok(bytes)
            });
            Ok(Ok((bytes.await?, version)))
        };
        match self.found("read", key, self.wait("read", key, work)?)? {
            None => Ok(None),
            Some(Ok(found)) => Ok(Some(found)),
            Some(Err(size)) => Err(StoreError::Mismatch {
                subject: self.shown(key),
                expected: format!("at most {limit} bytes"),
                found: format!("{size} bytes"),
            }),
        }
    }

    /// Opens an object, or the part of it that a range says.
    pub fn open(
        &self,
        key: &str,
        range: Option<GetRange>,
        version: Option<&Version>,
    ) -> Result<GetResult, StoreError> {
        let path = self.path(key)?;
        let if_match = version.and_then(|version| version.0.e_tag.clone());
        let options = GetOptions { range, if_match, ..GetOptions::default() };
        let result = self.wait("read", key, self.store.get_opts(&path, options))?;
        result.map_err(|error| failure("read", self.shown(key), &error))
    }

    /// Puts a short object, instead of one that may be there.
    pub fn put(&self, key: &str, bytes: Vec<u8>) -> Result<(), StoreError> {
        let path = self.path(key)?;
        let result = self.wait("write", key, self.store.put(&path, PutPayload::from(bytes)))?;
        result.map(drop).map_err(|error| failure("write", self.shown(key), &error))
    }

    /// Puts a short object on a condition; says whether that was met.
    ///
    /// # Errors
    /// When it could not be put, or the store knows no conditions.
    pub fn put_if(&self, key: &str, bytes: Vec<u8>, condition: If) -> Result<bool, StoreError> {
        let path = self.path(key)?;
        let mode = match condition {
            If::Absent => PutMode::Create,
            If::Still(version) => PutMode::Update(version.0),
        };
        let put = self.store.put_opts(&path, PutPayload::from(bytes), PutOptions::from(mode));
        match self.wait("write", key, put)? {
            Ok(_) => Ok(true),
            Err(Error::AlreadyExists { .. } | Error::Precondition { .. }) => Ok(false),
            Err(error) => Err(failure("write", self.shown(key), &error)),
        }
    }

    /// An object that is written as its bytes come.
    pub fn upload(&self, key: &str, size: u64) -> Result<Upload<'_>, StoreError> {
        Ok(Upload::new(self, key, self.path(key)?, size))
    }

    /// What is below a prefix that ends with a slash, at most `limit` objects.
    pub fn list(&self, prefix: &str, limit: usize) -> Result<Vec<ObjectMeta>, StoreError> {
        let path = self.path(prefix)?;
        let objects = self.store.list(Some(&path)).take(limit).try_collect();
        let objects: Result<Vec<ObjectMeta>, Error> = self.wait("list", prefix, objects)?;
        objects.map_err(|error| failure("list", self.shown(prefix), &error))
    }

    /// Does some work on the client's runtime.
    pub(super) fn wait<T: Send>(
        &self,
        action: &'static str,
        key: &str,
        work: impl Future<Output = T> + Send,
    ) -> Result<T, StoreError> {
        self.client.wait(work).map_err(|error| StoreError::Object {
            action,
            object: self.shown(key),
            kind: ErrorKind::Place,
            source: error.into(),
        })
    }

    fn path(&self, key: &str) -> Result<Path, StoreError> {
        Path::parse(key).map_err(|error| failure("name", self.shown(key), &error.into()))
    }

    /// That it is not there is no error; that its bucket is not, is.
    fn found<T>(
        &self,
        action: &'static str,
        key: &str,
        result: Result<T, Error>,
    ) -> Result<Option<T>, StoreError> {
        match result {
            Ok(found) => Ok(Some(found)),
            Err(error) => {
                let code = said(&error).code;
                let has_bucket = !matches!(code.as_deref(), Some("NoSuchBucket" | "ContainerNotFound"));
                match error {
                    Error::NotFound { .. } if has_bucket => Ok(None),
                    error => Err(failure(action, self.shown(key), &error)),
                }
            }
        }
    }
}

impl Version {
    /// That of an object.
    pub fn of(meta: &ObjectMeta) -> Self {
        Version(UpdateVersion { e_tag: meta.e_tag.clone(), version: meta.version.clone() })
    }
}
