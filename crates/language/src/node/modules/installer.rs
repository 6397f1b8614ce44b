//! Installs what a lock names, in a folder that holds nothing of the project but what is read for that.

use super::{
    super::{
        npm::{self, Npm},
        project::{LockKind, Project},
        target::Target,
    },
    not_kept,
};
use crate::{
    LanguageError,
    tool::{self, Ended, Workplace},
};
use plan::{finding::Problem, spec::Line};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// The oldest npm that installs for another processor and C library.
const NPM: u32 = 11;
/// The oldest pnpm that does.
const PNPM: [u32; 2] = [10, 14];

/// What installs packages.
pub(super) enum Installer {
    Npm(Npm),
    /// The program.
    Pnpm(PathBuf),
}

impl Installer {
    /// The one that a lock is of.
    ///
    /// # Errors
    /// When it is not on this machine, or too old.
    pub fn of(kind: LockKind) -> Result<Self, LanguageError> {
        let purpose = format!("installing what {} names", kind.file());
        match kind {
            LockKind::Npm | LockKind::Shrinkwrap => {
                let npm = Npm::find(&purpose)?;
                npm.at_least(NPM)?;
                Ok(Installer::Npm(npm))
            }
            LockKind::Pnpm => {
                let tool = || "pnpm".to_owned();
                let program =
                    tool::find("pnpm").ok_or_else(|| LanguageError::NoTool { tool: tool(), purpose })?;
                let folder = Workplace::new().map_err(not_kept)?;
                let mut command = pnpm(&program, folder.path());
                let answer = tool::run(command.arg("--version"), "pnpm --version", npm::WORK)?;
                npm::require("pnpm", String::from_utf8_lossy(&answer.stdout).trim(), &PNPM)?;
                Ok(Installer::Pnpm(program))
            }
        }
    }

    /// Installs the packages of a project for a target, and gives the folder; or what is wrong with the project.
    ///
    /// # Errors
    /// When a file cannot be written, or the tool fails for another reason.
    pub fn install(
        &self,
        project: &Project,
        target: &Target,
        line: Line,
    ) -> Result<Result<Workplace, Problem>, LanguageError> {
        let folder = Workplace::new().map_err(not_kept)?;
        for (path, bytes) in project.files() {
            let at = folder.path().join(path.relative());
            if let Some(parent) = at.parent() {
                fs::create_dir_all(parent).map_err(LanguageError::write(parent))?;
            }
            fs::write(&at, bytes).map_err(LanguageError::write(at))?;
        }
        let (cpu, libc) = (target.cpu(), target.libc.name());
        let (mut command, shown) = match self {
            Installer::Npm(npm) => (npm_ci(npm, folder.path(), project), "npm ci"),
            Installer::Pnpm(pnpm) => (pnpm_install(pnpm, folder.path(), project), "pnpm install"),
        };
        command.args(["--os=linux".to_owned(), format!("--cpu={cpu}"), format!("--libc={libc}")]);
        let ended = tool::attempt(&mut command, npm::WORK)?;
        if ended.is_well() {
            return Ok(Ok(folder));
        }
        match blame(&ended, project, line) {
            Some(problem) => Ok(Err(problem)),
            None => {
                ended.well(shown)?;
                Ok(Ok(folder))
            }
        }
    }
}

fn npm_ci(npm: &Npm, folder: &Path, project: &Project) -> Command {
    let mut command = npm.command(folder);
    command.arg("ci").arg("--prefix").arg(folder);
    // What a user has set for himself counts only for where packages come from.
    command.args([
        "--omit=dev",
        "--include=prod",
        "--include=optional",
        "--include=peer",
        "--ignore-scripts",
    ]);
    command.args([
        "--no-audit",
        "--no-fund",
        "--no-progress",
        "--no-color",
        "--loglevel=error",
        "--logs-max=0",
    ]);
    command.args(["--no-global", "--bin-links", "--package-lock", "--no-dry-run", "--no-foreground-scripts"]);
    let links = if project.copies_folders() { "true" } else { "false" };
    for (option, usual) in
        [("install-strategy", "hoisted"), ("legacy-peer-deps", "false"), ("install-links", links)]
    {
        if !project.sets(option) {
            command.arg(format!("--{option}={usual}"));
        }
    }
    command
}

/// How pnpm lays packages out, unless the project says otherwise.
const LAYOUT: [(&str, &str); 9] = [
    ("node-linker", "isolated"),
    ("hoist", "true"),
    ("hoist-pattern", "*"),
    ("shamefully-hoist", "false"),
    ("symlink", "true"),
    ("modules-dir", "node_modules"),
    ("virtual-store-dir", "node_modules/.pnpm"),
    ("virtual-store-dir-max-length", "120"),
    ("enable-global-virtual-store", "false"),
];

fn pnpm_install(program: &Path, folder: &Path, project: &Project) -> Command {
    let mut command = pnpm(program, folder);
    command.args(["install", "--frozen-lockfile", "--prod", "--ignore-scripts", "--reporter=append-only"]);
    // Files that it shares with its store might be changed there, and the store is made where its user may not write.
    command.arg("--store-dir").arg(folder.join(".store")).arg("--package-import-method=copy");
    for (option, usual) in LAYOUT {
        if !project.sets(option) {
            command.arg(format!("--config.{option}={usual}"));
        }
    }
    command
}

/// pnpm in a folder, which stays what it is: the `packageManager` of a project would have it start another.
fn pnpm(program: &Path, folder: &Path) -> Command {
    let mut command = Command::new(program);
    npm::forget_settings(&mut command);
    command.current_dir(folder).env("CI", "true").env("LC_ALL", "C");
    for start in ["npm_config", "pnpm_config"] {
        command.env(format!("{start}_manage_package_manager_versions"), "false");
    }
    command.env("COREPACK_ENABLE_PROJECT_SPEC", "0");
    command
}

/// What is wrong with the project, if that is why a tool failed.
fn blame(ended: &Ended, project: &Project, line: Line) -> Option<Problem> {
    let said = format!("{}\n{}", ended.answer.stderr, String::from_utf8_lossy(&ended.answer.stdout));
    let line_with = |word: &str| said.lines().find(|line| line.contains(word));
    let has = |words: &[&str]| words.iter().any(|word| said.contains(word));
    if has(&["code EUSAGE", "ERR_PNPM_OUTDATED_LOCKFILE", "ERR_PNPM_LOCKFILE_CONFIG_MISMATCH"]) {
        let detail =
            line_with("Invalid: ").and_then(|line| line.split_once("Invalid: ")).map(|(_, rest)| rest);
        let detail =
            detail.or_else(|| line_with("Missing: ").map(|line| line.trim_start_matches("npm error ")));
        let detail = detail.map(|detail| format!(": {detail}"));
        let why = format!("is out of date with package.json{}", detail.unwrap_or_default());
        return Some(project.stale(why, project.lock.kind.renew(), line));
    }
    if has(&["code EINTEGRITY", "ERR_PNPM_TARBALL_INTEGRITY", "ERR_PNPM_UNEXPECTED_PKG_CONTENT_IN_STORE"]) {
        let wanted = said.split_once("wanted ").map(|(_, rest)| rest.split_whitespace().next().unwrap_or(""));
        let package = wanted.and_then(|digest| project.lock.integrity.get(digest)).cloned();
        let package = package.unwrap_or_else(|| format!("a package that {} names", project.lock_file()));
        let why = format!("what was fetched has another digest than {} says", project.lock_file());
        return Some(Problem::DamagedPackage { package, why, line });
    }
    if has(&["code EBADPLATFORM", "ERR_PNPM_UNSUPPORTED_PLATFORM"]) {
        let told = line_with("Unsupported platform for ").and_then(|line| line.split_once("platform for "));
        let (package, why) = told
            .and_then(|(_, rest)| rest.split_once(": "))
            .unwrap_or(("a package", "it is for another platform"));
        let fix = "name another package, or another platform";
        let (package, why, fix) = (package.to_owned(), why.to_owned(), fix.to_owned());
        return Some(Problem::UnfitPackage { package, why, fix, line });
    }
    None
}
