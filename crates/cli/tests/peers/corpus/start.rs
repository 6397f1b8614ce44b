//! What the kernel and the loader of an architecture make of an image: nothing here asks bantam.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use toml::{Table, Value};

use crate::layout;
use crate::workshop::{Workshop, at_hand, limited, ok};

use super::toolchain::{Architecture, folder};

/// The user of images whose spec names none.
const NONROOT: u32 = 65532;

/// Starts processes of an architecture.
pub struct Starter {
    program: PathBuf,
    binfmt: PathBuf,
    rule: String,
}

/// A process: its program and arguments, its environment, its working directory, and its user.
pub struct Process {
    pub arguments: Vec<String>,
    pub environment: Vec<(String, String)>,
    workdir: String,
    user: (u32, u32),
}

impl Starter {
    /// None, with a word on why, where this machine cannot run programs of the architecture, of which there is an example,
    /// in namespaces.
    pub fn new(workshop: &Workshop, architecture: &Architecture, example: &Path) -> Option<Self> {
        let emulator = architecture.emulator();
        let name = format!("qemu-{}-static", architecture.emulator);
        let needed = if architecture.is_native() { "root" } else { &name };
        if !at_hand(&["root", "gcc", needed]) {
            return None;
        }
        let program = workshop.path("start");
        let source = folder().join("programs/start.c");
        ok(limited("gcc").args(["-O1", "-static"]).arg(source).arg("-o").arg(&program));
        let binfmt = workshop.path("binfmt");
        fs::create_dir_all(&binfmt).unwrap();
        let rule = match emulator {
            Some(emulator) if !architecture.is_native() => rule(example, &emulator),
            _ => "-".into(),
        };
        Some(Self { program, binfmt, rule })
    }

    /// Starts the process with `root` as its root.
    pub fn start(&self, root: &Path, process: &Process) -> Output {
        self.command(root, process).output().unwrap()
    }

    /// The command that starts the process with `root` as its root.
    pub fn command(&self, root: &Path, process: &Process) -> Command {
        let mut command = limited(&self.program);
        command.arg(&self.binfmt).arg(&self.rule).arg(root);
        command.arg(process.user.0.to_string()).arg(process.user.1.to_string());
        command.arg(&process.workdir).args(&process.arguments);
        command.env_clear().envs(process.environment.iter().cloned());
        command
    }
}

/// The rule by which the kernel gives programs like `example` to an emulator: by class, byte order and machine.
fn rule(example: &Path, emulator: &Path) -> String {
    let head = fs::read(example).unwrap()[..20].to_vec();
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("\\x{byte:02x}")).collect::<String>();
    let is_little = head[5] == 1;
    // Programs and shared objects have the types 2 and 3.
    let kind: [u8; 2] = if is_little { [2, 0] } else { [0, 2] };
    let kind_mask: [u8; 2] = if is_little { [0xfe, 0xff] } else { [0xff, 0xfe] };
    let magic = [&head[..7], &[0; 9], &kind, &head[18..20]].concat();
    let mask = [&[0xff; 7][..], &[0; 9], &kind_mask, &[0xff; 2]].concat();
    format!(":emulator:M::{}:{}:{}:FO", hex(&magic), hex(&mask), emulator.display())
}

/// Unpacks the only image of a layout with plain layers, and gives its process.
pub fn unpack(layout: &Path, to: &Path) -> Process {
    fs::create_dir_all(to).unwrap();
    for layer in layout::manifest(layout)["layers"].as_array().unwrap() {
        let mut archive = tar::Archive::new(fs::File::open(layout::blob(layout, layer)).unwrap());
        archive.set_preserve_permissions(true);
        archive.set_preserve_ownerships(true);
        archive.set_preserve_mtime(false);
        archive.unpack(to).unwrap();
    }
    process_of(layout)
}

/// The process of the only image of a layout.
pub fn process_of(layout: &Path) -> Process {
    let config = &layout::config(layout)["config"];
    let list = |key: &str| {
        let list = config[key].as_array().into_iter().flatten();
        list.map(|value| value.as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let pair = |text: &String| text.split_once('=').map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
    Process {
        arguments: [list("Entrypoint"), list("Cmd")].concat(),
        environment: list("Env").iter().map(pair).collect(),
        workdir: config["WorkingDir"].as_str().unwrap_or("/").to_owned(),
        user: numbers(config["User"].as_str().unwrap()),
    }
}

/// Lays an image out as its spec says, on the whole of the runtime source: what does not start here, with more than
/// the image would hold, does not start at all. Gives the process.
pub fn compose(case: &Path, spec: &Table, to: &Path) -> Process {
    if spec["runtime"]["source"].as_str() == Some("none") {
        fs::create_dir_all(to).unwrap();
    } else {
        link_all(&case.join("root"), to);
    }
    for files in tables(spec, "files") {
        let text = |key: &str| files.get(key).and_then(Value::as_str).unwrap_or_default();
        let from = case.join(text("from"));
        let mut at = to.join(&text("to")[1..]);
        if text("to").ends_with('/') && !from.is_dir() {
            at.push(from.file_name().unwrap());
        }
        fs::create_dir_all(at.parent().unwrap()).unwrap();
        if files.contains_key("content") {
            fs::write(&at, text("content")).unwrap();
        } else {
            let from = if from.is_dir() { from.join(".") } else { from };
            let mut copy = limited("cp");
            ok(copy.args(["--recursive", "--no-dereference", "--preserve=mode"]).arg(&from).arg(&at));
        }
        set_meta(&at, files, if at.is_dir() { "0755" } else { "" });
    }
    for dir in tables(spec, "dirs") {
        let at = to.join(&dir["path"].as_str().unwrap()[1..]);
        fs::create_dir_all(&at).unwrap();
        set_meta(&at, dir, "0755");
    }
    for link in tables(spec, "links") {
        let at = to.join(&link["path"].as_str().unwrap()[1..]);
        fs::create_dir_all(at.parent().unwrap()).unwrap();
        symlink(link["to"].as_str().unwrap(), at).unwrap();
    }
    process(&spec["config"])
}

/// Copies a file, a link, or a directory with all that is in it; files are the same, under another name.
pub fn link_all(from: &Path, to: &Path) {
    let kind = fs::symlink_metadata(from).unwrap().file_type();
    if kind.is_symlink() {
        symlink(fs::read_link(from).unwrap(), to).unwrap();
    } else if kind.is_file() {
        fs::hard_link(from, to).unwrap();
    } else {
        fs::create_dir_all(to).unwrap();
        for entry in fs::read_dir(from).unwrap() {
            let name = entry.unwrap().file_name();
            link_all(&from.join(&name), &to.join(&name));
        }
    }
}

/// What a spec says of the process, with the defaults of the spec's page.
fn process(config: &Value) -> Process {
    let list = |key: &str| {
        let list = config.get(key).and_then(Value::as_array).into_iter().flatten();
        list.map(|value| value.as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let text = |key: &str| config.get(key).and_then(Value::as_str);
    let path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    let mut environment = vec![("PATH".to_owned(), path.to_owned())];
    for (name, value) in config.get("env").and_then(Value::as_table).into_iter().flatten() {
        environment.push((name.clone(), value.as_str().unwrap().to_owned()));
    }
    Process {
        arguments: [list("entrypoint"), list("cmd")].concat(),
        environment,
        workdir: text("workdir").unwrap_or("/").to_owned(),
        user: numbers(text("user").unwrap_or("nonroot")),
    }
}

fn set_meta(at: &Path, table: &Table, default_mode: &str) {
    let text = |key: &str| table.get(key).and_then(Value::as_str);
    let (uid, gid) = numbers(text("owner").unwrap_or("0:0"));
    chown(at, Some(uid), Some(gid)).unwrap();
    let mode = text("mode").unwrap_or(default_mode);
    if !mode.is_empty() {
        fs::set_permissions(at, Permissions::from_mode(u32::from_str_radix(mode, 8).unwrap())).unwrap();
    }
}

fn tables<'a>(spec: &'a Table, key: &str) -> impl Iterator<Item = &'a Table> {
    spec.get(key).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_table)
}

fn numbers(user: &str) -> (u32, u32) {
    if user == "nonroot" {
        return (NONROOT, NONROOT);
    }
    let (uid, gid) = user.split_once(':').unwrap_or_else(|| panic!("{user}: write the user as numbers"));
    (uid.parse().unwrap(), gid.parse().unwrap())
}
