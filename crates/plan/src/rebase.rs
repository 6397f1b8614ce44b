//! An image on another base than it was built upon: would it start there?

use crate::{
    accounts::Accounts,
    base::{Base, BaseConfig, Merged, merge, unmerge},
    draft::Draft,
    error::PlanError,
    finding::{Finding, Problem, Severity},
    gather::{Gather, Scope},
    plan::{Memo, Plan, finish, program_of, take_program},
    process,
    proof::Proof,
    spec::{Config, Platform, Spec},
};
use std::collections::BTreeMap;
use tree::{Tree, TreePath};

/// An image whose own layers are to lie upon a base.
pub struct Rebase<'a> {
    /// The base that it was built upon.
    pub old: &'a BaseConfig,
    /// What a container of the image sees upon that: its users are those that the configs name.
    pub old_tree: &'a Tree,
    /// The base that it is to lie upon.
    pub base: &'a Base,
    /// The config that it has.
    pub image: &'a BaseConfig,
    /// What a container will see.
    pub tree: &'a Tree,
    /// The layer that each path is from, from 0 at the bottom of the base.
    pub layers: &'a BTreeMap<TreePath, usize>,
    /// How many of them are the base's.
    pub base_layers: usize,
    /// What the history says of each of the image's own layers.
    pub history: &'a [String],
}

/// Judges an image upon another base: its layers are as they are, its config is merged anew. The plan has no layers.
///
/// # Errors
/// Only when something cannot be read; what is wrong with the image is in [`Plan::findings`].
pub fn rebase(image: &Rebase<'_>, platform: Platform, memo: &Memo) -> Result<Plan, PlanError> {
    let machine = platform.architecture.machine().ok_or(PlanError::Machine(platform))?;
    let mut draft = Draft::stacked(image.base, image.tree, |path| {
        let layer = image.layers.get(path)?.checked_sub(image.base_layers)?;
        let created_by = image.history.get(layer).cloned().unwrap_or_default();
        Some((image.base_layers + layer + 1, created_by))
    });
    let accounts = Accounts::of(image.tree)?;
    let own = unmerge(image.image, image.old, &Accounts::of(image.old_tree)?);
    let Merged { config, env_order } = merge(&own, &image.base.config, &accounts);
    let spec = Spec { config, ..Spec::default() };
    let config = &spec.config;
    let process = process::decide(config, &[], &accounts, &env_order, &mut draft);
    let library_path = config.env.get("LD_LIBRARY_PATH").map_or("", String::as_str);
    let library_path = process::library_path(library_path, &config.workdir());
    let scope = Scope {
        machine: &machine,
        facts: memo.facts(),
        library_path: &library_path,
        path: process::path_of(config),
    };
    take_reached(&mut draft, scope, config)?;
    let program = program_of(&draft, config)?;
    let proof =
        Proof { scope, allow: &[], process: &process, program: program.as_ref(), is_glibc_source: false };
    let loaded = proof.run(&mut draft)?;
    process::check(&mut draft, config, &process, &loaded)?;
    let plan = finish(draft, &spec, platform, process, vec![]);
    Ok(Plan { config: spec.config, base: Some(image.base.pin), layers: vec![], ..plan })
}

impl Plan {
    /// Makes warnings of what was wrong with the image before, upon its old base: that is no reason to stay there. An
    /// error that something else of the image's own has now is a new one. A user that nobody knows stays an error: the
    /// image would be run by another.
    pub fn forgive(&mut self, before: &Plan) {
        let Plan { findings, reasons, .. } = self;
        let may_stay = |finding: &&mut Finding| {
            finding.severity == Severity::Error && !matches!(finding.problem, Problem::UnknownUser { .. })
        };
        for finding in findings.iter_mut().filter(may_stay) {
            let known: Vec<&Problem> =
                before.findings.iter().filter(|old| is_same(old, finding)).map(|old| &old.problem).collect();
            let had = |path: &TreePath| known.iter().any(|problem| problem.needed_by().contains(path));
            let mut own = finding.problem.needed_by().iter().filter(|path| !reasons.are_of_base(path));
            if !known.is_empty() && own.all(had) {
                finding.severity = Severity::Warning;
            }
        }
    }
}

/// Notes what the image's own files and its program reach of the base: that must start as they must.
fn take_reached(draft: &mut Draft, scope: Scope<'_>, config: &Config) -> Result<(), PlanError> {
    let nothing = Tree::new();
    let mut gather = Gather::new(draft, &nothing, scope);
    take_program(&mut gather, config)?;
    gather.run()
}

fn is_same(old: &Finding, new: &Finding) -> bool {
    old.severity == Severity::Error
        && old.problem.code() == new.problem.code()
        && old.problem.identity() == new.problem.identity()
}
