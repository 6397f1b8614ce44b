//! Root file systems of Debian packages: downloaded with all that they depend on, and unpacked side by side. None of
//! their scripts runs.
//!
//! The downloads stay in `target/debian` between runs, and so do the small roots.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use crate::workshop::{is_long, repository};

/// What is unpacked: a name a line, sections in brackets, comments behind `#`.
const LIST: &str = "testdata/packages.txt";
/// The keys of the archive.
const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";
/// How long apt may take, in seconds.
const LIMIT: &str = "1800";

/// An architecture of Debian.
#[derive(Debug)]
pub struct Architecture {
    /// As Debian calls it.
    pub name: &'static str,
    /// As images call it.
    pub platform: &'static str,
    /// The release that is unpacked.
    suite: &'static str,
    /// As its programs name it.
    pub loader: &'static str,
    /// The emulator, in `/usr/bin`; none where this machine's processor will do.
    pub emulator: Option<&'static str>,
    /// As libraries' folders call it.
    pub multiarch: &'static str,
    /// Links at the root that lead into `usr`, beside `bin`, `sbin` and `lib`.
    merged: &'static [&'static str],
}

/// The architectures; the first two in every run, all of them in a long one.
pub const ARCHITECTURES: [Architecture; 7] = [
    Architecture {
        name: "amd64",
        platform: "linux/amd64",
        suite: "bookworm",
        loader: "/lib64/ld-linux-x86-64.so.2",
        emulator: None,
        multiarch: "x86_64-linux-gnu",
        merged: &["lib32", "lib64", "libx32"],
    },
    Architecture {
        name: "arm64",
        platform: "linux/arm64",
        suite: "bookworm",
        loader: "/lib/ld-linux-aarch64.so.1",
        emulator: Some("qemu-aarch64-static"),
        multiarch: "aarch64-linux-gnu",
        merged: &[],
    },
    Architecture {
        name: "armhf",
        platform: "linux/arm/v7",
        suite: "bookworm",
        loader: "/lib/ld-linux-armhf.so.3",
        emulator: Some("qemu-arm-static"),
        multiarch: "arm-linux-gnueabihf",
        merged: &[],
    },
    Architecture {
        name: "riscv64",
        platform: "linux/riscv64",
        suite: "trixie",
        loader: "/lib/ld-linux-riscv64-lp64d.so.1",
        emulator: Some("qemu-riscv64-static"),
        multiarch: "riscv64-linux-gnu",
        merged: &[],
    },
    Architecture {
        name: "s390x",
        platform: "linux/s390x",
        suite: "bookworm",
        loader: "/lib/ld64.so.1",
        emulator: Some("qemu-s390x-static"),
        multiarch: "s390x-linux-gnu",
        merged: &["lib32"],
    },
    Architecture {
        name: "ppc64el",
        platform: "linux/ppc64le",
        suite: "bookworm",
        loader: "/lib64/ld64.so.2",
        emulator: Some("qemu-ppc64le-static"),
        multiarch: "powerpc64le-linux-gnu",
        merged: &["lib64"],
    },
    Architecture {
        name: "i386",
        platform: "linux/386",
        suite: "bookworm",
        loader: "/lib/ld-linux.so.2",
        emulator: None,
        multiarch: "i386-linux-gnu",
        merged: &["lib64", "libx32"],
    },
];

/// A root file system.
pub struct Root {
    pub path: PathBuf,
    pub packages: Vec<Package>,
    /// Is it one that is unpacked anew each time?
    passes: bool,
}

/// What was unpacked of a package.
pub struct Package {
    pub name: String,
    /// Is it on the list, rather than one that those on it depend on?
    pub is_named: bool,
    /// The paths that it lists, directories among them.
    pub files: Vec<String>,
}

impl Drop for Root {
    fn drop(&mut self) {
        if self.passes {
            let _ = fs::remove_dir_all(&self.path);
        }
    }
}

impl Root {
    /// The root of an architecture with the packages of this run.
    ///
    /// # Errors
    /// When the packages cannot be had, in words.
    pub fn unpack(architecture: &Architecture) -> Result<Root, String> {
        let folder = repository().join("target/debian").join(architecture.name);
        let apt = Apt::new(&folder, architecture)?;
        let wanted = wanted(architecture);
        let archives = apt.download(&wanted)?;
        let (name, passes) = if is_long() { ("all", true) } else { ("few", false) };
        let (path, stamp) = (folder.join(name), folder.join(format!("{name}.stamp")));
        let listed = archives.iter().fold(String::new(), |mut text, archive| {
            let _ = writeln!(text, "{}", archive.display());
            text
        });
        if fs::read_to_string(&stamp).is_ok_and(|before| before == listed) && path.is_dir() {
            return Ok(Root { packages: packages(&path, &wanted), path, passes });
        }
        let _ = fs::remove_file(&stamp);
        if path.exists() {
            fs::remove_dir_all(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        }
        make(&path, architecture, &archives)?;
        if !passes {
            fs::write(&stamp, listed).map_err(|error| format!("{}: {error}", stamp.display()))?;
        }
        Ok(Root { packages: packages(&path, &wanted), path, passes })
    }

    /// A second root beside this one, with the same files; it goes with the value. What is written into it must be
    /// removed there first: the files are one and the same.
    pub fn twin(&self, name: &str) -> Root {
        let path = self.path.with_file_name(format!("{name}-{}", std::process::id()));
        run(Command::new("cp").arg("-al").arg(&self.path).arg(&path)).unwrap();
        Root { path, packages: vec![], passes: true }
    }
}

/// Where a path of a root leads on this machine, links followed inside of the root; none if nothing is there.
pub fn follow(root: &Path, path: &str) -> Option<PathBuf> {
    let mut names: Vec<String> = path.split('/').rev().map(String::from).collect();
    let mut at = PathBuf::new();
    let mut links = 0;
    while let Some(name) = names.pop() {
        match name.as_str() {
            "" | "." => continue,
            ".." => {
                at.pop();
                continue;
            }
            _ => at.push(name),
        }
        if let Ok(target) = fs::read_link(root.join(&at)) {
            links += 1;
            if links > 40 {
                return None;
            }
            if target.is_absolute() {
                at = PathBuf::new();
            } else {
                at.pop();
            }
            names.extend(target.to_str()?.split('/').rev().map(String::from));
        }
    }
    let file = root.join(at);
    file.exists().then_some(file)
}

/// The names of the list that this run unpacks. Sections build on each other: `few` is unpacked always, `more` with
/// `--long`, `all` with `--long` where no emulator slows things down.
fn wanted(architecture: &Architecture) -> Vec<String> {
    let last = match (is_long(), architecture.emulator) {
        (false, _) => "few",
        (true, Some(_)) => "more",
        (true, None) => "all",
    };
    let text = fs::read_to_string(repository().join(LIST)).unwrap();
    let mut names = vec![];
    let mut section = "";
    for line in text.lines().map(|line| line.split('#').next().unwrap_or("").trim()) {
        if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            if section == last {
                break;
            }
            section = name;
        } else if !line.is_empty() {
            names.push(line.to_owned());
        }
    }
    names
}

/// apt with a state of its own, for one architecture.
struct Apt {
    folder: PathBuf,
    architecture: &'static str,
}

impl Apt {
    fn new(folder: &Path, architecture: &Architecture) -> Result<Apt, String> {
        for below in
            ["etc/apt.conf.d", "etc/preferences.d", "state/lists/partial", "cache/archives/partial", "log"]
        {
            let dir = folder.join("apt").join(below);
            fs::create_dir_all(&dir).map_err(|error| format!("{}: {error}", dir.display()))?;
        }
        let folder = folder.join("apt");
        let Architecture { name, suite, .. } = architecture;
        let (mirror, at) = (mirror()?, folder.display());
        let sources = format!("deb [signed-by={KEYRING}] {mirror} {suite} main\n");
        let config = format!(
            "Dir::State \"{at}/state\";\nDir::State::status \"{at}/state/status\";\nDir::Cache \"{at}/cache\";\n\
             Dir::Etc \"{at}/etc\";\nDir::Etc::sourcelist \"{at}/etc/sources.list\";\nDir::Etc::sourceparts \"-\";\n\
             Dir::Log \"{at}/log\";\nAPT::Architecture \"{name}\";\nAPT::Architectures {{ \"{name}\"; }};\n\
             APT::Install-Recommends \"false\";\nAcquire::Languages \"none\";\nAPT::Sandbox::User \"root\";\n"
        );
        for (file, text) in [("etc/sources.list", &*sources), ("apt.conf", &config), ("state/status", "")] {
            let path = folder.join(file);
            fs::write(&path, text).map_err(|error| format!("{}: {error}", path.display()))?;
        }
        Ok(Apt { folder, architecture: name })
    }

    /// The archives of these packages and of all that they depend on.
    fn download(&self, names: &[String]) -> Result<Vec<PathBuf>, String> {
        // What is here may name archives that are no longer there; then it is asked anew.
        match self.fetch(names) {
            Ok(archives) => Ok(archives),
            Err(_) => {
                run(self.command("apt-get").arg("update"))?;
                self.fetch(names)
            }
        }
    }

    fn fetch(&self, names: &[String]) -> Result<Vec<PathBuf>, String> {
        let known = run(self.command("apt-cache").arg("pkgnames"))?;
        let known: std::collections::BTreeSet<&str> = known.lines().collect();
        let (here, absent): (Vec<&String>, Vec<&String>) =
            names.iter().partition(|name| known.contains(name.as_str()));
        if here.len() < absent.len() {
            return Err(format!("{}: most of the packages are not known", self.architecture));
        }
        if !absent.is_empty() {
            println!("{}: not there: {absent:?}", self.architecture);
        }
        let install = || {
            let mut command = self.command("apt-get");
            // Packages do not say that they depend on those that every Debian has.
            command.args(["--yes", "--download-only", "install", "?essential"]).args(&here);
            command
        };
        // Printing comes first: what is here already is not printed any more.
        let archives = self.folder.join("cache/archives");
        let planned = run(install().arg("--simulate"))?;
        run(&mut install())?;
        let mut paths: Vec<PathBuf> = vec![];
        for line in planned.lines() {
            // `Inst NAME (VERSION ORIGIN [ARCHITECTURE]) …`
            let fields = line.strip_prefix("Inst ").and_then(|rest| rest.split(')').next()?.split_once(" ("));
            let Some((name, (version, rest))) =
                fields.and_then(|(name, rest)| Some((name, rest.split_once(' ')?)))
            else {
                continue;
            };
            let architecture = rest.rsplit_once('[').map_or("", |(_, rest)| rest.trim_end_matches(']'));
            let file = format!("{name}_{}_{architecture}.deb", version.replace(':', "%3a"));
            paths.push(archives.join(file));
        }
        paths.sort();
        match paths.iter().find(|path| !path.is_file()) {
            Some(lacking) => Err(format!("apt-get did not bring {}", lacking.display())),
            None => Ok(paths),
        }
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new("timeout");
        command.args(["--kill-after=5", LIMIT, program, "-q"]);
        command.env("APT_CONFIG", self.folder.join("apt.conf")).env("DEBIAN_FRONTEND", "noninteractive");
        command
    }
}

/// The mirror of Debian that this machine uses.
fn mirror() -> Result<String, String> {
    let format = ["--format", "$(ORIGIN) $(RELEASE) $(REPO_URI)", "Created-By: Packages"];
    let sources = run(Command::new("apt-get").arg("indextargets").args(format))?;
    let is_security = |release: &str| release.ends_with("-security") || release.ends_with("/updates");
    let mut mirrors = sources.lines().filter_map(|line| {
        let (release, uri) = line.strip_prefix("Debian ")?.split_once(' ')?;
        (!is_security(release)).then(|| uri.to_owned())
    });
    mirrors.next().ok_or_else(|| "apt on this machine has no mirror of Debian".into())
}

/// Unpacks the archives side by side, with a database of dpkg that says what is of whom.
fn make(root: &Path, architecture: &Architecture, archives: &[PathBuf]) -> Result<(), String> {
    let failed = |error: std::io::Error| format!("{}: {error}", root.display());
    let info = root.join("var/lib/dpkg/info");
    fs::create_dir_all(&info).map_err(failed)?;
    for name in ["bin", "sbin", "lib"].iter().chain(architecture.merged) {
        fs::create_dir_all(root.join("usr").join(name)).map_err(failed)?;
        std::os::unix::fs::symlink(format!("usr/{name}"), root.join(name)).map_err(failed)?;
    }
    let next = AtomicUsize::new(0);
    let work = || -> Result<String, String> {
        let mut status = String::new();
        while let Some(archive) = archives.get(next.fetch_add(1, Ordering::Relaxed)) {
            status.push_str(&unpack(archive, root, &info)?);
        }
        Ok(status)
    };
    let workers = thread::available_parallelism().map_or(1, usize::from);
    let status: Result<Vec<String>, String> = thread::scope(|scope| {
        let workers: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
        workers.into_iter().map(|worker| worker.join().unwrap()).collect()
    });
    fs::write(root.join("var/lib/dpkg/status"), status?.concat()).map_err(failed)?;
    choose_alternatives(root, architecture).map_err(failed)
}

/// Unpacks one archive, but what no program needs, and gives its part of dpkg's status.
fn unpack(archive: &Path, root: &Path, info: &Path) -> Result<String, String> {
    const UNPACK: &str = r#"set -o pipefail
        dpkg-deb --fsys-tarfile "$1" | tar --extract --verbose --quoting-style=literal --preserve-permissions \
            --keep-directory-symlink --warning=no-timestamp --directory "$2" --exclude='./usr/share/man/*' \
            --exclude='./usr/share/doc/*/[!c]*' --exclude='./usr/share/doc/*/changelog*' --exclude='./usr/share/info/*' \
            --exclude='./usr/share/locale/*' --exclude='./usr/share/icons/*' --exclude='./usr/include/*' --exclude='*.a'"#;
    let control = run(Command::new("dpkg-deb").arg("--field").arg(archive))?;
    let field = |key: &str| control.lines().find_map(|line| line.strip_prefix(key)).unwrap_or_default();
    let mut name = field("Package: ").to_owned();
    if field("Multi-Arch: ") == "same" {
        name = format!("{name}:{}", field("Architecture: "));
    }
    let files = run(Command::new("bash").args(["-c", UNPACK, "unpack"]).arg(archive).arg(root))?;
    let list = files.lines().fold(String::new(), |mut list, line| {
        let path = line.trim_start_matches('.').trim_end_matches('/');
        let _ = writeln!(list, "{}", if path.is_empty() { "/." } else { path });
        list
    });
    fs::write(info.join(format!("{name}.list")), list).map_err(|error| format!("{name}: {error}"))?;
    Ok(format!("{}\nStatus: install ok installed\n\n", control.trim_end()))
}

/// Makes the links that packages' scripts would have `update-alternatives` make, where libraries hang on them.
fn choose_alternatives(root: &Path, architecture: &Architecture) -> std::io::Result<()> {
    const LIBRARIES: [(&str, &str); 4] = [
        ("libopenblas.so.0", "openblas-pthread"),
        ("libblas.so.3", "openblas-pthread"),
        ("liblapack.so.3", "openblas-pthread"),
        ("libpsm_infinipath.so.1", "psm1"),
    ];
    let libraries = root.join("usr/lib").join(architecture.multiarch);
    for (name, folder) in LIBRARIES {
        if libraries.join(folder).join(name).exists() {
            std::os::unix::fs::symlink(Path::new(folder).join(name), libraries.join(name))?;
        }
    }
    Ok(())
}

/// The packages that dpkg's database of a root has.
fn packages(root: &Path, wanted: &[String]) -> Vec<Package> {
    let info = fs::read_dir(root.join("var/lib/dpkg/info")).unwrap();
    let mut packages: Vec<Package> = info
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "list"))
        .map(|path| {
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            let is_named = wanted.iter().any(|wanted| name.split(':').next() == Some(wanted));
            let files = fs::read_to_string(&path).unwrap().lines().map(String::from).collect();
            Package { name, is_named, files }
        })
        .collect();
    packages.sort_by(|a, b| a.name.cmp(&b.name));
    packages
}

/// Runs a command that must succeed; gives its output.
fn run(command: &mut Command) -> Result<String, String> {
    let named = command.get_program().to_owned();
    let output = command.env("LC_ALL", "C.UTF-8").output().map_err(|error| format!("{named:?}: {error}"))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(format!("{command:?}: {}: {}", output.status, said.lines().last().unwrap_or_default()))
}
