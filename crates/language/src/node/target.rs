//! What packages are installed for, and which of their compiled files run there.

use crate::LanguageError;
use elf::{Facts, Flavor, Machine};
use plan::spec::{Architecture, Platform};
use tree::Content;

/// What packages are installed for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Target {
    /// The processor.
    pub architecture: Architecture,
    /// The C library of the Node.js that loads them.
    pub libc: Libc,
}

/// A C library that Node.js is built with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Libc {
    Glibc,
    Musl,
}

/// Is a file of this name an addon of Node.js?
pub(super) fn is_addon(name: &str) -> bool {
    name.ends_with(".node")
}

/// Has a file of this name something that is loaded, as addons or as what they need?
pub(super) fn is_object(name: &str) -> bool {
    is_addon(name) || name.ends_with(".so") || name.contains(".so.")
}

impl Libc {
    /// Its name for npm.
    pub fn name(self) -> &'static str {
        match self {
            Libc::Glibc => "glibc",
            Libc::Musl => "musl",
        }
    }
}

/// The system that a file of Linux's format is for, as far as it tells.
enum System {
    /// Any with its kernel: it needs no C library.
    Any,
    /// Linux with this C library.
    Linux(Libc),
    /// Another, by its name.
    Other(&'static str),
}

impl System {
    fn of(facts: &Facts) -> Self {
        let asks = |part: &str| facts.interpreter.as_ref().is_some_and(|name| name.contains(part));
        // musl has all of the C library in one file; those of Android and of BSDs have other names for parts of it.
        let of_android = ["liblog.so", "libdl.so", "libm.so", "libandroid.so", "libc++_shared.so"];
        let is_of_android = facts.needed.iter().any(|name| of_android.contains(&name.as_str()));
        if asks("/system/bin/linker") || is_of_android {
            return System::Other("Android");
        }
        let of_bsd = |name: &String| name.starts_with("libc.so.") && !name.starts_with("libc.so.6");
        if asks("/libexec/ld") || facts.needed.iter().any(of_bsd) {
            return System::Other("BSD");
        }
        match facts.libc() {
            Some(Flavor::Musl) => System::Linux(Libc::Musl),
            Some(Flavor::Glibc) => System::Linux(Libc::Glibc),
            None if asks("/ld64.so") => System::Linux(Libc::Glibc),
            None => System::Any,
        }
    }
}

impl Target {
    /// The platform of an image, and the C library of its Node.js: glibc, where that does not say.
    pub fn of(platform: Platform, node: Option<&Content>) -> Self {
        let facts = node.and_then(|content| elf::read(content).ok()?);
        let libc = match facts.as_ref().map(System::of) {
            Some(System::Linux(libc)) => libc,
            _ => Libc::Glibc,
        };
        Target { architecture: platform.architecture, libc }
    }

    /// The processor, as Node.js calls it.
    pub fn cpu(self) -> &'static str {
        match self.architecture {
            Architecture::Amd64 => "x64",
            Architecture::Arm64 => "arm64",
            Architecture::ArmV7 | Architecture::ArmV6 | Architecture::ArmV5 => "arm",
            Architecture::I386 => "ia32",
            Architecture::Ppc64le => "ppc64",
            Architecture::Riscv64 => "riscv64",
            Architecture::S390x => "s390x",
            Architecture::Mips64le => "mips64el",
            Architecture::Loong64 => "loong64",
        }
    }

    /// Why a compiled file does not run here; none where it does.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn misfit(self, content: &Content) -> Result<Option<String>, LanguageError> {
        let facts = match elf::read(content) {
            Ok(Some(facts)) => facts,
            Ok(None) => return Ok(Some("it is for another system than Linux".into())),
            Err(error @ elf::ElfError::Read(_)) => return Err(error.into()),
            Err(error) => return Ok(Some(error.to_string())),
        };
        let machine: Option<Machine> = self.architecture.machine();
        if !machine.is_some_and(|machine| machine.matches(&facts.machine)) {
            let (found, needed) = (facts.machine.name(), self.architecture.uname());
            return Ok(Some(format!("it is for {found}, and the image is for {needed}")));
        }
        if let Some(why) = facts.refused {
            return Ok(Some(why.into()));
        }
        Ok(match System::of(&facts) {
            System::Other(system) => Some(format!("it is for {system}, and the image is for Linux")),
            System::Linux(libc) if libc != self.libc => {
                Some(format!("it is for {}, and Node.js here is for {}", libc.name(), self.libc.name()))
            }
            System::Linux(_) | System::Any => None,
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail")]
mod tests {
    use super::*;
    use elf::testing::Elf;

    #[test]
    fn addons_run_on_their_processor_and_c_library() {
        let here = Target { architecture: Architecture::Amd64, libc: Libc::Glibc };
        let addon = |needs: &[&str]| Elf::library("").needs(needs).build();
        let mut of_freebsd = addon(&[]);
        of_freebsd[7] = 9;
        for (bytes, why) in [
            (addon(&["libc.so.6"]), None),
            (addon(&[]), None),
            (addon(&["libc.musl-x86_64.so.1"]), Some("it is for musl, and Node.js here is for glibc")),
            (Elf::library("").on("aarch64").build(), Some("and the image is for x86_64")),
            (addon(&["libc.so"]), Some("it is for musl")),
            (addon(&["libc.so", "libm.so", "libdl.so"]), Some("it is for Android")),
            (addon(&["liblog.so", "libc.so"]), Some("it is for Android")),
            (Elf::program().interpreter("/system/bin/linker64").build(), Some("it is for Android")),
            (addon(&["libc.so.7"]), Some("it is for BSD")),
            (of_freebsd, Some("another system than Linux")),
            (Elf::static_program().build(), None),
            (b"\xcf\xfa\xed\xfe of another system".to_vec(), Some("another system than Linux")),
            (b"\x7fELF".to_vec(), Some("damaged")),
        ] {
            let found = here.misfit(&Content::bytes(bytes, "the test")).unwrap();
            match why {
                None => assert_eq!(found, None),
                Some(why) => assert!(found.as_ref().unwrap().contains(why), "{found:?}"),
            }
        }
    }

    #[test]
    fn the_c_library_is_that_of_node() {
        let platform = Platform::linux(Architecture::Amd64);
        let libc = |elf: Elf| Target::of(platform, Some(&Content::bytes(elf.build(), "the test"))).libc;
        assert_eq!(libc(Elf::program().needs(&["libc.so.6"])), Libc::Glibc);
        assert_eq!(libc(Elf::program().interpreter("/lib/ld-musl-x86_64.so.1")), Libc::Musl);
        assert_eq!(Target::of(platform, None).libc, Libc::Glibc);
    }
}
