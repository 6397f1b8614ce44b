//! `bantam init`, `bantam compare` and the debug variant, through the command.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail")]

mod compare;
mod debug;
#[allow(dead_code, reason = "shared with other tests")]
#[path = "../findings/folder.rs"]
mod folder;
mod init;
