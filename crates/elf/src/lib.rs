//! Which libraries a program loads, and from where, by the loader's rules; what symbol versions it
//! needs and gets.
//!
//! [`read`] takes from an ELF file the [`Facts`] that a loader acts on. A [`Linker`] follows the rules
//! of glibc (as of 2.31 to 2.41) or musl over a [`tree::View`], and gives the [`Closure`] of a
//! program: every library with the path it is opened by and the reason for it, and all that is missing.
//! Nothing here touches the disk, and nothing of the host decides anything: neither its processor nor
//! its environment.

mod closure;
mod error;
mod facts;
mod hwcaps;
mod image;
mod ldconfig;
mod ldsocache;
mod ldsoconf;
mod loader;
mod machine;
mod memo;
mod mentions;
mod notebook;
mod notes;
mod read;
mod runtime;
mod search;
mod shebang;
mod strip;
mod symbols;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
#[cfg(test)]
mod tests;
mod version_name;
mod versions;
mod versions_check;
mod window;

pub use closure::{Closure, Interpreter, Library, Missing, Unsatisfied, Unversioned};
pub use error::ElfError;
pub use facts::{DlopenNote, Facts, Kind, Priority, VersionNeed};
pub use hwcaps::hwcaps_variants;
pub use ldconfig::{Ldconfig, ldconfig};
pub use ldsocache::{
    Cache, CacheEntry, CacheError, Variant, cache_flags, find_in_cache, read_cache, write_cache,
};
pub use ldsoconf::{Conf, ld_so_conf};
pub use loader::{Flavor, Loader};
pub use machine::{Abi, Class, Endian, Machine, MipsFloat};
pub use memo::{FactsMemo, FactsOf};
pub use mentions::mentions;
pub use notebook::Notebook;
pub use read::read;
pub use runtime::{RuntimeLoad, glibc_runtime_loads, services};
pub use search::{CachePolicy, Linker, Rule, Unusable};
pub use shebang::{Shebang, env_program, env_unsplit, shebang, shebang_of};
pub use strip::{MAX_STRIPPED, strip};
pub use symbols::{Undefined, UndefinedSymbol};
pub use version_name::{VersionName, is_private_version};
