//! The jars that a jar depends on by the `Class-Path` of its manifest (the JAR file specification, "Class-Path Attribute"), and
//! those that they depend on the same way.

use super::{jar::Jar, manifest::Manifest, needs::Failure};
use std::collections::BTreeSet;
use tree::{Content, Entry, TreePath, View};

/// What a program has on its class path beside its own jar.
#[derive(Debug, Default)]
pub(super) struct ClassPath {
    /// The jars, each once, by where they stand below the program's directory, in the order in which Java looks at them.
    pub jars: Vec<(TreePath, Content)>,
    /// What the program itself names and is not there.
    pub missing: Vec<String>,
}

impl ClassPath {
    /// The class path of a jar that has this manifest and stands at `own`.
    ///
    /// # Errors
    /// When a jar is damaged, or cannot be read.
    pub fn of(folder: &dyn View, own: &TreePath, manifest: &Manifest) -> Result<Self, Failure> {
        let mut path = ClassPath::default();
        let mut known = BTreeSet::from([own.clone()]);
        // The next is the last: what a jar names comes before what is named after the jar.
        let mut todo = named(own, manifest);
        while let Some((of, url)) = todo.pop() {
            let at = located(&of, &url);
            let found = at.as_ref().map(|at| folder.follow(at)).transpose()?;
            let content = found.as_ref().and_then(|found| found.entry.as_ref()).and_then(Entry::content);
            let Some((at, content)) = at.as_ref().zip(content) else {
                // A directory of classes may be made at run time. What libraries name is often nowhere.
                if of == *own && (at.is_none() || url.ends_with(".jar")) {
                    path.missing.push(url);
                }
                continue;
            };
            if !known.insert(at.clone()) {
                continue;
            }
            let name = || at.name().to_owned();
            let manifest = Jar::open(content).and_then(|mut jar| jar.manifest());
            todo.extend(named(at, &manifest.map_err(|damaged| Failure::Jar(name(), damaged))?));
            path.jars.push((at.clone(), content.clone()));
        }
        Ok(path)
    }
}

/// What a manifest names, the last first, each with the jar that has the manifest.
fn named(jar: &TreePath, manifest: &Manifest) -> Vec<(TreePath, String)> {
    let listed = manifest.get("Class-Path").unwrap_or_default().split_ascii_whitespace();
    listed.rev().map(|url| (jar.clone(), url.to_owned())).collect()
}

/// Where a relative URL leads from a jar; none: out of the program's directory, or to another machine.
fn located(jar: &TreePath, url: &str) -> Option<TreePath> {
    if url.contains(':') {
        return None;
    }
    let path = decoded(url).filter(|path| !path.starts_with('/'))?;
    jar.parent()?.join(&path).ok()
}

/// A part of a URL, without its `%` codes.
fn decoded(url: &str) -> Option<String> {
    let mut out = vec![];
    let mut bytes = url.bytes();
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'%' => {
                let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
                u8::try_from(digit(bytes.next())? << 4 | digit(bytes.next())?).ok()?
            }
            byte => byte,
        });
    }
    String::from_utf8(out).ok()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail")]
mod tests {
    use super::{super::jar::testing::jar, *};
    use tree::Tree;

    fn p(text: &str) -> TreePath {
        TreePath::parse(text).unwrap()
    }

    fn with_class_path(class_path: &str) -> Content {
        let manifest = format!("Manifest-Version: 1.0\nClass-Path: {class_path}\n");
        Content::bytes(jar(&[("META-INF/MANIFEST.MF", manifest.as_bytes())]), "a test")
    }

    fn folder(jars: &[(&str, &str)]) -> Tree {
        let entry = |class_path: &str| Entry::file(with_class_path(class_path), 0o644);
        let mut tree: Tree = jars.iter().map(|(path, class_path)| (p(path), entry(class_path))).collect();
        tree.add_parents();
        tree
    }

    fn class_path(folder: &Tree, listed: &str) -> ClassPath {
        let manifest = Manifest::parse(format!("Class-Path: {listed}\n").as_bytes());
        ClassPath::of(folder, &p("/shop.jar"), &manifest).ok().unwrap()
    }

    #[test]
    fn a_url_stays_within_the_directory() {
        for (jar, url, path) in [
            ("/shop.jar", "lib/a.jar", Some("/lib/a.jar")),
            ("/shop.jar", "./a.jar", Some("/a.jar")),
            ("/shop.jar", "lib/b%202.jar", Some("/lib/b 2.jar")),
            ("/shop.jar", "lib/../a.jar", Some("/a.jar")),
            ("/lib/a.jar", "b.jar", Some("/lib/b.jar")),
            ("/lib/a.jar", "../more/b.jar", Some("/more/b.jar")),
            ("/shop.jar", "../a.jar", None),
            ("/lib/a.jar", "../../b.jar", None),
            ("/shop.jar", "lib/%2e%2e/%2E./a.jar", None),
            ("/shop.jar", "/opt/a.jar", None),
            ("/shop.jar", "%2fopt/a.jar", None),
            ("/shop.jar", "file:a.jar", None),
            ("/shop.jar", "a%2", None),
            ("/shop.jar", "a%ff.jar", None),
        ] {
            assert_eq!(located(&p(jar), url).as_ref().map(TreePath::as_str), path, "{jar}: {url}");
        }
    }

    #[test]
    fn a_class_path_is_followed_from_jar_to_jar() {
        let folder = folder(&[
            ("/shop.jar", ""),
            // They name each other, the program, and what is nowhere.
            ("/lib/a.jar", "deep/c.jar ../b.jar ../shop.jar nowhere.jar ../../out.jar"),
            ("/lib/deep/c.jar", "../a.jar d.jar"),
            ("/lib/deep/d.jar", ""),
            ("/b.jar", ""),
            ("/lib/unnamed.jar", ""),
        ]);
        for (listed, jars, missing) in [
            ("lib/a.jar b.jar", &["/lib/a.jar", "/lib/deep/c.jar", "/lib/deep/d.jar", "/b.jar"][..], &[][..]),
            ("b.jar lib/deep/d.jar b.jar", &["/b.jar", "/lib/deep/d.jar"], &[]),
            ("none.jar ../b.jar conf/ ../conf/ b.jar", &["/b.jar"], &["none.jar", "../b.jar", "../conf/"]),
            ("", &[], &[]),
        ] {
            let path = class_path(&folder, listed);
            assert_eq!(path.jars.iter().map(|(at, _)| at.as_str()).collect::<Vec<_>>(), jars, "{listed}");
            assert_eq!(path.missing, missing, "{listed}");
        }
    }

    #[test]
    fn a_damaged_library_is_told() {
        let mut folder = folder(&[("/lib/a.jar", "b.jar")]);
        folder.insert(p("/lib/b.jar"), Entry::file(Content::bytes("no jar", "a test"), 0o644));
        let manifest = Manifest::parse(b"Class-Path: lib/a.jar\n");
        let failure = ClassPath::of(&folder, &p("/shop.jar"), &manifest).unwrap_err();
        assert!(matches!(failure, Failure::Jar(name, _) if name == "b.jar"));
    }
}
