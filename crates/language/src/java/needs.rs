//! What the jars of an application need of a runtime: modules, and a release that is new enough.

use super::{
    jar::Damaged,
    jdeps,
    jdk::Jdk,
    modules::Uses,
    natives::Native,
    references::MainFault,
    scan::{Scan, Scanned, Target},
    tools::Tools,
};
use crate::{
    LanguageError,
    kept::{self, Keeper, Kept},
};
use cache::Cache;
use plan::finding::Problem;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use tree::{Content, Sha256Digest};

/// Changes whenever something else is seen in the same jars.
const RULES: &str = "java-needs-3";

/// A jar of an application.
#[derive(Debug, Clone)]
pub(super) struct Part {
    /// The name of its file.
    pub name: String,
    /// The jar.
    pub content: Content,
    /// Is it the program's own, not a library?
    pub is_own: bool,
}

/// What an application needs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Needs {
    /// The modules that it names, that a table says, and, where `jdeps` was asked, those that its classes refer to.
    pub modules: BTreeSet<String>,
    /// What it uses of java.desktop.
    pub uses: Uses,
    /// The newest release that a class is compiled for: the jar, the class, the release.
    pub newest: Option<(String, String, u32)>,
    /// The module and main class to start it with, as `module/class`, where all that the module requires is there.
    pub start: Option<String>,
    /// What shared objects in its jars need.
    pub natives: Vec<Native>,
    /// What is wrong with its main class.
    pub main: Option<MainFault>,
    /// The packages that it uses and no jar has, each with a class that does.
    pub absent: BTreeMap<String, String>,
}

/// An application cannot be looked at: a jar of it is damaged, or something else is wrong.
pub(super) enum Failure {
    /// The jar of this name is damaged.
    Jar(String, Damaged),
    /// There is nothing to look at.
    Unfit(Box<Problem>),
    /// Something else.
    Other(LanguageError),
}

impl<E: Into<LanguageError>> From<E> for Failure {
    fn from(error: E) -> Self {
        Failure::Other(error.into())
    }
}

/// What an application of these jars needs; the first is the program itself. Without tools, `jdeps` is not asked.
///
/// # Errors
/// When a jar is damaged, or cannot be read; when `jdeps` fails.
pub(super) fn needs(
    cache: &Cache,
    parts: &[Part],
    target: &Target,
    jdk: &Jdk,
    identity: &Sha256Digest,
    tools: Option<&Tools<'_>>,
) -> Result<Needs, Failure> {
    let mut all = vec![];
    for part in parts {
        all.extend((part.name.len() as u64).to_le_bytes());
        all.extend(part.name.bytes());
        all.push(part.is_own.into());
        all.extend(part.content.sha256().map_err(LanguageError::from)?.0);
    }
    let asked = tools.map(|tools| &tools.digest.0[..]).unwrap_or_default();
    let main = target.main.as_deref().unwrap_or_default();
    let key = kept::key(RULES, &[asked, &identity.0, main.as_bytes(), &all]);
    let known = Kept::open(cache, &key).and_then(|kept| serde_json::from_str(&kept.note).ok());
    if let Some(needs) = known {
        return Ok(needs);
    }
    let needs = looked_at(cache, parts, target, jdk, tools)?;
    let note = serde_json::to_string(&needs).unwrap_or_default();
    let keeper = Keeper::new(cache, key, "needs of Java").and_then(|keeper| keeper.finish(&note));
    keeper.map_err(LanguageError::write("the cache"))?;
    Ok(needs)
}

fn looked_at(
    cache: &Cache,
    parts: &[Part],
    target: &Target,
    jdk: &Jdk,
    tools: Option<&Tools<'_>>,
) -> Result<Needs, Failure> {
    let dir = crate::tool::Workplace::new().map_err(LanguageError::write(std::env::temp_dir()))?;
    let mut scan = Scan::new(target, dir.path())?;
    parts.iter().try_for_each(|part| scan.part(part))?;
    let Scanned { classes, clues, newest, modules, names, natives, main, absent } = scan.finish()?;
    let mut all = clues.modules;
    all.extend(modules.iter().flat_map(|(_, module)| module.requires.iter().cloned()));
    if let Some(tools) = tools {
        all.extend(jdeps::modules(cache, tools, &classes)?);
    }
    let own = parts.first().and_then(|part| modules.iter().find(|(jar, _)| *jar == part.name));
    let start = own.and_then(|(_, module)| {
        let is_there = |name: &String| jdk.modules.contains(name) || names.contains(name);
        let main = module.main.as_ref().filter(|_| module.requires.iter().all(is_there))?;
        Some(format!("{}/{main}", module.name))
    });
    all.retain(|module| jdk.modules.contains(module));
    let newest = newest.map(|(release, jar, class)| (jar, class, release));
    Ok(Needs { modules: all, uses: clues.uses, newest, start, natives, main, absent })
}
