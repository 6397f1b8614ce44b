//! Who one is at a registry: credential files, helpers and clouds, and the tokens that registries want.
//!
//! A [`Keychain`] finds the credentials for a repository, and tells where it looked. An [`Auth`] makes of them what a
//! request carries, by what the registry asks for. Neither knows of images.

mod authorization;
mod error;
mod keychain;
mod scope;

pub use authorization::Auth;
pub use error::AuthError;
pub use keychain::{Credential, Found, Keychain};
pub use scope::{Action, Scope};
