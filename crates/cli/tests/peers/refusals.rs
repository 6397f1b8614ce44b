//! No package is refused that would start: each one's programs and libraries, kept in an image of their own, from a
//! root file system in which all that the package depends on is unpacked.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use serde_json::{Value, json};

use crate::debian::{Architecture, Package, Root, follow};
use crate::workshop::Workshop;

/// What checking the packages of a root came to.
#[derive(Default)]
pub struct Checked {
    pub packages: usize,
    /// Fine once what the findings say was done: the package, and what that was.
    pub helped: BTreeMap<String, Vec<String>>,
    /// Refused, for plugins need libraries of packages that are only recommended or suggested: the package, and those
    /// libraries.
    pub refused: BTreeMap<String, BTreeSet<String>>,
    /// Refused for no good reason, with what was said.
    pub wrongly: Vec<String>,
    /// How many packages have a warning of each code.
    pub warned: BTreeMap<String, usize>,
}

/// Libraries that stand in folders of their own until a package's scripts link one of several to where the loader
/// looks. None of the scripts ran: the loader of the root does not find them either.
const ALTERNATIVES: [&str; 2] = ["libblas.so.3", "liblapack.so.3"];

/// Libraries that others need without saying where they are: those are only loaded by programs that have them already,
/// and the images here have the others alone. `[policy] allow` is for such.
const LOADED_BEFORE: [&str; 1] = ["libsamba-debug-private-samba.so.0"];

/// Checks each package of the root that is wanted and has programs or libraries.
pub fn check_packages(
    root: &Root,
    architecture: &Architecture,
    is_wanted: impl Fn(&Package) -> bool + Sync,
) -> Checked {
    let names = names(&root.path);
    let next = AtomicUsize::new(0);
    let checked = Mutex::new(Checked::default());
    let work = || {
        let workshop = Workshop::new();
        while let Some(package) = root.packages.get(next.fetch_add(1, Ordering::Relaxed)) {
            if !is_wanted(package) {
                continue;
            }
            let Some(mut image) = Image::of(package, root, architecture) else { continue };
            let findings = image.check(&workshop);
            let mut checked = checked.lock().unwrap();
            checked.packages += 1;
            if !image.done.is_empty() {
                checked.helped.insert(package.name.clone(), image.done);
            }
            let mut codes = BTreeSet::new();
            for finding in findings {
                let (code, said) = (text(&finding, "code"), text(&finding, "message"));
                let soname = said.split(' ').next().unwrap_or_default();
                if text(&finding, "severity") != "error" {
                    codes.insert(code.to_owned());
                } else if code == "B0101"
                    && (!names.contains(soname)
                        || ALTERNATIVES.contains(&soname)
                        || LOADED_BEFORE.contains(&soname))
                {
                    checked.refused.entry(package.name.clone()).or_default().insert(soname.to_owned());
                } else if let Some(program) =
                    looked_up(code, said).filter(|program| !names.contains(*program))
                {
                    checked.refused.entry(package.name.clone()).or_default().insert(program.to_owned());
                } else {
                    checked.wrongly.push(format!("{}: {code}: {said}", package.name));
                }
            }
            for code in codes {
                *checked.warned.entry(code).or_default() += 1;
            }
        }
    };
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(work);
        }
    });
    checked.into_inner().unwrap()
}

/// The program that a script's `env` does not find: often a link that only a package's scripts would make.
fn looked_up<'t>(code: &str, said: &'t str) -> Option<&'t str> {
    let (_, rest) = said.split_once("starts with `env ").filter(|_| code == "B0202")?;
    rest.split_once('`').map(|(program, _)| program)
}

fn text<'v>(finding: &'v Value, key: &str) -> &'v str {
    finding[key].as_str().unwrap()
}

/// The names of all files of the root.
fn names(root: &Path) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let mut folders = vec![root.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap().map(Result::unwrap) {
            if entry.file_type().unwrap().is_dir() {
                folders.push(entry.path());
            } else {
                names.insert(entry.file_name().to_string_lossy().into_owned());
            }
        }
    }
    names
}

/// The spec of an image that keeps a package's programs and libraries.
struct Image {
    head: String,
    keep: Vec<String>,
    drop: Vec<String>,
    /// What the findings said to keep and to drop.
    done: Vec<String>,
}

impl Image {
    /// None for a package without any.
    fn of(package: &Package, root: &Root, architecture: &Architecture) -> Option<Image> {
        let is_wanted = |path: &str| {
            let below = path.strip_prefix("/usr").unwrap_or(path).trim_start_matches('/');
            let (top, _) = below.split_once('/').unwrap_or_default();
            let folders = ["bin", "sbin", "lib", "lib32", "lib64", "libx32", "libexec", "games"];
            folders.contains(&top) && !below.starts_with("lib/debug/")
        };
        let is_file =
            |path: &&String| is_wanted(path) && follow(&root.path, path).is_some_and(|file| file.is_file());
        let files: Vec<&String> = package.files.iter().filter(is_file).collect();
        if files.is_empty() {
            return None;
        }
        let is_program = |path: &&&String| {
            let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
            let is_link = root.path.join(path.trim_start_matches('/')).is_symlink();
            !is_link && ["/bin", "/sbin", "/usr/bin", "/usr/sbin", "/usr/games"].contains(&folder)
        };
        let entrypoint: Vec<&&String> = files.iter().find(is_program).into_iter().collect();
        let head = format!(
            "platforms = [{}]\n[config]\nentrypoint = {}\n[policy]\nallow = [\"shell\", \"setuid\"]\n\
             [runtime]\nsource = {}\n",
            json!(architecture.platform),
            json!(entrypoint),
            json!(format!("rootfs:{}", root.path.display())),
        );
        let keep = files.into_iter().map(|path| escaped(path)).collect();
        Some(Image { head, keep, drop: vec![], done: vec![] })
    }

    /// What is found, once all is done that errors say to keep and to drop.
    fn check(&mut self, workshop: &Workshop) -> Vec<Value> {
        loop {
            let Image { head, keep, drop, .. } = self;
            let spec = format!("{head}keep = {}\ndrop = {}\n", json!(keep), json!(drop));
            let spec = workshop.write("check.toml", spec);
            let output = workshop.bantam().args(["check", "--json"]).arg(&spec).output().unwrap();
            let said = String::from_utf8_lossy(&output.stderr);
            let findings = String::from_utf8_lossy(&output.stdout);
            assert!(matches!(output.status.code(), Some(0 | 1)), "{}: {said}", output.status);
            let findings: Vec<Value> =
                findings.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
            let is_error = |finding: &&Value| text(finding, "severity") == "error";
            let before = self.done.len();
            for finding in findings.iter().filter(is_error) {
                self.follow(&finding["actions"][0]);
            }
            if self.done.len() == before {
                // A package of libraries has nothing to run.
                return findings.into_iter().filter(|finding| text(finding, "code") != "B0304").collect();
            }
        }
    }

    /// Does what a finding says to do first, if it is to keep or to drop files and is not yet done.
    fn follow(&mut self, action: &Value) {
        let table: toml::Table = match action["kind"].as_str() {
            Some("keep") => toml::from_str(&format!("keep = {}", action["globs"])).unwrap(),
            Some("set") if action["table"] == "runtime" => toml::from_str(text(action, "line")).unwrap(),
            _ => return,
        };
        for (key, globs) in table {
            for glob in globs.as_array().unwrap().iter().map(|glob| glob.as_str().unwrap().to_owned()) {
                let list = if key == "keep" { &mut self.keep } else { &mut self.drop };
                if !list.contains(&glob) {
                    self.done.push(format!("{key} {glob}"));
                    list.push(glob);
                }
            }
        }
        // What is to be dropped cannot be kept by its name too.
        self.keep.retain(|glob| !self.drop.contains(glob));
    }
}

/// The path as a glob that matches it alone.
fn escaped(path: &str) -> String {
    path.chars().fold(String::new(), |mut glob, letter| {
        if "*?[]{}\\".contains(letter) {
            glob.push('\\');
        }
        glob.push(letter);
        glob
    })
}
