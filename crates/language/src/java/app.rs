//! The jars of an application, and where they stand in an image.

use super::{
    boot::{Boot, LIB},
    class_path::ClassPath,
    jar::{Damaged, Jar},
    manifest::Manifest,
    needs::{Failure, Part},
    quarkus,
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
use std::{
    collections::BTreeSet,
    ffi::OsStr,
    io,
    path::{Path, PathBuf},
};
use tree::{Content, Entry, TreePath, View as _};

/// Where applications stand, where the spec has no working directory.
const DIR: &str = "/app";
/// Changes whenever other files are made of the same jar.
const RULES: &str = "java-boot-2";

/// An application.
pub(super) struct App {
    /// Where its jars are.
    dir: TreePath,
    /// The name of its own jar, as the spec has it.
    name: String,
    /// The manifest of that, in the image.
    manifest: Manifest,
    /// Its own jar.
    own: Content,
    /// Those that it depends on.
    libraries: ClassPath,
    /// Files beside them, as an application of Quarkus has them; none where it is none.
    beside: Option<Vec<(TreePath, Content)>>,
}

impl App {
    /// Opens the jar that a spec names, and those that it depends on.
    ///
    /// # Errors
    /// When it cannot be read, or is damaged.
    pub fn open(ask: &Ask<'_>, jar: &str, line: Line) -> Result<Self, Failure> {
        let vars = Vars::of(ask.platform, ask.spec.runtime.variant);
        let jar = expand(jar, &vars).unwrap_or_else(|_| jar.into());
        let at = Standing::of(&ask.folder.join(&jar))?;
        let folder = Directory::open(&at.folder)?.with_memory(ask.workshop.memory);
        let found = folder.follow(&at.path)?;
        if found.entry.as_ref().is_some_and(Entry::is_directory) {
            return Err(Failure::Unfit(Box::new(Problem::UnfitPackage {
                package: at.name,
                why: "it is a directory, and no jar".into(),
                fix: "name the jar that the build makes, with its folder".into(),
                line,
            })));
        }
        let absent = || LanguageError::read(ask.folder.join(&jar))(io::ErrorKind::NotFound.into());
        let content = found.entry.as_ref().and_then(Entry::content).cloned().ok_or_else(absent)?;
        let dir = ask.spec.config.workdir.clone().filter(|dir| !dir.is_root());
        let dir = dir.map_or_else(|| TreePath::parse(DIR), Ok)?;
        let damaged = |damaged| Failure::Jar(at.name.clone(), damaged);
        let mut opened = Jar::open(&content).map_err(damaged)?;
        let manifest = opened.manifest().map_err(damaged)?;
        let boot = Boot::of(&mut opened).map_err(damaged)?;
        let (own, manifest, libraries, beside) = match boot {
            Some(boot) => {
                let (own, libraries) = apart(ask, &at.name, &content, &boot, &mut opened)?;
                (own, boot.manifest, libraries, None)
            }
            None => {
                let mut libraries = ClassPath::of(&folder, &at.path, &manifest)?;
                let beside = quarkus::beside(&folder, &mut libraries)?;
                (content.clone(), manifest, libraries, beside)
            }
        };
        Ok(App { dir, name: at.name, manifest, own, libraries, beside })
    }

    /// The name of its own jar.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The class that its manifest says to start.
    pub fn main_class(&self) -> Option<&str> {
        self.manifest.get("Main-Class")
    }

    /// Does its manifest name an agent that starts with it?
    pub fn has_agent(&self) -> bool {
        self.manifest.get("Launcher-Agent-Class").is_some()
    }

    /// What it names in its `Class-Path` and is not there.
    pub fn missing(&self) -> &[String] {
        &self.libraries.missing
    }

    /// Its jars, its own first.
    pub fn parts(&self) -> Vec<Part> {
        let own = Part { name: self.name.clone(), content: self.own.clone(), is_own: true };
        let libraries = self.libraries.jars.iter().map(|(path, content)| {
            let is_own = self.is_own(path);
            Part { name: path.name().into(), content: content.clone(), is_own }
        });
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
        for (path, content) in &self.libraries.jars {
            let dependency = path.name().trim_end_matches(".jar").to_owned();
            // A version in the making changes as often as the application.
            let layer = match dependency.contains("SNAPSHOT") || self.is_own(path) {
                true => BroughtLayer::App,
                false => BroughtLayer::Dependencies,
            };
            let reason = Reason::OfDependency { language: "java".into(), dependency, line };
            brought.files.push(file(self.dir.join(path.relative())?, content, layer, reason));
        }
        for (path, content) in self.beside.iter().flatten() {
            let reason = Reason::Listed { line };
            brought.files.push(file(self.dir.join(path.relative())?, content, BroughtLayer::App, reason));
        }
        Ok(())
    }

    /// The process that runs it: by its manifest, or as the module that `start` names with its main class. One with
    /// libraries is a module only where its manifest names no class: on a path of modules each library would have to be one
    /// too, with all that it requires.
    pub fn process(&self, start: Option<&str>) -> Option<Vec<String>> {
        let own = self.own_path().to_string();
        let has_main = self.main_class().is_some();
        let start = start.filter(|_| self.libraries.jars.is_empty() || !has_main);
        let words = match start {
            Some(start) => {
                let jars = self.libraries.jars.iter();
                let dirs: BTreeSet<TreePath> = jars.filter_map(|(path, _)| path.parent()).collect();
                let dirs = dirs.iter().filter_map(|dir| self.dir.join(dir.relative()).ok());
                let path: Vec<String> = [own].into_iter().chain(dirs.map(|dir| dir.to_string())).collect();
                vec![JAVA.to_owned(), "-p".into(), path.join(":"), "-m".into(), start.into()]
            }
            None if has_main => vec![JAVA.to_owned(), "-jar".into(), own],
            None => return None,
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

    /// Is this class path the program's own jar, with no other than its libraries? Then nothing else has classes.
    pub fn is_all(&self, path: &[TreePath]) -> bool {
        let own = self.own_path();
        let is_known = |at: &TreePath| {
            *at == own || self.libraries.jars.iter().any(|(library, _)| self.at(library).as_ref() == Some(at))
        };
        path.contains(&own) && path.iter().all(is_known)
    }

    /// Where the jar of this name stands in the image; one that is in another jar, where the program does.
    pub fn jar_of(&self, name: &str) -> TreePath {
        let found = self.libraries.jars.iter().find(|(path, _)| path.name() == name);
        found.and_then(|(path, _)| self.at(path)).unwrap_or_else(|| self.own_path())
    }

    /// Where a library stands in the image.
    fn at(&self, library: &TreePath) -> Option<TreePath> {
        self.dir.join(library.relative()).ok()
    }

    /// Does the application consist of this jar, too? Else it depends on it.
    fn is_own(&self, path: &TreePath) -> bool {
        let first = path.relative().split('/').next();
        self.beside.is_some() && first.is_some_and(|first| quarkus::OF_APPLICATION.contains(&first))
    }

    fn own_path(&self) -> TreePath {
        self.dir.child(&self.name)
    }
}

/// Where the jar of a spec is found.
struct Standing {
    /// Its name, as the spec has it.
    name: String,
    /// The folder that it stands in when links are followed, as Java looks for what is on its class path.
    folder: PathBuf,
    /// The jar in that folder.
    path: TreePath,
}

impl Standing {
    /// # Errors
    /// When there is no such file.
    fn of(jar: &Path) -> Result<Self, LanguageError> {
        let real = jar.canonicalize().map_err(LanguageError::read(jar))?;
        let text = |name: Option<&OsStr>| name.and_then(OsStr::to_str).map(String::from);
        match (text(jar.file_name()), real.parent(), text(real.file_name())) {
            (Some(name), Some(folder), Some(real)) => {
                Ok(Standing { name, folder: folder.into(), path: TreePath::root().child(&real) })
            }
            _ => Err(LanguageError::read(jar)(io::ErrorKind::InvalidFilename.into())),
        }
    }
}

/// A jar of Spring Boot taken apart: a thin one, and beside it its dependencies.
fn apart(
    ask: &Ask<'_>,
    name: &str,
    whole: &Content,
    boot: &Boot,
    jar: &mut Jar<'_>,
) -> Result<(Content, ClassPath), Failure> {
    let damaged = |damaged| Failure::Jar(name.to_owned(), damaged);
    let thin_at = TreePath::root().child("thin.jar");
    let lib = TreePath::root().join(LIB)?;
    let sha256 = whole.sha256().map_err(LanguageError::from)?;
    let key = kept::key(RULES, &[&sha256.0]);
    let kept = match Kept::open(ask.workshop.cache, &key) {
        Some(kept) => kept,
        None => {
            let write = || LanguageError::write("the cache");
            let mut keeper = Keeper::new(ask.workshop.cache, key, name).map_err(write())?;
            let thin = boot.thin(jar).map_err(damaged)?;
            keeper.file(thin_at.clone(), 0o644, &mut &*thin).map_err(write())?;
            for (library, entry) in &boot.libraries {
                let bytes = jar.read(entry).map_err(damaged)?;
                keeper.file(lib.child(library), 0o644, &mut &*bytes).map_err(write())?;
            }
            keeper.finish("").map_err(write())?
        }
    };
    let content = |path: &TreePath| kept.entries.get(path).and_then(Entry::content).cloned();
    let own = content(&thin_at).ok_or_else(|| damaged(Damaged("its thin jar is lost".into())))?;
    let libraries = boot.libraries.iter().map(|(library, _)| lib.child(library));
    let jars = libraries.filter_map(|path| content(&path).map(|content| (path, content))).collect();
    Ok((own, ClassPath { jars, missing: vec![] }))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail")]
mod tests {
    use super::*;
    use std::{fs, os::unix::fs::symlink};

    #[test]
    fn a_module_with_libraries_runs_by_its_manifest() {
        let (with_main, without) = (Manifest::parse(b"Main-Class: shop.Shop\n"), Manifest::default());
        let library = || (TreePath::root().child("lib").child("a.jar"), Content::bytes("a", "a test"));
        let start = Some("shop/shop.Shop");
        let module = "-p /app/shop.jar -m shop/shop.Shop";
        for (manifest, libraries, start, arguments) in [
            (&with_main, vec![], start, Some(module)),
            (&without, vec![], start, Some(module)),
            (&with_main, vec![library()], start, Some("-jar /app/shop.jar")),
            (&without, vec![library()], start, Some("-p /app/shop.jar:/app/lib -m shop/shop.Shop")),
            (&with_main, vec![], None, Some("-jar /app/shop.jar")),
            (&without, vec![library()], None, None),
        ] {
            let app = App {
                dir: TreePath::parse(DIR).unwrap(),
                name: "shop.jar".into(),
                manifest: manifest.clone(),
                own: Content::bytes("shop", "a test"),
                libraries: ClassPath { jars: libraries, missing: vec![] },
                beside: None,
            };
            let process = app.process(start).map(|words| words.join(" "));
            assert_eq!(process, arguments.map(|arguments| format!("{JAVA} {arguments}")), "{start:?}");
        }
    }

    #[test]
    fn a_jar_may_be_a_link() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir_all(at("store")).unwrap();
        fs::create_dir_all(at("work")).unwrap();
        fs::write(at("store/shop-1.0.jar"), "shop").unwrap();
        symlink("../store/shop-1.0.jar", at("work/shop.jar")).unwrap();
        symlink("../store/none.jar", at("work/none.jar")).unwrap();
        let store = at("store").canonicalize().unwrap();
        for (jar, name) in [("store/shop-1.0.jar", "shop-1.0.jar"), ("work/shop.jar", "shop.jar")] {
            let found = Standing::of(&at(jar)).unwrap();
            assert_eq!((&*found.name, &found.folder), (name, &store), "{jar}");
            assert_eq!(found.path.as_str(), "/shop-1.0.jar", "{jar}");
        }
        for jar in ["work/none.jar", "none.jar"] {
            let error = Standing::of(&at(jar)).err().unwrap();
            assert!(error.to_string().ends_with(jar), "{error}");
        }
    }
}
