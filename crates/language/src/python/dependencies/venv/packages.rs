//! The distributions that are installed in an environment: which file is of which, and whether they fit.

use crate::{
    LanguageError,
    python::{
        dependencies::{
            record::{self, Record},
            shown,
            tags::Tags,
        },
        interpreter::{Interpreter, Libc},
    },
};
use plan::{finding::Problem, spec::Line};
use std::collections::{BTreeMap, BTreeSet};
use tree::Content;

/// No description of a distribution is larger, in bytes.
const MAX_TEXT: u64 = 64 << 20;

/// What is installed.
#[derive(Default)]
pub(super) struct Packages {
    /// The `RECORD` of each, by its path.
    records: BTreeMap<String, Record>,
    /// Name and version by path, as each `RECORD` says.
    owners: BTreeMap<String, String>,
    /// The tags of each, by name and version.
    tags: BTreeMap<String, Vec<String>>,
}

impl Packages {
    /// Reads the descriptions among files.
    ///
    /// # Errors
    /// When one cannot be read.
    pub fn read(files: &BTreeMap<String, Content>) -> Result<Self, LanguageError> {
        let mut packages = Packages::default();
        for (path, content) in files {
            let Some((stem, name)) = path.split_once(".dist-info/").filter(|(stem, _)| !stem.contains('/'))
            else {
                continue;
            };
            let of =
                stem.rsplit_once('-').map_or(stem.to_owned(), |(name, version)| format!("{name} {version}"));
            match name {
                "RECORD" => {
                    // One that is damaged says nothing.
                    let record = record::parse(&content.read(MAX_TEXT)?).unwrap_or_default();
                    packages.owners.extend(record.keys().map(|file| (file.clone(), of.clone())));
                    packages.records.insert(path.clone(), record);
                }
                "WHEEL" => {
                    let text = content.read(MAX_TEXT)?;
                    let text = String::from_utf8_lossy(&text);
                    let tags = text.lines().filter_map(|line| line.strip_prefix("Tag:"));
                    packages.tags.insert(of, tags.map(|tag| tag.trim().to_owned()).collect());
                }
                _ => {}
            }
        }
        Ok(packages)
    }

    /// Each `RECORD`, with its path.
    pub fn records(&self) -> impl Iterator<Item = (&String, &Record)> {
        self.records.iter()
    }

    /// The distribution that a file is of, as name and version; empty where none says so.
    pub fn of(&self, file: &str) -> &str {
        self.owners.get(file).map_or("", String::as_str)
    }

    /// Those that are for another Python or platform.
    pub fn unfit(
        &self,
        interpreter: &Interpreter,
        files: &BTreeMap<String, Content>,
        line: Line,
    ) -> Vec<Problem> {
        let tags = Tags::of(interpreter);
        let mut why: BTreeMap<String, String> = BTreeMap::new();
        for (of, all) in &self.tags {
            if !all.is_empty() && !all.iter().any(|tag| tags.fits(tag)) {
                why.insert(of.clone(), format!("it is built for {}", all.join(", ")));
            }
        }
        let unknown: BTreeSet<&str> = files
            .keys()
            .filter(|file| !module_fits(file, interpreter))
            .map(|file| if self.of(file).is_empty() { file } else { self.of(file) })
            .collect();
        for of in unknown {
            let named = files
                .keys()
                .find(|file| !module_fits(file, interpreter) && (self.of(file) == of || file.as_str() == of));
            let name = named.map(|file| file.rsplit('/').next().unwrap_or_default()).unwrap_or_default();
            why.entry(of.to_owned()).or_insert_with(|| format!("it has {name}"));
        }
        let (major, minor) = interpreter.version;
        let problems = why.into_iter().map(|(package, why)| Problem::UnfitPackage {
            package,
            why: format!("{why}, and the runtime is {}", shown(interpreter)),
            fix: format!(
                "make the environment for it (`uv venv --python {major}.{minor}`, and there `uv pip install \
                 --python-platform …`); or name requirements or project instead of venv: bantam then takes what fits"
            ),
            line,
        });
        problems.collect()
    }
}

/// Would the interpreter load an extension module of this name? One that names no Python fits any.
fn module_fits(file: &str, interpreter: &Interpreter) -> bool {
    let name = file.rsplit('/').next().unwrap_or_default();
    let parts: Vec<&str> = name.split('.').collect();
    let [.., tag, "so"] = parts[..] else { return true };
    if parts.len() < 3 {
        return true;
    }
    let Some(rest) = tag.strip_prefix("cpython-") else { return true };
    let (python, platform) = rest.split_once('-').unwrap_or((rest, ""));
    let (major, minor) = interpreter.version;
    let libc = match interpreter.libc {
        Libc::Glibc(_) => "gnu",
        Libc::Musl(_) => "musl",
    };
    let fits_platform = platform.is_empty() || {
        let mut parts = platform.split('-');
        let arch = parts.next().unwrap_or_default();
        let environment = parts.next_back().unwrap_or_default();
        arch_of(interpreter).contains(&arch) && environment.starts_with(libc)
    };
    python == format!("{major}{minor}") && fits_platform
}

/// How names of extension modules have the processor.
fn arch_of(interpreter: &Interpreter) -> [&'static str; 3] {
    match interpreter.architecture.uname() {
        "i686" => ["i386", "i686", "i586"],
        "armv7l" | "armv6l" | "armv5tel" => ["arm", "armv7l", "armv6l"],
        "ppc64le" => ["powerpc64le", "ppc64le", ""],
        "mips64" => ["mips64el", "mips64", ""],
        arch => [arch, "", ""],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::python::dependencies::testing::interpreter;
    use plan::spec::Architecture;

    #[test]
    fn modules_name_their_python() {
        let amd64 = interpreter();
        for (name, fits) in [
            ("a/_x.cpython-313-x86_64-linux-gnu.so", true),
            ("a/_x.cpython-312-x86_64-linux-gnu.so", false),
            ("a/_x.cpython-313t-x86_64-linux-gnu.so", false),
            ("a/_x.cpython-313-aarch64-linux-gnu.so", false),
            ("a/_x.cpython-313-x86_64-linux-musl.so", false),
            ("a/_x.abi3.so", true),
            ("a/_x.so", true),
            ("a/libx-12ab.so.1", true),
            ("a/x.py", true),
        ] {
            assert_eq!(module_fits(name, &amd64), fits, "{name}");
        }
        let arm = Interpreter { architecture: Architecture::ArmV7, ..interpreter() };
        assert!(module_fits("_x.cpython-313-arm-linux-gnueabihf.so", &arm));
    }
}
