//! What is to be built: a spec, or a program without one.

use crate::Error;
use plan::{
    Glob,
    spec::{self, Config, Files, From, LinkPolicy, Platform, Spec, UserRef},
};
use source::{NoMemory, Step};
use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

/// The folders of a distribution: a program there is taken from where it stands, with its package.
const SYSTEM: &[&str] = &["/usr/", "/bin/", "/sbin/", "/lib/", "/lib64/"];

/// Folders in them that are no distribution's, but for whoever builds programs.
const BUILDERS: &[&str] = &["/usr/src/", "/usr/local/src/"];

/// Something to build.
#[derive(Debug, Clone)]
pub struct Target {
    /// What is asked for.
    pub spec: Spec,
    /// The repository of the image.
    pub name: String,
    /// The folder that paths of the spec are relative to.
    pub folder: PathBuf,
    /// The spec's file; none for a program.
    pub file: Option<PathBuf>,
    /// The spec's text, to show lines of.
    pub text: String,
}

impl Target {
    /// Reads what an argument names: nothing is `./bantam.toml`; a folder is its `bantam.toml`; a
    /// name that ends in `.toml` is a spec; anything else is a program.
    ///
    /// # Errors
    /// When it cannot be read, or its spec is wrong.
    pub fn read(argument: Option<&Path>) -> Result<Self, Error> {
        let Some(path) = argument else { return Target::read_spec(Path::new("bantam.toml")) };
        if path.is_dir() {
            return Target::read_spec(&path.join("bantam.toml"));
        }
        if path.extension().is_some_and(|extension| extension == "toml") {
            return Target::read_spec(path);
        }
        Target::program(path)
    }

    /// What an argument names: itself; or, for a glob where nothing has that name, all that match, in order.
    pub fn matching(argument: &Path) -> Vec<PathBuf> {
        let itself = || vec![argument.to_path_buf()];
        let Some(text) = argument.to_str().filter(|_| !argument.exists()) else { return itself() };
        let Some(glob) = Glob::new(text).ok().filter(|glob| glob.literal() != Some(text)) else {
            return itself();
        };
        let prefix = Path::new(glob.literal_prefix());
        let start = if prefix.as_os_str().is_empty() { Path::new(".") } else { prefix };
        let found = Mutex::new(vec![]);
        let step = &|path: &str, is_dir: bool| {
            let whole = prefix.join(path);
            let Some(text) = whole.to_str() else { return Step::Skip };
            if glob.matches(text) {
                found.lock().unwrap_or_else(PoisonError::into_inner).push(whole);
                return Step::Skip;
            }
            if is_dir && (path.is_empty() || glob.reaches_below(text)) { Step::Pass } else { Step::Skip }
        };
        // What cannot be read is told when nothing is found.
        let _ = source::walk(start, false, &NoMemory, step);
        let mut found = found.into_inner().unwrap_or_else(PoisonError::into_inner);
        found.sort();
        if found.is_empty() { itself() } else { found }
    }

    fn read_spec(file: &Path) -> Result<Self, Error> {
        let text = std::fs::read_to_string(file)
            .map_err(|source| Error::Spec { file: file.into(), source: Box::new(source) })?;
        let spec = spec::parse(&text).map_err(|errors| Error::SpecErrors {
            file: file.into(),
            text: text.clone(),
            errors,
        })?;
        let folder = file.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let folder =
            std::path::absolute(folder).map_err(|source| Error::Read { path: folder.into(), source })?;
        let own_name = || folder.file_name().map(|name| name.to_string_lossy().into_owned());
        let name = spec.name.clone().or_else(own_name).unwrap_or_default();
        // A name that the spec gives was checked; that of a folder may be anything.
        let name = if spec.name.is_some() { name } else { repository(&name) };
        Ok(Target { spec, name, folder, file: Some(file.into()), text })
    }

    fn program(path: &Path) -> Result<Self, Error> {
        let read = |source| Error::Read { path: path.into(), source };
        let meta = std::fs::metadata(path).map_err(|source| match source.kind() {
            std::io::ErrorKind::NotFound => Error::NoTarget { path: path.into() },
            _ => read(source),
        })?;
        if !meta.is_file() {
            return Err(Error::NoTarget { path: path.into() });
        }
        let full = std::path::absolute(path).map_err(read)?;
        let name = full.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let text = full.to_str().ok_or_else(|| Error::NotUtf8 { path: path.into() })?.to_owned();
        let mut spec = Spec::default();
        let mut folder = PathBuf::from("/");
        let inside = if is_system(&text) {
            text
        } else {
            // `to` has variables too, and nothing to take their meaning away.
            let to = format!("/app/{}", name.replace("${", "_{"));
            // The folder is no part of `from`, in which some letters have a meaning.
            let source = if is_plain(&name) { full.clone() } else { full.canonicalize().map_err(read)? };
            let not_utf8 = || Error::NotUtf8 { path: source.clone() };
            let from = source.file_name().and_then(OsStr::to_str).ok_or_else(not_utf8)?;
            folder = source.parent().map_or(folder, PathBuf::from);
            spec.files.push(Files {
                from: From::Path(Glob::literally(from)),
                to: to.clone(),
                exclude: vec![],
                ignore_file: None,
                owner: UserRef::root(),
                mode: Some(0o755),
                caps: vec![],
                // A glob sees all of the folder: links in it are nobody's business.
                links: if is_plain(from) { LinkPolicy::Follow } else { LinkPolicy::Keep },
                layer: "app".into(),
                line: 0,
            });
            to
        };
        spec.config = Config { entrypoint: vec![inside], ..Config::default() };
        spec.platforms = platform_of(&full).into_iter().collect();
        Ok(Target { spec, name: repository(&name), folder, file: None, text: String::new() })
    }

    /// `name:tag` for every tag.
    pub fn names(&self) -> Vec<String> {
        self.spec.tags.iter().map(|tag| format!("{}:{tag}", self.name)).collect()
    }

    /// The lock beside the spec; none for a program.
    pub fn lock_file(&self) -> Option<PathBuf> {
        Some(self.file.as_ref()?.with_extension("lock"))
    }

    /// The file for messages.
    pub fn shown(&self) -> String {
        self.file.as_ref().map_or_else(|| "the command line".into(), |file| file.display().to_string())
    }

    /// The runtime source as a lock writes it.
    pub fn source(&self) -> String {
        self.spec.runtime.source.to_string()
    }
}

fn is_system(path: &str) -> bool {
    let within = |dirs: &[&str]| dirs.iter().any(|dir| path.starts_with(dir));
    within(SYSTEM) && !within(BUILDERS)
}

/// Has no letter of the name a meaning in a `from`?
fn is_plain(name: &str) -> bool {
    !name.contains(['*', '?', '[', '{'])
}

/// The platform that an ELF program is for; none for anything else.
fn platform_of(path: &Path) -> Option<Platform> {
    let step = &|_: &str, _: bool| Step::Take;
    let found = source::walk(path, true, &NoMemory, step).ok()?;
    let content = found.first()?.entry.content()?.clone();
    let facts = elf::read(&content).ok()??;
    spec::Architecture::all()
        .find(|architecture| architecture.machine().is_some_and(|machine| machine.matches(&facts.machine)))
        .map(Platform::linux)
}

/// A repository name made of any name: what is not allowed becomes a hyphen.
fn repository(name: &str) -> String {
    let mut out = String::new();
    for letter in name.to_lowercase().chars() {
        let allowed = letter.is_ascii_alphanumeric();
        match letter {
            letter if allowed => out.push(letter),
            '.' | '_' | '-' if out.ends_with(|last: char| last.is_ascii_alphanumeric()) => out.push(letter),
            _ if out.ends_with(|last: char| last.is_ascii_alphanumeric()) => out.push('-'),
            _ => {}
        }
    }
    let trimmed = out.trim_end_matches(['.', '_', '-']);
    if trimmed.is_empty() { "image".into() } else { trimmed.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_of_the_distribution() {
        for path in ["/usr/bin/git", "/bin/sh", "/usr/local/bin/x", "/usr/srcs/x"] {
            assert!(is_system(path), "{path}");
        }
        for path in ["/opt/x", "/usr/src/x/y", "/usr/local/src/x", "/home/x", "/usrx/y"] {
            assert!(!is_system(path), "{path}");
        }
    }

    #[test]
    fn any_name_becomes_a_repository() {
        for (name, want) in [
            ("shop", "shop"),
            ("My App!", "my-app"),
            ("..x__y", "x_y"),
            ("libfoo.so.1", "libfoo.so.1"),
            ("ü", "image"),
        ] {
            assert_eq!(repository(name), want, "{name}");
        }
    }
}
