//! An archive that is made up, a server that has it, and a folder in which the command runs.

use debian::testing::{TestArchive, TestPackage};
use elf::testing::Elf;
use std::{
    collections::BTreeMap,
    fs,
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
    sync::{Arc, Mutex},
    thread,
};
use tempfile::TempDir;

/// Where libraries of amd64 are.
pub const LIBS: &str = "/usr/lib/x86_64-linux-gnu";

/// What came of a command: exit code, stdout, stderr.
pub type Said = (i32, String, String);

/// What a server does when it is asked for a file.
#[derive(Clone)]
pub enum Answer {
    /// Gives it, or the part of it that is asked for.
    Body(Vec<u8>),
    /// Says that it has all of it, and gives no more than some bytes from where it is asked to begin.
    Cut(Vec<u8>, usize),
    /// Says nothing but this: a status, and lines of the head.
    Status(u16, &'static str),
}

/// A server of files.
#[derive(Clone)]
pub struct Server {
    port: u16,
    /// What each file is answered with first, then, and from then on.
    files: Arc<Mutex<BTreeMap<String, Vec<Answer>>>>,
    log: Arc<Mutex<Vec<String>>>,
}

impl Server {
    pub fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = Server { port, files: Arc::default(), log: Arc::default() };
        let serving = server.clone();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let serving = serving.clone();
                thread::spawn(move || serving.serve(stream.unwrap()));
            }
        });
        server
    }

    /// One with an archive below `/debian`.
    pub fn of(archive: &TestArchive) -> Self {
        let server = Server::new();
        server.add("debian", archive);
        server
    }

    /// Adds an archive below a directory.
    pub fn add(&self, dir: &str, archive: &TestArchive) {
        for (path, bytes) in archive.files() {
            self.put(&format!("{dir}/{path}"), vec![Answer::Body(bytes)]);
        }
    }

    pub fn put(&self, path: &str, answers: Vec<Answer>) {
        self.files.lock().unwrap().insert(format!("/{path}"), answers);
    }

    /// What it has for each file whose path contains `part` becomes something else.
    pub fn change(&self, part: &str, change: impl Fn(Vec<u8>) -> Vec<Answer>) {
        let mut found = 0;
        for (_, answers) in self.files.lock().unwrap().iter_mut().filter(|(path, _)| path.contains(part)) {
            let Some(Answer::Body(bytes)) = answers.pop() else { panic!("{part} was changed before") };
            *answers = change(bytes);
            found += 1;
        }
        assert!(found > 0, "no file has {part}");
    }

    pub fn url(&self, dir: &str) -> String {
        format!("http://127.0.0.1:{}/{dir}", self.port)
    }

    /// What was asked for since this was last asked, in order.
    pub fn asked(&self) -> Vec<String> {
        let mut asked = std::mem::take(&mut *self.log.lock().unwrap());
        asked.sort();
        asked
    }

    fn serve(&self, mut stream: TcpStream) {
        let mut head = vec![];
        let mut byte = [0];
        while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap_or(0) == 1 {
            head.push(byte[0]);
        }
        let head = String::from_utf8(head).unwrap();
        let path = head.split(' ').nth(1).unwrap_or_default().replace("%2b", "+").replace("%2B", "+");
        let begin = head
            .lines()
            .filter_map(|line| line.to_ascii_lowercase().strip_prefix("range: bytes=").map(String::from))
            .find_map(|range| range.trim_end_matches('-').parse::<usize>().ok());
        let from = begin.map(|begin| format!(" from {begin}")).unwrap_or_default();
        self.log.lock().unwrap().push(format!("{path}{from}"));
        let answer = match self.files.lock().unwrap().get_mut(&path) {
            Some(answers) if answers.len() > 1 => answers.remove(0),
            Some(answers) => answers[0].clone(),
            None => Answer::Status(404, ""),
        };
        let (bytes, most) = match answer {
            Answer::Body(bytes) => (bytes, usize::MAX),
            Answer::Cut(bytes, most) => (bytes, most),
            Answer::Status(status, lines) => {
                let head = format!("HTTP/1.1 {status} X\r\nConnection: close\r\nContent-Length: 0\r\n");
                let _ = stream.write_all(format!("{head}{lines}\r\n").as_bytes());
                return;
            }
        };
        let all = bytes.len();
        let (status, range, begin) = match begin {
            Some(begin) if begin < all => {
                (206, format!("Content-Range: bytes {begin}-{}/{all}\r\n", all - 1), begin)
            }
            _ => (200, String::new(), 0),
        };
        let rest = &bytes[begin..];
        let len = rest.len();
        let head = "Connection: close\r\nETag: \"1\"\r\nAccept-Ranges: bytes\r\n";
        let head = format!("HTTP/1.1 {status} X\r\n{head}{range}Content-Length: {len}\r\n\r\n");
        let _ = stream.write_all(head.as_bytes());
        let _ = stream.write_all(&rest[..len.min(most)]);
    }
}

/// Where nobody answers.
pub fn down() -> String {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    format!("http://127.0.0.1:{port}/debian")
}

/// glibc: a loader and a libc.
pub fn libc() -> TestPackage {
    let dirs = ["/lib/x86_64-linux-gnu/", "/usr/lib/x86_64-linux-gnu/", "/lib/", "/usr/lib/"];
    let loader = Elf::glibc_loader("ld-linux-x86-64.so.2", &dirs).build();
    let libc = Elf::library("libc.so.6").needs(&["ld-linux-x86-64.so.2"]).build();
    // What glibc loads by name.
    let loaded = ["libgcc_s.so.1", "libnss_files.so.2", "libnss_dns.so.2"];
    let loaded = loaded.map(|name| (format!("/lib/x86_64-linux-gnu/{name}"), Elf::library(name).build()));
    let package = TestPackage::new("libc6").version("2.36-9");
    loaded
        .into_iter()
        .fold(package, |package, (path, library)| package.file(&path, library))
        .program("/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2", loader)
        .link("/lib64/ld-linux-x86-64.so.2", "/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2")
        .program("/lib/x86_64-linux-gnu/libc.so.6", libc)
        .file("/usr/share/doc/libc6/copyright", "free")
}

/// A package with a library: `library("foo", 1)` is `libfoo1` with `libfoo.so.1`.
pub fn library(name: &str, number: u32, needs: &[&str]) -> TestPackage {
    let soname = format!("lib{name}.so.{number}");
    let needs: Vec<&str> = needs.iter().copied().chain(["libc.so.6"]).collect();
    let package = format!("lib{name}{number}");
    TestPackage::new(&package)
        .depends("libc6 (>= 2.14)")
        .file(&format!("{LIBS}/{soname}.0"), Elf::library(&soname).needs(&needs).build())
        .link(&format!("{LIBS}/{soname}"), &format!("{soname}.0"))
        .file(&format!("/usr/share/doc/{package}/copyright"), "free")
}

/// An archive with what every image is made of.
pub fn base() -> TestArchive {
    let release = "ID=debian\nVERSION_ID=12\n";
    TestArchive::new()
        .suite("sid")
        .package(
            TestPackage::new("base-files")
                .file("/usr/lib/os-release", release)
                .link("/etc/os-release", "../usr/lib/os-release"),
        )
        .package(TestPackage::new("netbase").file("/etc/services", "").file("/etc/protocols", ""))
        .package(TestPackage::new("ca-certificates"))
}

/// What an archive's lock has of every image.
pub const BASE: [&str; 3] = ["base-files 1.0", "ca-certificates 1.0", "netbase 1.0"];

/// An archive with `libc6`, `libfoo1` and `libbar2`, of which the last needs the other two.
pub fn archive() -> TestArchive {
    let bar = library("bar", 2, &["libfoo.so.1"]).depends("libc6, libfoo1");
    base().package(libc()).package(library("foo", 1, &[])).package(bar)
}

/// A folder with a payload, in which the command runs.
pub struct Folder(pub TempDir);

impl Folder {
    /// One whose program `shop` needs `libfoo.so.1`, with the keyring of test archives.
    pub fn new() -> Self {
        let folder = Folder(tempfile::tempdir().unwrap());
        folder.program("shop", &["libfoo.so.1"]);
        folder.write("archive.asc", TestArchive::new().keyring());
        folder
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    /// A program that needs these libraries, and libc.
    pub fn program(&self, name: &str, needs: &[&str]) {
        let needs: Vec<&str> = needs.iter().copied().chain(["libc.so.6"]).collect();
        self.write(name, Elf::program().needs(&needs).build());
        fs::set_permissions(self.path(name), fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// A spec `bantam.toml` that takes `shop` and what it needs of these mirrors; `runtime` are further lines of the
    /// table, or of tables after it.
    pub fn spec(&self, mirrors: &[String], runtime: &str) {
        self.spec_of("debian:sid", mirrors, runtime);
    }

    /// The same of another suite.
    pub fn spec_of(&self, source: &str, mirrors: &[String], runtime: &str) {
        let mirrors = if mirrors.is_empty() { String::new() } else { format!("mirrors = {mirrors:?}\n") };
        self.write(
            "bantam.toml",
            format!(
                "name = \"shop\"\nplatforms = [\"linux/amd64\"]\n[config]\nentrypoint = [\"/app/shop\"]\n\
                 [[files]]\nfrom = \"shop\"\nto = \"/app/shop\"\n[runtime]\nsource = \"{source}\"\n\
                 keyring = \"archive.asc\"\n{mirrors}{runtime}\n"
            ),
        );
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_bantam"));
        command.current_dir(self.0.path()).args(arguments).env("BANTAM_CACHE_DIR", self.path("cache"));
        for variable in ["SOURCE_DATE_EPOCH", "GITHUB_ACTIONS", "BANTAM_MIRROR", "http_proxy", "HTTP_PROXY"] {
            command.env_remove(variable);
        }
        command.env_remove("RUST_BACKTRACE").env("NO_PROXY", "127.0.0.1").env("no_proxy", "127.0.0.1");
        command
    }

    pub fn bantam(&self, arguments: &[&str]) -> Said {
        said(&mut self.command(arguments))
    }

    /// Builds, and gives the line of the result.
    pub fn build(&self, arguments: &[&str]) -> String {
        let (code, out, err) = self.bantam(&[&["build"], arguments].concat());
        assert_eq!(code, 0, "{err}");
        out
    }

    /// Runs it, which fails with this code, and gives what it said.
    pub fn fails(&self, code: i32, arguments: &[&str]) -> String {
        let (found, out, err) = self.bantam(arguments);
        assert_eq!((found, &*out), (code, ""), "{err}");
        err
    }

    /// What the lock says of packages for amd64, those of every image aside: `name version`, a line each.
    pub fn locked(&self) -> Vec<String> {
        let lock: toml::Table = self.read("bantam.lock").parse().unwrap();
        let packages = lock["packages"]["linux/amd64"].as_table().unwrap().iter();
        packages
            .map(|(name, package)| format!("{name} {}", package["version"].as_str().unwrap()))
            .filter(|package| !BASE.contains(&&**package))
            .collect()
    }

    /// Nothing is left of what it fetched and unpacked.
    pub fn forget(&self) {
        let _ = fs::remove_dir_all(self.path("cache"));
    }
}

pub fn said(command: &mut Command) -> Said {
    let output = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap_or(-1), text(output.stdout), text(output.stderr))
}

/// Is there a path in the text for each of these, in this order?
pub fn has_in_order(text: &str, parts: &[&str]) -> bool {
    let mut rest = text;
    parts.iter().all(|part| match rest.find(part) {
        Some(at) => {
            rest = &rest[at + part.len()..];
            true
        }
        None => false,
    })
}

/// All files below a directory.
pub fn files_below(dir: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(dir) else { return vec![] };
    let paths = entries.map(|entry| entry.unwrap().path());
    paths.flat_map(|path| if path.is_dir() { files_below(&path) } else { vec![path] }).collect()
}
