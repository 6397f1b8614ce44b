//! What every test needs: a folder of its own, the command, and the peers or a word on why they are not there.

use std::fs;
use std::io::Write;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Mutex;

use tempfile::TempDir;

/// No command of a test may take longer; a server as entrypoint would never return.
const LIMIT_SECONDS: &str = "180";

/// A folder in which a test works, with a cache of its own; it goes with the value.
pub struct Workshop {
    folder: TempDir,
}

/// An image in the two forms that all peers together understand.
pub struct Image {
    /// `name@sha256:…`, as the build printed it.
    pub reference: String,
    /// An `oci-archive:` that `docker load` takes too.
    pub archive: PathBuf,
    /// An `oci:` layout; the tag is `test`.
    pub layout: PathBuf,
}

impl Workshop {
    pub fn new() -> Self {
        let parent = peers_folder().unwrap_or_else(std::env::temp_dir);
        let folder = tempfile::Builder::new().prefix("w").tempdir_in(parent).unwrap();
        // Other users must get through: some tests run the command as one.
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        Self { folder }
    }

    /// A path in the folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file, with the folders above it.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        path
    }

    /// Writes an executable file.
    pub fn write_program(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.write(name, content);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    /// Copies an executable file to where a spec of this folder can name it.
    pub fn copy_program(&self, from: &Path, name: &str) -> PathBuf {
        self.write_program(name, fs::read(from).unwrap())
    }

    /// Makes an empty folder into which every user may write.
    pub fn open_folder(&self, name: &str) -> PathBuf {
        let path = self.path(&format!("open{name}"));
        fs::create_dir_all(&path).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o777)).unwrap();
        path
    }

    /// Removes a file or a folder, if it is there.
    pub fn remove(&self, name: &str) {
        let path = self.path(name);
        if path.is_dir() {
            fs::remove_dir_all(path).unwrap();
        } else if path.exists() {
            fs::remove_file(path).unwrap();
        }
    }

    /// Compiles a C source of one file.
    pub fn compile(&self, name: &str, source: &str, options: &[&str]) -> PathBuf {
        let from = self.write(&format!("{name}.c"), source);
        let to = self.path(name);
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        ok(limited("gcc").arg(&from).arg("-o").arg(&to).args(options));
        to
    }

    /// The command, in this folder, with this folder's cache and nothing of the caller's settings.
    pub fn bantam(&self) -> Command {
        let mut command = limited(bantam());
        self.prepare(&mut command);
        command
    }

    /// Gives any command this folder and its cache.
    pub fn prepare(&self, command: &mut Command) {
        command.current_dir(self.folder.path()).env("BANTAM_CACHE_DIR", self.path("cache"));
        for variable in ["SOURCE_DATE_EPOCH", "GITHUB_ACTIONS", "GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY"] {
            command.env_remove(variable);
        }
    }

    /// Builds a spec into both forms; the archive's name is `example.com/` with the file's, and its tag is `test`.
    pub fn image(&self, what: &Path) -> Image {
        let name = what.file_stem().unwrap().to_str().unwrap();
        let archive = self.path(&format!("{name}.tar"));
        let layout = self.path(&format!("{name}.oci"));
        let output = ok(self
            .bantam()
            .arg("build")
            .arg(what)
            .arg("--lock-file")
            .arg(self.path(&format!("{name}.lock")))
            .args(["-o", &format!("oci-archive:{}:example.com/{name}:test", archive.display())])
            .args(["-o", &format!("oci:{}:test", layout.display())]));
        let reference = output.lines().next().unwrap_or_default().to_owned();
        Image { reference, archive, layout }
    }

    /// Builds `spec` as written here; see [`Workshop::image`].
    pub fn image_of(&self, name: &str, spec: &str) -> Image {
        self.image(&self.write(&format!("{name}.toml"), spec))
    }

    /// Builds `spec`, which must not succeed: gives what is said about it, after checking the exit code.
    pub fn refused(&self, spec: &str, code: i32) -> String {
        self.write("refused.toml", spec);
        let said =
            fails(self.bantam().args(["build", "refused.toml", "-o", "oci-archive:refused.tar"]), code);
        assert!(!self.path("refused.tar").exists(), "an image was written although: {said}");
        said
    }
}

/// The binary under test: the release build where `cargo xtask test` made one.
pub fn bantam() -> PathBuf {
    std::env::var_os("BANTAM_TEST_BIN").unwrap_or(env!("CARGO_BIN_EXE_bantam").into()).into()
}

/// The folder of the repository.
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap().to_path_buf()
}

/// Whether the longer tests are wanted.
pub fn is_long() -> bool {
    std::env::var_os("BANTAM_TEST_LONG").is_some()
}

/// Where peers keep their state, if `cargo xtask test` started them.
pub fn peers_folder() -> Option<PathBuf> {
    Some(std::env::var_os("BANTAM_TEST_PEERS")?.into())
}

/// Whether all these programs (names, or paths of any file) can be used. If not, says so in a line that `cargo xtask test` counts.
pub fn at_hand(peers: &[&str]) -> bool {
    let missing = match peers_folder() {
        None => Some("run by `cargo xtask test` only".to_owned()),
        Some(_) => peers.iter().find_map(|peer| lacking(peer)),
    };
    missing.as_deref().map(skipped).is_none()
}

/// What a container of `image` prints under containerd, which loses the words of a process that ends at once at times.
pub fn ctr_prints(ctr: &dyn Fn() -> Command, image: &str, id: &str) -> String {
    let run = |number: u32| {
        let id = format!("{id}-{number}");
        ok(ctr().args(["run", "--rm", "--cgroup", "", image, &id]))
    };
    (0..5).map(run).find(|printed| !printed.is_empty()).unwrap_or_default()
}

/// Says in a line that `cargo xtask test` counts why something is not tested.
pub fn skipped(why: &str) {
    let thread = std::thread::current();
    // Past the capture of the test harness, in one piece.
    let line = format!("SKIPPED: {}: {why}\n", thread.name().unwrap_or("a test"));
    std::io::stderr().write_all(line.as_bytes()).unwrap();
}

fn lacking(peer: &str) -> Option<String> {
    let is_set = |variable| std::env::var_os(variable).is_some();
    match peer {
        "docker" if !is_set("DOCKER_HOST") => Some("no Docker engine is running".into()),
        // Not a program, but the right to take another user's place.
        "root" if fs::metadata("/proc/self").unwrap().uid() != 0 => Some("only root can do this".into()),
        "root" => None,
        "ctr" if !is_set("BANTAM_TEST_CONTAINERD") => Some("no containerd is running".into()),
        _ if find(peer).is_none() && !Path::new(peer).is_file() => Some(format!("{peer} is not installed")),
        _ => None,
    }
}

/// Where a program is. Debian's own comes first: another client may shadow it on the search path.
pub fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = ["/usr/bin".into(), "/usr/sbin".into()].into_iter().chain(std::env::split_paths(&path));
    folders.map(|folder| folder.join(program)).find(|file| file.is_file())
}

/// A command that ends by itself when it takes too long.
pub fn limited(program: impl AsRef<Path>) -> Command {
    let program = program.as_ref();
    let named = program.to_str().and_then(find).unwrap_or(program.to_path_buf());
    let mut command = Command::new("timeout");
    command.args(["--kill-after=5", LIMIT_SECONDS]).arg(named).stdin(Stdio::null());
    command
}

/// Runs a command that must succeed, and gives its standard output without the last line end.
pub fn ok(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", told(command, &output));
    String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
}

/// Runs a command that must end with this code, and gives all that it says.
pub fn fails(command: &mut Command, code: i32) -> String {
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(code), "{}", told(command, &output));
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// Asserts that each of the parts is in the text.
pub fn assert_has(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "no {part:?} in:\n{text}");
    }
}

fn told(command: &Command, output: &Output) -> String {
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    format!("{command:?}: {}\nstdout: {out}\nstderr: {err}", output.status)
}

/// Compiles a program of `testdata/programs` to where `specs/programs` looks for it, and gives its path.
pub fn compiled(name: &str) -> PathBuf {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let (source, compiler, after): (_, &[&str], &[&str]) = match name {
        "steps" => ("steps.c", &["gcc", "-O2", "-static"], &[]),
        "c" => ("c.c", &["gcc", "-O2", "-s"], &["-lm"]),
        "cpp" => ("cpp.cpp", &["g++", "-O2", "-s"], &[]),
        "rust" => ("rust.rs", &["rustc", "--edition", "2024", "-O", "-C", "strip=symbols"], &[]),
        _ => panic!("no program {name}"),
    };
    let source = repository().join("testdata/programs").join(source);
    let to = repository().join("target/programs").join(name);
    let time = |path: &Path| fs::metadata(path).and_then(|meta| meta.modified()).ok();
    let _alone = ONE_AT_A_TIME.lock();
    if time(&to) < time(&source) {
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        // Another process may be at it too: the result appears at once.
        let unfinished = to.with_extension(std::process::id().to_string());
        ok(limited(compiler[0]).args(&compiler[1..]).arg(source).arg("-o").arg(&unfinished).args(after));
        fs::rename(&unfinished, &to).unwrap();
    }
    to
}
