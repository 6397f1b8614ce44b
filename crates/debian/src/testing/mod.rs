//! A fake archive for tests, made from values: real `.deb` files, indexes and signatures, laid out as a mirror.
//!
//! What cannot be made is a mistake of the test, and panics.
//!
//! ```
//! use debian::testing::{TestArchive, TestPackage};
//!
//! let archive = TestArchive::new().suite("bookworm").package(
//!     TestPackage::new("libfoo1")
//!         .version("1.0")
//!         .depends("libc6 (>= 2.36)")
//!         .file("/usr/lib/x86_64-linux-gnu/libfoo.so.1.0", "not really")
//!         .link("/usr/lib/x86_64-linux-gnu/libfoo.so.1", "libfoo.so.1.0")
//!         .script("postinst", "#!/bin/sh\nldconfig\n"),
//! );
//! let mirror = tempfile::tempdir().unwrap();
//! archive.write_to(mirror.path());
//! assert!(mirror.path().join("dists/bookworm/InRelease").exists());
//! assert!(mirror.path().join("pool/main/libf/libfoo1/libfoo1_1.0_amd64.deb").exists());
//! ```

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod archive;
mod deb;
mod hand;
mod key;
mod package;
#[cfg(test)]
mod tests;

pub use archive::TestArchive;
pub use hand::{read_deb, read_script};
#[cfg(test)]
pub(crate) use key::{MADE, clearsigned, packets};
pub use key::{Subkey, TestKey};
pub use package::{Packing, TestPackage};
