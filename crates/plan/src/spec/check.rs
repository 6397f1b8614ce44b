//! The second look at a document: what its values mean. Every check is made, whatever came before.

mod archive;
mod config;
mod image;
mod languages;
mod payload;
mod runtime;

use super::{
    BaseRef, FORMAT, Layers, Limits, Line, Platform, Policy, RuntimeSource, Spec,
    error::{Problems, SpecErrorCode, Wrong, shown, toml_text},
    raw::{At, Document, List, Text, Texts},
};
use crate::expand::VARIABLES;
use std::{collections::BTreeMap, ops::Range};
use tree::TreePath;

/// Reads the meaning of a document. What is wrong goes to `problems`, and has no place in the spec.
pub(super) fn check(document: Document, problems: &mut Problems<'_>) -> Spec {
    let mut check = Check { problems, platforms: vec![] };
    let Document { format, name, tags, platforms, base, config, runtime, .. } = document;
    let Document { files, dirs, links, users, layers, limits, policy, .. } = document;
    let platforms = check.platforms(platforms);
    check.platforms = platforms.clone();
    let base = base.and_then(|text| {
        check.image_reference(&text, &text.value)?;
        Some(BaseRef { line: check.line(&text.span), reference: text.value })
    });
    let mut runtime = check.runtime(runtime);
    let languages = check.languages(document.python, document.node, document.java, &mut runtime);
    if let Some(first) = document.repositories.as_ref().and_then(|all| all.first())
        && !matches!(runtime.source, RuntimeSource::Archive(_))
    {
        let message = "[[repositories]] stand beside a source such as \"debian:bookworm\"";
        check.conflict(&first.span, message.into());
    }
    Spec {
        format: check.format(format),
        name: check.name(name),
        tags: check.tags(tags),
        platforms,
        base,
        config: check.config(config),
        runtime,
        repositories: check.repositories(document.repositories),
        users: check.users(users),
        layers: layers.map_or(Spec::default().layers, |layers| check.layers(layers.value)),
        limits: limits.map_or_else(Limits::default, |limits| check.limits(limits)),
        policy: policy.map_or_else(Policy::default, |policy| check.policy(policy.value)),
        python: languages.python,
        node: languages.node,
        java: languages.java,
        ..check.payload(files, dirs, links)
    }
}

struct Check<'p, 'a> {
    problems: &'p mut Problems<'a>,
    /// The platforms of the spec: each has its own values for variables.
    platforms: Vec<Platform>,
}

impl Check<'_, '_> {
    fn line(&self, span: &Range<usize>) -> Line {
        self.problems.line(span)
    }

    fn bad(&mut self, span: &Range<usize>, wrong: Wrong) {
        self.problems.add(span, SpecErrorCode::BadValue, wrong);
    }

    fn conflict(&mut self, span: &Range<usize>, message: String) {
        self.problems.add(span, SpecErrorCode::Conflict, Wrong::new(message));
    }

    /// The value, unless `read` finds it wrong.
    fn read<T>(&mut self, text: &Text, read: impl FnOnce(&str) -> Result<T, Wrong>) -> Option<T> {
        match read(&text.value) {
            Ok(value) => Some(value),
            Err(wrong) => {
                self.bad(&text.span, wrong);
                None
            }
        }
    }

    /// The texts of an array, none of which may hold a NUL.
    fn texts(&mut self, list: Option<List>) -> Vec<String> {
        let list = list.map(|list| list.value).unwrap_or_default();
        list.into_iter().filter_map(|text| self.read(&text, without_nul).map(|()| text.value)).collect()
    }

    /// The pairs of a table whose names and values go into the image config.
    fn pairs(
        &mut self,
        pairs: Option<Texts>,
        check_name: fn(&str) -> Result<(), Wrong>,
    ) -> BTreeMap<String, String> {
        let mut out = BTreeMap::new();
        for (name, value) in pairs.map(|pairs| pairs.value).unwrap_or_default() {
            let good = (self.read(&name, check_name), self.read(&value, without_nul));
            if let (Some(()), Some(())) = good {
                out.insert(name.value, value.value);
            }
        }
        out
    }

    /// An absolute path, as short as it can be written; a slash at its end says nothing.
    fn absolute(&mut self, text: &Text) -> Option<TreePath> {
        self.read(text, |text| {
            not_expanded(text)?;
            absolute(text)
        })
    }
}

/// Reads an absolute path that is written without detours.
fn absolute(text: &str) -> Result<TreePath, Wrong> {
    if !text.starts_with('/') {
        let rooted = TreePath::parse(&format!("/{text}"));
        let wrong = Wrong::new(format!("{} is no absolute path", shown(text)));
        return Err(match rooted {
            Ok(path) if !path.is_root() => wrong.help(format!("write {}", toml_text(path.as_str()))),
            _ => wrong.help("paths of the image begin with `/`"),
        });
    }
    let path = TreePath::parse(text).map_err(|error| Wrong::new(error.to_string()))?;
    if text == "/" || text.strip_suffix('/').unwrap_or(text) == path.as_str() {
        return Ok(path);
    }
    let slash = if text.ends_with('/') && !path.is_root() { "/" } else { "" };
    Err(Wrong::new(format!("{} is not written in the shortest way", shown(text)))
        .help(format!("write {}", toml_text(&format!("{path}{slash}")))))
}

/// Refuses a variable where none is expanded.
fn not_expanded(text: &str) -> Result<(), Wrong> {
    let name = VARIABLES.into_iter().find(|name| text.contains(&format!("${{{name}}}")));
    match name {
        None => Ok(()),
        Some(name) => Err(Wrong::new(format!("`${{{name}}}` is not expanded here")).help(
            "variables are expanded in `base`, in `from` and `to` of [[files]] and in `source` of [runtime]",
        )),
    }
}

fn without_nul(text: &str) -> Result<(), Wrong> {
    if text.contains('\0') { Err(Wrong::new(format!("{} holds a NUL byte", shown(text)))) } else { Ok(()) }
}
