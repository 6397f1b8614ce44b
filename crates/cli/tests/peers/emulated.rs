//! Images of another architecture as its machines would run them: every process of theirs goes through the emulator, as
//! nobody, with a read-only root and no network but a loopback.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use crate::corpus::start::{Process, Starter, process_of};
use crate::corpus::toolchain::ARCHITECTURES;
use crate::service::Service;
use crate::workshop::{Workshop, at_hand, limited, ok};

/// Makes a root what engines make it. Its arguments are the root, a folder to mount there and where, and the command.
const PREPARE: &str = r#"
set -e
root=$1 volume=$2 at=$3
shift 3
ip link set lo up
mount --bind "$root" "$root"
mount --rbind /dev "$root/dev"
mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
[ -z "$volume" ] || mount --bind "$volume" "$root$at"
mount -o remount,bind,ro "$root"
exec "$@"
"#;

/// An image of arm64 that was unpacked.
pub struct Emulated<'w> {
    workshop: &'w Workshop,
    root: PathBuf,
    process: Process,
    starter: Starter,
}

impl<'w> Emulated<'w> {
    /// Can this machine run programs of arm64? Says so if not.
    pub fn is_possible() -> bool {
        at_hand(&["root", "gcc", "umoci", "ip", "unshare", "nsenter", "curl", "qemu-aarch64-static"])
    }

    /// Unpacks the only image of a layout, tagged `test`; `program` is the path of one of its programs. None where such images cannot be run.
    pub fn new(workshop: &'w Workshop, layout: &Path, program: &str) -> Option<Self> {
        let bundle = workshop.path(&format!("{}-bundle", layout.file_name()?.display()));
        let image = format!("{}:test", layout.display());
        ok(limited("umoci").args(["unpack", "--image", &image]).arg(&bundle));
        let root = bundle.join("rootfs");
        let architecture = ARCHITECTURES.iter().find(|architecture| architecture.name == "arm64")?;
        let starter = Starter::new(workshop, architecture, &root.join(program))?;
        for dir in ["dev", "proc", "tmp"] {
            fs::create_dir_all(root.join(dir)).unwrap();
        }
        let mut process = process_of(layout);
        // The emulator's own processor computes wrongly.
        process.environment.push(("QEMU_CPU".into(), "cortex-a57".into()));
        Some(Emulated { workshop, root, process, starter })
    }

    /// What it says, ending well.
    pub fn says(&self) -> String {
        ok(&mut self.command(None))
    }

    /// The same, with a folder of this machine at a path.
    pub fn says_with(&self, volume: &Path, at: &str) -> String {
        fs::create_dir_all(self.root.join(&at[1..])).unwrap();
        ok(&mut self.command(Some((volume, at))))
    }

    /// Starts it as a server.
    pub fn serve(&self, port: u16) -> Service {
        let log = self.workshop.path("served.log");
        let file = fs::File::create(&log).unwrap();
        let mut command = self.command(None);
        command.stdout(file.try_clone().unwrap()).stderr(file);
        let child = command.spawn().unwrap();
        // Whoever asks too early would ask in this network.
        let network = |process: &str| fs::read_link(format!("/proc/{process}/ns/net")).unwrap();
        while network(&child.id().to_string()) == network("self") {
            sleep(Duration::from_millis(5));
        }
        Service::of(child, log, port)
    }

    fn command(&self, volume: Option<(&Path, &str)>) -> Command {
        let start = self.starter.command(&self.root, &self.process);
        let variables = start.get_envs().filter_map(|(name, value)| {
            let parts = [name, OsStr::new("="), value?];
            Some(parts.into_iter().collect::<OsString>())
        });
        let (volume, at) = volume.unwrap_or((Path::new(""), ""));
        let mut command = Command::new("unshare");
        command.args(["--net", "--mount", "sh", "-c", PREPARE, "sh"]).arg(&self.root).arg(volume).arg(at);
        command.args(["env", "-i"]).args(variables).arg("/usr/bin/timeout").args(start.get_args());
        command.stdin(Stdio::null());
        command
    }
}
