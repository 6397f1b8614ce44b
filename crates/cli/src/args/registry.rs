//! Flags of whatever reaches registries, and the commands about who one is there.

use clap::{Args, Subcommand};
use std::path::PathBuf;

/// How registries are reached.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Registries")]
pub struct Reach {
    /// Look for credentials in this file first
    #[arg(long, global = true, value_name = "FILE")]
    pub authfile: Option<PathBuf>,
    /// Trust the certificates of this file too; may be repeated
    #[arg(long, global = true, value_name = "FILE")]
    pub ca_file: Vec<PathBuf>,
    /// Reach this registry without knowing who it is: with any certificate, or without TLS; may be
    /// repeated
    #[arg(long, global = true, value_name = "HOST")]
    pub insecure: Vec<String>,
}

/// Who one is at the registry that a command is about.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Registries")]
pub struct Who {
    /// Who one is at the registry
    #[arg(long, short, value_name = "USER")]
    pub username: Option<String>,
    /// Read the password from stdin
    #[arg(long)]
    pub password_stdin: bool,
    /// Read a token as the registry takes it from stdin
    #[arg(long, conflicts_with_all = ["username", "password_stdin"])]
    pub registry_token_stdin: bool,
}

#[derive(Debug, Args)]
pub struct Login {
    /// The registry, such as ghcr.io or localhost:5000
    #[arg(value_name = "HOST")]
    pub registry: String,
    #[command(flatten)]
    pub who: Who,
    // It is there to say why it is not.
    #[arg(long, short, hide = true, value_name = "PASSWORD", num_args = 0..=1)]
    pub password: Option<Option<String>>,
}

#[derive(Debug, Args)]
pub struct Logout {
    /// The registry, such as ghcr.io or localhost:5000
    #[arg(value_name = "HOST")]
    pub registry: String,
}

#[derive(Debug, Subcommand)]
pub enum Auth {
    /// Show who one is at a registry, where that is from, and whether it is accepted
    Check(AuthCheck),
}

#[derive(Debug, Args)]
pub struct AuthCheck {
    /// host/name[:tag]
    #[arg(value_name = "REF")]
    pub reference: String,
    /// Find out too whether one may push
    #[arg(long)]
    pub push: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub who: Who,
}
