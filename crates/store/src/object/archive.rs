//! An image archive as one object.

use super::bucket::Bucket;
use super::connect::{Patience, connect};
use super::url::ObjectUrl;
use crate::archive::{Entries, Flavour};
use crate::destination::{CopyError, Destination, Named, Publication, Published, names};
use crate::error::StoreError;
use crate::network::Network;
use crate::reference::RefName;

/// An archive in an object store: the same bytes as an `oci-archive:` file.
pub(crate) struct ObjectArchive {
    pub(super) bucket: Bucket,
    pub(super) key: String,
    pub(super) name: Option<RefName>,
    pub(super) place: String,
}

impl ObjectArchive {
    /// The archive at `url`. `place` is what it is called in messages.
    ///
    /// # Errors
    /// As those of [`connect`].
    pub fn open(
        url: &ObjectUrl,
        name: Option<RefName>,
        place: String,
        network: &Network,
    ) -> Result<Self, StoreError> {
        let bucket = connect(url, network, Patience::Ample)?;
        Ok(ObjectArchive { bucket, key: url.key().into(), name, place })
    }
}

impl Destination for ObjectArchive {
    fn probe(&self) -> Result<(), StoreError> {
        self.bucket.probe(&self.key)
    }

    fn publish(&self, publication: &Publication<'_>) -> Result<Published, StoreError> {
        let names = names(self.name.as_ref(), publication.names, &self.place)?;
        let entries = Entries::new(publication.artifact, &names, Flavour::Oci, &self.place)?;
        let mut upload = self.bucket.upload(&self.key, entries.size())?;
        if let Err(error) = entries.write(&mut upload) {
            let shown = self.bucket.shown(&self.key);
            let cause = match error {
                CopyError::Store(error) => error,
                CopyError::Write(source) => StoreError::Write { path: shown.into(), source },
            };
            return Err(upload.abort(cause));
        }
        upload.finish()?;
        let digest = publication.artifact.document().descriptor.digest;
        Ok(Published { digest, names: names.iter().map(Named::text).collect() })
    }
}
