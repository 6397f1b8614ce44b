//! What files are for, as far as their paths tell.

use tree::TreePath;

/// What a file is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Programs and scripts.
    Programs,
    /// Shared libraries and plugins.
    Libraries,
    /// Code of languages that is loaded while a program runs: Python, JavaScript, Java, Perl, Ruby.
    Modules,
    /// Anything else that programs read.
    Data,
    /// Manual pages, licences, translations.
    Documentation,
    /// What package managers keep: their records, caches and settings.
    Records,
    /// What upper layers replace or take away.
    Hidden,
}

/// Endings of code.
const MODULES: &[&str] = &[
    "py", "pyc", "pyi", "js", "mjs", "cjs", "ts", "map", "jar", "jmod", "jsa", "class", "war", "pm", "pl",
    "rb", "php", "lua", "wasm",
];
/// Folders of documentation.
const DOCUMENTATION: &[&str] =
    &["/usr/share/doc", "/usr/share/man", "/usr/share/info", "/usr/share/locale", "/usr/share/licenses"];
/// Folders of package managers.
const RECORDS: &[&str] = &[
    "/var/lib/dpkg",
    "/var/lib/apt",
    "/var/cache/apt",
    "/lib/apk",
    "/usr/lib/apk",
    "/etc/apk",
    "/var/cache/apk",
    "/var/lib/rpm",
    "/usr/lib/sysimage",
    "/var/lib/dnf",
    "/var/cache/dnf",
];
/// Folders of programs.
const PROGRAMS: &[&str] =
    &["/bin", "/sbin", "/usr/bin", "/usr/sbin", "/usr/local/bin", "/usr/local/sbin", "/usr/libexec"];

impl Kind {
    /// All, in the order in which they are shown.
    pub const ALL: [Kind; 7] = [
        Kind::Programs,
        Kind::Libraries,
        Kind::Modules,
        Kind::Data,
        Kind::Documentation,
        Kind::Records,
        Kind::Hidden,
    ];

    /// What a file is for.
    pub fn of(path: &TreePath, is_executable: bool) -> Kind {
        let text = path.as_str();
        let below = |folders: &[&str]| {
            folders.iter().any(|folder| text.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/')))
        };
        let name = path.name();
        let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
        if below(RECORDS) {
            Kind::Records
        } else if below(DOCUMENTATION) {
            Kind::Documentation
        } else if is_library(name) {
            Kind::Libraries
        } else if MODULES.contains(&ending) || name == "modules" && text.ends_with("/lib/modules") {
            Kind::Modules
        } else if is_executable || below(PROGRAMS) {
            Kind::Programs
        } else {
            Kind::Data
        }
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Programs => "programs",
            Kind::Libraries => "libraries",
            Kind::Modules => "modules",
            Kind::Data => "data",
            Kind::Documentation => "documentation",
            Kind::Records => "package records",
            Kind::Hidden => "hidden by upper layers",
        }
    }
}

/// `libz.so`, `libz.so.1.2.13`, `_ssl.cpython-311-x86_64-linux-gnu.so`, `addon.node`.
fn is_library(name: &str) -> bool {
    let versions = |rest: &str| rest.chars().all(|letter| letter.is_ascii_digit() || letter == '.');
    let numbered = || name.split_once(".so.").is_some_and(|(_, rest)| versions(rest));
    name.ends_with(".so") || name.ends_with(".node") || numbered()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail")]

    use super::*;

    #[test]
    fn what_files_are_for() {
        for (path, is_executable, want) in [
            ("/app/shop", true, Kind::Programs),
            ("/usr/bin/script", false, Kind::Programs),
            ("/usr/lib/x86_64-linux-gnu/libz.so.1.2.13", true, Kind::Libraries),
            ("/app/node_modules/a/addon.node", false, Kind::Libraries),
            ("/usr/lib/python3.11/os.py", false, Kind::Modules),
            ("/usr/lib/jvm/x/lib/modules", false, Kind::Modules),
            ("/etc/modules", false, Kind::Data),
            ("/etc/libz.so.conf", false, Kind::Data),
            ("/usr/share/zoneinfo/Europe/Madrid", false, Kind::Data),
            ("/usr/share/doc/libc6/copyright", false, Kind::Documentation),
            ("/usr/share/documents/x", false, Kind::Data),
            ("/var/lib/dpkg/status.d/libc6", false, Kind::Records),
            ("/lib/apk/db/installed", false, Kind::Records),
        ] {
            assert_eq!(Kind::of(&path.parse().unwrap(), is_executable), want, "{path}");
        }
    }
}
