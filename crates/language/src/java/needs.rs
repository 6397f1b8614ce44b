//! What the jars of an application need of a runtime: modules, and a release that is new enough.

use super::{
    boot::Stored,
    class::{Class, Module, release_of},
    jar::{Damaged, Jar, Name},
    jdk::Jdk,
    modules::{Clues, Uses, of_jdeps},
    tools::{Tool, Tools},
};
use crate::{
    LanguageError,
    kept::{self, Keeper, Kept},
};
use cache::Cache;
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    fs::File,
    io::BufWriter,
};
use tree::{Content, Sha256Digest};

/// Where jars that hold others keep classes.
const ROOTS: [&str; 2] = ["BOOT-INF/classes/", "WEB-INF/classes/"];
/// No application has more classes, in bytes.
const MAX_CLASSES: u64 = 4 << 30;
const VERSIONS: &str = "META-INF/versions/";

/// A jar of an application.
#[derive(Debug, Clone)]
pub(super) struct Part {
    /// The name of its file.
    pub name: String,
    /// The jar.
    pub content: Content,
}

/// What an application needs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Needs {
    /// The modules that its classes refer to, that it names, and that a table says.
    pub modules: BTreeSet<String>,
    /// What it uses of java.desktop.
    pub uses: Uses,
    /// The newest release that a class is compiled for: the jar, the class, the release.
    pub newest: Option<(String, String, u32)>,
    /// The module and main class to start it with, as `module/class`, where all that the module requires is there.
    pub start: Option<String>,
}

/// An application cannot be looked at: a jar of it is damaged, or something else is wrong.
pub(super) enum Failure {
    /// The jar of this name is damaged.
    Jar(String, Damaged),
    /// Something else.
    Other(LanguageError),
}

impl<E: Into<LanguageError>> From<E> for Failure {
    fn from(error: E) -> Self {
        Failure::Other(error.into())
    }
}

/// What an application of these jars needs; the first is the program itself.
///
/// # Errors
/// When a jar is damaged, or cannot be read; when `jdeps` fails.
pub(super) fn needs(
    cache: &Cache,
    parts: &[Part],
    jdk: &Jdk,
    identity: &Sha256Digest,
    tools: &Tools<'_>,
) -> Result<Needs, Failure> {
    let mut all = vec![];
    for part in parts {
        all.extend((part.name.len() as u64).to_le_bytes());
        all.extend(part.name.bytes());
        all.extend(part.content.sha256().map_err(LanguageError::from)?.0);
    }
    let key = kept::key("java-needs-1", &[&tools.digest.0, &identity.0, &all]);
    let known = Kept::open(cache, &key).and_then(|kept| serde_json::from_str(&kept.note).ok());
    if let Some(needs) = known {
        return Ok(needs);
    }
    let needs = looked_at(parts, jdk, tools)?;
    let note = serde_json::to_string(&needs).unwrap_or_default();
    let keeper = Keeper::new(cache, key, "needs of Java").and_then(|keeper| keeper.finish(&note));
    keeper.map_err(LanguageError::write("the cache"))?;
    Ok(needs)
}

fn looked_at(parts: &[Part], jdk: &Jdk, tools: &Tools<'_>) -> Result<Needs, Failure> {
    let dir = tempfile::tempdir().map_err(LanguageError::write(std::env::temp_dir()))?;
    let at = dir.path().join("classes.jar");
    let file = File::create(&at).map_err(LanguageError::write(&at))?;
    let mut scan = Scan {
        feature: jdk.feature,
        classes: Stored::new(BufWriter::new(file)),
        seen: HashSet::new(),
        left: MAX_CLASSES,
        clues: Clues::default(),
        newest: None,
        modules: vec![],
        names: BTreeSet::new(),
    };
    for part in parts {
        let failed = |damaged| Failure::Jar(part.name.clone(), damaged);
        let mut jar = Jar::open(&part.content).map_err(failed)?;
        scan.jar(&mut jar, &part.name, true).map_err(failed)?;
    }
    let Scan { classes, seen, clues, newest, modules, names, .. } = scan;
    classes.finish().map_err(LanguageError::write(&at))?;
    let mut all = clues.modules;
    all.extend(modules.iter().flat_map(|(_, module)| module.requires.iter().cloned()));
    if !seen.is_empty() {
        let answer = tools.run(Tool::Jdeps, |command| {
            command.args(["--print-module-deps", "--ignore-missing-deps"]).arg(&at);
        })?;
        all.extend(of_jdeps(&answer));
    }
    let own = parts.first().and_then(|part| modules.iter().find(|(jar, _)| *jar == part.name));
    let start = own.and_then(|(_, module)| {
        let is_there = |name: &String| jdk.modules.contains(name) || names.contains(name);
        let main = module.main.as_ref().filter(|_| module.requires.iter().all(is_there))?;
        Some(format!("{}/{main}", module.name))
    });
    all.retain(|module| jdk.modules.contains(module));
    let newest = newest.map(|(release, jar, class)| (jar, class, release));
    Ok(Needs { modules: all, uses: clues.uses, newest, start })
}

/// All classes of an application, as they are looked at.
struct Scan {
    /// The release of the runtime.
    feature: u32,
    /// Those that it would load, in a jar of their own that declares no module: what `jdeps` asks of modules, and of jars
    /// with classes for several releases, is settled.
    classes: Stored<BufWriter<File>>,
    seen: HashSet<String>,
    /// How much more there may be of them, in bytes.
    left: u64,
    clues: Clues,
    newest: Option<(u32, String, String)>,
    /// What modules say of themselves, by jar.
    modules: Vec<(String, Module)>,
    /// The names of the modules that jars are.
    names: BTreeSet<String>,
}

impl Scan {
    /// Looks at a jar, and at those within it.
    fn jar(&mut self, jar: &mut Jar<'_>, shown: &str, with_nested: bool) -> Result<(), Damaged> {
        let manifest = jar.manifest()?;
        self.names.extend(manifest.get("Automatic-Module-Name").map(String::from));
        let is_multi = manifest.get("Multi-Release").is_some_and(|value| value.eq_ignore_ascii_case("true"));
        let mut chosen: BTreeMap<String, (u32, Name)> = BTreeMap::new();
        let mut nested = vec![];
        for name in jar.names() {
            if name.name.ends_with(".jar") {
                nested.push(name);
                continue;
            }
            let Some((version, path)) = placed(&name.name) else { continue };
            let counts = version == 0 || is_multi && version <= self.feature;
            if counts && chosen.get(path).is_none_or(|(known, _)| *known < version) {
                chosen.insert(path.to_owned(), (version, name));
            }
        }
        for (path, (version, name)) in chosen {
            let bytes = jar.read(&name)?;
            self.class(&path, version, &bytes, shown)?;
        }
        for name in nested.into_iter().filter(|_| with_nested) {
            let is_library = name.name.contains("-INF/lib");
            let inner = jar.read(&name).and_then(Jar::of_bytes);
            let file = name.name.rsplit('/').next().unwrap_or_default().to_owned();
            let looked = inner.and_then(|mut inner| self.jar(&mut inner, &file, false));
            // What a program carries along as data may be anything.
            if is_library {
                looked.map_err(|Damaged(why)| Damaged(format!("{}: {why}", name.name)))?;
            }
        }
        Ok(())
    }

    fn class(&mut self, path: &str, version: u32, bytes: &[u8], shown: &str) -> Result<(), Damaged> {
        // Java finds out when it loads it, if it ever does.
        let Some(class) = Class::read(bytes) else { return Ok(()) };
        if let Some(module) = class.module {
            self.names.insert(module.name.clone());
            self.modules.push((shown.to_owned(), module));
            return Ok(());
        }
        if path.ends_with("module-info.class") || !self.seen.insert(path.to_owned()) {
            return Ok(());
        }
        self.clues.add(&class);
        let release = release_of(class.major);
        if version == 0 && self.newest.as_ref().is_none_or(|(newest, ..)| *newest < release) {
            let name = path.trim_end_matches(".class").replace('/', ".");
            self.newest = Some((release, shown.to_owned(), name));
        }
        let left = self.left.checked_sub(bytes.len() as u64);
        self.left = left.ok_or_else(|| Damaged("its classes are more than any application has".into()))?;
        self.classes.add(path, bytes).map_err(|error| Damaged(error.to_string()))
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
mod tests {
    use super::{
        super::{
            class::testing::{class, module_info},
            jar::testing::jar,
        },
        *,
    };

    fn scanned(files: &[(&str, &[u8])], feature: u32) -> Scan {
        let file = tempfile::tempfile().unwrap();
        let mut scan = Scan {
            feature,
            classes: Stored::new(BufWriter::new(file)),
            seen: HashSet::new(),
            left: MAX_CLASSES,
            clues: Clues::default(),
            newest: None,
            modules: vec![],
            names: BTreeSet::new(),
        };
        let mut jar = Jar::of_bytes(jar(files)).unwrap();
        scan.jar(&mut jar, "shop.jar", true).unwrap();
        scan
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
    fn a_library_that_is_no_jar_is_told() {
        let content = Content::bytes(jar(&[("BOOT-INF/lib/b.jar", b"no jar")]), "a test");
        let mut scan = scanned(&[], 17);
        let error = scan.jar(&mut Jar::open(&content).unwrap(), "shop.jar", true).unwrap_err();
        assert!(error.0.starts_with("BOOT-INF/lib/b.jar: "), "{error:?}");
    }
}
