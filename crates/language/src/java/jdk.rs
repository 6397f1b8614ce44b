//! Development kits of Java in a source: where they are, and what they have.

use crate::{LanguageError, kept};
use std::collections::{BTreeMap, BTreeSet};
use tree::{Sha256Digest, TreePath, View, ViewError};

/// Directories whose children may be the homes of a Java, and where a home may be itself.
const PLACES: [&str; 6] =
    ["/usr/lib/jvm", "/opt/java", "/opt", "/usr/java", "/usr/local", "/usr/local/lib/jvm"];
/// More than any `release` file has, in bytes.
const MAX_RELEASE: u64 = 64 << 10;
/// The first release that can link a runtime of its own parts, without `jmods` (JEP 493).
const LINKS_ITSELF: u32 = 24;

/// A development kit, of which a runtime can be linked.
#[derive(Debug, Clone)]
pub(super) struct Jdk {
    /// Its directory.
    pub home: TreePath,
    /// Its release: 17.
    pub feature: u32,
    /// Its whole version: `17.0.15`.
    pub version: String,
    /// The modules that it has.
    pub modules: BTreeSet<String>,
    /// Where the parts for runtimes are; none: the kit links a runtime of what it runs with itself.
    pub jmods: Option<TreePath>,
}

impl Jdk {
    /// The newest kit of a source.
    ///
    /// # Errors
    /// When the source cannot be read.
    pub fn newest(view: &dyn View) -> Result<Option<Self>, LanguageError> {
        let mut found: BTreeMap<TreePath, Jdk> = BTreeMap::new();
        for place in PLACES {
            let place = TreePath::parse(place)?;
            for name in view.list(&view.follow(&place)?.path)? {
                if let Some(jdk) = Jdk::at(view, &place.child(&name))? {
                    found.insert(jdk.home.clone(), jdk);
                }
            }
        }
        Ok(found.into_values().max_by_key(|jdk| (jdk.feature, jdk.jmods.is_some())))
    }

    /// The kit whose home is here, if there is one.
    ///
    /// # Errors
    /// When the source cannot be read.
    pub fn at(view: &dyn View, home: &TreePath) -> Result<Option<Self>, LanguageError> {
        let home = view.follow(home)?.path;
        let Some(release) = read(view, &home.child("release"))? else { return Ok(None) };
        let release = fields(&release);
        let version = release.get("JAVA_VERSION").copied().unwrap_or_default().to_owned();
        let Some(feature) = version.split(['.', '-', '+']).next().and_then(|number| number.parse().ok())
        else {
            return Ok(None);
        };
        let jmods = home.child("jmods");
        let parts: BTreeSet<String> = view
            .list(&view.follow(&jmods)?.path)?
            .iter()
            .filter_map(|name| name.strip_suffix(".jmod").map(String::from))
            .collect();
        if parts.contains("java.base") {
            return Ok(Some(Jdk { home, feature, version, modules: parts, jmods: Some(jmods) }));
        }
        let modules: BTreeSet<String> =
            release.get("MODULES").into_iter().flat_map(|names| names.split(' ')).map(String::from).collect();
        let links = feature >= LINKS_ITSELF && modules.contains("jdk.jlink");
        Ok(links.then_some(Jdk { home, feature, version, modules, jmods: None }))
    }

    /// Are its tools of the version of what they link? Those of another make another runtime of the same parts.
    ///
    /// # Errors
    /// When they are not. `tool` is what messages call them.
    pub fn must_fit(&self, target: &Jdk, tool: &str) -> Result<(), LanguageError> {
        if self.version == target.version {
            return Ok(());
        }
        Err(LanguageError::OtherTool {
            tool: tool.into(),
            found: self.version.clone(),
            target: format!("the JDK of the image, {},", target.home),
            needed: target.version.clone(),
        })
    }

    /// What tells this kit from others: a digest of all that a runtime is linked of.
    ///
    /// # Errors
    /// When the source cannot be read.
    pub fn identity(&self, view: &dyn View) -> Result<Sha256Digest, LanguageError> {
        let parts: Vec<TreePath> = match &self.jmods {
            Some(jmods) => self.modules.iter().map(|name| jmods.child(&format!("{name}.jmod"))).collect(),
            None => vec![self.home.child("lib").child("modules")],
        };
        let mut digests = vec![];
        for part in parts {
            if let Some(content) = view.follow(&part)?.entry.as_ref().and_then(|entry| entry.content()) {
                digests.extend(part.name().bytes());
                digests.extend(content.sha256()?.0);
            }
        }
        Ok(kept::key("java-jdk-1", &[self.version.as_bytes(), &digests]))
    }
}

/// `KEY="value"`, line by line.
fn fields(text: &str) -> BTreeMap<&str, &str> {
    text.lines()
        .filter_map(|line| line.split_once('='))
        .map(|(key, value)| (key, value.trim_matches('"')))
        .collect()
}

fn read(view: &dyn View, path: &TreePath) -> Result<Option<String>, ViewError> {
    let found = view.follow(path)?;
    let content = found.entry.as_ref().and_then(|entry| entry.content());
    Ok(content
        .and_then(|content| content.read(MAX_RELEASE).ok())
        .and_then(|bytes| String::from_utf8(bytes).ok()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail")]
mod tests {
    use super::*;
    use tree::{Content, Entry, Tree};

    fn tree(files: &[(&str, &str)]) -> Tree {
        let entry = |text: &str| Entry::file(Content::bytes(text, "a test"), 0o644);
        let mut tree: Tree =
            files.iter().map(|(path, text)| (TreePath::parse(path).unwrap(), entry(text))).collect();
        tree.add_parents();
        tree
    }

    #[test]
    fn the_newest_kit_that_can_link_is_found() {
        let mut tree = tree(&[
            ("/usr/lib/jvm/java-17-openjdk-amd64/release", "JAVA_VERSION=\"17.0.15\"\nOS_ARCH=\"x86_64\"\n"),
            ("/usr/lib/jvm/java-17-openjdk-amd64/jmods/java.base.jmod", "x"),
            ("/usr/lib/jvm/java-17-openjdk-amd64/jmods/java.sql.jmod", "x"),
            (
                "/usr/lib/jvm/java-21-openjdk-amd64/release",
                "JAVA_VERSION=\"21.0.1\"\nMODULES=\"java.base jdk.jlink\"\n",
            ),
            ("/opt/java/openjdk/release", "JAVA_VERSION=\"1.8.0\"\n"),
        ]);
        tree.insert(
            TreePath::parse("/usr/lib/jvm/default-java").unwrap(),
            Entry::symlink("java-17-openjdk-amd64"),
        );
        let found = Jdk::newest(&tree).unwrap().unwrap();
        assert_eq!((found.feature, &*found.version), (17, "17.0.15"));
        assert_eq!(found.home.as_str(), "/usr/lib/jvm/java-17-openjdk-amd64");
        assert_eq!(found.modules.iter().collect::<Vec<_>>(), ["java.base", "java.sql"]);
        let old = found.identity(&tree).unwrap();
        let sql = found.home.child("jmods").child("java.sql.jmod");
        tree.insert(sql, Entry::file(Content::bytes("y", "a test"), 0o644));
        assert_ne!(found.identity(&tree).unwrap(), old);
    }

    #[test]
    fn tools_are_of_the_version_of_what_they_link() {
        let kit = |version: &str| {
            let release = format!("JAVA_VERSION=\"{version}\"\nMODULES=\"java.base jdk.jlink\"\n");
            Jdk::newest(&tree(&[("/usr/lib/jvm/temurin/release", &release)])).unwrap().unwrap()
        };
        assert!(kit("25.0.3").must_fit(&kit("25.0.3"), "jlink").is_ok());
        let error = kit("25.0.2").must_fit(&kit("25.0.3"), "openjdk-25-jdk-headless").unwrap_err();
        assert_eq!(
            error.to_string(),
            "openjdk-25-jdk-headless is of version 25.0.2, and the JDK of the image, /usr/lib/jvm/temurin, is of version 25.0.3"
        );
    }

    #[test]
    fn a_kit_without_jmods_links_itself_from_24_on() {
        for (version, links) in [("25.0.3", true), ("24", true), ("23.0.1", false), ("x", false)] {
            let release = format!("JAVA_VERSION=\"{version}\"\nMODULES=\"java.base jdk.jlink\"\n");
            let tree = tree(&[("/usr/lib/jvm/temurin/release", &release)]);
            let found = Jdk::newest(&tree).unwrap();
            assert_eq!(found.is_some_and(|jdk| jdk.jmods.is_none()), links, "{version}");
        }
    }
}
