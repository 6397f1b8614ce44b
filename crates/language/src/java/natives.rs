//! Shared objects in jars: what programs unpack while they run, and load.

use super::jdk::Jdk;
use crate::LanguageError;
use elf::{Flavor, Kind, Machine};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use tree::{Content, Entry, View};

/// No application has more of them for one machine, in bytes.
const MAX_NATIVES: u64 = 2 << 30;
/// No application needs more libraries.
const MAX_NEEDS: usize = 1000;
/// What an ELF file begins with.
pub(super) const MAGIC: &[u8] = b"\x7fELF";

/// What the virtual machine can load.
#[derive(Debug, Clone)]
pub(super) struct Loads {
    /// What it was compiled for.
    pub machine: Machine,
    /// Its C library, where that is known.
    pub libc: Option<Flavor>,
}

impl Loads {
    /// What the virtual machine of a kit can load; none where its program cannot be read.
    ///
    /// # Errors
    /// When the source cannot be read.
    pub fn of(view: &dyn View, jdk: &Jdk) -> Result<Option<Self>, LanguageError> {
        let java = view.follow(&jdk.home.child("bin").child("java"))?.entry;
        let facts = java.as_ref().and_then(Entry::content).and_then(|java| elf::read(java).ok().flatten());
        Ok(facts.map(|facts| Loads { libc: facts.libc(), machine: facts.machine }))
    }
}

/// A library that a shared object in a jar needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Native {
    /// The name of the jar.
    pub jar: String,
    /// The shared object, by its path in the jar.
    pub object: String,
    /// The library.
    pub soname: String,
}

/// The shared objects of the jars of an application.
pub(super) struct Natives {
    loads: Option<Loads>,
    /// What they need, with the first that does: the jar, and the object.
    needs: BTreeMap<String, (String, String)>,
    /// What they answer to: of two in a jar, one may need the other.
    names: BTreeSet<String>,
    /// How much more there may be of them, in bytes.
    left: u64,
}

impl Native {
    /// Is the library a part of the virtual machine, which is there before anything is unpacked?
    ///
    /// # Errors
    /// When the source cannot be read.
    pub fn is_of(&self, view: &dyn View, jdk: &Jdk) -> Result<bool, LanguageError> {
        let lib = jdk.home.child("lib");
        for dir in [lib.child("server"), lib] {
            if view.follow(&dir.child(&self.soname))?.entry.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

impl Natives {
    /// None yet, for a virtual machine that loads these; of one that is not known, none ever.
    pub fn new(loads: Option<Loads>) -> Self {
        Natives { loads, needs: BTreeMap::new(), names: BTreeSet::new(), left: MAX_NATIVES }
    }

    /// Looks at an ELF file of a jar. One for another machine or C library does not count: a jar has an object for each, and
    /// loads the one that fits. One that makes no sense is found out by the program, if it ever loads it.
    pub fn add(&mut self, jar: &str, object: &str, bytes: Vec<u8>) {
        let Some(loads) = &self.loads else { return };
        let Some(left) = self.left.checked_sub(bytes.len() as u64) else { return };
        self.left = left;
        let Ok(Some(facts)) = elf::read(&Content::bytes(bytes, object)) else { return };
        // One that needs Android's or another C library tells by that.
        let fits = facts.kind == Kind::SharedObject
            && facts.machine.matches(&loads.machine)
            && loads.libc.is_none_or(|libc| facts.libc() == Some(libc));
        if !fits {
            return;
        }
        self.names.extend(facts.soname);
        self.names.extend(object.rsplit('/').next().map(String::from));
        for soname in facts.needed.into_iter().filter(|soname| !soname.contains('/')) {
            if self.needs.len() < MAX_NEEDS {
                self.needs.entry(soname).or_insert_with(|| (jar.to_owned(), object.to_owned()));
            }
        }
    }

    /// What they need of others.
    pub fn finish(self) -> Vec<Native> {
        let Natives { needs, names, .. } = self;
        let needs = needs.into_iter().filter(|(soname, _)| !names.contains(soname));
        needs.map(|(soname, (jar, object))| Native { jar, object, soname }).collect()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail")]
mod tests {
    use super::*;
    use elf::testing::Elf;

    #[test]
    fn what_fits_the_virtual_machine_counts() {
        let machine = Machine::from_uname("x86_64").unwrap();
        let glibc = |needs: &[&str]| Elf::library("libx.so").needs(&[needs, &["libc.so.6"]].concat()).build();
        for (objects, libc, needs) in [
            (
                vec![("a/libx.so", glibc(&["libz.so.1"]))],
                Some(Flavor::Glibc),
                &["libc.so.6", "libz.so.1"][..],
            ),
            // Another machine, another C library, Android's, a program, and one that is cut short.
            (
                vec![
                    ("arm/libx.so", Elf::library("libx.so").on("aarch64").needs(&["libz.so.1"]).build()),
                    (
                        "musl/libx.so",
                        Elf::library("libx.so").needs(&["libz.so.1", "libc.musl-x86_64.so.1"]).build(),
                    ),
                    ("android/libx.so", Elf::library("libx.so").needs(&["liblog.so", "libc.so"]).build()),
                    ("protoc.exe", Elf::program().needs(&["libz.so.1", "libc.so.6"]).build()),
                    ("libcut.so", glibc(&["libz.so.1"])[..70].to_vec()),
                ],
                Some(Flavor::Glibc),
                &[],
            ),
            (
                vec![(
                    "libx.so",
                    Elf::library("libx.so").needs(&["libz.so.1", "libc.musl-x86_64.so.1"]).build(),
                )],
                Some(Flavor::Musl),
                &["libc.musl-x86_64.so.1", "libz.so.1"],
            ),
            // One needs the other, by its name or its file's, in whatever order they stand.
            (
                vec![
                    ("b/libcore.so.4", Elf::library("libcore.so.4.1").needs(&["libc.so.6"]).build()),
                    ("a/libjni.so", glibc(&["libcore.so.4", "libcore.so.4.1", "liblate.so"])),
                    ("c/liblate.so", glibc(&[])),
                ],
                Some(Flavor::Glibc),
                &["libc.so.6"],
            ),
        ] {
            let mut natives = Natives::new(Some(Loads { machine, libc }));
            for (object, bytes) in objects {
                natives.add("x.jar", object, bytes);
            }
            let found = natives.finish();
            assert_eq!(found.iter().map(|native| &*native.soname).collect::<Vec<_>>(), needs);
        }
    }
}
