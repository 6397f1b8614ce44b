//! What to do about what is wrong.

use super::{Problem, words::titles};
use crate::{
    Offers, Suite,
    accounts::NONROOT,
    spec::{command_words, toml_list, toml_text},
    tables,
};
use elf::Flavor;
use std::fmt;
use tree::TreePath;

/// What to do about a finding.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fix {
    /// One of these Debian packages, on the source, has what is missing.
    Install(Vec<String>),
    /// A key of the spec to set: table, and the line to write.
    Set(&'static str, String),
    /// A table to add to the spec, such as `dirs`: the lines in it.
    Add(&'static str, Vec<String>),
    /// Something to bring to the source, in words; and what else would do, if there is such a thing.
    Bring(String, Option<String>),
    /// These Debian packages have what is missing, and no archive of the image has them as it needs them.
    Repository(Vec<String>),
    /// Files of the source to name in the spec, as globs.
    Keep(Vec<String>),
    /// The oldest release of each distribution that the libraries may be taken from.
    TakeFrom(Vec<Suite>),
    /// Something to do elsewhere, in words.
    Do(String),
}

impl Problem {
    /// What to do about it, the best first; at least one thing.
    #[allow(clippy::too_many_lines, reason = "what to do about every problem, all in one place")]
    pub fn fixes(&self) -> Vec<Fix> {
        match self {
            Problem::MissingLibrary { soname, advice: Some(advice), .. } => {
                vec![say(advice), allow(&format!("unresolved:{soname}"))]
            }
            Problem::MissingLibrary { packages, soname, unusable, .. } => {
                let wrong = unusable
                    .iter()
                    .map(|(path, why)| say(format!("{path} has that name, but cannot be loaded: {why}")));
                let others = [
                    say(format!("name the file that is {soname} in [[files]]")),
                    allow(&format!("unresolved:{soname}")),
                ];
                wrong.chain(install(packages)).chain(others).collect()
            }
            Problem::MissingDlopen { packages, soname, .. } => {
                let other = format!("name the file that is {soname} in [[files]], or take it out of dlopen");
                install(packages).into_iter().chain([say(other)]).collect()
            }
            Problem::MissingRunTimeLoad { soname, .. } => {
                let other = Fix::Bring(soname.clone(), None);
                let packages = tables::packages_with(soname);
                if packages.is_empty() { vec![other] } else { install(&packages).into_iter().collect() }
            }
            Problem::OffSearchPath { path, .. } => {
                let dir = path.parent().unwrap_or_else(TreePath::root);
                vec![Fix::Set("config", format!("env = {{ {} }}", key("LD_LIBRARY_PATH", dir)))]
            }
            Problem::MissingVersion { needed_by, fix, of_dependency: Some(of), .. } => {
                let from = (!fix.is_empty()).then(|| Fix::TakeFrom(fix.clone()));
                let others = [
                    say(format!("name another version of {}, whose files need less", of.dependency)),
                    Fix::Set("runtime", format!("drop = {}", toml_list(&texts(needed_by)))),
                    allow(&format!("unresolved:{}", of.soname)),
                ];
                from.into_iter().chain(others).collect()
            }
            Problem::MissingVersion { version, library, needed_by, offers, fix, made_of, .. } => {
                if elf::is_private_version(version) {
                    return vec![one_build(library, needed_by)];
                }
                let from = (!fix.is_empty()).then(|| Fix::TakeFrom(fix.clone()));
                let without = WITHOUT.iter().find(|(name, _)| name == version).map(|(_, flag)| say(*flag));
                let build = match (offers, made_of) {
                    (Offers::Others(_) | Offers::Nothing, _) => format!("build it against {library} itself"),
                    (_, Some(name)) => format!("build the program on {name}, as the image is"),
                    (_, None) => "build the program on the release that the image is made of".into(),
                };
                from.into_iter().chain(without).chain([say(build)]).collect()
            }
            Problem::UndefinedSymbol { object, built_for: Some(libc), .. } => vec![say(match libc {
                Flavor::Glibc => format!(
                    "{object} is built for glibc, the program for musl: take one that is built for musl"
                ),
                Flavor::Musl => format!(
                    "{object} is built for musl, the program for glibc: take one that is built for glibc"
                ),
            })],
            Problem::UndefinedSymbol { object, defined_by: Some(library), .. } => vec![say(format!(
                "{library} defines it, and is not among what {object} needs: link {object} with it"
            ))],
            Problem::UndefinedSymbol { object, .. } => vec![say(format!(
                "build {object} with the libraries that the image has, or take those it was built with"
            ))],
            Problem::Unversioned { library, .. } => {
                vec![say(format!("take the {} that the program was linked with", library.name()))]
            }
            Problem::MissingInterpreter { hint: Some(hint), .. } => vec![say(hint)],
            Problem::MissingInterpreter { interpreter, .. } => {
                vec![say(format!(
                    "bring a loader of the program's machine, with mode 0755, to {interpreter}"
                ))]
            }
            Problem::NewerProcessor { level, .. } => {
                vec![say(format!("build it for all of x86-64, unless whatever runs the image has {level}"))]
            }
            Problem::WrongMachine { path, of_source: true, .. } => {
                vec![Fix::Set("runtime", list("drop", path))]
            }
            Problem::WrongMachine { wanted, .. } => vec![
                say(format!(
                    "take the file that is built for {wanted}; ${{arch}} in `from` names the one for each platform"
                )),
                say("build for the platform of the file: platforms, or --platform"),
                say("leave it out with exclude, if nothing in the image uses it"),
            ],
            Problem::DamagedElf { .. } => vec![say("build or copy the file again")],
            Problem::MissingScriptInterpreter { interpreter: program, .. }
            | Problem::MissingOnPath { program, .. }
                if program.ends_with('\r') =>
            {
                vec![say("the file has the line ends of Windows: convert it")]
            }
            Problem::MissingScriptInterpreter { script, of_source: true, .. }
            | Problem::MissingOnPath { script, of_source: true, .. } => {
                vec![Fix::Set("runtime", list("drop", script))]
            }
            Problem::MissingScriptInterpreter { unusable: Some(why), .. } if why.contains("mode") => {
                vec![Fix::Set("files", key("mode", "0755"))]
            }
            Problem::MissingScriptInterpreter { unusable: Some(_), .. } => {
                vec![say("write the whole path of a program behind the #!")]
            }
            Problem::MissingScriptInterpreter { interpreter, .. } if interpreter.starts_with('/') => {
                vec![Fix::Bring(interpreter.clone(), Some("name it in [[files]]".into()))]
            }
            Problem::MissingScriptInterpreter { .. } => {
                vec![say("write the interpreter's whole path behind the #!")]
            }
            Problem::MissingPackage { no_database: true, .. } => vec![
                say("take the libraries from an archive: source = \"debian:SUITE\" in [runtime]"),
                say("name the files themselves in `keep`"),
            ],
            Problem::MissingPackage { name, near, .. } => {
                let near = near.iter().map(|near| say(format!("write {near}, if that is meant")));
                near.chain([Fix::Bring(name.clone(), None), say("take it out of `packages`")]).collect()
            }
            Problem::BadCertificates { .. } => {
                vec![say("name a file that begins with `-----BEGIN CERTIFICATE-----`")]
            }
            Problem::NoBusybox { .. } => vec![
                Fix::Install(vec![crate::debug::BUSYBOX_PACKAGE.into()]),
                Fix::Set("runtime", key("variant", "release")),
            ],
            Problem::PackagesClash { packages: [_, other], .. } => {
                vec![say(format!("take {other} out of `packages`, or what brings it"))]
            }
            Problem::ScriptNotRun { .. } => vec![
                say("if the program needs what they make, add it with [[files]], [[dirs]] or [[links]]"),
                say("else nothing: the image is built all the same"),
            ],
            Problem::MissingOfProfile { what, .. } => vec![
                say(format!("take the libraries from where {what} is")),
                Fix::Set("runtime", key("profile", "auto")),
            ],
            Problem::MissingCompanion { files, .. } => vec![Fix::Keep(vec![files.clone()])],
            Problem::PluginsNotTaken { files, .. } => vec![Fix::Keep(files.clone())],
            Problem::MissingNoted { packages, sonames, .. } => {
                let other = format!("name the file that is {} in [[files]]", sonames.join(" or "));
                install(packages).into_iter().chain([say(other)]).collect()
            }
            Problem::NotedNotTaken { sonames, .. } => vec![dlopen(sonames)],
            Problem::Mentioned { at_hand, packages, .. } => {
                let have = (!at_hand.is_empty()).then(|| dlopen(at_hand));
                have.into_iter().chain(install(packages)).collect()
            }
            Problem::PluginsLeftOut { plugins, packages, .. } => {
                let drop = toml_list(&texts(plugins));
                install(packages).into_iter().chain([Fix::Set("runtime", format!("drop = {drop}"))]).collect()
            }
            Problem::MissingOnPath { program, .. } if program.contains([' ', '\t']) => vec![say(format!(
                "write `env -S {program}`: the kernel hands over all that stands behind env as one name"
            ))],
            Problem::MissingOnPath { program, .. } => {
                vec![Fix::Bring(program.clone(), Some("add the folder that it is in to PATH".into()))]
            }
            Problem::MissingProgram { program, .. }
                if let Some(words) = command_words(program).filter(|words| words.len() > 1) =>
            {
                vec![say(format!("no shell takes a text apart: write {}", toml_list(&words)))]
            }
            Problem::MissingProgram { program, on_path: Some(_), .. } => {
                vec![Fix::Keep(vec![format!("/usr/bin/{program}")]), say("write the program's whole path")]
            }
            Problem::MissingProgram { .. } => {
                vec![say(
                    "write the path that [[files]] gives the program, or add the [[files]] that brings it",
                )]
            }
            Problem::MissingArgument { like: Some(like), .. } => {
                vec![say(format!("write the path that it has: {like}"))]
            }
            Problem::MissingArgument { .. } => vec![say(
                "add the [[files]] that brings it; what is mounted there when the container starts is below a directory of \
                 [[dirs]]",
            )],
            Problem::NotExecutable { why, .. } if why.contains("mode") => {
                vec![Fix::Set("files", key("mode", "0755"))]
            }
            Problem::NotExecutable { .. } => {
                vec![Fix::Set("config", list("entrypoint", "/path/of/a/program"))]
            }
            Problem::NotAllowed { path, at, what, .. } if path == at && *what != "enter" => {
                let mode = if *what == "read" { "0644" } else { "0755" };
                vec![Fix::Set("files", key("mode", mode))]
            }
            Problem::NotAllowed { at, uid, gid, .. } => vec![
                Fix::Add("dirs", vec![key("path", at), key("mode", "0755")]),
                Fix::directory(at, *uid, *gid),
            ],
            Problem::NoProcess { .. } => {
                vec![Fix::Set("config", list("entrypoint", "/path/of/the/program"))]
            }
            Problem::MissingWorkdir { path, .. } => vec![Fix::Add("dirs", vec![key("path", path)])],
            Problem::UnknownUser { .. } => {
                vec![say("add it as a [[users]], or write it as numbers: \"1000:1000\"")]
            }
            Problem::UserOfBase { known: (uid, gid), name, .. } => vec![say(format!(
                "take out the [[users]], and the image has the {name} of its base; or write `uid = {uid}` and `gid = {gid}`"
            ))],
            Problem::EnvPath { name, fix, .. } => {
                let other = say(format!("bring it with a [[files]], or take {name} out of env"));
                fix.iter().cloned().chain([other]).collect()
            }
            Problem::VolumeNotWritable { path, uid, gid } => {
                let lines = vec![key("path", path), key("owner", owner(*uid, *gid)), "volume = true".into()];
                vec![Fix::Add("dirs", lines)]
            }
            Problem::VolumeNoDirectory { .. } => {
                vec![say("name a directory in volumes, or give what stands there another path")]
            }
            Problem::NoRuntime { fix: Some(fix), .. } => vec![say(fix)],
            Problem::NoRuntime { what, packages, .. } => {
                let other = say(format!("take the libraries from where {what} is: source in [runtime]"));
                install(packages).into_iter().chain([other]).collect()
            }
            Problem::UnfitPackage { fix, .. }
            | Problem::NotPrebuilt { fix, .. }
            | Problem::StaleLock { fix, .. }
            | Problem::MissingModule { fix, .. } => vec![say(fix)],
            Problem::DamagedPackage { .. } => vec![say(
                "fetch it anew; if it stays as it is, tell whoever publishes it, and name another version",
            )],
            Problem::NewerClasses { needs, has, .. } => vec![
                say(format!("compile for Java {has}: --release {has}")),
                say(format!("take the runtime from a suite with OpenJDK {needs} or newer")),
            ],
            Problem::PackageManager { instead, env, .. } if !instead.is_empty() => {
                let env = env.iter().map(|(name, value)| key(name, value)).collect::<Vec<_>>().join(", ");
                let env = if env.is_empty() { env } else { format!(", and env = {{ {env} }}") };
                vec![Fix::Set("config", format!("entrypoint = {}{env}", toml_list(instead)))]
            }
            Problem::PackageManager { .. } => vec![say(
                "write what it starts: entrypoint = [\"node\", \"FILE\"] in [config]; a program of a package is \
                 node_modules/.bin/NAME",
            )],
            Problem::InstallScript { .. } => vec![
                say(
                    "if the program needs what it makes, install where the platform is the image's, and name \
                     node_modules in [[files]]",
                ),
                say("else nothing: the image is built all the same"),
            ],
            Problem::LeftOutOfLibrary { .. } => vec![Fix::Set("python", key("stdlib", "full"))],
            Problem::ProgramOfSource { program, path, .. } => vec![
                say(format!("name {program} among the dependencies of [python]")),
                say(format!("write {path}, if that is meant")),
            ],
            Problem::MissingClass { jar, .. } => vec![
                say(format!("name the class that has main, with its package, where the build makes {jar}")),
                say(
                    "where it is in a library, put the library's jar beside, and into the Class-Path of the manifest",
                ),
            ],
            Problem::MissingPackages { jar, .. } => vec![
                say(
                    "make one jar of the program and its dependencies: the shade plugin of Maven, shadow of Gradle",
                ),
                say(format!(
                    "put their jars beside {jar}, in lib/, and name them in its Class-Path: they come along"
                )),
            ],
            Problem::Shed { language, .. } => vec![Fix::Set(language, "shed = []".into())],
            Problem::NothingTaken { .. } => vec![say(
                "build what is to be taken first; `from` is seen from the folder of the spec, and exclude and \
                 ignore-file take files away",
            )],
            Problem::NothingDropped { .. } => {
                vec![say("look at the path, or take it out of drop")]
            }
            Problem::NothingKept { .. } => {
                vec![say("write a glob that matches a file of the [runtime] source, or take it out of keep")]
            }
            Problem::ManyToOne { to, .. } => vec![Fix::Set("files", key("to", format!("{to}/")))],
            Problem::BadPath { .. } => vec![say("give it another path, or take it out")],
            Problem::OverBase { .. } => {
                vec![say("give it another path, or leave it as it is where the base's is to be replaced")]
            }
            Problem::PackageVersions { .. } => {
                vec![say(
                    "build upon a base of the same release and time as the source, or the other way round",
                )]
            }
            Problem::Conflict { .. } => {
                vec![say("leave one of them out with exclude, or give it another `to`")]
            }
            Problem::NotADirectory { .. } => vec![say("give one of them another path")],
            Problem::SpecialFile { .. } => vec![leave_out()],
            Problem::DanglingLink { path, target } => {
                let dir = path.parent().unwrap_or_else(TreePath::root);
                let at = dir.join(target).map_or_else(|_| target.clone(), |at| at.to_string());
                vec![
                    say(format!("take what it leads to along, in [runtime] keep or a [[files]]: {at}")),
                    allow("dangling-links"),
                ]
            }
            Problem::LinkRefused { .. } => {
                vec![Fix::Set("files", key("links", "keep")), Fix::Set("files", key("links", "follow"))]
            }
            Problem::Secret { path, .. } => {
                vec![say("leave it out with exclude or ignore-file"), allow(&format!("secrets:{path}"))]
            }
            Problem::Shell { .. } => vec![leave_out(), allow("shell")],
            Problem::Setuid { mode, .. } => {
                let plain = say(format!("if it is yours, give it the mode {:04o}", mode & 0o1777));
                vec![plain, leave_out(), allow("setuid")]
            }
            Problem::WorldWritable { mode, .. } => {
                let text = format!("give it the mode {:04o}, and an owner that writes it", mode & !0o002);
                vec![say(text), allow("world-writable")]
            }
            Problem::RootUser { .. } => {
                vec![Fix::Set("config", key("user", "nonroot")), allow("root-user")]
            }
            Problem::OverLimit { limit, is, unit, .. } => vec![
                say("leave out what is large and not needed: exclude, drop, another profile"),
                Fix::Set("limits", format!("{limit} = {}", unit.at_least(*is))),
            ],
        }
    }
}

impl Problem {
    /// The same where the libraries come from archives of packages.
    pub(super) fn fixes_of_archive(&self) -> Vec<Fix> {
        match self {
            // What is named there is looked for in the archive.
            Problem::Mentioned { at_hand, other, .. } => vec![dlopen(&[&at_hand[..], other].concat())],
            problem => problem.fixes().into_iter().map(Fix::of_archive).collect(),
        }
    }
}

impl Fix {
    /// The same where the libraries come from archives of packages: nobody installs anything there, and another release is
    /// another name.
    fn of_archive(self) -> Self {
        match self {
            Fix::TakeFrom(suites) => match suites.first() {
                Some(suite) => Fix::Set("runtime", key("source", suite.source)),
                None => Fix::TakeFrom(suites),
            },
            Fix::Install(packages) => Fix::Repository(packages),
            Fix::Bring(what, other) => {
                let other = other.map(|other| format!(", or {other}")).unwrap_or_default();
                say(format!("name an archive that has {what} in [[repositories]]{other}"))
            }
            other => other,
        }
    }

    /// A directory of the spec's own.
    pub(crate) fn directory(path: &TreePath, uid: u32, gid: u32) -> Self {
        Fix::Add("dirs", vec![key("path", path), key("owner", owner(uid, gid))])
    }
}

fn say(text: impl Into<String>) -> Fix {
    Fix::Do(text.into())
}

/// Flags by which compilers make programs that do without a feature of the C library.
const WITHOUT: &[(&str, &str)] = &[
    ("GLIBC_ABI_DT_RELR", "link the program with -Wl,-z,nopack-relative-relocs"),
    ("GLIBC_ABI_DT_X86_64_PLT", "link the program with -Wl,-z,nomark-plt"),
    ("GLIBC_ABI_GNU2_TLS", "compile the program with -mtls-dialect=gnu"),
];

fn one_build(library: &TreePath, needed_by: &[TreePath]) -> Fix {
    let who = needed_by.first().map_or("who needs it", TreePath::as_str);
    say(format!("take {who} and {library} from one source: the files of one package, in one version"))
}

fn leave_out() -> Fix {
    say("leave it out: with exclude in [[files]], or drop in [runtime] if it is the source's")
}

fn allow(what: &str) -> Fix {
    Fix::Set("policy", list("allow", what))
}

/// A user and group as a spec has them, by name where every image knows it.
fn owner(uid: u32, gid: u32) -> String {
    if (uid, gid) == (NONROOT, NONROOT) { "nonroot".into() } else { format!("{uid}:{gid}") }
}

/// A line of a spec with a text.
fn key(name: &str, text: impl ToString) -> String {
    format!("{name} = {}", toml_text(&text.to_string()))
}

/// A line of a spec with a list of one text.
fn list(name: &str, text: impl ToString) -> String {
    format!("{name} = {}", toml_list(&[text.to_string()]))
}

fn texts(paths: &[TreePath]) -> Vec<&str> {
    paths.iter().map(TreePath::as_str).collect()
}

fn dlopen(sonames: &[String]) -> Fix {
    let names: Vec<&str> = sonames.iter().map(String::as_str).collect();
    Fix::Set("runtime", format!("dlopen = {}", toml_list(&names)))
}

fn install(packages: &[String]) -> Option<Fix> {
    (!packages.is_empty()).then(|| Fix::Install(packages.to_vec()))
}

impl fmt::Display for Fix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fix::Install(packages) => {
                write!(
                    f,
                    "the Debian package {} has it: install it where the libraries come from",
                    packages.join(" or ")
                )
            }
            Fix::Bring(what, other) => {
                write!(f, "install {what} where the libraries come from")?;
                other.iter().try_for_each(|other| write!(f, ", or {other}"))
            }
            Fix::Repository(packages) => {
                let packages = packages.join(" or ");
                write!(
                    f,
                    "the Debian package {packages} has it elsewhere: name an archive that has it in [[repositories]]"
                )
            }
            Fix::Set(table, line) => write!(f, "in {}: {line}", heading(table)),
            Fix::Add(table, lines) => write!(f, "have a {} with {}", heading(table), lines.join(", ")),
            Fix::Keep(globs) => write!(f, "in [runtime]: keep = {}", toml_list(globs)),
            Fix::TakeFrom(suites) => write!(
                f,
                "take the libraries from {} or newer: build there, or name its root file system as [runtime] source",
                titles(suites, ", ")
            ),
            Fix::Do(text) => f.write_str(text),
        }
    }
}

/// The heading of a table: those of which a spec may have several stand in double brackets.
fn heading(table: &str) -> String {
    if matches!(table, "files" | "dirs" | "links" | "users" | "repositories") {
        format!("[[{table}]]")
    } else {
        format!("[{table}]")
    }
}
