//! The `bantam` command: flags, words, hints and exit codes. What it does is in the library.

mod args;
mod commands;
mod exit;
mod github;
mod pages;
mod process;
mod receipts;
mod show;

use std::process::ExitCode;

/// Hundreds of thousands of small values, made on several threads: the C library's allocator takes its time for
/// them, and that of musl, of which a static program is made, far more.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    exit::catch_bugs();
    process::end_with_tools();
    process::open_many_files();
    // The one provider of cryptography that the TLS of a remote daemon uses; a second call is no harm.
    let _ = rustls::crypto::ring::default_provider().install_default();
    commands::run(&args::parse())
}
