//! The library's front: from a spec to an image at its destinations, with progress events.
//!
//! [`build`] runs the whole way, [`check`] stops where bytes would begin. Everything that the machine
//! gives, such as the environment, is handed in; nothing here prints.

mod attached;
mod baseline;
mod build;
mod changes;
mod compare;
mod deps;
mod error;
mod event;
mod explain;
mod failures;
pub mod files;
mod finished;
mod images;
mod init;
pub mod inside;
mod languages;
mod layers;
mod lockfile;
mod login;
mod notes;
mod open;
mod output;
mod packages;
mod places;
mod planned;
mod rebase;
mod remembered;
mod runtime;
mod session;
mod shared;
mod target;
pub mod transfer;
mod unpacked;
mod vendor;
mod when;

pub use attached::attach_reasons;
pub use baseline::tell_growth;
pub use build::{
    Built, Outcome, Request, Summary, build, build_what_can_be, check, check_lock, host_platform, lock,
};
pub use compare::{Compared, ComparedLayer, Kind, compare};
pub use deps::{Deps, deps};
pub use error::{Error, Refusal};
pub use event::{Event, Watch};
pub use explain::{Explained, record, records};
pub use failures::Failure;
pub use init::{Initialised, init, write_spec};
pub use lockfile::Locking;
pub use login::{Access, Checked, LoggedIn, LoggedOut, check_access, login, logout};
pub use open::Problem;
pub use output::Output;
pub use rebase::{Rebase, Rebased, rebase};
pub use session::Session;
pub use target::Target;
pub use transfer::{Moved, Naming};
pub use vendor::{Vendored, vendor};
pub use when::EPOCH;
