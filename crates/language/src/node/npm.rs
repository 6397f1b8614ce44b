//! npm on the builder: found, and run so that nothing but the project and where packages come from counts.

use crate::{
    LanguageError,
    tool::{self, Answer},
};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};
use tempfile::TempDir;

/// What npm is called.
const TOOL: &str = "npm";
/// The longest that it may take to answer a question.
const QUESTION: Duration = Duration::from_secs(120);
/// The longest that it may take to install or fetch.
pub(super) const WORK: Duration = Duration::from_secs(1800);

/// npm, with the registry, proxies and credentials of its user.
pub(super) struct Npm {
    program: PathBuf,
    /// Where it keeps what it fetched; none: where its user has it.
    cache: Option<TempDir>,
}

impl Npm {
    /// Looks for npm. `purpose` is what needs it.
    ///
    /// # Errors
    /// When there is none.
    pub fn find(purpose: &str) -> Result<Self, LanguageError> {
        let program = tool::find(TOOL)
            .ok_or_else(|| LanguageError::NoTool { tool: TOOL.into(), purpose: purpose.into() })?;
        Ok(Npm { program, cache: own_cache()? })
    }

    /// Sees to it that its major version is at least this.
    ///
    /// # Errors
    /// When it is older, or does not say.
    pub fn at_least(&self, needed: u32) -> Result<(), LanguageError> {
        let answer = self.ask(&["--version"])?;
        require(TOOL, String::from_utf8_lossy(&answer.stdout).trim(), &[needed])
    }

    /// A command that is run in a folder, which it takes for a project of its own.
    pub fn command(&self, folder: &Path) -> Command {
        let mut command = Command::new(&self.program);
        // Under `npm run` it is told of the project that is being built.
        for (name, _) in std::env::vars_os() {
            let name = name.to_string_lossy().to_ascii_lowercase();
            let of_run = ["npm_config_local_prefix", "npm_config_prefix", "npm_config_workspace", "init_cwd"];
            if of_run.contains(&&*name)
                || name.starts_with("npm_package_")
                || name.starts_with("npm_lifecycle_")
            {
                command.env_remove(&name).env_remove(name.to_ascii_uppercase());
            }
        }
        command.current_dir(folder).env("npm_config_update_notifier", "false").env("LC_ALL", "C");
        if let Some(cache) = &self.cache {
            command.env("npm_config_cache", cache.path());
        }
        command
    }

    /// Asks it something that has nothing to do with a project.
    ///
    /// # Errors
    /// When it fails.
    pub fn ask(&self, arguments: &[&str]) -> Result<Answer, LanguageError> {
        let folder = TempDir::new().map_err(LanguageError::write(std::env::temp_dir()))?;
        let shown = format!("{TOOL} {}", arguments.join(" "));
        tool::run(self.command(folder.path()).args(arguments).arg("--logs-max=0"), &shown, QUESTION)
    }
}

/// A place for what npm fetches, where its user's own cannot be written: with a read-only home, or none.
fn own_cache() -> Result<Option<TempDir>, LanguageError> {
    let is_set = |name| std::env::var_os(name).is_some();
    let home = std::env::home_dir().map(|home| home.join(".npm"));
    let can_write = |dir: &PathBuf| fs::create_dir_all(dir).is_ok() && tempfile::tempfile_in(dir).is_ok();
    if is_set("npm_config_cache") || is_set("NPM_CONFIG_CACHE") || home.as_ref().is_some_and(can_write) {
        return Ok(None);
    }
    TempDir::new().map(Some).map_err(LanguageError::write(std::env::temp_dir()))
}

/// Sees to it that a version is at least the needed one.
///
/// # Errors
/// When it is older, or none.
pub(super) fn require(tool: &str, found: &str, needed: &[u32]) -> Result<(), LanguageError> {
    let numbers: Option<Vec<u32>> =
        found.split('.').take(needed.len()).map(|part| part.parse().ok()).collect();
    match numbers {
        Some(numbers) if numbers.as_slice() >= needed => Ok(()),
        Some(_) => {
            let needed: Vec<String> = needed.iter().map(ToString::to_string).collect();
            Err(LanguageError::OldTool { tool: tool.into(), found: found.into(), needed: needed.join(".") })
        }
        None => Err(LanguageError::Answer { tool: tool.into(), what: format!("its version is {found:?}") }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_tools_are_told() {
        for (found, needed, expected) in [
            ("11.19.1", &[11][..], None),
            ("12.0.0-pre.1", &[11], None),
            ("9.2.0", &[11], Some("npm is of version 9.2.0, and 11 or newer is needed")),
            ("10.14.0", &[10, 14], None),
            ("10.13.1", &[10, 14], Some("npm is of version 10.13.1, and 10.14 or newer is needed")),
            ("11.0.0", &[10, 14], None),
            ("command not found", &[11], Some("cannot be understood")),
        ] {
            let error = require("npm", found, needed).err().map(|error| error.to_string());
            match expected {
                None => assert_eq!(error, None, "{found}"),
                Some(expected) => {
                    assert!(error.as_ref().is_some_and(|error| error.contains(expected)), "{error:?}")
                }
            }
        }
    }
}
