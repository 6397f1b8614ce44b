//! What is said about findings: to people, to programs, to code scanning, and on their pages.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail")]

mod folder;
mod pages;
mod programs;
mod sarif;
