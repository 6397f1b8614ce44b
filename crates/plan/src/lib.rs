//! A spec in, layers with reasons out.
//!
//! [`plan`] is pure: it sees files through [`tree::View`] and handles on content, and gives back an
//! image as a value, with the reason of every path and everything that is wrong.

pub mod expand;
pub mod explain;
pub mod finding;
pub mod init;
pub mod lock;
pub mod reason;
pub mod spec;

mod accounts;
mod base;
mod brought;
mod caps;
mod certificates;
mod debug;
mod draft;
mod environment;
mod error;
mod gather;
mod glob;
mod growth;
mod ignore;
mod layers;
mod masked;
mod nearest;
mod node;
mod offers;
mod packages;
mod payload;
mod plan;
mod plugins;
mod policy;
mod process;
mod profile;
mod proof;
mod rebase;
mod search_path;
mod secrets;
mod suites;
mod tables;
mod wants;
mod wildcard;

pub use accounts::{PackageAccounts, PackageUser};
pub use base::{Base, BaseConfig, Origin, Setting};
pub use brought::{Brought, BroughtFile, BroughtLayer, PackedNeed};
pub use certificates::CaSource;
pub use debug::BUSYBOX_PACKAGE;
pub use error::PlanError;
pub use glob::{Glob, GlobError};
pub use growth::{Growth, growth};
pub use layers::LayerPlan;
pub use nearest::nearest;
pub use offers::Offers;
pub use packages::{LeftOut, Package, unused_package};
pub use payload::{Selection, Taken, placed};
pub use plan::{Memo, Plan, Sources, plan};
pub use policy::check_compressed;
pub use process::{
    DEFAULT_PATH, JAVA_OPTIONS, JavaCommand, JavaStart, Process, PythonStart, find_program, is_elsewhere,
};
pub use profile::{CA_BUNDLE, ProfilePackage};
pub use rebase::{Rebase, rebase};
pub use suites::Suite;
pub use tables::packages_with;
pub use wants::Want;
