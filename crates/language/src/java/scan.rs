//! What the jars of an application have in them, and which of its classes a runtime would load.

use super::{
    boot::Stored,
    class::{Class, Module, release_of},
    jar::{Damaged, Jar, Name},
    modules::Clues,
    natives::{self, Loads, Native, Natives},
    needs::{Failure, Part},
    references::{Main, MainFault},
};
use crate::LanguageError;
use sha2::{Digest as _, Sha256};
use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    fs::File,
    io::{self, BufWriter},
    path::{Path, PathBuf},
};
use tree::Sha256Digest;

/// Where jars that hold others keep classes.
const ROOTS: [&str; 2] = ["BOOT-INF/classes/", "WEB-INF/classes/"];
/// No application has more classes, in bytes.
const MAX_CLASSES: u64 = 4 << 30;
const VERSIONS: &str = "META-INF/versions/";

/// The classes of an application that a runtime would load, its own or those of its libraries, in a jar that declares no
/// module: what `jdeps` asks of modules, and of jars with classes for several releases, is settled.
#[derive(Debug)]
pub(super) struct Classes {
    /// The jar.
    pub jar: PathBuf,
    /// Stands for the classes, with their names.
    pub digest: Sha256Digest,
}

/// What jars tell.
pub(super) struct Scanned {
    /// The classes: the program's own, and those of its libraries, as far as there are any.
    pub classes: Vec<Classes>,
    /// What the texts of classes tell.
    pub clues: Clues,
    /// The newest release that a class is compiled for, with the jar and the class.
    pub newest: Option<(u32, String, String)>,
    /// What modules say of themselves, by jar.
    pub modules: Vec<(String, Module)>,
    /// The names of the modules that jars are.
    pub names: BTreeSet<String>,
    /// What shared objects in jars need.
    pub natives: Vec<Native>,
    /// What is wrong with the main class.
    pub main: Option<MainFault>,
    /// The packages that the program uses and no jar has, each with a class that does.
    pub absent: BTreeMap<String, String>,
}

/// What classes and shared objects are looked at for.
pub(super) struct Target {
    /// The release of the runtime.
    pub feature: u32,
    /// What its virtual machine can load.
    pub loads: Option<Loads>,
    /// The class that the program starts with, where that is known.
    pub main: Option<String>,
}

/// All jars of an application, as they are looked at.
pub(super) struct Scan {
    /// The release of the runtime.
    feature: u32,
    own: Pack,
    libraries: Pack,
    natives: Natives,
    main: Option<Main>,
    seen: HashSet<String>,
    /// How much more there may be of classes, in bytes.
    left: u64,
    told: Scanned,
}

impl Scan {
    /// Begins to look. Classes go to this directory.
    ///
    /// # Errors
    /// When nothing can be written there.
    pub fn new(target: &Target, dir: &Path) -> Result<Self, LanguageError> {
        Ok(Scan {
            feature: target.feature,
            own: Pack::new(dir.join("own.jar"))?,
            libraries: Pack::new(dir.join("libraries.jar"))?,
            natives: Natives::new(target.loads.clone()),
            main: target.main.as_deref().map(Main::new),
            seen: HashSet::new(),
            left: MAX_CLASSES,
            told: Scanned {
                classes: vec![],
                clues: Clues::default(),
                newest: None,
                modules: vec![],
                names: BTreeSet::new(),
                natives: vec![],
                main: None,
                absent: BTreeMap::new(),
            },
        })
    }

    /// Looks at a jar of an application.
    ///
    /// # Errors
    /// When it is damaged, or a library in it is; when classes cannot be written.
    pub fn part(&mut self, part: &Part) -> Result<(), Failure> {
        let mut jar = Jar::open(&part.content).map_err(|damaged| Failure::Jar(part.name.clone(), damaged))?;
        self.jar(&mut jar, &part.name, part.is_own)
    }

    /// Looks at a jar, the program's own or a library, and at those within it.
    ///
    /// # Errors
    /// When it is damaged, or a library in it is; when classes cannot be written.
    pub fn jar(&mut self, jar: &mut Jar<'_>, shown: &str, is_own: bool) -> Result<(), Failure> {
        let nested = self.files_of(jar, shown, is_own)?;
        for name in nested {
            let file = name.name.rsplit('/').next().unwrap_or_default().to_owned();
            let looked = match jar.read(&name).and_then(Jar::of_bytes) {
                Ok(mut inner) => self.files_of(&mut inner, &file, false).map(drop),
                Err(damaged) => Err(Failure::Jar(file, damaged)),
            };
            match looked {
                // What a program carries along as data may be anything.
                Err(Failure::Jar(..)) if !name.name.contains("-INF/lib") => {}
                Err(Failure::Jar(_, Damaged(why))) => {
                    let why = format!("{}: {why}", name.name);
                    return Err(Failure::Jar(shown.into(), Damaged(why)));
                }
                looked => looked?,
            }
        }
        Ok(())
    }

    /// Ends it.
    ///
    /// # Errors
    /// When classes cannot be written.
    pub fn finish(self) -> Result<Scanned, LanguageError> {
        let packs = [self.own.finish()?, self.libraries.finish()?];
        let classes = packs.into_iter().flatten().collect();
        let (main, absent) = self.main.map(|main| main.judge(&self.seen)).unwrap_or_default();
        Ok(Scanned { classes, natives: self.natives.finish(), main, absent, ..self.told })
    }

    /// Looks at the classes and shared objects of a jar, and gives the jars in it.
    fn files_of(&mut self, jar: &mut Jar<'_>, shown: &str, is_own: bool) -> Result<Vec<Name>, Failure> {
        let damaged = |damaged| Failure::Jar(shown.to_owned(), damaged);
        let manifest = jar.manifest().map_err(damaged)?;
        self.told.names.extend(manifest.get("Automatic-Module-Name").map(String::from));
        let is_multi = manifest.get("Multi-Release").is_some_and(|value| value.eq_ignore_ascii_case("true"));
        let mut chosen: BTreeMap<String, (u32, Name)> = BTreeMap::new();
        let mut nested = vec![];
        for name in jar.names() {
            if name.name.ends_with(".jar") {
                nested.push(name);
                continue;
            }
            if !name.name.ends_with(".class") {
                self.native(jar, shown, &name);
                continue;
            }
            let Some((version, path)) = placed(&name.name) else { continue };
            let counts = version == 0 || is_multi && version <= self.feature;
            if counts && chosen.get(path).is_none_or(|(known, _)| *known < version) {
                chosen.insert(path.to_owned(), (version, name));
            }
        }
        for (path, (version, name)) in chosen {
            let bytes = jar.read(&name).map_err(damaged)?;
            let left = self.left.checked_sub(bytes.len() as u64);
            let many = || damaged(Damaged("its classes are more than any application has".into()));
            self.left = left.ok_or_else(many)?;
            self.class(&path, version, &bytes, (shown, is_own))?;
        }
        Ok(nested)
    }

    /// What is damaged the program finds out, if it ever loads it.
    fn native(&mut self, jar: &mut Jar<'_>, shown: &str, name: &Name) {
        if jar.begins(name, natives::MAGIC)
            && let Ok(bytes) = jar.read(name)
        {
            self.natives.add(shown, &name.name, bytes);
        }
    }

    fn class(
        &mut self,
        path: &str,
        version: u32,
        bytes: &[u8],
        (shown, is_own): (&str, bool),
    ) -> Result<(), LanguageError> {
        if let Some(main) = self.main.as_mut().filter(|_| !self.seen.contains(path)) {
            main.look(path, bytes, is_own);
        }
        // Java finds out when it loads it, if it ever does.
        let Some(class) = Class::read(bytes) else { return Ok(()) };
        if let Some(module) = class.module {
            self.told.names.insert(module.name.clone());
            self.told.modules.push((shown.to_owned(), module));
            return Ok(());
        }
        if path.ends_with("module-info.class") || !self.seen.insert(path.to_owned()) {
            return Ok(());
        }
        self.told.clues.add(&class);
        let release = release_of(class.major);
        if version == 0 && self.told.newest.as_ref().is_none_or(|(newest, ..)| *newest < release) {
            let name = path.trim_end_matches(".class").replace('/', ".");
            self.told.newest = Some((release, shown.to_owned(), name));
        }
        let pack = if is_own { &mut self.own } else { &mut self.libraries };
        pack.add(path, bytes)
    }
}

/// Classes that are written.
struct Pack {
    at: PathBuf,
    jar: Stored<BufWriter<File>>,
    hash: Sha256,
    is_empty: bool,
}

impl Pack {
    fn new(at: PathBuf) -> Result<Self, LanguageError> {
        let file = File::create(&at).map_err(LanguageError::write(&at))?;
        let jar = Stored::new(BufWriter::new(file));
        Ok(Pack { at, jar, hash: Sha256::new(), is_empty: true })
    }

    fn add(&mut self, path: &str, bytes: &[u8]) -> Result<(), LanguageError> {
        self.is_empty = false;
        for part in [path.as_bytes(), bytes] {
            self.hash.update((part.len() as u64).to_le_bytes());
            self.hash.update(part);
        }
        self.jar.add(path, bytes).map_err(LanguageError::write(&self.at))
    }

    /// The classes, if there are any.
    fn finish(self) -> Result<Option<Classes>, LanguageError> {
        let written = self.jar.finish().and_then(|out| out.into_inner().map_err(io::Error::from));
        written.map_err(LanguageError::write(&self.at))?;
        let digest = Sha256Digest(self.hash.finalize().into());
        Ok((!self.is_empty).then_some(Classes { jar: self.at, digest }))
    }
}

/// The release that a class is for, 0 for any, and its path on the class path.
fn placed(name: &str) -> Option<(u32, &str)> {
    if !name.ends_with(".class") {
        return None;
    }
    let name = ROOTS.iter().find_map(|root| name.strip_prefix(root)).unwrap_or(name);
    match name.strip_prefix(VERSIONS) {
        None => (!name.starts_with("META-INF/")).then_some((0, name)),
        Some(rest) => {
            let (version, path) = rest.split_once('/')?;
            Some((version.parse().ok().filter(|version| *version > 8)?, path))
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail")]
pub(super) mod testing {
    use super::{Loads, Target};

    /// A runtime of this release for amd64, and the main class.
    pub fn target(feature: u32, main: Option<&str>) -> Target {
        let loads =
            Loads { machine: elf::Machine::from_uname("x86_64").unwrap(), libc: Some(elf::Flavor::Glibc) };
        Target { feature, loads: Some(loads), main: main.map(String::from) }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail")]
mod tests {
    use super::{
        super::{
            class::testing::{class, module_info},
            jar::testing::jar,
        },
        testing::target,
        *,
    };

    fn scanned(files: &[(&str, &[u8])], feature: u32) -> Scanned {
        let dir = tempfile::tempdir().unwrap();
        let mut scan = Scan::new(&target(feature, Some("a.A")), dir.path()).unwrap();
        scan.jar(&mut Jar::of_bytes(jar(files)).unwrap(), "shop.jar", true).ok().unwrap();
        scan.finish().unwrap()
    }

    #[test]
    fn classes_have_a_place_on_the_class_path() {
        for (name, place) in [
            ("shop/Shop.class", Some((0, "shop/Shop.class"))),
            ("BOOT-INF/classes/shop/Shop.class", Some((0, "shop/Shop.class"))),
            ("META-INF/versions/17/shop/Shop.class", Some((17, "shop/Shop.class"))),
            ("META-INF/versions/8/shop/Shop.class", None),
            ("META-INF/versions/x/shop/Shop.class", None),
            ("META-INF/maven/Shop.class", None),
            ("shop/shop.properties", None),
        ] {
            assert_eq!(placed(name), place, "{name}");
        }
    }

    #[test]
    fn the_newest_class_is_one_that_every_release_loads() {
        let multi = b"Multi-Release: true\n";
        let (old, new, newer) =
            (class(52, &["a"]), class(61, &["java/sql/Driver"]), class(69, &["java/awt/Font"]));
        let nested = jar(&[("lib/B.class", &class(55, &[]))]);
        let files: &[(&str, &[u8])] = &[
            ("META-INF/MANIFEST.MF", multi),
            ("a/A.class", &old),
            ("META-INF/versions/17/a/A.class", &new),
            ("META-INF/versions/25/a/A.class", &newer),
            ("module-info.class", &module_info("shop", "shop/Main", &["java.base", "lib", "tools"])),
            ("BOOT-INF/lib/b.jar", &nested),
            ("data/broken.jar", b"no jar"),
        ];
        let scan = scanned(files, 21);
        assert_eq!(scan.newest, Some((11, "b.jar".into(), "lib.B".into())));
        assert!(scan.clues.modules.contains("java.sql") && !scan.clues.uses.text);
        assert_eq!(scan.modules[0].1.requires, ["java.base", "lib"]);
        assert!(scanned(files, 25).clues.uses.text);
        let plain: Vec<(&str, &[u8])> = files[1..].to_vec();
        assert!(scanned(&plain, 25).clues.modules.is_empty());
    }

    #[test]
    fn shared_objects_of_all_jars_are_looked_at() {
        let native = |needs: &str| elf::testing::Elf::library("libx.so").needs(&[needs, "libc.so.6"]).build();
        let nested = jar(&[("META-INF/native/libepoll.so", &native("librt.so.1"))]);
        let (own, cut) = (native("libdl.so.2"), native("libm.so.6"));
        let scan = scanned(&[("org/x/libx.so", &own), ("lib/b.jar", &nested), ("cut.so", &cut[..200])], 17);
        let needs: Vec<String> =
            scan.natives.iter().map(|need| format!("{} {} {}", need.soname, need.jar, need.object)).collect();
        let want = [
            "libc.so.6 shop.jar org/x/libx.so",
            "libdl.so.2 shop.jar org/x/libx.so",
            "librt.so.1 b.jar META-INF/native/libepoll.so",
        ];
        assert_eq!(needs, want);
        assert_eq!(scan.main, Some(MainFault::Absent));
    }

    #[test]
    fn a_library_that_is_no_jar_is_told() {
        let mut broken = Jar::of_bytes(jar(&[("BOOT-INF/lib/b.jar", b"no jar")])).unwrap();
        let dir = tempfile::tempdir().unwrap();
        let failure =
            Scan::new(&target(17, None), dir.path()).unwrap().jar(&mut broken, "shop.jar", true).unwrap_err();
        let Failure::Jar(name, Damaged(why)) = failure else { panic!("another failure") };
        assert_eq!(name, "shop.jar");
        assert!(why.starts_with("BOOT-INF/lib/b.jar: "), "{why}");
    }
}
