//! What happens while an image is built, for whoever shows it.

use plan::{finding::Finding, spec::Platform};

/// Something that happened. Events say what was done; they decide nothing.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Event<'a> {
    /// A build begins.
    Begun {
        /// How many specs and programs are to be built.
        images: usize,
    },
    /// All layers of one of them are written.
    Built {
        /// The image's name.
        name: &'a str,
    },
    /// An image is being planned.
    Planning {
        /// Its name.
        name: &'a str,
        /// What it is for.
        platform: Platform,
    },
    /// It was planned.
    Planned {
        /// The spec, for messages.
        shown: &'a str,
        /// What it is for.
        platform: Platform,
        /// What is wrong with it, errors first.
        findings: &'a [Finding],
        /// How many files it has.
        files: usize,
        /// How many packages files were taken of.
        packages: usize,
        /// Bytes of all files.
        unpacked: u64,
    },
    /// More is wrong with an image than its plan could tell.
    Found {
        /// The spec, for messages.
        shown: &'a str,
        /// What the image is for.
        platform: Platform,
        /// What is wrong.
        findings: &'a [Finding],
    },
    /// Something worth knowing that stops nothing.
    Notice {
        /// What.
        text: &'a str,
        /// More of it, a line each.
        details: &'a [String],
    },
    /// Packages are being fetched.
    FetchStarted {
        /// How many.
        packages: usize,
        /// Their bytes.
        bytes: u64,
    },
    /// So many more bytes of them are there.
    FetchAdvanced {
        /// How many.
        bytes: u64,
    },
    /// All of them are there.
    FetchDone,
    /// A layer is being written.
    LayerStarted {
        /// Its name.
        name: &'a str,
        /// Bytes of its files.
        unpacked: u64,
    },
    /// So many more bytes of the layer's tar have been read.
    LayerAdvanced {
        /// How many.
        bytes: u64,
    },
    /// A layer is written.
    LayerDone {
        /// Its name.
        name: &'a str,
        /// Bytes as stored.
        compressed: u64,
    },
    /// An image is going to a destination.
    Publishing {
        /// The destination, as it was given.
        destination: &'a str,
    },
    /// It is there.
    Published {
        /// The destination.
        destination: &'a str,
    },
}

/// Whoever wants to know. Called from several threads.
pub type Watch<'a> = &'a (dyn Fn(Event<'_>) + Sync);
