//! What of a package enters an image, and which packages no program of one needs: `data/packages.toml`.

use crate::glob::Glob;
use serde::Deserialize;
use std::sync::OnceLock;
use tree::TreePath;

const TABLE: &str = include_str!("../../data/packages.toml");

/// The rules, ready to be asked.
pub(crate) struct Rules {
    files: Vec<Files>,
    modules: Vec<Glob>,
    state: Vec<Glob>,
    unused: Vec<Unused>,
}

struct Unused {
    package: Vec<Glob>,
    of: Vec<Glob>,
    why: String,
}

struct Files {
    globs: Vec<Glob>,
    what: String,
    only_of_dependencies: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    files: Vec<FilesRow>,
    modules: Vec<ModulesRow>,
    state: StateRow,
    unused: Vec<UnusedRow>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FilesRow {
    files: Vec<String>,
    what: String,
    only: Option<Only>,
}

#[derive(Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum Only {
    Dependency,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ModulesRow {
    files: Vec<String>,
    #[serde(rename = "of")]
    _of: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StateRow {
    directories: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UnusedRow {
    package: Vec<String>,
    #[serde(default)]
    of: Vec<String>,
    why: String,
}

/// The rules of this format.
pub(crate) fn rules() -> &'static Rules {
    static RULES: OnceLock<Rules> = OnceLock::new();
    RULES.get_or_init(|| {
        let globs = |texts: Vec<String>| texts.iter().filter_map(|text| Glob::new(text).ok()).collect();
        // The table is part of the program, and tests read it.
        let table: Option<Table> = toml::from_str(TABLE).ok();
        let Some(Table { files, modules, state, unused }) = table else {
            return Rules { files: vec![], modules: vec![], state: vec![], unused: vec![] };
        };
        let files = files.into_iter().map(|row| Files {
            globs: globs(row.files),
            what: row.what,
            only_of_dependencies: row.only.is_some(),
        });
        let modules = modules.into_iter().flat_map(|row| globs(row.files));
        // Names have no slash, and are matched as names at the root.
        let names = |texts: Vec<String>| globs(texts.iter().map(|text| format!("/{text}")).collect());
        let unused = unused.into_iter().map(|UnusedRow { package, of, why }| Unused {
            package: names(package),
            of: names(of),
            why,
        });
        let state = globs(state.directories);
        Rules { files: files.collect(), modules: modules.collect(), state, unused: unused.collect() }
    })
}

impl Rules {
    /// What a file of a package is, in words, where no running program reads it. `named`: was the package asked for
    /// itself?
    pub fn left_out(&self, path: &TreePath, named: bool) -> Option<&str> {
        let row = self
            .files
            .iter()
            .find(|row| !(named && row.only_of_dependencies) && any(&row.globs, path.as_str()));
        row.map(|row| &*row.what)
    }

    /// Is a shared object at this path loaded by the interpreter of a language, by name?
    pub fn is_module(&self, path: &TreePath) -> bool {
        any(&self.modules, path.as_str())
    }

    /// Is a directory at this path there for what programs keep, or look for?
    pub fn is_state(&self, path: &TreePath) -> bool {
        any(&self.state, path.as_str())
    }

    /// Why nothing of `package` is needed where `dependent` depends on it; none where it may be.
    pub fn unused(&self, package: &str, dependent: &str) -> Option<&str> {
        let (package, dependent) = (format!("/{package}"), format!("/{dependent}"));
        let is_used =
            |row: &&Unused| any(&row.package, &package) && (row.of.is_empty() || any(&row.of, &dependent));
        self.unused.iter().find(is_used).map(|row| &*row.why)
    }
}

/// Does one of the globs match? Most fall by how they begin.
fn any(globs: &[Glob], path: &str) -> bool {
    globs.iter().any(|glob| path.starts_with(glob.literal_prefix()) && glob.matches(path))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail")]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_read_whole() {
        let table: Table = toml::from_str(TABLE).unwrap();
        for glob in table
            .files
            .iter()
            .flat_map(|row| &row.files)
            .chain(table.modules.iter().flat_map(|row| &row.files))
            .chain(&table.state.directories)
        {
            assert!(Glob::new(glob).is_ok() && glob.starts_with('/'), "{glob}");
        }
        assert!(!rules().unused.is_empty());
        for row in &rules().unused {
            assert!(!row.why.ends_with('.') && !row.package.is_empty(), "{}", row.why);
        }
        assert_eq!(rules().unused.len(), table.unused.len());
    }

    #[test]
    fn files_and_packages_are_judged() {
        let p = |text| TreePath::parse(text).unwrap();
        for (path, named, want) in [
            ("/usr/share/doc/nginx/README", true, Some("documentation")),
            ("/usr/lib/systemd/system/nginx.service", true, Some("files for an init system")),
            ("/usr/share/locale/de/LC_MESSAGES/x.mo", false, Some("translations")),
            ("/usr/lib/x86_64-linux-gnu/gconv/UTF-16.so", false, Some("converters between character sets")),
            ("/usr/lib/x86_64-linux-gnu/gconv/UTF-16.so", true, None),
            ("/etc/nginx/nginx.conf", true, None),
            ("/usr/share/misc/magic.mgc", false, None),
        ] {
            assert_eq!(rules().left_out(&p(path), named), want, "{path}");
        }
        assert!(rules().unused("debconf", "libssl3").is_some());
        assert!(rules().unused("openssl", "ca-certificates").is_some());
        assert!(rules().unused("openssl", "shop").is_none());
        assert!(
            rules().is_module(&p("/usr/lib/python3.11/lib-dynload/_ssl.cpython-311-x86_64-linux-gnu.so"))
        );
    }
}
