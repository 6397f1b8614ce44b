//! Who one is at a registry: credential files, helpers and clouds, and the tokens that registries want.
//!
//! A [`Keychain`] finds the credentials for a repository, and tells where it looked. An [`Auth`] makes of them what a
//! request carries, by what the registry asks for. A [`CredentialFile`] is where logins are kept. None of them knows of
//! images. Everything that the machine gives, its environment first, is handed in with [`Settings`].

mod authorization;
mod challenge;
mod ci;
mod clouds;
mod credential;
mod environment;
mod error;
mod file;
mod helper;
mod keychain;
mod lane;
mod registry;
mod saved;
mod scope;
mod settings;
mod token;
mod trace;
mod web;

#[cfg(test)]
mod leaks;
#[cfg(test)]
mod testing;

pub use authorization::Auth;
pub use credential::{Credential, Found};
pub use environment::Environment;
pub use error::AuthError;
pub use keychain::Keychain;
pub use registry::{api_host, is_loopback};
pub use saved::{CredentialFile, Kept};
pub use scope::{Action, Scope};
pub use settings::{Login, Settings};
pub use trace::{Looked, Outcome, Place};
