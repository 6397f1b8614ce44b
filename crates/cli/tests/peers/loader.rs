//! What a loader says of a file, and what `bantam deps` says of it, in the same words.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

/// Enters the root of the first argument and starts the rest there, as a loader that lists what it loads: `ldd` does
/// the same. Perl is in every Debian, and the variable must not reach a dynamic program before the loader.
const TRACE: &str = r#"chroot shift and chdir "/" or die; %ENV = (LD_TRACE_LOADED_OBJECTS => 1); exec @ARGV or die "$ARGV[0]: $!""#;

/// All that is said of a file.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Said {
    /// The libraries in the order in which they are loaded: the name they are needed by, and the path they are opened
    /// by. The loader itself is left out: whether and where it is named depends on how it was started.
    pub loaded: Vec<(String, String)>,
    /// The libraries that were not found.
    pub missing: BTreeSet<String>,
    /// Versions that a library does not define: the version, the library, and what needs it.
    pub unsatisfied: BTreeSet<[String; 3]>,
    /// Libraries that define no versions, and what needs some of them.
    pub unversioned: BTreeSet<[String; 2]>,
}

/// A loader in a root file system.
pub struct Loader<'a> {
    pub root: &'a Path,
    /// As programs name it.
    pub path: &'a str,
    /// A static program inside of the root that runs it.
    pub emulator: Option<&'a str>,
}

impl Loader<'_> {
    /// What the loader says of a file of its root; an error if it refuses it, with what it says.
    pub fn ask(&self, file: &str) -> Result<Said, String> {
        let mut command = Command::new("perl");
        command.args(["-e", TRACE]).arg(self.root).args(self.emulator);
        // Whatever processor this is, the baseline of the architecture is what is compared.
        command.args([self.path, "--glibc-hwcaps-mask", "none", file]);
        let Output { status, stdout, stderr } = command.stdin(Stdio::null()).output().unwrap();
        let lines = [stdout, stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat();
        let mut said = Said::default();
        for line in lines.lines().map(str::trim) {
            if !self.read(line, &mut said) {
                return Err(line.to_owned());
            }
        }
        if status.success() { Ok(said) } else { Err(status.to_string()) }
    }

    /// Reads a line; false if it says that the file is refused.
    fn read(&self, line: &str, said: &mut Said) -> bool {
        if let Some(name) = line.strip_suffix(" => not found") {
            said.missing.insert(name.into());
        } else if let Some((loaded, _)) = line.strip_suffix(')').and_then(|line| line.rsplit_once(" (0x")) {
            let (name, path) = loaded.split_once(" => ").unwrap_or((loaded, loaded));
            // The kernel's own object has no path.
            if path.starts_with('/') && !is_loader(path, self.path) {
                said.loaded.push(named(name, plain(path)));
            }
        } else if let Some((what, by)) =
            line.strip_suffix(')').and_then(|line| line.rsplit_once(" (required by "))
        {
            // Both begin with the file that was asked about and the library.
            if let Some((library, version)) =
                what.strip_suffix("' not found").and_then(|what| what.split_once(": version `"))
            {
                said.unsatisfied.insert([version.into(), last(library), plain(by)]);
            } else if let Some(library) = what.strip_suffix(": no version information available") {
                said.unversioned.insert([last(library), plain(by)]);
            } else {
                return false;
            }
        } else {
            return line.is_empty() || line == "statically linked";
        }
        true
    }
}

/// What `bantam deps --json` says of files, as far as it reads them. `loader` is left out of what is loaded.
pub fn deps(mut command: Command, loader: &str) -> BTreeMap<String, Said> {
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code().is_some_and(|code| code < 6), "{}: {said}", output.status);
    String::from_utf8(output.stdout).unwrap().lines().map(|line| object(line, loader)).collect()
}

fn object(line: &str, loader: &str) -> (String, Said) {
    let object: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
    let list = |key: &str| object[key].as_array().unwrap_or_else(|| panic!("no {key}: {line}")).iter();
    let text = |value: &Value, key: &str| value[key].as_str().unwrap().to_owned();
    let needed_by = |value: &Value| -> Vec<String> {
        value["needed_by"].as_array().unwrap().iter().map(|by| by.as_str().unwrap().to_owned()).collect()
    };
    let mut said = Said {
        loaded: list("libraries")
            .map(|library| named(&text(library, "soname"), text(library, "path")))
            .filter(|(_, path)| !is_loader(path, loader))
            .collect(),
        missing: list("missing").map(|missing| text(missing, "soname")).collect(),
        ..Said::default()
    };
    for lack in list("unsatisfied") {
        let of = |by| [text(lack, "version"), text(lack, "library"), by];
        said.unsatisfied.extend(needed_by(lack).into_iter().map(of));
    }
    for lack in list("unversioned") {
        said.unversioned.extend(needed_by(lack).into_iter().map(|by| [text(lack, "library"), by]));
    }
    (text(&object, "program"), said)
}

/// A library that is needed by a path is called by where it is: the loader has put in what `$ORIGIN` stands for.
fn named(name: &str, path: String) -> (String, String) {
    if name.contains('/') { (path.clone(), path) } else { (name.to_owned(), path) }
}

fn is_loader(path: &str, loader: &str) -> bool {
    Path::new(path).file_name() == Path::new(loader).file_name()
}

/// The last of the parts before colons.
fn last(text: &str) -> String {
    plain(text.rsplit_once(": ").map_or(text, |(_, last)| last))
}

/// The path without `.` and `..`: the loader prints paths as it put them together.
fn plain(path: &str) -> String {
    let mut names: Vec<&str> = vec![];
    for name in path.split('/') {
        match name {
            "" | "." => {}
            ".." => drop(names.pop()),
            name => names.push(name),
        }
    }
    format!("/{}", names.join("/"))
}
