//! The Python of a runtime source.

use plan::spec::Architecture;
use tree::TreePath;

/// A Python interpreter, and where it looks for what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Interpreter {
    /// Major and minor version.
    pub version: (u32, u32),
    /// The program, links resolved: `/usr/bin/python3.13`.
    pub program: TreePath,
    /// The standard library: `/usr/lib/python3.13`.
    pub stdlib: TreePath,
    /// Where packages go: `/usr/local/lib/python3.13/dist-packages`.
    pub site: TreePath,
    /// Where console scripts go: `/usr/local/bin`.
    pub scripts: TreePath,
    /// The C library.
    pub libc: Libc,
    /// The processor.
    pub architecture: Architecture,
}

/// The C library of a runtime source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Libc {
    /// glibc 2 of this minor version.
    Glibc(u32),
    /// musl 1 of this minor version.
    Musl(u32),
}
