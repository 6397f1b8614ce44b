//! A program, what its image must do, and the releases and architectures for which it is built.

use std::fs;
use std::path::{Path, PathBuf};

use toml::{Table, Value};

use crate::workshop::{Image, Workshop, repository};

/// A release of Debian on an architecture.
pub struct Place {
    pub suite: &'static str,
    pub architecture: &'static str,
    /// The version of PostgreSQL, which is part of paths.
    major: &'static str,
}

/// Where every program works.
pub const PLACES: [Place; 4] = [
    Place { suite: "bookworm", architecture: "amd64", major: "15" },
    Place { suite: "trixie", architecture: "amd64", major: "17" },
    Place { suite: "bookworm", architecture: "arm64", major: "15" },
    Place { suite: "trixie", architecture: "arm64", major: "17" },
];

impl Place {
    pub fn name(&self) -> String {
        format!("{}/{}", self.suite, self.architecture)
    }

    /// Are its programs run on this machine, by the processor or an emulator?
    pub fn runs_here(&self) -> bool {
        match self.architecture {
            "amd64" => cfg!(target_arch = "x86_64"),
            _ => Path::new("/proc/sys/fs/binfmt_misc/qemu-aarch64").exists() || cfg!(target_arch = "aarch64"),
        }
    }
}

/// A file of `testdata/packaged`.
pub struct Case {
    name: String,
    packages: Vec<String>,
    spec: Table,
    steps: Vec<Vec<String>>,
    pub volumes: Vec<String>,
    pub expected: Vec<String>,
    pub often: Vec<String>,
}

/// What became of a build.
pub enum Built {
    Image(Image),
    /// The packages cannot be had, in words.
    NoMirror(String),
}

/// The names of all cases.
pub fn names() -> Vec<String> {
    let files = fs::read_dir(folder()).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap());
    files.filter_map(|file| file.strip_suffix(".toml").map(String::from)).collect()
}

fn folder() -> PathBuf {
    repository().join("testdata/packaged")
}

impl Case {
    pub fn read(name: &str) -> Self {
        let text = fs::read_to_string(folder().join(format!("{name}.toml"))).unwrap();
        let table: Table = text.parse().unwrap();
        let texts = |value: &Value| -> Vec<String> {
            value.as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect()
        };
        let list = |key: &str| table.get(key).map(texts).unwrap_or_default();
        Case {
            name: name.into(),
            packages: list("packages"),
            spec: table["spec"].as_str().unwrap().parse().unwrap(),
            steps: table["steps"].as_array().unwrap().iter().map(texts).collect(),
            volumes: list("volumes"),
            expected: list("expected"),
            often: list("often"),
        }
    }

    /// What runs in the image.
    pub fn steps(&self, place: &Place) -> Vec<Vec<String>> {
        let expand = |text: &String| text.replace("${major}", place.major);
        self.steps.iter().map(|step| step.iter().map(expand).collect()).collect()
    }

    /// The spec for a place, of these packages, with more in its `[runtime]` and these things allowed.
    pub fn spec(
        &self,
        place: &Place,
        packages: Option<&[String]>,
        more: &[(&str, Value)],
        allow: &[&str],
    ) -> String {
        let mut spec = self.spec.clone();
        spec.insert("platforms".into(), vec![format!("linux/{}", place.architecture)].into());
        spec.insert("name".into(), format!("example.com/packaged/{}", self.name).into());
        let runtime = table_of(&mut spec, "runtime");
        runtime.insert("source".into(), format!("debian:{}", place.suite).into());
        runtime.insert("packages".into(), packages.unwrap_or(&self.packages).to_vec().into());
        runtime.extend(more.iter().map(|(key, value)| ((*key).to_owned(), value.clone())));
        if !allow.is_empty() {
            table_of(&mut spec, "policy").insert("allow".into(), allow.to_vec().into());
        }
        if place.architecture == "arm64" {
            // The emulator's own processor computes wrongly.
            let env = table_of(table_of(&mut spec, "config"), "env");
            env.insert("QEMU_CPU".into(), "cortex-a57".into());
        }
        spec.to_string().replace("${major}", place.major)
    }

    /// Builds the image.
    pub fn image(&self, workshop: &Workshop, place: &Place) -> Built {
        let name = format!("{}-{}-{}", self.name, place.suite, place.architecture);
        let spec = workshop.write(&format!("{name}.toml"), self.spec(place, None, &[], &[]));
        let (archive, layout) =
            (workshop.path(&format!("{name}.tar")), workshop.path(&format!("{name}.oci")));
        let output = workshop
            .bantam()
            .env("BANTAM_CACHE_DIR", cache())
            .arg("build")
            .arg(spec)
            .args(["-o", &format!("oci-archive:{}:example.com/{name}:test", archive.display())])
            .args(["-o", &format!("oci:{}:test", layout.display())])
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        match output.status.code() {
            Some(0) => {
                let reference = String::from_utf8_lossy(&output.stdout).trim_end().to_owned();
                Built::Image(Image { reference, archive, layout })
            }
            Some(5) => Built::NoMirror(said.lines().last().unwrap_or_default().into()),
            code => panic!("{name}: {code:?}\n{said}"),
        }
    }
}

/// The packages stay here between runs.
pub fn cache() -> PathBuf {
    repository().join("target/packaged/cache")
}

fn table_of<'a>(table: &'a mut Table, key: &str) -> &'a mut Table {
    let value = table.entry(key.to_owned()).or_insert_with(|| Value::Table(Table::new()));
    value.as_table_mut().unwrap()
}
