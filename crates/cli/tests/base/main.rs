//! Images upon a base, through the command: bases that bantam made, and such that others did.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail")]

#[allow(dead_code, reason = "shared with other tests")]
#[path = "../findings/folder.rs"]
mod folder;
mod layout;
mod rebase;
mod upon;
