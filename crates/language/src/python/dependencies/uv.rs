//! `uv`, which resolves: asked in its own terms, and its answers read.

mod words;

use super::{
    pylock::{self, Package},
    shown,
};
use crate::{
    LanguageError,
    python::interpreter::{Interpreter, Libc},
    tool::{self, Workplace},
};
use plan::spec::Architecture;
use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};
pub(super) use words::Refused;
use words::{blamed, is_old, refusals, without_warnings};

/// The earliest time that an archive of files can hold: 1 January 1980.
const EPOCH: &str = "315532800";
/// No resolution or build takes longer.
const LIMIT: Duration = Duration::from_secs(30 * 60);
/// The glibc versions that `uv` has names for.
const GLIBC: [u32; 12] = [40, 39, 38, 37, 36, 35, 34, 33, 32, 31, 28, 17];
/// So many packages that cannot be had are found in one run.
const MAX_ROUNDS: usize = 16;
/// The oldest that does all that is asked here.
const OLDEST: &str = "0.7.0";

/// The program, and how it is run.
pub(super) struct Uv<'a> {
    program: PathBuf,
    /// Where it runs: relative paths of requirements are seen from there, and its settings are looked for.
    folder: &'a Path,
    offline: bool,
}

/// What came of a resolution.
pub(super) struct Resolution {
    /// The packages.
    pub packages: Vec<Package>,
    /// Those that cannot be had.
    pub refused: BTreeSet<Refused>,
}

/// What came of a project's own lock.
pub(super) enum Export {
    /// What it says.
    Packages(Vec<Package>),
    /// What it says, which `uv` did not hold against the project: this machine has no Python that the project asks for,
    /// as the error says.
    Unchecked(Vec<Package>, LanguageError),
    /// It is not of what the project asks for.
    Stale,
}

impl<'a> Uv<'a> {
    /// Finds it.
    ///
    /// # Errors
    /// When it is not there.
    pub fn find(folder: &'a Path, offline: bool, purpose: &str) -> Result<Self, LanguageError> {
        let program = tool::find("uv")
            .ok_or_else(|| LanguageError::NoTool { tool: "uv".into(), purpose: purpose.into() })?;
        Ok(Uv { program, folder, offline })
    }

    /// Resolves a requirements file or a project, for an interpreter, with `pins` as constraints. What cannot be had is taken out, so that all of it
    /// is told at once.
    ///
    /// # Errors
    /// When the tool fails in another way.
    pub fn compile(
        &self,
        file: &Path,
        pins: Option<&Path>,
        target: &Interpreter,
    ) -> Result<Resolution, LanguageError> {
        let platform = platform(target).ok_or_else(|| LanguageError::Answer {
            tool: "uv".into(),
            what: format!("it has no name for {}", shown(target)),
        })?;
        let temp = temp()?;
        let excludes = temp.path().join("excludes.txt");
        let mut refused = BTreeSet::new();
        loop {
            let mut command = self.command(&["pip", "compile", "--format", "pylock.toml"]);
            command.args(["--only-binary", ":all:", "--no-header", "--no-annotate"]);
            command.args(["--python-platform", &platform]);
            command.args(["--python-version", &format!("{}.{}", target.version.0, target.version.1)]);
            if let Some(pins) = pins {
                command.arg("--constraints").arg(pins);
            }
            if !refused.is_empty() {
                let names: String = refused.iter().map(|one: &Refused| format!("{}\n", one.name())).collect();
                fs::write(&excludes, names).map_err(LanguageError::write(&excludes))?;
                command.arg("--excludes").arg(&excludes);
            }
            command.arg("--").arg(file);
            match self.run(&mut command, "uv pip compile") {
                Ok(text) => return Ok(Resolution { packages: packages(&text)?, refused }),
                Err(LanguageError::Failed { said, .. })
                    if !refused.is_empty() && refusals(&said).is_empty() =>
                {
                    // Without those that cannot be had, nothing more is to be found out.
                    return Ok(Resolution { packages: vec![], refused });
                }
                Err(LanguageError::Failed { tool, status, said }) => {
                    let before = refused.len();
                    refused.extend(refusals(&said));
                    if refused.len() == before && before == 0 {
                        return Err(blamed(LanguageError::Failed { tool, status, said }));
                    }
                    if refused.len() == before || refused.len() >= MAX_ROUNDS {
                        return Ok(Resolution { packages: vec![], refused });
                    }
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Resolves a requirements file or a project once more, with these versions: `name==version` lines.
    ///
    /// # Errors
    /// As [`compile`](Self::compile).
    pub fn locate(
        &self,
        file: &Path,
        versions: &str,
        target: &Interpreter,
    ) -> Result<Vec<Package>, LanguageError> {
        let temp = temp()?;
        let pins = temp.path().join("pins.txt");
        fs::write(&pins, versions).map_err(LanguageError::write(&pins))?;
        Ok(self.compile(file, Some(&pins), target)?.packages)
    }

    /// What the `uv.lock` of the project in the folder says, for every platform.
    ///
    /// # Errors
    /// When the tool fails, but for a lock that is out of date.
    pub fn export(&self) -> Result<Export, LanguageError> {
        match self.export_how("--locked") {
            Ok(packages) => Ok(Export::Packages(packages)),
            Err(LanguageError::Failed { said, .. }) if said.contains("needs to be updated") => {
                Ok(Export::Stale)
            }
            Err(LanguageError::Failed { tool, status, said }) if said.contains("No interpreter found") => {
                let packages = self.export_as_it_is()?;
                Ok(Export::Unchecked(packages, LanguageError::Failed { tool, status, said }))
            }
            Err(error) => Err(blamed(error)),
        }
    }

    /// The same, whatever the project asks for by now.
    ///
    /// # Errors
    /// When the tool fails.
    pub fn export_as_it_is(&self) -> Result<Vec<Package>, LanguageError> {
        self.export_how("--frozen")
    }

    fn export_how(&self, how: &str) -> Result<Vec<Package>, LanguageError> {
        let mut command = self.command(&["export", how, "--format", "pylock.toml", "--no-header"]);
        command.args(["--no-default-groups", "--no-emit-project"]);
        packages(&self.run(&mut command, "uv export")?)
    }

    /// Builds a project into a wheel, in a directory of its own. `project` is where its sources are, seen from the folder.
    ///
    /// # Errors
    /// When it cannot be built.
    pub fn build(&self, project: &Path) -> Result<(Workplace, PathBuf), LanguageError> {
        let temp = temp()?;
        let mut command = self.command(&["build", "--wheel"]);
        command.arg("--out-dir").arg(temp.path()).arg("--").arg(project);
        command.envs([("SOURCE_DATE_EPOCH", EPOCH), ("PYTHONHASHSEED", "0"), ("LC_ALL", "C.UTF-8")]);
        self.run(&mut command, "uv build")?;
        let listed = fs::read_dir(temp.path()).map_err(LanguageError::read(temp.path()))?;
        let mut wheels: Vec<PathBuf> = listed
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|path| path.extension().is_some_and(|extension| extension == "whl"))
            .collect();
        match (wheels.pop(), wheels.len()) {
            (Some(wheel), 0) => Ok((temp, wheel)),
            _ => Err(LanguageError::Answer { tool: "uv build".into(), what: "it made no wheel".into() }),
        }
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.args(words).current_dir(self.folder);
        command.args(["--no-python-downloads", "--no-progress", "--color", "never"]);
        if self.offline {
            command.arg("--offline");
        }
        // What it is to say is said above, and its words are read.
        for variable in
            ["UV_PYTHON_PLATFORM", "UV_PYTHON", "VIRTUAL_ENV", "UV_OUTPUT_FILE", "UV_CUSTOM_COMPILE_COMMAND"]
        {
            command.env_remove(variable);
        }
        command
    }

    fn run(&self, command: &mut Command, shown: &str) -> Result<String, LanguageError> {
        match tool::run(command, shown, LIMIT) {
            Ok(answer) => String::from_utf8(answer.stdout)
                .map_err(|_| LanguageError::Answer { tool: shown.into(), what: "it is not UTF-8".into() }),
            Err(LanguageError::Failed { said, .. }) if is_old(&said) => Err(LanguageError::OldTool {
                tool: "uv".into(),
                found: self.version(),
                needed: OLDEST.into(),
            }),
            Err(LanguageError::Failed { said, .. }) if said.contains("network was disabled") => {
                Err(LanguageError::Offline { what: "what the requirements name".into() })
            }
            Err(LanguageError::Failed { tool, status, said }) => {
                Err(LanguageError::Failed { tool, status, said: without_warnings(&said) })
            }
            failed => failed.map(|_| String::new()),
        }
    }

    fn version(&self) -> String {
        let answer = tool::run(Command::new(&self.program).arg("--version"), "uv --version", LIMIT);
        let said =
            answer.map(|answer| String::from_utf8_lossy(&answer.stdout).into_owned()).unwrap_or_default();
        said.split_whitespace().nth(1).unwrap_or("unknown").to_owned()
    }
}

/// Can `uv` resolve for this interpreter?
pub(super) fn knows(target: &Interpreter) -> bool {
    platform(target).is_some()
}

/// The name that `uv` has for a platform; none where it has none.
fn platform(target: &Interpreter) -> Option<String> {
    let arch = target.architecture.uname();
    match (target.architecture, target.libc) {
        (Architecture::Amd64 | Architecture::Arm64, Libc::Glibc(minor)) => {
            let version = GLIBC.into_iter().find(|known| *known <= minor)?;
            Some(format!("{arch}-manylinux_2_{version}"))
        }
        (Architecture::Amd64 | Architecture::Arm64, Libc::Musl(_)) => {
            Some(format!("{arch}-unknown-linux-musl"))
        }
        (Architecture::Riscv64, Libc::Glibc(_)) => Some("riscv64-unknown-linux".into()),
        _ => None,
    }
}

fn packages(text: &str) -> Result<Vec<Package>, LanguageError> {
    pylock::parse(text).map_err(|what| LanguageError::Answer { tool: "uv".into(), what })
}

fn temp() -> Result<Workplace, LanguageError> {
    Workplace::new().map_err(LanguageError::write(std::env::temp_dir()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::python::dependencies::testing::interpreter;

    #[test]
    fn platforms_have_names_there() {
        let name = |architecture, libc| platform(&Interpreter { architecture, libc, ..interpreter() });
        let named = |text: &str| Some(text.to_owned());
        assert_eq!(name(Architecture::Amd64, Libc::Glibc(41)), named("x86_64-manylinux_2_40"));
        assert_eq!(name(Architecture::Arm64, Libc::Glibc(36)), named("aarch64-manylinux_2_36"));
        assert_eq!(name(Architecture::Arm64, Libc::Glibc(30)), named("aarch64-manylinux_2_28"));
        assert_eq!(name(Architecture::Amd64, Libc::Glibc(12)), None);
        assert_eq!(name(Architecture::Amd64, Libc::Musl(2)), named("x86_64-unknown-linux-musl"));
        assert_eq!(name(Architecture::S390x, Libc::Glibc(36)), None);
    }
}
