//! The packages that are chosen, against those that apt would install, from the archive of Debian.
//!
//! apt works in an empty system without recommendations: its status is an empty file. It then installs no essential
//! package but those that something depends on, so that the two can be compared name by name and version by version.
//!
//! `cargo xtask test` runs this, with more packages under `--long`; under plain `cargo test` it prints `SKIPPED: ` with
//! the reason. The indexes stay in `target/debian` between runs.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

use debian::index::{Index, IndexText, Package};
use debian::relation::Relation;
use debian::solve::{Request, Solution, Wanted, solve};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

/// The keys of the archive.
const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";
/// How long apt may take, in seconds.
const LIMIT: &str = "600";
/// So many packages of a release are taken, at even distances in the order of their names.
const FEW: usize = 8;
const MANY: usize = 220;

/// Requests that are hard for what they depend on, or are often made. Some are of several packages.
const HARD: &[&str] = &[
    "nginx",
    "exim4",
    "default-mta",
    "mail-transport-agent",
    "bsd-mailx",
    "bsd-mailx postfix",
    "apache2 mariadb-server php",
    "default-jre-headless",
    "python3",
    "nginx postgresql-client python3 redis-server",
    "no-such-package",
    "exim4-daemon-light postfix",
    "dracut initramfs-tools",
    "build-essential",
    "emacs",
    "gnome-core",
    // From here on, in long tests only.
    "apache2",
    "bind9",
    "ca-certificates",
    "chromium",
    "cups",
    "curl",
    "docker.io",
    "dovecot-imapd",
    "ffmpeg",
    "firefox-esr",
    "gimp",
    "git",
    "golang-go",
    "imagemagick",
    "inkscape",
    "kde-plasma-desktop",
    "libpq5",
    "libreoffice-writer",
    "libvirt-daemon-system",
    "mariadb-server",
    "nodejs",
    "npm",
    "octave",
    "openssh-client",
    "perl",
    "php",
    "postfix",
    "postgresql",
    "postgresql-client",
    "python3-numpy",
    "python3-pip",
    "r-base",
    "redis-server",
    "ruby",
    "rustc",
    "samba",
    "sqlite3",
    "systemd",
    "task-gnome-desktop",
    "texlive-base",
    "tzdata",
    "vim",
    "wget",
    "wordpress",
    "xorg",
    "exim4 mailutils",
    "openjdk-17-jre-headless tomcat10",
    "emacs-nox vim-nox",
    "cron systemd-cron",
    "lighttpd nginx-light",
];
const HARD_FEW: usize = 16;

/// Among providers of one priority, apt takes the one that its cache came to know last, which depends on all that any
/// index mentions. Here the name decides.
const PROVIDER: &str = "several packages of one priority provide what is needed";

/// Requests for which the two are known to differ: release, architecture, request, reason.
const DIFFERENT: &[(&str, &str, &str, &str)] = &[
    // phpapi-20240924: libapache2-mod-php8.4 here, php8.4-phpdbg there.
    ("trixie", "amd64", "php-zstd-all-dev", PROVIDER),
    // exim4-localscanapi-6.0: exim4-daemon-heavy here, exim4-daemon-light there.
    ("trixie", "amd64", "sa-exim", PROVIDER),
];

#[test]
fn bookworm_amd64() {
    compare("bookworm", "amd64", MANY);
}

#[test]
fn trixie_amd64() {
    compare("trixie", "amd64", MANY);
}

#[test]
fn trixie_arm64() {
    compare("trixie", "arm64", MANY / 3);
}

fn compare(release: &str, architecture: &str, many: usize) {
    let Some(apt) = Apt::at_hand(release, architecture) else { return };
    let started = Instant::now();
    let index = apt.index();
    let loaded = started.elapsed();
    let is_long = std::env::var_os("BANTAM_TEST_LONG").is_some();
    let (hard, count) = if is_long { (HARD, many) } else { (&HARD[..HARD_FEW], FEW) };
    let requests = requests(&apt, hard, count);
    let mut took = vec![];
    let mut differing = vec![];
    let mut equal = 0;
    for request in &requests {
        let wanted =
            request.split(' ').map(|name| Wanted { name: name.into(), version: None, why: "test".into() });
        let asked = Request { wanted: wanted.collect(), ..Request::default() };
        let started = Instant::now();
        let solved = solve(&index, &asked);
        took.push(started.elapsed());
        if let Ok(solution) = &solved {
            assert_is_whole(request, solution, architecture);
        }
        let ours = solved.as_ref().ok().map(names);
        let theirs = apt.installs(request);
        let known =
            DIFFERENT.iter().find(|known| (known.0, known.1, known.2) == (release, architecture, request));
        match known {
            _ if ours == theirs => equal += 1,
            Some((.., reason)) => println!("{request} differs: {reason}"),
            None => differing.push(format!("{request}: {}", difference(ours, theirs))),
        }
    }
    took.sort();
    println!(
        "{release} {architecture}: {} requests, {} as apt; loaded in {loaded:?}, solved in {:?} (median), {:?} (most)",
        requests.len(),
        equal,
        took.get(took.len() / 2).copied().unwrap_or(Duration::ZERO),
        took.last().copied().unwrap_or(Duration::ZERO),
    );
    assert!(differing.is_empty(), "{}", differing.join("\n"));
}

/// Every nth package of the release itself, after those that are hard.
fn requests(apt: &Apt, hard: &[&str], count: usize) -> Vec<String> {
    let texts = apt.texts();
    let names = texts.first().unwrap().text.lines().filter_map(|line| line.strip_prefix("Package: "));
    let names: Vec<&str> = names.collect::<BTreeSet<_>>().into_iter().collect();
    let step = names.len() / count;
    let taken = names.iter().skip(step / 2).step_by(step).take(count);
    hard.iter().chain(taken).map(|name| (*name).to_owned()).collect()
}

fn names(solution: &Solution) -> BTreeSet<String> {
    let packages = solution.packages.iter().map(|chosen| &chosen.package);
    packages.map(|package| format!("{}={}", package.name, package.version)).collect()
}

fn difference(ours: Option<BTreeSet<String>>, theirs: Option<BTreeSet<String>>) -> String {
    match (ours, theirs) {
        (Some(ours), Some(theirs)) => {
            let (more, less) = (ours.difference(&theirs), theirs.difference(&ours));
            format!(
                "chosen but not by apt {:?}, by apt only {:?}",
                more.collect::<Vec<_>>(),
                less.collect::<Vec<_>>()
            )
        }
        (Some(_), None) => "apt refuses".into(),
        (None, _) => "only apt has a solution".into(),
    }
}

/// Asserts by other means than the solver's that nothing lacks and nothing conflicts.
fn assert_is_whole(request: &str, solution: &Solution, architecture: &str) {
    let packages: BTreeMap<&str, &Package> =
        solution.packages.iter().map(|chosen| (chosen.package.name.as_str(), &chosen.package)).collect();
    assert_eq!(packages.len(), solution.packages.len(), "{request}: a name stands twice");
    let meets = |package: &Package, relation: &Relation| {
        package.is(relation, architecture) || package.provides(relation, architecture)
    };
    for chosen in &solution.packages {
        let package = &chosen.package;
        assert!(!chosen.why.is_empty(), "{request}: {} has no reason", package.name);
        for group in &package.depends {
            let is_met = group.iter().any(|relation| packages.values().any(|other| meets(other, relation)));
            assert!(is_met, "{request}: {} lacks {group:?}", package.name);
        }
        for conflict in &package.conflicts {
            let other = packages.values().find(|other| other.name != package.name && meets(other, conflict));
            assert!(other.is_none(), "{request}: {} conflicts with {other:?}", package.name);
        }
    }
}

/// apt with a state of its own, for one architecture.
struct Apt {
    folder: PathBuf,
    release: String,
    architecture: String,
}

impl Apt {
    /// None if this is a quick test, or if apt cannot be had; which is said in a line that `cargo xtask test` counts.
    fn at_hand(release: &str, architecture: &str) -> Option<Apt> {
        let ready = match std::env::var_os("BANTAM_TEST_PEERS") {
            None => Err("run by `cargo xtask test` only".to_owned()),
            Some(_) => Apt::new(release, architecture),
        };
        let skipped = |why| {
            let thread = std::thread::current();
            // Past the capture of the test harness, in one piece.
            let line = format!("SKIPPED: {}: {why}\n", thread.name().unwrap_or("a test"));
            std::io::stderr().write_all(line.as_bytes()).unwrap();
        };
        ready.map_err(skipped).ok()
    }

    fn new(release: &str, architecture: &str) -> Result<Apt, String> {
        let repository = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap();
        let folder = repository.join(format!("target/debian/solver/{release}-{architecture}"));
        for below in
            ["etc/apt.conf.d", "etc/preferences.d", "state/lists/partial", "cache/archives/partial", "log"]
        {
            fs::create_dir_all(folder.join(below)).unwrap();
        }
        let at = folder.display();
        let mut sources = String::new();
        for (suite, is_security) in suites(release) {
            if let Some(mirror) = mirror(is_security)? {
                sources += &format!("deb [signed-by={KEYRING}] {mirror} {suite} main\n");
            }
        }
        let config = format!(
            "Dir::State \"{at}/state\";\nDir::State::status \"{at}/state/status\";\nDir::Cache \"{at}/cache\";\n\
             Dir::Etc \"{at}/etc\";\nDir::Etc::sourcelist \"{at}/etc/sources.list\";\nDir::Etc::sourceparts \"-\";\n\
             Dir::Log \"{at}/log\";\nAPT::Architecture \"{architecture}\";\nAPT::Architectures {{ \"{architecture}\"; }};\n\
             APT::Install-Recommends \"false\";\nAcquire::Languages \"none\";\nAPT::Sandbox::User \"root\";\n\
             Acquire::GzipIndexes \"false\";\n"
        );
        for (file, text) in [("etc/sources.list", &*sources), ("apt.conf", &config), ("state/status", "")] {
            fs::write(folder.join(file), text).unwrap();
        }
        let apt = Apt { folder, release: release.into(), architecture: architecture.into() };
        if apt.texts().is_empty() {
            let output = apt.run("apt-get", &["update"]);
            if !output.status.success() || apt.texts().is_empty() {
                return Err(format!("no indexes of {release}: {}", String::from_utf8_lossy(&output.stderr)));
            }
        }
        Ok(apt)
    }

    fn run(&self, program: &str, arguments: &[&str]) -> Output {
        let mut command = Command::new("timeout");
        command.args(["--kill-after=5", LIMIT, program, "-q"]).args(arguments);
        command.env("APT_CONFIG", self.folder.join("apt.conf")).env("DEBIAN_FRONTEND", "noninteractive");
        command.env("LC_ALL", "C").output().unwrap()
    }

    /// The indexes that apt has, in the order of its sources.
    fn texts(&self) -> Vec<IndexText> {
        let lists = fs::read_dir(self.folder.join("state/lists")).unwrap();
        let lists: Vec<PathBuf> = lists.map(|entry| entry.unwrap().path()).collect();
        let mut texts = vec![];
        for (suite, (name, _)) in suites(&self.release).into_iter().enumerate() {
            let end = format!("_dists_{name}_main_binary-{}_Packages", self.architecture);
            let found = lists.iter().find(|path| path.to_string_lossy().ends_with(&end));
            texts.extend(found.map(|path| IndexText {
                suite,
                origin: name,
                text: fs::read_to_string(path).unwrap(),
            }));
        }
        texts
    }

    fn index(&self) -> Index {
        Index::new(&self.architecture, self.texts()).unwrap()
    }

    /// What apt would install, as `NAME=VERSION`; none if it refuses.
    fn installs(&self, request: &str) -> Option<BTreeSet<String>> {
        let names = ["--simulate", "install"].into_iter().chain(request.split(' '));
        let output = self.run("apt-get", &names.collect::<Vec<_>>());
        let installed = |line: &str| {
            // `Inst NAME (VERSION ORIGIN [ARCHITECTURE]) …`
            let (name, rest) = line.strip_prefix("Inst ")?.split_once(" (")?;
            Some(format!("{name}={}", rest.split(' ').next()?))
        };
        let said = String::from_utf8(output.stdout).unwrap();
        output.status.success().then(|| said.lines().filter_map(installed).collect())
    }
}

/// The suites of a release, and whether each is on the mirror of security updates.
fn suites(release: &str) -> [(String, bool); 3] {
    [
        (release.to_owned(), false),
        (format!("{release}-updates"), false),
        (format!("{release}-security"), true),
    ]
}

/// The mirror of Debian that this machine uses.
fn mirror(is_security: bool) -> Result<Option<String>, String> {
    let format = ["--format", "$(ORIGIN) $(RELEASE) $(REPO_URI)", "Created-By: Packages"];
    let output = Command::new("apt-get").arg("indextargets").args(format).output();
    let output = output.map_err(|error| format!("apt-get: {error}"))?;
    let sources = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut mirrors = sources.lines().filter_map(|line| {
        let (release, uri) = line.strip_prefix("Debian ")?.split_once(' ')?;
        (release.ends_with("-security") == is_security).then(|| uri.to_owned())
    });
    match mirrors.next() {
        None if !is_security => Err("apt on this machine has no mirror of Debian".into()),
        mirror => Ok(mirror),
    }
}
