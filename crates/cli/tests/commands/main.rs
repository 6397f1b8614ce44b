//! `bantam init` and `bantam compare`, through the command.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail")]

mod compare;
#[allow(dead_code, reason = "shared with other tests")]
#[path = "../findings/folder.rs"]
mod folder;
mod init;
