//! Images that bantam makes of applications, unpacked.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use super::app;
use crate::bench::measure::{median, remove};
use crate::bench::peers::Bantam;
use crate::bench::size::layers;
use crate::step::{Outcome, run};

/// What the specs of applications have beside the table of the language.
pub const FLASK: &str = "\n[[files]]\nfrom = \"app.py\"\nto = \"/app/app.py\"\n";
pub const EXPRESS: &str = "\n[[files]]\nfrom = \"server.js\"\nto = \"/app/server.js\"\n";
pub const PANDAS: &str = FLASK;

/// An image that is made of an application's folder.
pub struct Image {
    app: &'static str,
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
    /// An image with libraries of a suite; `table` is that of the language, `more` comes after it.
    pub fn of(app: &'static str, suite: &str, table: &str, more: &str) -> Self {
        let process = if self::app(app).is_dir() { "[config]\nworkdir = \"/app\"\n" } else { "" };
        let spec = format!(
            "name = \"example.com/{app}\"\nplatforms = [\"linux/amd64\"]\n\n{process}\n\
             [runtime]\nsource = \"debian:{suite}\"\n\n{table}{more}"
        );
        let letters = table.chars().filter(char::is_ascii_alphanumeric);
        Image { app, spec, key: format!("{app}-{suite}-{}", letters.collect::<String>()) }
    }

    /// The folder with a copy of the application and the spec.
    fn folder(&self, work: &Path) -> Outcome<PathBuf> {
        let folder = work.join(&self.key);
        remove(&folder)?;
        fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        let app = app(self.app);
        if app.is_dir() {
            run(Command::new("cp").arg("-r").arg(app.join(".")).arg(&folder))?;
        }
        if self.app == "http-java" {
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
        let source = folder.join("app.py");
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
    let classes = folder.join("classes");
    let sources = crate::bench::payload::files_under(&app("http-java"))?;
    let sources = sources
        .into_iter()
        .map(|(path, _)| path)
        .filter(|path| path.extension().is_some_and(|extension| extension == "java"));
    run(Command::new("javac").args(["--release", "17", "-d"]).arg(&classes).args(sources))?;
    run(Command::new("jar")
        .arg("--create")
        .arg("--file")
        .arg(folder.join("http.jar"))
        .args(["--main-class", "Server", "-C"])
        .arg(&classes)
        .arg("."))
}
