//! Places images go to and come from: layout, archive, daemon, registry, object store.
//!
//! A [`Reference`] names a place. [`destination`] makes it a [`Destination`], which takes a whole
//! image and publishes it whole or not at all; [`open`] finds an image there. A [`Spool`] is where
//! layers are written before they have a place.

mod archive;
mod daemon;
mod destination;
mod error;
mod layout;
mod name;
mod network;
mod object;
mod positioned;
mod reference;
mod registry;
mod shared;
mod side_by_side;
mod spool;
mod stored;
#[cfg(any(test, feature = "testing"))]
pub mod testing;

pub use destination::{Destination, Publication, Published, destination};
pub use error::{ErrorKind, StoreError};
pub use name::{ImageName, NameError};
pub use network::Network;
pub use object::{ObjectScheme, ObjectUrl, ObjectUrlError};
pub use reference::{RefName, Reference, ReferenceError};
pub use registry::{attach, referrers, tags};
pub use shared::{SharedPlace, SharedPlaceError};
pub use spool::{Spool, SpoolFile, file_blob};
pub use stored::{Stored, StoredImage, open};
