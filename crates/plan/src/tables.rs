//! Facts about the world that no file says of itself: data, each row with its reason, frozen by the
//! format.

use tree::TreePath;

/// Which Debian packages have a library, one row a soname: name, tab, packages separated by spaces.
const SONAMES: &str = include_str!("../data/sonames.tsv");

/// The sonames of the C library and its loader.
const LIBC: &[&str] = &[
    "libc.so.6",
    "libm.so.6",
    "libmvec.so.1",
    "libpthread.so.0",
    "libdl.so.2",
    "librt.so.1",
    "libutil.so.1",
    "libresolv.so.2",
    "libanl.so.1",
    "libBrokenLocale.so.1",
    "libnsl.so.1",
    "libthread_db.so.1",
    "libgcc_s.so.1",
];

/// A program that does not start without files that no ELF file names.
pub(crate) struct Companion {
    /// The program's name, with `*` for its version.
    program: &'static str,
    /// Files of which one must be there, below the directory that has `bin`, with the version as `{}`.
    pub probes: &'static [&'static str],
    /// What to keep, below the same directory, with the version as `{}`.
    files: &'static str,
    /// What they are.
    pub purpose: &'static str,
}

const COMPANIONS: &[Companion] = &[
    Companion {
        program: "python3.*",
        probes: &[
            "lib/python3.{}/encodings/__init__.py",
            "lib/python3.{}/encodings/__init__.pyc",
            "lib/python3{}.zip",
        ],
        files: "lib/python3.{}/**",
        purpose: "its standard library",
    },
    Companion {
        program: "ruby3.*",
        probes: &["lib/ruby/3.{}.0/rbconfig.rb", "lib/ruby/vendor_ruby"],
        files: "lib/ruby/**",
        purpose: "its standard library",
    },
];

/// The Debian packages that have the library `soname`; empty where the table does not know it.
pub fn packages_with(soname: &str) -> Vec<String> {
    let row = SONAMES.lines().find_map(|line| line.split_once('\t').filter(|(name, _)| *name == soname));
    row.map_or(vec![], |(_, packages)| packages.split(' ').map(String::from).collect())
}

/// Is this a library of the C library, or its loader?
pub(crate) fn is_libc(soname: &str) -> bool {
    LIBC.contains(&soname)
        || soname.starts_with("libnss_")
        || soname.starts_with("ld-linux")
        || soname.starts_with("ld64.so")
        || soname.starts_with("ld-musl")
        || soname.starts_with("libc.musl")
}

/// What the program at `path` does not start without: the directory that its paths are seen from, its
/// version, and the row.
pub(crate) fn companion(path: &TreePath) -> Option<(TreePath, String, &'static Companion)> {
    let row = COMPANIONS.iter().find_map(|row| {
        let version = path.name().strip_prefix(row.program.trim_end_matches('*'))?;
        let number = !version.is_empty() && version.bytes().all(|byte| byte.is_ascii_digit());
        number.then(|| (version.to_owned(), row))
    });
    let (version, row) = row?;
    let prefix = path.parent()?.parent()?;
    Some((prefix, version, row))
}

impl Companion {
    /// The glob that keeps what is needed.
    pub fn files(&self, prefix: &TreePath, version: &str) -> String {
        let prefix = if prefix.is_root() { "" } else { prefix.as_str() };
        format!("{prefix}/{}", self.files.replace("{}", version))
    }
}
