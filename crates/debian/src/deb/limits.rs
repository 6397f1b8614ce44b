//! How much of anything a package may have.

/// More than any real package has, and little enough to be borne.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// Bytes of the plain `data.tar`.
    pub unpacked: u64,
    /// How many times its compressed bytes a member may unpack to: real ones stay below 100.
    pub expansion: u64,
    /// So many bytes may come out of a member, however short it is.
    pub always: u64,
    /// Entries of `data.tar`.
    pub entries: usize,
    /// Bytes of all paths and link targets together.
    pub names: usize,
    /// Bytes of a file of `control.tar`.
    pub control_file: u64,
    /// Kilobytes of memory that a decompressor may ask for: the largest preset of xz takes 65 MiB.
    pub memory: u32,
}

impl Limits {
    /// What is taken of packages.
    pub const PACKAGE: Limits = Limits {
        unpacked: 8 << 30,
        expansion: 300,
        always: 64 << 20,
        entries: 1_000_000,
        names: 64 << 20,
        control_file: 32 << 20,
        memory: 160 << 10,
    };

    /// The most that a member of `size` bytes may unpack to.
    pub fn of_member(&self, size: u64) -> u64 {
        size.saturating_mul(self.expansion).max(self.always).min(self.unpacked)
    }
}
