//! `[python]`, `[node]`, `[java]`.

use super::{
    super::{
        Java, Modules, Node, Profile, Python, PythonDependencies, PythonSources, Runtime, Shed, Stdlib, raw,
    },
    payload::named_file,
    *,
};
use crate::nearest::nearest;

/// What dependencies of Python may be without.
const OF_PYTHON: &[Shed] = &[Shed::Stubs, Shed::Headers, Shed::StaticLibraries, Shed::Tests, Shed::Docs];
/// What dependencies of Node.js may be without.
const OF_NODE: &[Shed] = &[Shed::SourceMaps, Shed::Docs, Shed::Tests, Shed::Types];

/// The tables of the languages.
pub(super) struct Languages {
    pub python: Option<Python>,
    pub node: Option<Node>,
    pub java: Option<Java>,
}

impl Check<'_, '_> {
    /// Reads the tables. A profile that names a language stands for its table, and a table for its profile.
    pub(super) fn languages(
        &mut self,
        python: Option<At<raw::Python>>,
        node: Option<At<raw::Node>>,
        java: Option<At<raw::Java>>,
        runtime: &mut Runtime,
    ) -> Languages {
        let (profile, line) = (runtime.profile, runtime.line);
        let python = python.map(|table| self.python(table));
        let node = node.map(|table| self.node(table));
        let java = java.map(|table| self.java(table));
        let languages = Languages {
            python: python.or_else(|| (profile == Profile::Python).then(|| Python::at(line))),
            node: node.or_else(|| (profile == Profile::Node).then(|| Node::at(line))),
            java: java.or_else(|| (profile == Profile::Java).then(|| Java::at(line))),
        };
        if profile == Profile::Auto {
            runtime.profile = match &languages {
                Languages { python: Some(_), .. } => Profile::Python,
                Languages { node: Some(_), .. } => Profile::Node,
                Languages { java: Some(_), .. } => Profile::Java,
                _ => Profile::Auto,
            };
        }
        languages
    }

    fn python(&mut self, table: At<raw::Python>) -> Python {
        let default = Python::at(self.line(&table.span));
        let table = table.value;
        let ways = [
            ("requirements", table.requirements, PythonDependencies::Requirements as fn(String) -> _),
            ("project", table.project, PythonDependencies::Project),
            ("venv", table.venv, PythonDependencies::Venv),
        ];
        let mut dependencies = PythonDependencies::None;
        let mut first: Option<&str> = None;
        for (key, file, make) in ways {
            let Some(file) = file else { continue };
            if let Some(first) = first {
                let message = format!("dependencies come from one place, and here are `{first}` and `{key}`");
                self.conflict(&file.span, message);
                continue;
            }
            first = Some(key);
            if self.read(&file, named_file).is_some() {
                dependencies = make(file.value);
            }
        }
        Python {
            dependencies,
            stdlib: match table.stdlib.map(|stdlib| stdlib.value) {
                Some(raw::Stdlib::Full) => Stdlib::Full,
                Some(raw::Stdlib::Reachable) => Stdlib::Reachable,
                Some(raw::Stdlib::Pruned) | None => default.stdlib,
            },
            bytecode: table.bytecode.as_ref().map_or(default.bytecode, |bytecode| bytecode.value),
            sources: self.sources(table.sources, table.bytecode.as_ref()).unwrap_or(default.sources),
            shed: self.shed(table.shed, OF_PYTHON).unwrap_or(default.shed),
            line: default.line,
        }
    }

    /// Which sources enter: without bytecode, a program without sources is none.
    fn sources(
        &mut self,
        sources: Option<At<raw::Sources>>,
        bytecode: Option<&At<bool>>,
    ) -> Option<PythonSources> {
        let no_bytecode = bytecode.is_some_and(|bytecode| !bytecode.value);
        let Some(sources) = sources else { return no_bytecode.then_some(PythonSources::Keep) };
        if no_bytecode && sources.value != raw::Sources::Keep {
            let message = "without bytecode all sources are needed: write sources = \"keep\"";
            self.conflict(&sources.span, message.into());
        }
        Some(match sources.value {
            raw::Sources::Keep => PythonSources::Keep,
            raw::Sources::App => PythonSources::App,
            raw::Sources::Drop => PythonSources::Drop,
        })
    }

    fn node(&mut self, table: At<raw::Node>) -> Node {
        let default = Node::at(self.line(&table.span));
        let table = table.value;
        Node {
            project: table.project.and_then(|folder| self.read(&folder, named_file).map(|()| folder.value)),
            version: table.version.and_then(|version| self.read(&version, node_version)),
            strip: table.strip.map_or(default.strip, |strip| strip.value),
            shed: self.shed(table.shed, OF_NODE).unwrap_or(default.shed),
            line: default.line,
        }
    }

    fn java(&mut self, table: At<raw::Java>) -> Java {
        let default = Java::at(self.line(&table.span));
        let table = table.value;
        let jar = table.jar.and_then(|jar| {
            self.expanded(&jar, &jar.value)?;
            self.read(&jar, named_file).map(|()| jar.value)
        });
        Java { jar, modules: self.modules(table.modules).unwrap_or(default.modules), line: default.line }
    }

    fn modules(&mut self, modules: Option<At<raw::Modules>>) -> Option<Modules> {
        let At { value, span } = modules?;
        let names = match value {
            raw::Modules::Word(word) if word == "auto" => return Some(Modules::Auto),
            raw::Modules::Word(word) => {
                let wrong = Wrong::new(format!("{} is not `auto`", shown(&word)));
                self.bad(
                    &span,
                    wrong.help(format!("names of modules stand in an array: [{}]", toml_text(&word))),
                );
                return None;
            }
            raw::Modules::Names(names) => names,
        };
        let good = |name: &String| {
            let part = |part: &str| {
                part.starts_with(|letter: char| letter.is_ascii_alphabetic() || letter == '_')
                    && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
            };
            name.split('.').all(part)
        };
        if let Some(name) = names.iter().find(|name| !good(name)) {
            let wrong = Wrong::new(format!("{} is no name of a module", shown(name)));
            self.bad(&span, wrong.help("they are written as \"java.base\""));
            return None;
        }
        if names.is_empty() {
            let wrong = Wrong::new("`modules` is empty");
            self.bad(&span, wrong.help("leave it out to have those that the jar needs"));
            return None;
        }
        Some(Modules::Named(names))
    }

    fn shed(&mut self, list: Option<List>, known: &[Shed]) -> Option<Vec<Shed>> {
        let list = list?;
        let mut out = vec![];
        for text in list.value {
            let found = self.read(&text, |text| {
                let found = known.iter().find(|shed| shed.name() == text);
                found.copied().ok_or_else(|| unknown(text, known))
            });
            out.extend(found);
        }
        out.sort();
        out.dedup();
        Some(out)
    }
}

fn unknown(text: &str, known: &[Shed]) -> Wrong {
    let wrong = Wrong::new(format!("{} is nothing that can be left out", shown(text)));
    match nearest(text, known.iter().map(|shed| shed.name())) {
        Some(near) => wrong.help(format!("did you mean {}?", toml_text(near))),
        None => {
            let names: Vec<String> = known.iter().map(|shed| format!("`{}`", shed.name())).collect();
            wrong.help(format!("known are {}", names.join(", ")))
        }
    }
}

/// A version of Node.js: `22`, `22.11` or `22.11.0`.
fn node_version(text: &str) -> Result<String, Wrong> {
    let parts: Vec<&str> = text.split('.').collect();
    let is_number =
        |part: &&str| !part.is_empty() && part.len() <= 5 && part.bytes().all(|byte| byte.is_ascii_digit());
    if (1..=3).contains(&parts.len()) && parts.iter().all(is_number) {
        return Ok(text.into());
    }
    let wrong = Wrong::new(format!("{} is no version of Node.js", shown(text)));
    Err(wrong.help("write \"22\" for the newest of 22, or all of it, as \"22.11.0\""))
}
