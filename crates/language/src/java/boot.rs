//! Jars of Spring Boot: a program with its dependencies nested in it, and a loader that reads jars within jars.
//!
//! In an image the dependencies stand beside a thin jar, which names them in its `Class-Path`: they are a layer of their
//! own, and no loader of Spring's is needed. Spring's own `jarmode=tools extract` does the same.

use super::{
    jar::{Damaged, Jar, Name},
    manifest::Manifest,
};
use std::{
    collections::BTreeSet,
    io::{self, Cursor, Write as _},
};
use zip::{CompressionMethod, DateTime, ZipWriter, write::SimpleFileOptions};

/// The launcher of a jar, in Spring Boot 3.2 and newer, and before.
const LAUNCHERS: [&str; 2] =
    ["org.springframework.boot.loader.launch.JarLauncher", "org.springframework.boot.loader.JarLauncher"];
/// What Spring's loader is made of.
const LOADER: &str = "org/springframework/boot/loader/";
/// The loader offers a file system for jars within jars.
const LOADER_SERVICE: &str = "META-INF/services/java.nio.file.spi.FileSystemProvider";
/// What the loader alone reads of a manifest.
const OF_LOADER: [&str; 5] = [
    "Start-Class",
    "Spring-Boot-Classes",
    "Spring-Boot-Lib",
    "Spring-Boot-Classpath-Index",
    "Spring-Boot-Layers-Index",
];
const DEFAULT_CLASSES: &str = "BOOT-INF/classes/";
const DEFAULT_LIB: &str = "BOOT-INF/lib/";
const INDEX: &str = "BOOT-INF/classpath.idx";
/// No jar has more directories, in bytes of their names.
const MAX_DIRS: usize = 16 << 20;
/// Where dependencies stand, seen from the thin jar.
pub(super) const LIB: &str = "lib/";

/// A jar of Spring Boot that can be taken apart.
#[derive(Debug)]
pub(super) struct Boot {
    /// The manifest of the thin jar.
    pub manifest: Manifest,
    /// What the thin jar has: the name there, and the entry.
    own: Vec<(String, Name)>,
    /// The dependencies in the order of the class path: the file's name, and the entry.
    pub libraries: Vec<(String, Name)>,
}

impl Boot {
    /// Looks at a jar. None: it is no jar of Spring Boot, or one that must stay as it is, because it is signed, started
    /// by another launcher, or has something twice.
    ///
    /// # Errors
    /// When the jar is damaged.
    pub fn of(jar: &mut Jar<'_>) -> Result<Option<Self>, Damaged> {
        let mut manifest = jar.manifest()?;
        let is_launched = manifest.get("Main-Class").is_some_and(|main| LAUNCHERS.contains(&main));
        let Some(start) = manifest.get("Start-Class").filter(|_| is_launched).map(String::from) else {
            return Ok(None);
        };
        let classes = manifest.get("Spring-Boot-Classes").unwrap_or(DEFAULT_CLASSES).to_owned();
        let lib = manifest.get("Spring-Boot-Lib").unwrap_or(DEFAULT_LIB).to_owned();
        let index = manifest.get("Spring-Boot-Classpath-Index").unwrap_or(INDEX).to_owned();
        let mut own = vec![];
        let mut libraries = vec![];
        for entry in jar.names() {
            let name = entry.name.clone();
            if is_signature(&name) {
                return Ok(None);
            }
            if let Some(library) = name.strip_prefix(&lib) {
                if library.contains('/') {
                    return Ok(None);
                }
                libraries.push((library.to_owned(), entry));
            } else if let Some(class) = name.strip_prefix(&classes) {
                own.push((class.to_owned(), entry));
            } else if name.starts_with("META-INF/")
                && name != LOADER_SERVICE
                && name != "META-INF/MANIFEST.MF"
            {
                own.push((name, entry));
            } else if !name.starts_with(LOADER)
                && !name.starts_with("META-INF/")
                && !name.starts_with("BOOT-INF/")
            {
                // The loader would find it; a class path has no place for it.
                own.push((name, entry));
            }
        }
        let index = jar.read_named(&index)?.unwrap_or_default();
        let index = String::from_utf8_lossy(&index);
        let order = indexed(&index);
        let place =
            |library: &str| order.iter().position(|listed| listed.rsplit('/').next() == Some(library));
        // Those that no index lists come last, in their order in the jar.
        libraries.sort_by_key(|(library, entry)| (place(library).unwrap_or(usize::MAX), entry.index));
        let names: BTreeSet<&str> = own.iter().chain(&libraries).map(|(name, _)| &**name).collect();
        if names.len() != own.len() + libraries.len() {
            return Ok(None);
        }
        own.sort();
        let path: Vec<String> =
            libraries.iter().map(|(library, _)| format!("{LIB}{}", encoded(library))).collect();
        manifest.set("Main-Class", &start);
        if !path.is_empty() {
            manifest.set("Class-Path", &path.join(" "));
        }
        OF_LOADER.iter().for_each(|name| manifest.remove(name));
        Ok(Some(Boot { manifest, own, libraries }))
    }

    /// The thin jar: the program's own classes and files, sorted, stored, all of 1980.
    ///
    /// # Errors
    /// When an entry of the jar is damaged.
    pub fn thin(&self, jar: &mut Jar<'_>) -> Result<Vec<u8>, Damaged> {
        let mut out = Stored::new(Cursor::new(vec![]));
        let bad = |error: io::Error| Damaged(error.to_string());
        out.add("META-INF/MANIFEST.MF", &self.manifest.to_bytes()).map_err(bad)?;
        for (name, entry) in &self.own {
            out.add(name, &jar.read(entry)?).map_err(bad)?;
        }
        Ok(out.finish().map_err(bad)?.into_inner())
    }
}

/// A jar that is written: its entries stored, so that a layer compresses them, and all of the beginning of 1980.
///
/// Directories have entries too: who looks for all classes of a package asks for its directory, as Spring does.
pub(super) struct Stored<W: io::Write + io::Seek> {
    zip: ZipWriter<W>,
    /// The directories that are written.
    dirs: BTreeSet<String>,
    /// How much more there may be of them, in bytes of their names.
    left: usize,
}

impl<W: io::Write + io::Seek> Stored<W> {
    pub fn new(out: W) -> Self {
        Stored { zip: ZipWriter::new(out), dirs: BTreeSet::new(), left: MAX_DIRS }
    }

    /// Adds a file, and those of its directories that are not there yet.
    ///
    /// # Errors
    /// When it cannot be written, or is there already.
    pub fn add(&mut self, name: &str, content: &[u8]) -> io::Result<()> {
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Stored)
            .last_modified_time(DateTime::default());
        for (end, _) in name.match_indices('/') {
            let dir = name.get(..=end).unwrap_or_default();
            if self.dirs.insert(dir.into()) {
                let left = self.left.checked_sub(dir.len());
                self.left = left.ok_or_else(|| io::Error::other("more directories than any jar has"))?;
                self.zip.add_directory(dir, options.unix_permissions(0o755))?;
            }
        }
        self.zip.start_file(name, options.unix_permissions(0o644))?;
        self.zip.write_all(content)
    }

    /// Ends the jar.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn finish(self) -> io::Result<W> {
        Ok(self.zip.finish()?)
    }
}

/// The paths of an index, a list as YAML writes it: `- "BOOT-INF/lib/a.jar"`.
fn indexed(text: &str) -> Vec<&str> {
    text.lines().filter_map(|line| Some(line.strip_prefix("- ")?.trim().trim_matches('"'))).collect()
}

/// A name as a part of a URL, as `Class-Path` has them.
fn encoded(name: &str) -> String {
    let mut out = String::new();
    for byte in name.bytes() {
        match byte {
            b'A'..=b'Z'
            | b'a'..=b'z'
            | b'0'..=b'9'
            | b'-'
            | b'.'
            | b'_'
            | b'~'
            | b'+'
            | b'@'
            | b'('
            | b')'
            | b',' => {
                out.push(char::from(byte));
            }
            byte => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

/// Is this a signature of the jar (the JAR file specification, "Signed JAR File")?
fn is_signature(name: &str) -> bool {
    let Some(file) = name.strip_prefix("META-INF/") else { return false };
    let file = file.to_ascii_uppercase();
    !file.contains('/') && [".SF", ".RSA", ".DSA", ".EC"].iter().any(|end| file.ends_with(end))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail")]
mod tests {
    use super::{super::jar::testing::jar, *};
    use tree::Sha256Digest;

    const MANIFEST: &str = "Manifest-Version: 1.0\r\nMain-Class: org.springframework.boot.loader.launch.JarLauncher\r\n\
                            Start-Class: shop.Shop\r\nSpring-Boot-Version: 3.4.5\r\nSpring-Boot-Lib: BOOT-INF/lib/\r\n\r\n";

    fn boot_jar(more: &[(&str, &[u8])]) -> Vec<u8> {
        let files: &[(&str, &[u8])] = &[
            ("META-INF/MANIFEST.MF", MANIFEST.as_bytes()),
            (LOADER_SERVICE, b"org.springframework.boot.loader.nio.file.NestedFileSystemProvider"),
            ("org/springframework/boot/loader/launch/JarLauncher.class", b"x"),
            ("BOOT-INF/classes/shop/Shop.class", b"the shop"),
            ("BOOT-INF/classes/application.yml", b"a: b"),
            ("META-INF/services/shop.Till", b"shop.Till"),
            ("BOOT-INF/lib/b 2.jar", b"bb"),
            ("BOOT-INF/lib/c.jar", b"ccc"),
            ("BOOT-INF/lib/a-1+x.jar", b"a"),
            ("BOOT-INF/classpath.idx", b"- \"BOOT-INF/lib/a-1+x.jar\"\n- \"BOOT-INF/lib/b 2.jar\"\n"),
            ("BOOT-INF/layers.idx", b"- \"dependencies\":\n"),
        ];
        jar(&[files, more].concat())
    }

    #[test]
    fn a_thin_jar_has_what_is_the_programs_own() {
        let mut whole = Jar::of_bytes(boot_jar(&[])).unwrap();
        let boot = Boot::of(&mut whole).unwrap().unwrap();
        let libraries: Vec<&str> = boot.libraries.iter().map(|(library, _)| &**library).collect();
        assert_eq!(libraries, ["a-1+x.jar", "b 2.jar", "c.jar"]);
        let bytes = boot.thin(&mut whole).unwrap();
        let mut thin = Jar::of_bytes(bytes.clone()).unwrap();
        let names: Vec<String> = thin.names().into_iter().map(|name| name.name).collect();
        let own =
            ["META-INF/MANIFEST.MF", "META-INF/services/shop.Till", "application.yml", "shop/Shop.class"];
        assert_eq!(names, own);
        let entries = zip::ZipArchive::new(Cursor::new(&bytes)).unwrap();
        let entries: Vec<String> =
            (0..entries.len()).map(|at| entries.name_for_index(at).unwrap().unwrap().into_owned()).collect();
        let with_dirs = ["META-INF/", own[0], "META-INF/services/", own[1], own[2], "shop/", own[3]];
        assert_eq!(entries, with_dirs);
        let manifest = thin.manifest().unwrap();
        assert_eq!(manifest.get("Main-Class"), Some("shop.Shop"));
        assert_eq!(manifest.get("Class-Path"), Some("lib/a-1+x.jar lib/b%202.jar lib/c.jar"));
        assert_eq!((manifest.get("Start-Class"), manifest.get("Spring-Boot-Version")), (None, Some("3.4.5")));
        assert_eq!(thin.read_named("shop/Shop.class").unwrap().unwrap(), b"the shop");
        // Its bytes are part of images: others are a new version of the rules.
        assert_eq!(
            Sha256Digest::of(&bytes).hex(),
            "d086734424be4ba4f9269f82585d3452d13e14352aaa4dbf0a359dba7f7ed7cc"
        );
    }

    #[test]
    fn directories_have_a_limit() {
        let mut jar = Stored::new(Cursor::new(vec![]));
        jar.add(&format!("{}x", "a/".repeat(2000)), b"").unwrap();
        let error = jar.add(&format!("{}x", "b/".repeat(8000)), b"").unwrap_err();
        assert_eq!(error.to_string(), "more directories than any jar has");
    }

    #[test]
    fn some_jars_stay_whole() {
        let other = MANIFEST.replace("JarLauncher", "PropertiesLauncher");
        for bytes in [
            jar(&[("META-INF/MANIFEST.MF", b"Main-Class: shop.Shop\n")]),
            jar(&[("META-INF/MANIFEST.MF", other.as_bytes())]),
            boot_jar(&[("META-INF/SHOP.SF", b"")]),
            boot_jar(&[("BOOT-INF/lib/more/d.jar", b"")]),
            boot_jar(&[("application.yml", b"another")]),
        ] {
            assert!(Boot::of(&mut Jar::of_bytes(bytes).unwrap()).unwrap().is_none());
        }
    }
}
