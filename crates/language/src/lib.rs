//! What the language of an application brings to its image: the parts of a runtime that it needs, its dependencies for
//! the target's platform, and what is compiled of them beforehand.
//!
//! [`bring`] reads the tables of the languages of a spec, and gives what a plan takes beside payload and packages:
//! [`plan::Brought`]. Tools of the language (`uv`, `npm`, a Python, a JDK) are run as ordinary processes on the builder;
//! nothing of the image is. Whatever they make is kept in the cache under a key that says all that went into it, so that
//! a build that is not the first runs none.

mod ask;
mod bring;
mod error;
mod java;
mod kept;
mod node;
mod python;
mod tool;

pub use ask::{Ask, BuildRoot, BuildTools, Workshop};
pub use bring::{bring, packages};
pub use error::LanguageError;
pub use java::{JarStart, jar_start};
pub use node::workspace;
pub use tool::end_tools;
