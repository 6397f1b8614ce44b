//! An architecture: its compiler, its C library as a root file system, and the programs that cases share.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use crate::workshop::{Workshop, find, limited, ok, repository};

use super::case::Subject;

/// An architecture by the name that Debian has for it.
pub struct Architecture {
    pub name: &'static str,
    /// As in a spec.
    pub platform: &'static str,
    /// As in the names of compilers and folders of libraries.
    pub triplet: &'static str,
    /// As programs name it.
    pub loader: &'static str,
    /// As findings call it.
    pub machine: &'static str,
    /// As `qemu-NAME-static` has it.
    pub emulator: &'static str,
    /// Another architecture, whose programs neither this one nor the usual builder runs.
    pub other: &'static str,
}

pub const ARCHITECTURES: [Architecture; 5] = [
    Architecture {
        name: "amd64",
        platform: "linux/amd64",
        triplet: "x86_64-linux-gnu",
        loader: "/lib64/ld-linux-x86-64.so.2",
        machine: "x86-64",
        emulator: "x86_64",
        other: "aarch64-linux-gnu",
    },
    Architecture {
        name: "arm64",
        platform: "linux/arm64",
        triplet: "aarch64-linux-gnu",
        loader: "/lib/ld-linux-aarch64.so.1",
        machine: "AArch64",
        emulator: "aarch64",
        other: "riscv64-linux-gnu",
    },
    Architecture {
        name: "armhf",
        platform: "linux/arm/v7",
        triplet: "arm-linux-gnueabihf",
        loader: "/lib/ld-linux-armhf.so.3",
        machine: "32-bit ARM (hard float)",
        emulator: "arm",
        other: "s390x-linux-gnu",
    },
    Architecture {
        name: "riscv64",
        platform: "linux/riscv64",
        triplet: "riscv64-linux-gnu",
        loader: "/lib/ld-linux-riscv64-lp64d.so.1",
        machine: "64-bit RISC-V",
        emulator: "riscv64",
        other: "s390x-linux-gnu",
    },
    Architecture {
        name: "s390x",
        platform: "linux/s390x",
        triplet: "s390x-linux-gnu",
        loader: "/lib/ld64.so.1",
        machine: "z/Architecture (s390x)",
        emulator: "s390x",
        other: "riscv64-linux-gnu",
    },
];

/// The parts of a C library that the root file system has, beside its loader.
const LIBRARIES: [&str; 4] = ["libc.so.6", "libm.so.6", "libdl.so.2", "libgcc_s.so.1"];

impl Architecture {
    pub fn compiler(&self) -> String {
        format!("{}-gcc", self.triplet)
    }

    pub fn other_compiler(&self) -> String {
        format!("{}-gcc", self.other)
    }

    /// Is this the machine of the builder?
    pub fn is_native(&self) -> bool {
        std::env::consts::ARCH == self.emulator
    }

    /// Makes the root file system `root`, as Debian lays it out.
    pub fn make_root(&self, workshop: &Workshop) -> PathBuf {
        let root = workshop.path("root");
        let libraries = root.join("usr/lib").join(self.triplet);
        fs::create_dir_all(&libraries).unwrap();
        fs::create_dir_all(root.join("usr/bin")).unwrap();
        let (top, loader) = self.loader[1..].split_once('/').unwrap();
        fs::create_dir_all(root.join("usr").join(top)).unwrap();
        for name in ["bin", "lib", top] {
            let _ = symlink(Path::new("usr").join(name), root.join(name));
        }
        let up = if top == "lib" { "" } else { "../lib/" };
        symlink(format!("{up}{}/{loader}", self.triplet), root.join("usr").join(top).join(loader)).unwrap();
        for name in LIBRARIES.into_iter().chain([loader]) {
            fs::copy(self.library(name), libraries.join(name)).unwrap();
        }
        root
    }

    /// A library of the architecture on this machine: its own, or else where one for cross compilers should be.
    pub fn library(&self, name: &str) -> PathBuf {
        let own = Path::new("/lib").join(self.triplet).join(name);
        if own.exists() { own } else { Path::new("/usr").join(self.triplet).join("lib").join(name) }
    }

    /// Builds the programs that all cases share.
    pub fn make_programs(&self, workshop: &Workshop) -> PathBuf {
        let to = workshop.path("programs");
        fs::create_dir_all(&to).unwrap();
        for (name, source, options) in [
            ("hello", "hello.c", &[][..]),
            ("hello-static", "hello.c", &["-static"]),
            ("interpreter", "interpreter.c", &[]),
            ("env", "env.c", &[]),
        ] {
            let from = folder().join("programs").join(source);
            ok(limited(self.compiler()).arg("-O1").arg(from).arg("-o").arg(to.join(name)).args(options));
        }
        to
    }

    /// Runs the commands of a subject in a folder of its own.
    pub fn build(&self, workshop: &Workshop, programs: &Path, subject: &Subject) -> PathBuf {
        let to = workshop.path(&format!("built/{}", subject.name));
        fs::create_dir_all(&to).unwrap();
        for (name, text) in &subject.source {
            fs::write(to.join(name), text).unwrap();
        }
        if !subject.build.is_empty() {
            let mut shell = limited("sh");
            shell.args(["-e", "-u", "-c", &subject.build]).current_dir(&to).env("LC_ALL", "C");
            shell.env("CC", self.compiler()).env("OTHER_CC", self.other_compiler());
            shell
                .env("ARCH", self.name)
                .env("TRIPLET", self.triplet)
                .env("PROGRAMS", folder().join("programs"))
                .env("BUILT", programs);
            shell.env("LOADER_FILE", self.library(self.loader.rsplit('/').next().unwrap()));
            let output = shell.output().unwrap();
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "the build of {} for {}: {said}", subject.name, self.name);
        }
        to
    }

    /// The emulator, if it is there; none is needed for the builder's own architecture.
    pub fn emulator(&self) -> Option<PathBuf> {
        find(&format!("qemu-{}-static", self.emulator))
    }
}

/// Where the cases are.
pub fn folder() -> PathBuf {
    repository().join("testdata/broken-images")
}
