//! A runtime of Java with the modules that an application needs: linked by `jlink`, kept in the cache, and put into the image
//! without what only developers use.

use super::{
    jdk::Jdk,
    modules::Uses,
    tools::{Tool, Tools},
    truststore,
};
use crate::{
    Ask, LanguageError,
    kept::{self, Keeper, Kept},
};
use plan::{
    Brought, BroughtFile, BroughtLayer,
    expand::{Vars, expand},
    reason::Reason,
    spec::{Architecture, Line, Profile},
};
use std::{
    collections::BTreeSet,
    fs::{self, File},
    io::Write as _,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};
use tree::{Content, Entry, Sha256Digest, TreePath, View};

/// Changes whenever other files are made of the same kit.
const RULES: &str = "java-runtime-1";
/// Where images have it, but for the release that ends the name.
const HOME: &str = "/usr/lib/jvm/java-";
/// Where the program is on `PATH`.
pub(super) const JAVA: &str = "/usr/bin/java";
/// The bundle of certificates of an image.
const CA_BUNDLE: &str = "/etc/ssl/certs/ca-certificates.crt";
/// Longer than any bundle, in bytes.
const MAX_BUNDLE: u64 = 16 << 20;
/// No part of a kit is larger, in bytes.
const MAX_PART: u64 = 1 << 30;
/// Since this release, `jlink` names its compression `zip-0` to `zip-9`.
const NAMES_COMPRESSION: u32 = 21;
/// Without a locale of UTF-8, Java takes names of files and what it prints for ASCII: this is the one that is no country's.
const LOCALE: (&str, &str) = ("C.UTF-8", "/usr/lib/locale/C.utf8");

/// Links a runtime of these modules, or finds the one that was linked before.
///
/// # Errors
/// When the kit cannot be read, or `jlink` fails.
pub(super) fn link(
    ask: &Ask<'_>,
    jdk: &Jdk,
    identity: &Sha256Digest,
    tools: &Tools<'_>,
    modules: &BTreeSet<String>,
) -> Result<Kept, LanguageError> {
    let names = modules.iter().map(String::as_str).collect::<Vec<_>>().join(",");
    let key = kept::key(RULES, &[&tools.digest.0, &identity.0, names.as_bytes()]);
    if let Some(kept) = Kept::open(ask.workshop.cache, &key) {
        return Ok(kept);
    }
    let dir = crate::tool::Workplace::new().map_err(LanguageError::write(std::env::temp_dir()))?;
    let parts = match (&jdk.jmods, tools.is(jdk)) {
        (None, _) => None,
        (Some(_), Some(home)) => Some(home.join("jmods")),
        (Some(jmods), None) => Some(laid_out(ask.runtime, jdk, jmods, dir.path())?),
    };
    let made = dir.path().join("runtime");
    tools.run(Tool::Jlink, |command| {
        if let Some(parts) = &parts {
            command.arg("--module-path").arg(parts);
        }
        // Stack traces keep their line numbers: nothing of the classes is stripped.
        let compress = if jdk.feature < NAMES_COMPRESSION { "2" } else { "zip-6" };
        let endian = if ask.platform.architecture == Architecture::S390x { "big" } else { "little" };
        command.args(["--add-modules", &names, "--no-header-files", "--no-man-pages", "--endian", endian]);
        command.arg(format!("--compress={compress}")).arg("--output").arg(&made);
    })?;
    let name = format!("a runtime of Java {}", jdk.version);
    let write = LanguageError::write("the cache");
    let mut keeper = match Keeper::new(ask.workshop.cache, key, &name) {
        Ok(keeper) => keeper,
        Err(error) => return Err(write(error)),
    };
    take(&mut keeper, &made, &TreePath::root())?;
    keeper.finish(&jdk.version).map_err(write)
}

/// Puts a runtime into an image, with the variables that point to it.
///
/// # Errors
/// When the runtime source cannot be read.
pub(super) fn put(
    brought: &mut Brought,
    ask: &Ask<'_>,
    jdk: &Jdk,
    kept: &Kept,
    uses: Uses,
    line: Line,
) -> Result<(), LanguageError> {
    let home = home(jdk)?;
    let dependency = format!("OpenJDK {}", jdk.version);
    let reason = Reason::OfDependency { language: "java".into(), dependency, line };
    let file = |path: TreePath, entry: Entry, of_source: bool| BroughtFile {
        path,
        entry,
        layer: BroughtLayer::Runtime,
        of_source,
        reason: reason.clone(),
    };
    let store = home.join("lib/security/cacerts")?;
    let trusted = trusted(ask)?;
    let mut libraries = BTreeSet::new();
    for (path, entry) in &kept.entries {
        let made = home.join(path.relative())?;
        let original = jdk.home.join(path.relative())?;
        if ask.runtime.follow(&original)?.entry.is_some() {
            brought.stand_ins.insert(original, made.clone());
        }
        // A package of which it is made has a copyright that says the same.
        let is_said = path.is_within(&TreePath::parse("/legal")?) && is_of_package(ask, jdk)?;
        if is_said || uses.leave_out(path.name()) {
            continue;
        }
        if made == store && trusted.is_some() {
            continue;
        }
        if path.name().ends_with(".so") {
            libraries.insert(made.clone());
        }
        brought.files.push(file(made, entry.clone(), false));
    }
    if let Some(content) = trusted {
        let bundle = TreePath::parse(CA_BUNDLE)?;
        if ask.payload.follow(&bundle)?.entry.is_none()
            && let Some(content) = ask.runtime.follow(&bundle)?.entry.as_ref().and_then(Entry::content)
        {
            ask.made_of(&bundle, content.sha256()?, &mut brought.pins);
        }
        brought.files.push(file(store, Entry::file(content, 0o644), false));
    }
    let program = program(jdk)?;
    let on_path = TreePath::parse(JAVA)?;
    let target = program.relative_to(&TreePath::parse("/usr/bin")?);
    brought.files.push(file(on_path, Entry::symlink(target), false));
    if uses.text {
        for (path, entry) in text(ask.runtime)? {
            if path.name().starts_with("libfontconfig.so") {
                libraries.insert(path.clone());
            }
            brought.files.push(file(path, entry, true));
        }
    }
    brought.loads.insert(program, libraries);
    // What the kit has of it is not taken beside.
    brought.managed.insert(jdk.home.clone());
    brought.managed.insert(TreePath::parse("/usr/lib/jvm")?);
    brought.env.insert("JAVA_HOME".into(), home.to_string());
    let locale = below(ask.runtime, &TreePath::parse(LOCALE.1)?)?;
    if !locale.is_empty() {
        brought.files.extend(locale.into_iter().map(|(path, entry)| file(path, entry, true)));
        brought.env.insert("LANG".into(), LOCALE.0.into());
    }
    Ok(())
}

/// The virtual machine in the image.
///
/// # Errors
/// When its path is none.
pub(super) fn program(jdk: &Jdk) -> Result<TreePath, LanguageError> {
    Ok(home(jdk)?.child("bin").child("java"))
}

fn home(jdk: &Jdk) -> Result<TreePath, LanguageError> {
    Ok(TreePath::parse(&format!("{HOME}{}", jdk.feature))?)
}

/// The parts of a kit, on the builder's disk.
fn laid_out(view: &dyn View, jdk: &Jdk, jmods: &TreePath, dir: &Path) -> Result<PathBuf, LanguageError> {
    let to = dir.join("jmods");
    fs::create_dir(&to).map_err(LanguageError::write(&to))?;
    for module in &jdk.modules {
        let name = format!("{module}.jmod");
        let found = view.follow(&jmods.child(&name))?;
        let Some(content) = found.entry.as_ref().and_then(Entry::content) else { continue };
        let at = to.join(&name);
        let mut file = File::create(&at).map_err(LanguageError::write(&at))?;
        file.write_all(&content.read(MAX_PART)?).map_err(LanguageError::write(&at))?;
    }
    Ok(to)
}

/// Keeps what `jlink` made, but for what no program runs with.
fn take(keeper: &mut Keeper<'_>, dir: &Path, path: &TreePath) -> Result<(), LanguageError> {
    let read = || LanguageError::read(dir);
    let mut entries = vec![];
    for entry in fs::read_dir(dir).map_err(read())? {
        entries.push(entry.map_err(read())?);
    }
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let (at, Ok(name)) = (entry.path(), entry.file_name().into_string()) else { continue };
        let path = path.child(&name);
        let meta = at.symlink_metadata().map_err(LanguageError::read(&at))?;
        if meta.is_dir() {
            take(keeper, &at, &path)?;
        } else if !is_kept(path.as_str()) {
        } else if meta.is_symlink() {
            let target = fs::read_link(&at).map_err(LanguageError::read(&at))?;
            keeper.link(path, &target.display().to_string());
        } else {
            let mode = if meta.permissions().mode() & 0o111 != 0 { 0o755 } else { 0o644 };
            let mut file = File::open(&at).map_err(LanguageError::read(&at))?;
            keeper.file(path, mode, &mut file).map_err(LanguageError::write(&at))?;
        }
    }
    Ok(())
}

/// Does a program run with this file of a runtime? Not with what draws on a display, or is there for developers, or to make
/// an archive of classes.
fn is_kept(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or_default();
    let is_of_developers = matches!(name, "src.zip" | "classlist" | "jexec" | "jrt-fs.jar")
        || [".debuginfo", ".diz", ".jsa"].iter().any(|end| name.ends_with(end));
    let is_of_display = matches!(name, "libawt_xawt.so" | "libjawt.so" | "libsplashscreen.so");
    match path.split('/').nth(1) {
        Some("bin") => name == "java",
        Some("lib") => !is_of_developers && !is_of_display,
        Some("conf" | "legal") | None => true,
        Some(_) => path == "/release",
    }
}

/// Is the kit of a package of a distribution whose copyright the image gets, which says of licences what is to be said?
fn is_of_package(ask: &Ask<'_>, jdk: &Jdk) -> Result<bool, LanguageError> {
    let is_debians = jdk.home.name().contains("openjdk") && jdk.home.as_str().starts_with("/usr/lib/jvm/");
    let doc = format!("/usr/share/doc/openjdk-{}-jre-headless/copyright", jdk.feature);
    let is_there = |path: &str| -> Result<bool, LanguageError> {
        Ok(ask.runtime.follow(&TreePath::parse(path)?)?.entry.is_some())
    };
    let is_listed = is_there("/var/lib/dpkg/status")?;
    Ok(is_debians && is_listed && is_there(&doc)? && ask.spec.runtime.profile != Profile::None)
}

/// The certificates that the image trusts, as Java wants them; none where it trusts none.
fn trusted(ask: &Ask<'_>) -> Result<Option<Content>, LanguageError> {
    let at = TreePath::parse(CA_BUNDLE)?;
    let mut bundles = vec![];
    let own = ask.payload.follow(&at)?.entry;
    let entry = match own {
        Some(entry) => Some(entry),
        None => ask.runtime.follow(&at)?.entry,
    };
    if let Some(content) = entry.as_ref().and_then(Entry::content) {
        bundles.push(content.read(MAX_BUNDLE)?);
    }
    let vars = Vars::of(ask.platform, ask.spec.runtime.variant);
    for file in &ask.spec.runtime.ca {
        // One that cannot be expanded or read is told where the bundle is made.
        if let Ok(path) = expand(&file.path, &vars) {
            bundles.extend(fs::read(ask.folder.join(path)).ok());
        }
    }
    if bundles.is_empty() {
        return Ok(None);
    }
    let store = truststore::key_store(bundles.iter().map(Vec::as_slice));
    Ok(Some(Content::bytes(store, "bantam")))
}

/// The files below a directory, where there is one.
fn below(view: &dyn View, dir: &TreePath) -> Result<Vec<(TreePath, Entry)>, LanguageError> {
    let mut out = vec![];
    for name in view.list(dir)? {
        let path = dir.child(&name);
        match view.entry(&path)? {
            Some(entry) if entry.is_directory() => out.extend(below(view, &path)?),
            Some(entry) => out.push((path, entry)),
            None => {}
        }
    }
    Ok(out)
}

/// What drawing text takes beside the runtime: the library that finds fonts, and fonts.
fn text(view: &dyn View) -> Result<Vec<(TreePath, Entry)>, LanguageError> {
    let usr_lib = TreePath::parse("/usr/lib")?;
    let triplets = view.list(&usr_lib)?.into_iter().filter(|name| name.contains("-linux-gnu"));
    let dirs =
        triplets.map(|name| usr_lib.child(&name)).chain([TreePath::parse("/usr/lib64")?, usr_lib.clone()]);
    let mut wanted: Vec<TreePath> = dirs.map(|dir| dir.child("libfontconfig.so.1")).collect();
    for fonts in ["/usr/share/fonts/truetype/dejavu", "/usr/share/fonts/dejavu-sans-fonts"] {
        let dir = TreePath::parse(fonts)?;
        let names = view.list(&dir)?.into_iter().filter(|name| name.ends_with(".ttf"));
        wanted.extend(names.map(|name| dir.child(&name)));
    }
    let mut out = vec![];
    for path in wanted {
        let found = view.follow(&path)?;
        let Some(entry) = found.entry else { continue };
        for link in found.links {
            out.extend(view.entry(&link)?.map(|entry| (link, entry)));
        }
        out.push((found.path, entry));
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_runtime_has_what_programs_run_with() {
        for (path, kept) in [
            ("/bin/java", true),
            ("/bin/keytool", false),
            ("/lib/server/libjvm.so", true),
            ("/lib/server/classes.jsa", false),
            ("/lib/libawt_headless.so", true),
            ("/lib/libawt_xawt.so", false),
            ("/lib/jspawnhelper", true),
            ("/lib/jvm.cfg", true),
            ("/lib/src.zip", false),
            ("/conf/security/java.security", true),
            ("/legal/java.base/LICENSE", true),
            ("/release", true),
            ("/include/jni.h", false),
            ("/man/man1/java.1", false),
        ] {
            assert_eq!(is_kept(path), kept, "{path}");
        }
    }
}
