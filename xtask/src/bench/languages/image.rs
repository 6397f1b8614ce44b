//! Images that bantam makes of applications, unpacked.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use crate::bench::measure::{median, remove};
use crate::bench::peers::Bantam;
use crate::bench::size::layers;
use crate::step::{Outcome, root, run};

/// An application of this repository.
pub struct App {
    /// What it is called.
    pub name: &'static str,
    /// Where it is.
    folder: &'static str,
    /// The file of it that is copied into images, and changed; none: the language brings all.
    pub source: &'static str,
}

pub const NONE: App = App { name: "runtime", folder: "", source: "" };
pub const FLASK: App = App { name: "flask", folder: "specs/flask", source: "shop.py" };
pub const EXPRESS: App = App { name: "express", folder: "specs/express", source: "server.js" };
pub const NUMBERS: App = App { name: "numbers", folder: "testdata/apps/numbers", source: "work.py" };
pub const JAVA: App = App { name: "java", folder: "testdata/apps/java-plain", source: "" };

impl App {
    /// Its folder.
    pub fn folder(&self) -> PathBuf {
        root().join(self.folder)
    }
}

/// An image that is made of an application's folder.
pub struct Image {
    app: &'static App,
    spec: String,
    /// Stands for the spec in names of folders.
    key: String,
}

/// A root file system on disk.
pub struct Unpacked {
    pub dir: PathBuf,
    /// The bytes of its files, hard links once, as Docker counts an image.
    pub bytes: u64,
}

impl Image {
    /// An image with libraries of a suite; `table` is that of the language.
    pub fn of(app: &'static App, suite: &str, table: &str) -> Self {
        let process = if app.folder.is_empty() { "" } else { "[config]\nworkdir = \"/app\"\n\n" };
        let files = match app.source {
            "" => String::new(),
            source => format!("\n[[files]]\nfrom = \"{source}\"\nto = \"/app/\"\n"),
        };
        let spec = format!(
            "name = \"example.com/{}\"\nplatforms = [\"linux/amd64\"]\n\n{process}\
             [runtime]\nsource = \"debian:{suite}\"\n\n{table}{files}",
            app.name
        );
        let letters = table.chars().filter(char::is_ascii_alphanumeric);
        Image { app, spec, key: format!("{}-{suite}-{}", app.name, letters.collect::<String>()) }
    }

    /// The folder with a copy of the application and the spec.
    fn folder(&self, work: &Path) -> Outcome<PathBuf> {
        let folder = work.join(&self.key);
        remove(&folder)?;
        fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        if !self.app.folder.is_empty() {
            run(Command::new("cp").arg("-r").arg(self.app.folder().join(".")).arg(&folder))?;
        }
        if self.app.name == JAVA.name {
            jar(&folder)?;
        }
        let file = folder.join("bantam.toml");
        fs::write(&file, &self.spec).map_err(|error| format!("{}: {error}", file.display()))?;
        Ok(folder)
    }

    fn build(work: &Path, folder: &Path) -> Command {
        let mut build = Bantam::command(work, &["build", "bantam.toml", "-o", "oci:out:1"]);
        build.current_dir(folder);
        build
    }

    /// Builds and unpacks it.
    pub fn tree(&self, work: &Path) -> Outcome<Unpacked> {
        let folder = self.folder(work)?;
        run(&mut Self::build(work, &folder))?;
        let dir = folder.join("tree");
        fs::create_dir_all(&dir).map_err(|error| format!("{}: {error}", dir.display()))?;
        for (layer, _) in layers(&folder.join("out"))? {
            run(Command::new("tar").arg("-xzf").arg(layer).arg("-C").arg(&dir))?;
        }
        Unpacked::of(dir)
    }

    /// The seconds of a build with nothing new, and with one file of the application changed: medians of rounds.
    pub fn again(&self, rounds: usize, work: &Path) -> Outcome<(f64, f64)> {
        let folder = self.folder(work)?;
        let mut build = Self::build(work, &folder);
        run(&mut build)?;
        let source = folder.join(self.app.source);
        let (mut unchanged, mut changed) = (vec![], vec![]);
        for round in 0..rounds {
            let start = Instant::now();
            run(&mut build)?;
            unchanged.push(start.elapsed().as_secs_f64());
            let failed = |error: std::io::Error| format!("{}: {error}", source.display());
            let text = fs::read_to_string(&source).map_err(failed)?;
            let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
            fs::write(&source, format!("{text}\nROUND_{round} = {}\n", now.as_nanos())).map_err(failed)?;
            let start = Instant::now();
            run(&mut build)?;
            changed.push(start.elapsed().as_secs_f64());
        }
        Ok((median(unchanged), median(changed)))
    }
}

impl Unpacked {
    /// A tree that is there.
    pub fn of(dir: PathBuf) -> Outcome<Self> {
        use std::os::unix::fs::MetadataExt as _;
        let mut bytes = 0;
        let mut seen = std::collections::HashSet::new();
        let mut dirs = vec![dir.clone()];
        while let Some(next) = dirs.pop() {
            let failed = |error: std::io::Error| format!("{}: {error}", next.display());
            for entry in fs::read_dir(&next).map_err(failed)? {
                let entry = entry.map_err(failed)?;
                let meta = fs::symlink_metadata(entry.path()).map_err(failed)?;
                if meta.is_dir() {
                    dirs.push(entry.path());
                } else if meta.is_file() && seen.insert(meta.ino()) {
                    bytes += meta.len();
                }
            }
        }
        Ok(Unpacked { dir, bytes })
    }
}

/// Compiles the application in Java, as its project would.
fn jar(folder: &Path) -> Outcome {
    let javac = ["--release", "17", "-d", "classes", "shop/Shop.java"];
    run(Command::new("javac").args(javac).current_dir(folder))?;
    let jar = ["--create", "--file", "shop.jar", "--main-class", "shop.Shop", "-C", "classes", "."];
    run(Command::new("jar").args(jar).current_dir(folder))
}
