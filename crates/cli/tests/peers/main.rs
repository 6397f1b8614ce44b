//! Tests of the real command against the programs that people use with its images.
//!
//! `cargo xtask test` installs the peers and starts an engine. Under plain `cargo test`, a test that needs a peer
//! prints `SKIPPED: ` with the reason; the others run.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

mod by_name;
mod classic;
mod corpus;
mod debian;
mod emulated;
mod from_packages;
mod init;
mod interop;
mod java;
mod kill;
mod layout;
mod loader;
mod node;
mod objects;
mod oracle;
mod packages;
mod pains;
mod programs;
mod python;
mod readme;
mod refusals;
mod registry;
mod reproducible;
mod runtime;
mod servers;
mod service;
mod sizes;
mod upon;
mod workshop;
