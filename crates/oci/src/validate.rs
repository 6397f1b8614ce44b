//! The laws of an image: every size, digest and count, recomputed.

use crate::document::{ConfigFile, MAX_DOCUMENT, Manifest};
use crate::{Compression, Descriptor, Digest, Hashing, media_type, read_layer};
use std::error::Error;
use std::io::{self, Read};

/// An image whose bytes can be had.
pub trait ImageSource {
    /// What the name of the image led to.
    fn descriptor(&self) -> &Descriptor;

    /// The bytes of the manifest.
    ///
    /// # Errors
    /// What the place of the image says.
    fn manifest(&self) -> io::Result<Vec<u8>>;

    /// Opens what the manifest names.
    ///
    /// # Errors
    /// What the place of the image says.
    fn open(&self, descriptor: &Descriptor) -> io::Result<Box<dyn Read + Send + '_>>;
}

/// Something in an image that is not as it says.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Mismatch {
    /// A value is another than the image says.
    #[error("{subject}: {law} is {found}, not {expected}")]
    Differs {
        /// What is wrong: `the config`, `layer 2`.
        subject: String,
        /// What of it: `the digest`, `the size`.
        law: &'static str,
        /// What the image says.
        expected: String,
        /// What it is.
        found: String,
    },
    /// Something cannot be read as what it should be.
    #[error("{subject}: {reason}")]
    Unusable {
        /// What is wrong.
        subject: String,
        /// Why, with all causes.
        reason: String,
    },
}

/// Recomputes everything that an image says of itself, and collects what is not so.
pub fn validate(source: &dyn ImageSource) -> Vec<Mismatch> {
    let mut laws = Laws::default();
    let descriptor = source.descriptor();
    let manifest_bytes = match source.manifest() {
        Ok(bytes) => bytes,
        Err(error) => {
            laws.unusable("the manifest", &error);
            return laws.0;
        }
    };
    laws.blob("the manifest", descriptor, (Digest::of(&manifest_bytes), manifest_bytes.len() as u64));
    let manifest = match Manifest::parse(&manifest_bytes) {
        Ok(manifest) => manifest,
        Err(error) => {
            laws.unusable("the manifest", &error);
            return laws.0;
        }
    };
    laws.same("the manifest", "the schema version", 2, manifest.schema_version);
    if !media_type::is_manifest(&descriptor.media_type) {
        laws.differs("the manifest", "the media type", media_type::MANIFEST, &descriptor.media_type);
    }
    if let Some(told) = &manifest.media_type {
        laws.same("the manifest", "the media type", &descriptor.media_type, told);
    }
    let config = laws.config(source, &manifest.config);
    if let Some(config) = &config {
        laws.same(
            "the config",
            "the number of diff_ids",
            manifest.layers.len(),
            config.rootfs.diff_ids.len(),
        );
        laws.same("the config", "the type of the rootfs", "layers", config.rootfs.kind.as_str());
        let told = config.history.iter().filter(|step| !step.empty_layer).count();
        if !config.history.is_empty() {
            laws.same("the config", "the number of layers in its history", manifest.layers.len(), told);
        }
        if config.architecture.is_empty() || config.os.is_empty() {
            laws.differs("the config", "the platform", "a system and a processor", config.platform());
        }
    }
    for (number, layer) in manifest.layers.iter().enumerate() {
        let diff_id = config.as_ref().and_then(|config| config.rootfs.diff_ids.get(number));
        laws.layer(source, &format!("layer {}", number + 1), layer, diff_id);
    }
    laws.0
}

#[derive(Default)]
struct Laws(Vec<Mismatch>);

impl Laws {
    fn differs(&mut self, subject: &str, law: &'static str, expected: impl ToString, found: impl ToString) {
        let (expected, found) = (expected.to_string(), found.to_string());
        self.0.push(Mismatch::Differs { subject: subject.into(), law, expected, found });
    }

    fn unusable(&mut self, subject: &str, error: &dyn Error) {
        self.0.push(Mismatch::Unusable { subject: subject.into(), reason: chain(error) });
    }

    fn same<T: PartialEq + ToString>(&mut self, subject: &str, law: &'static str, expected: T, found: T) {
        if expected != found {
            self.differs(subject, law, expected, found);
        }
    }

    fn blob(&mut self, subject: &str, descriptor: &Descriptor, (digest, size): (Digest, u64)) {
        self.same(subject, "the size", descriptor.size, size);
        self.same(subject, "the digest", descriptor.digest, digest);
    }

    fn config(&mut self, source: &dyn ImageSource, descriptor: &Descriptor) -> Option<ConfigFile> {
        const SUBJECT: &str = "the config";
        if !media_type::is_config(&descriptor.media_type) {
            self.differs(SUBJECT, "the media type", media_type::CONFIG, &descriptor.media_type);
        }
        let mut bytes = vec![];
        let read =
            source.open(descriptor).and_then(|reader| reader.take(MAX_DOCUMENT + 1).read_to_end(&mut bytes));
        if let Err(error) = read {
            self.unusable(SUBJECT, &error);
            return None;
        }
        self.blob(SUBJECT, descriptor, (Digest::of(&bytes), bytes.len() as u64));
        ConfigFile::parse(&bytes).map_err(|error| self.unusable(SUBJECT, &error)).ok()
    }

    fn layer(
        &mut self,
        source: &dyn ImageSource,
        subject: &str,
        layer: &Descriptor,
        diff_id: Option<&Digest>,
    ) {
        if Compression::of_media_type(&layer.media_type).is_none() {
            self.differs(subject, "the media type", "that of a layer", &layer.media_type);
        }
        let reader = match source.open(layer) {
            Ok(reader) => reader,
            Err(error) => return self.unusable(subject, &error),
        };
        let mut blob = Hashing::new(reader);
        let read = read_layer(&mut blob, &layer.media_type, |_| ());
        // Whatever the layer's end or error left unread belongs to the blob, too.
        if let Err(error) = io::copy(&mut blob, &mut io::sink()) {
            return self.unusable(subject, &error);
        }
        self.blob(subject, layer, blob.finish());
        match (read, diff_id) {
            (Err(error), _) => self.unusable(subject, &error),
            (Ok(summary), Some(diff_id)) => {
                self.same(subject, "the diff_id", *diff_id, summary.diff_id);
            }
            (Ok(_), None) => {}
        }
    }
}

/// An error with its causes, in one line.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
