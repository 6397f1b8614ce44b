//! What is known of the commands in maintainer scripts: `data/postinst.toml`.

use super::shell::matches;
use serde::Deserialize;
use std::sync::OnceLock;

/// What commands of scripts mean for an image.
#[derive(Debug, Clone, Default)]
pub struct Knowledge {
    rules: Vec<Rule>,
}

/// The text is no table of rules.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KnowledgeError {
    /// It is no TOML, or has other keys.
    #[error("the rules about scripts are malformed")]
    Malformed(#[source] toml::de::Error),
    /// A glob with brackets, which nothing matches.
    #[error("the rules about scripts have the pattern `{0}`, which has brackets")]
    Brackets(String),
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    rule: Vec<Rule>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Rule {
    #[serde(default)]
    packages: Vec<String>,
    commands: Vec<String>,
    verdict: Verdict,
    reason: String,
    #[allow(dead_code)] // for those who read the table
    source: String,
}

/// What a command means for an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Verdict {
    /// Nothing.
    Harmless,
    /// Something that is done elsewhere.
    Handled,
    /// Something that is not done.
    Matters,
}

impl Knowledge {
    /// Reads a table of rules.
    ///
    /// # Errors
    /// When it is malformed.
    pub fn parse(text: &str) -> Result<Self, KnowledgeError> {
        let Table { rule: rules } = toml::from_str(text).map_err(KnowledgeError::Malformed)?;
        let mut globs = rules.iter().flat_map(|rule| rule.packages.iter().chain(&rule.commands));
        match globs.find(|glob| glob.contains('[')) {
            Some(glob) => Err(KnowledgeError::Brackets(glob.clone())),
            None => Ok(Knowledge { rules }),
        }
    }

    /// What this program knows.
    pub fn built_in() -> &'static Self {
        static BUILT_IN: OnceLock<Knowledge> = OnceLock::new();
        // A test reads the table; a program without it would only tell more.
        BUILT_IN
            .get_or_init(|| Knowledge::parse(include_str!("../../data/postinst.toml")).unwrap_or_default())
    }

    /// What a command of a package means, and why; the first rule counts. The command is its name without a directory and
    /// its arguments, with `…` for what is not known.
    pub(super) fn verdict(&self, package: &str, command: &str) -> Option<(Verdict, &str)> {
        let fits = |globs: &[String], text| globs.iter().any(|glob| matches(glob, text) == Some(true));
        let rule = self.rules.iter().find(|rule| {
            (rule.packages.is_empty() || fits(&rule.packages, package)) && fits(&rule.commands, command)
        });
        rule.map(|rule| (rule.verdict, rule.reason.as_str()))
    }
}
