//! npm on the builder: found, and run so that nothing but the project and where packages come from counts.

use crate::{
    LanguageError,
    tool::{self, Answer, Workplace},
};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

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
    cache: Option<Workplace>,
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
        forget_settings(&mut command);
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
        let folder = Workplace::new().map_err(LanguageError::write(std::env::temp_dir()))?;
        let shown = format!("{TOOL} {}", arguments.join(" "));
        tool::run(self.command(folder.path()).args(arguments).arg("--logs-max=0"), &shown, QUESTION)
    }
}

/// Takes out of the environment what npm and pnpm are told there, but for where packages come from: under `npm run`
/// that is about the project that is being built, and else about how a user wants packages to be laid out.
pub(super) fn forget_settings(command: &mut Command) {
    let names = std::env::vars_os().map(|(name, _)| name);
    for name in names.filter(|name| is_setting(&name.to_string_lossy())) {
        command.env_remove(name);
    }
}

/// Is a variable one of those?
fn is_setting(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let option = name.strip_prefix("npm_config_").or_else(|| name.strip_prefix("pnpm_config_"));
    let Some(option) = option else {
        let of_run = ["npm_package_", "npm_lifecycle_", "init_cwd"];
        return of_run.iter().any(|start| name.starts_with(start));
    };
    // `//registry.example/:_authToken`, `@acme:registry`.
    if option.starts_with(['/', '@', '_']) {
        return false;
    }
    let option = option.replace('-', "_");
    let starts = ["registry", "fetch_", "network_", "cache", "cert", "key", "strict_ssl", "local_address"];
    let is_of_source = starts.iter().any(|start| option.starts_with(start))
        || option.ends_with("proxy")
        || matches!(&*option, "ca" | "cafile" | "maxsockets" | "userconfig" | "globalconfig" | "store_dir");
    !is_of_source
}

/// A place for what npm fetches, where its user's own cannot be written: with a read-only home, or none.
fn own_cache() -> Result<Option<Workplace>, LanguageError> {
    let is_set = |name| std::env::var_os(name).is_some();
    let home = std::env::home_dir().map(|home| home.join(".npm"));
    let can_write = |dir: &PathBuf| fs::create_dir_all(dir).is_ok() && tempfile::tempfile_in(dir).is_ok();
    if is_set("npm_config_cache") || is_set("NPM_CONFIG_CACHE") || home.as_ref().is_some_and(can_write) {
        return Ok(None);
    }
    Workplace::new().map(Some).map_err(LanguageError::write(std::env::temp_dir()))
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
    fn of_what_is_set_only_where_packages_come_from_counts() {
        for (name, expected) in [
            ("PATH", false),
            ("npm_lifecycle_event", true),
            ("INIT_CWD", true),
            ("npm_config_local_prefix", true),
            ("NPM_CONFIG_INSTALL_STRATEGY", true),
            ("pnpm_config_node_linker", true),
            ("npm_config_registry", false),
            ("npm_config_@acme:registry", false),
            ("npm_config_//registry.example/:_authToken", false),
            ("NPM_CONFIG_CAFILE", false),
            ("npm_config_call", true),
            ("npm_config_https_proxy", false),
            ("npm_config_noproxy", false),
            ("npm_config_strict-ssl", false),
            ("NPM_CONFIG_CACHE", false),
        ] {
            assert_eq!(is_setting(name), expected, "{name}");
        }
    }

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
