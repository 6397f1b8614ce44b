//! What is wrong, in words: one sentence a problem.

use super::{Missed, Problem, Unit};
use crate::{Offers, Suite};
use std::fmt;
use tree::TreePath;

impl fmt::Display for Problem {
    #[allow(clippy::too_many_lines, reason = "one sentence a problem, all in one place")]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Problem::MissingLibrary { soname, needed_by, chain, .. } => {
                write!(f, "{soname} is not to be found; {} need{} it", list(needed_by), plural_s(needed_by))?;
                match &chain[..] {
                    [] | [_] => Ok(()),
                    [_, rest @ ..] => write!(f, " (in the image for {})", join(rest, ", for ")),
                }
            }
            Problem::OffSearchPath { soname, path, needed_by } => write!(
                f,
                "{path} is in the image, but no loader of it looks there for {soname}, which {} need{}",
                list(needed_by),
                plural_s(needed_by)
            ),
            Problem::MissingVersion { version, library, needed_by, offers, suites, .. } => {
                let (who, s) = (list(needed_by), plural_s(needed_by));
                write!(f, "{who} need{s} {version} of {library}, which ")?;
                match offers {
                    Offers::UpTo(newest) => write!(f, "offers up to {newest}")?,
                    Offers::Beyond(newest) => write!(f, "offers others up to {newest}, but not this one")?,
                    Offers::Others(newest) => write!(f, "offers only others: {}", newest.join(", "))?,
                    Offers::Nothing => write!(f, "offers no symbol versions")?,
                }
                if elf::is_private_version(version) {
                    return write!(f, "; only files of one and the same build share {version}");
                }
                match &suites[..] {
                    [] => write!(f, "; no release that bantam knows of has it"),
                    [suite] => write!(f, "; {} has it", suite.title),
                    suites => write!(f, "; {} have it", titles(suites, " and ")),
                }
            }
            Problem::MissingDlopen { soname, .. } => {
                write!(f, "{soname} of [runtime] dlopen is not to be found")
            }
            Problem::MissingRunTimeLoad { soname, purpose } => {
                write!(f, "the C library loads {soname} by name ({purpose}), and the source has none")
            }
            Problem::MissingNoted { file, sonames, purpose, .. } => write!(
                f,
                "{} is not to be found; {file} says that it loads it by name and does not work without ({purpose})",
                sonames.join(" or ")
            ),
            Problem::NotedNotTaken { file, sonames } => {
                write!(f, "{file} recommends {}, which it loads by name", sonames.join(", "))
            }
            Problem::Mentioned { file, at_hand, other, .. } => {
                let names: Vec<&str> = at_hand.iter().chain(other).map(String::as_str).collect();
                write!(f, "{file} mentions {}, and may load it by name; the image has none", names.join(", "))
            }
            Problem::PluginsLeftOut { soname, plugins, .. } => {
                write!(
                    f,
                    "{soname} is not to be found, so that {} stay{} out",
                    list(plugins),
                    plural_s(plugins)
                )
            }
            Problem::PluginsNotTaken { trigger, purpose, .. } => {
                write!(
                    f,
                    "{trigger} looks by name for files that are not in the image; it needs them {purpose}"
                )
            }
            Problem::MissingInterpreter { program, interpreter, unusable: None, .. } => {
                write!(f, "{program} starts with the loader {interpreter}, which is not in the image")
            }
            Problem::MissingInterpreter { program, interpreter, unusable: Some(why), .. } => {
                write!(f, "{program} starts with the loader {interpreter}, which cannot load it: {why}")
            }
            Problem::Unversioned { library, needed_by } => write!(
                f,
                "{library} defines no symbol versions, of which {} need{} some: the loader warns at every start",
                list(needed_by),
                plural_s(needed_by)
            ),
            Problem::UndefinedSymbol { object, symbols, programs, missed, .. } => {
                let (s, it) = if symbols.len() == 1 { ("", "it") } else { ("s", "one of them") };
                write!(f, "{object} needs the symbol{s} {}, which ", list(symbols))?;
                let ends = match &programs[..] {
                    [program] if program == object => {
                        write!(f, "no library that it loads defines: ")?;
                        "it ends"
                    }
                    [program] => {
                        write!(f, "nothing that {program} loads defines: ")?;
                        "it ends"
                    }
                    programs => {
                        write!(f, "nothing that {} load defines: ", list(programs))?;
                        "they end"
                    }
                };
                match missed {
                    Missed::AtStart => write!(f, "{ends} at start"),
                    Missed::OnLoad => write!(f, "it cannot be loaded"),
                    Missed::OnCall => write!(f, "{ends} at the first call of {it}"),
                }
            }
            Problem::NewerProcessor { level, files } => write!(
                f,
                "{} need{} a processor of {level}: on an older one, glibc ends the program at start",
                list(files),
                plural_s(files)
            ),
            Problem::WrongMachine { path, is, wanted, .. } => {
                write!(f, "{path} is for {is}, and the image is for {wanted}")
            }
            Problem::DamagedElf { path, reason } => write!(f, "{path} is a damaged ELF file: {reason}"),
            Problem::MissingScriptInterpreter { script, interpreter, unusable, .. } => {
                write!(f, "{script} starts with #!{}, which ", interpreter.escape_debug())?;
                match unusable {
                    None => f.write_str("is not in the image"),
                    Some(why) => write!(f, "cannot run it: {why}"),
                }
            }
            Problem::MissingOfProfile { profile, what, purpose } => {
                write!(f, "the profile {profile} stands for {what} too ({purpose}), and the source has none")
            }
            Problem::MissingOnPath { script, program, path, .. } => write!(
                f,
                "{script} starts with `env {0}`, and no {0} is on the image's PATH ({path})",
                program.escape_debug()
            ),
            Problem::MissingCompanion { program, files, purpose } => {
                write!(f, "{program} does not start without {files} ({purpose})")
            }
            Problem::MissingProgram { program, on_path: Some(path), .. } => {
                write!(f, "the process's program {program} is nowhere on the image's PATH ({path})")
            }
            Problem::MissingProgram { program, .. } => {
                write!(f, "the process's program {program} is not in the image")
            }
            Problem::MissingArgument { program, word, path, .. } if path.as_str() == word => {
                write!(f, "{program} is to open {word}, which is not in the image")
            }
            Problem::MissingArgument { program, word, path, .. } => {
                write!(f, "{program} is to open {word}, and {path} is not in the image")
            }
            Problem::NotExecutable { program, why, .. } => {
                write!(f, "the process's program {program} cannot be executed: {why}")
            }
            Problem::NotAllowed { path, at, uid, gid, what } if path == at => {
                write!(f, "the user {uid}:{gid} may not {what} {path}")
            }
            Problem::NotAllowed { path, at, uid, gid, .. } => {
                write!(f, "the user {uid}:{gid} cannot reach {path}: it may not enter {at}")
            }
            Problem::NoProcess { .. } => {
                write!(f, "no entrypoint and no cmd: the image says no process to run")
            }
            Problem::MissingWorkdir { path, found, .. } => {
                write!(f, "the working directory {path} is {found}")
            }
            Problem::UnknownUser { name, known, .. } => {
                write!(f, "no user or group of the image is called `{name}`; known are {}", known.join(", "))
            }
            Problem::UserOfBase { name, known: (uid, gid), wanted, .. } => write!(
                f,
                "the user {name} is {uid}:{gid} in the base image, and {}:{} in the spec",
                wanted.0, wanted.1
            ),
            Problem::EnvPath { name, value, why, what, .. } => {
                write!(f, "{name} is `{value}` ({what}), and {why}")
            }
            Problem::Secret { path, why } => write!(f, "{path} looks like a secret: {why}"),
            Problem::SpecialFile { path, word, from } => {
                write!(f, "{path} is {word}, which an image cannot hold (from {from})")
            }
            Problem::Conflict { path } => write!(f, "the spec puts two different things at {path}"),
            Problem::OverBase { path, found, put } if *found == "a directory" || *put == "a directory" => {
                write!(f, "{path} is {found} of the base image, and {put} cannot take its place")
            }
            Problem::OverBase { path, found, put } => {
                write!(f, "{path} is {put} that takes the place of {found} of the base image")
            }
            Problem::PackageVersions { package, base, source } => write!(
                f,
                "the image has files of {package} {base} from its base and of {source} from the source, and says that it is {base}"
            ),
            Problem::NotADirectory { path, parent, found } => {
                write!(f, "{path} cannot be put below {parent}, which is {found}")
            }
            Problem::DanglingLink { path, target } => {
                write!(f, "{path} is a link to `{target}`, which is not in the image")
            }
            Problem::LinkRefused { path, target, .. } => {
                write!(f, "{path} is a link to `{target}`, and this [[files]] allows none")
            }
            Problem::NothingTaken { from, .. } => write!(f, "`{from}` takes no file"),
            Problem::MissingPackage { name, no_database: true, .. } => {
                write!(f, "the package {name} is wanted, and the source has no packages")
            }
            Problem::MissingPackage { name, .. } => {
                write!(f, "the package {name} is wanted, and the source does not have it")
            }
            Problem::BadCertificates { file, why, .. } => {
                write!(f, "no certificates can be taken from {file}: {why}")
            }
            Problem::NoBusybox { .. } => {
                write!(f, "the debug variant has a busybox that needs no library, and the source has none")
            }
            Problem::PackagesClash { path, packages: [one, other] } => {
                write!(f, "{path} is a file of {one} and another of {other}")
            }
            Problem::ScriptNotRun { package, commands } => {
                write!(f, "the script that installs {package} is not run, and does more than is known: ")?;
                write!(
                    f,
                    "{}",
                    commands.iter().map(|line| format!("`{line}`")).collect::<Vec<_>>().join(", ")
                )
            }
            Problem::NothingDropped { glob, .. } => {
                write!(
                    f,
                    "`{glob}` of [runtime] drop leaves nothing out: the image would take nothing that matches"
                )
            }
            Problem::NothingKept { glob, .. } => write!(f, "`{glob}` of [runtime] keep matches no file"),
            Problem::ManyToOne { from, to, .. } => {
                write!(f, "`{from}` takes several files, and `{to}` names one")
            }
            Problem::BadPath { path, reason, .. } => write!(f, "`{path}` is no path of an image: {reason}"),
            Problem::Shell { path, because: None } => write!(f, "{path} is a shell"),
            Problem::Shell { path, because: Some(who) } => {
                write!(f, "{path} is a shell, in the image because of {who}")
            }
            Problem::Setuid { path, mode } => {
                write!(f, "{path} runs with the rights of its owner or group (mode {mode:04o})")
            }
            Problem::WorldWritable { path, mode } => {
                write!(f, "everybody may change {path} (mode {mode:04o})")
            }
            Problem::RootUser { .. } => write!(f, "the process runs as root"),
            Problem::OverLimit { limit, is, allowed, unit, largest, .. } => {
                write!(f, "{} {limit} are more than the {} allowed", unit.show(*is), unit.show(*allowed))?;
                for (index, (name, size)) in largest.iter().enumerate() {
                    write!(
                        f,
                        "{}{} {name}",
                        if index == 0 { "; largest: " } else { ", " },
                        unit.show(*size)
                    )?;
                }
                Ok(())
            }
            Problem::VolumeNotWritable { path, uid, gid } => {
                write!(f, "the user {uid}:{gid} may not write the volume {path}")
            }
            Problem::VolumeNoDirectory { path, found } => write!(f, "the volume {path} is {found}"),
            Problem::NoRuntime { language, what, fix: Some(_), .. } => {
                write!(f, "the application needs {language}, and there is no {what}")
            }
            Problem::NoRuntime { language, what, .. } => {
                write!(f, "the application needs {language}, and the source has no {what}")
            }
            Problem::UnfitPackage { package, why, .. } => write!(f, "{package} does not fit: {why}"),
            Problem::NotPrebuilt { package, why, .. } => {
                write!(f, "{package} would have to be built: {why}")
            }
            Problem::DamagedPackage { package, why, .. } => write!(f, "{package} is damaged: {why}"),
            Problem::StaleLock { file, why, .. } => write!(f, "{file} {why}"),
            Problem::NewerClasses { jar, class, needs, has, .. } => {
                write!(f, "{class} of {jar} is compiled for Java {needs}, and the runtime is Java {has}")
            }
            Problem::MissingModule { sort, module, needed_by, .. } => {
                write!(f, "the {sort} {module}, which {needed_by} names, is nowhere")
            }
            Problem::LeftOutOfLibrary { modules, mode, .. } => {
                write!(
                    f,
                    "the application imports {}, which stdlib = \"{mode}\" leaves out",
                    modules.join(", ")
                )
            }
            Problem::ProgramOfSource { program, path, .. } => {
                write!(
                    f,
                    "{program} is {path} of the source, with the source's modules: no dependency has it"
                )
            }
            Problem::Shed { language, sorts, .. } => {
                let each = sorts.iter().map(|(sort, files, bytes)| {
                    let files = if *files == 1 { "1 file".into() } else { format!("{files} files") };
                    format!("{sort} ({files}, {})", size(*bytes))
                });
                let all = each.collect::<Vec<_>>().join(", ");
                write!(f, "left out of the {language} dependencies: {all}")
            }
            Problem::PackageManager { program, .. } => write!(
                f,
                "the process starts with {program}, which is not in the image, and only starts what package.json says"
            ),
            Problem::InstallScript { package, script, .. } => {
                write!(f, "{package} may lack what its install script makes, which is not run: `{script}`")
            }
            Problem::MissingClass { class, named_by, .. } => {
                write!(f, "the main class {class}, which {named_by} names, is in no jar of the program")
            }
            Problem::MissingPackages { jar, used_by, packages, .. } => {
                write!(f, "{used_by} of {jar} uses what no jar of the program has: {}", list(packages))
            }
        }
    }
}

impl Unit {
    fn show(self, number: u64) -> String {
        match self {
            Unit::Count => number.to_string(),
            Unit::Bytes => size(number),
        }
    }

    /// A limit that so much keeps, as a spec has it: a round number that is not smaller.
    pub(super) fn at_least(self, number: u64) -> String {
        match (self, number) {
            (Unit::Count, _) => number.to_string(),
            (Unit::Bytes, 0..1_000_000) => format!("\"{} kB\"", number.div_ceil(1_000)),
            (Unit::Bytes, _) => format!("\"{} MB\"", number.div_ceil(1_000_000)),
        }
    }
}

/// A size for people, in decimal units: `23.7 MB`.
#[allow(clippy::cast_precision_loss, reason = "shown with one digit")]
pub fn size(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => format!("{:.1} kB", bytes as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} MB", bytes as f64 / 1e6),
        _ => format!("{:.2} GB", bytes as f64 / 1e9),
    }
}

/// The names of releases.
pub(super) fn titles(suites: &[Suite], between: &str) -> String {
    suites.iter().map(|suite| suite.title).collect::<Vec<_>>().join(between)
}

/// The first few of many, in words.
fn list<T: fmt::Display>(paths: &[T]) -> String {
    const SHOWN: usize = 3;
    let text = join(&paths[..paths.len().min(SHOWN)], ", ");
    match paths.len().saturating_sub(SHOWN) {
        0 => text,
        more => format!("{text} and {more} more"),
    }
}

fn join<T: fmt::Display>(paths: &[T], between: &str) -> String {
    paths.iter().map(T::to_string).collect::<Vec<_>>().join(between)
}

fn plural_s(paths: &[TreePath]) -> &'static str {
    if paths.len() == 1 { "s" } else { "" }
}
