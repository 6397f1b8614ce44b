//! The jars of an application, and where they stand in an image.

use super::{
    boot::{Boot, LIB},
    jar::{Damaged, Jar},
    manifest::Manifest,
    needs::{Failure, Part},
    runtime::JAVA,
};
use crate::{
    Ask, LanguageError,
    kept::{self, Keeper, Kept},
};
use plan::{
    Brought, BroughtFile, BroughtLayer,
    expand::{Vars, expand},
    finding::Problem,
    reason::Reason,
    spec::Line,
};
use source::Directory;
use std::collections::BTreeSet;
use tree::{Content, Entry, TreePath, View as _};

/// Where applications stand, where the spec has no working directory.
const DIR: &str = "/app";
/// Changes whenever other files are made of the same jar.
const RULES: &str = "java-boot-2";

/// An application.
pub(super) struct App {
    /// Where its jars are.
    dir: TreePath,
    /// The name of its own jar.
    name: String,
    manifest: Manifest,
    /// Its own jar, and those that it depends on by where they stand below the directory.
    own: Content,
    libraries: Vec<(TreePath, Content)>,
    /// What it names in its `Class-Path` and is not there.
    pub missing: Vec<String>,
}

impl App {
    /// Opens the jar that a spec names, and those that it depends on.
    ///
    /// # Errors
    /// When it cannot be read, or is damaged.
    pub fn open(ask: &Ask<'_>, jar: &str) -> Result<Self, Failure> {
        let vars = Vars::of(ask.platform, ask.spec.runtime.variant);
        let jar = expand(jar, &vars).unwrap_or_else(|_| jar.into());
        let at = ask.folder.join(&jar);
        let absent = |at: &std::path::Path| {
            LanguageError::read(at)(std::io::Error::from(std::io::ErrorKind::NotFound))
        };
        let (Some(folder), Some(name)) = (at.parent(), at.file_name().and_then(|name| name.to_str())) else {
            return Err(absent(&at).into());
        };
        let folder = Directory::open(folder).map_err(|_| absent(&at))?.with_memory(ask.workshop.memory);
        let found = folder.follow(&TreePath::root().child(name))?;
        let content = found.entry.as_ref().and_then(Entry::content).cloned().ok_or_else(|| absent(&at))?;
        let dir = ask.spec.config.workdir.clone().filter(|dir| !dir.is_root());
        let dir = dir.map_or_else(|| TreePath::parse(DIR), Ok)?;
        let damaged = |damaged| Failure::Jar(name.to_owned(), damaged);
        let mut opened = Jar::open(&content).map_err(damaged)?;
        let manifest = opened.manifest().map_err(damaged)?;
        let app = App {
            dir,
            name: name.into(),
            manifest,
            own: content.clone(),
            libraries: vec![],
            missing: vec![],
        };
        match Boot::of(&mut opened).map_err(damaged)? {
            Some(boot) => app.apart(ask, &boot, &mut opened),
            None => app.with_class_path(&folder),
        }
    }

    /// Its jars, its own first.
    pub fn parts(&self) -> Vec<Part> {
        let own = Part { name: self.name.clone(), content: self.own.clone() };
        let libraries = self.libraries.iter();
        let libraries =
            libraries.map(|(path, content)| Part { name: path.name().into(), content: content.clone() });
        [own].into_iter().chain(libraries).collect()
    }

    /// Puts the jars into the image.
    ///
    /// # Errors
    /// When a name is none that an image can have.
    pub fn put(&self, brought: &mut Brought, line: Line) -> Result<(), LanguageError> {
        let file = |path, content: &Content, layer, reason| BroughtFile {
            path,
            entry: Entry::file(content.clone(), 0o644),
            layer,
            of_source: false,
            reason,
        };
        brought.files.push(file(self.own_path(), &self.own, BroughtLayer::App, Reason::Listed { line }));
        for (path, content) in &self.libraries {
            let dependency = path.name().trim_end_matches(".jar").to_owned();
            // A version in the making changes as often as the application.
            let layer = match dependency.contains("SNAPSHOT") {
                true => BroughtLayer::App,
                false => BroughtLayer::Dependencies,
            };
            let reason = Reason::OfDependency { language: "java".into(), dependency, line };
            brought.files.push(file(self.dir.join(path.relative())?, content, layer, reason));
        }
        Ok(())
    }

    /// The process that runs it: as a module where it is one with all that it requires, else by its manifest.
    pub fn process(&self, start: Option<&str>) -> Option<Vec<String>> {
        let own = self.own_path().to_string();
        let words = match start {
            Some(start) => {
                let dirs: BTreeSet<TreePath> =
                    self.libraries.iter().filter_map(|(path, _)| path.parent()).collect();
                let dirs = dirs.iter().filter_map(|dir| self.dir.join(dir.relative()).ok());
                let path: Vec<String> = [own].into_iter().chain(dirs.map(|dir| dir.to_string())).collect();
                vec![JAVA.to_owned(), "-p".into(), path.join(":"), "-m".into(), start.into()]
            }
            None => {
                self.manifest.get("Main-Class")?;
                vec![JAVA.to_owned(), "-jar".into(), own]
            }
        };
        Some(words)
    }

    /// That nothing says what to run.
    pub fn no_main(&self, line: Line) -> Problem {
        Problem::UnfitPackage {
            package: self.name.clone(),
            why: "its manifest has no Main-Class".into(),
            fix: format!(
                "let the build write one, or name the class: entrypoint = [\"{JAVA}\", \"-cp\", \"{}\", \"CLASS\"]",
                self.own_path()
            ),
            line,
        }
    }

    fn own_path(&self) -> TreePath {
        self.dir.child(&self.name)
    }

    /// The same, taken apart: the dependencies of a jar of Spring Boot beside a thin one.
    fn apart(self, ask: &Ask<'_>, boot: &Boot, jar: &mut Jar<'_>) -> Result<Self, Failure> {
        let damaged = |damaged| Failure::Jar(self.name.clone(), damaged);
        let thin_at = TreePath::root().child("thin.jar");
        let lib = TreePath::root().join(LIB)?;
        let sha256 = self.own.sha256().map_err(LanguageError::from)?;
        let key = kept::key(RULES, &[&sha256.0]);
        let kept = match Kept::open(ask.workshop.cache, &key) {
            Some(kept) => kept,
            None => {
                let write = || LanguageError::write("the cache");
                let mut keeper = Keeper::new(ask.workshop.cache, key, &self.name).map_err(write())?;
                let thin = boot.thin(jar).map_err(damaged)?;
                keeper.file(thin_at.clone(), 0o644, &mut &*thin).map_err(write())?;
                for (name, entry) in &boot.libraries {
                    let bytes = jar.read(entry).map_err(damaged)?;
                    keeper.file(lib.child(name), 0o644, &mut &*bytes).map_err(write())?;
                }
                keeper.finish("").map_err(write())?
            }
        };
        let content = |path: &TreePath| kept.entries.get(path).and_then(Entry::content).cloned();
        let own = content(&thin_at).ok_or_else(|| damaged(Damaged("its thin jar is lost".into())))?;
        let libraries = boot.libraries.iter().map(|(name, _)| lib.child(name));
        let libraries = libraries.filter_map(|path| content(&path).map(|content| (path, content))).collect();
        Ok(App { own, libraries, ..self })
    }

    /// The same, with the jars of its `Class-Path`.
    fn with_class_path(mut self, folder: &Directory<'_>) -> Result<Self, Failure> {
        let listed = self.manifest.get("Class-Path").unwrap_or_default().to_owned();
        let mut known = BTreeSet::new();
        for name in listed.split_ascii_whitespace() {
            let Some(path) = decoded(name).and_then(|name| TreePath::root().join(&name).ok()) else {
                self.missing.push(name.into());
                continue;
            };
            let entry = folder.follow(&path)?.entry;
            match entry.as_ref().and_then(Entry::content) {
                Some(content) if known.insert(path.clone()) => self.libraries.push((path, content.clone())),
                Some(_) => {}
                // A directory of classes may be made at run time.
                None if name.ends_with(".jar") => self.missing.push(name.into()),
                None => {}
            }
        }
        Ok(self)
    }
}

/// A relative URL of a `Class-Path` as a path that stays beside the jar.
fn decoded(url: &str) -> Option<String> {
    let url = url.strip_prefix("./").unwrap_or(url);
    if url.starts_with('/') || url.contains(':') || url.split('/').any(|part| part == "..") {
        return None;
    }
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
    let text = String::from_utf8(out).ok()?;
    (!text.split('/').any(|part| part == "..")).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_class_path_stays_beside_the_jar() {
        for (url, path) in [
            ("lib/a.jar", Some("lib/a.jar")),
            ("./a.jar", Some("a.jar")),
            ("lib/b%202.jar", Some("lib/b 2.jar")),
            ("../a.jar", None),
            ("lib/%2e%2e/%2E./a.jar", None),
            ("/opt/a.jar", None),
            ("file:a.jar", None),
            ("a%2", None),
            ("a%ff.jar", None),
        ] {
            assert_eq!(decoded(url).as_deref(), path, "{url}");
        }
    }
}
