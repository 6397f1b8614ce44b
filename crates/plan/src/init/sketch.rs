//! A spec that is being sketched, and its text.

use super::{Language, Recognised, dockerfile::Dockerfile, project::Project, secrets};
use crate::spec::{toml_list, toml_text};
use std::collections::BTreeMap;

/// Variables of a Dockerfile that are about building it, or that bantam sets better.
const NOT_TAKEN: &[&str] = &[
    "PATH",
    "DEBIAN_FRONTEND",
    "PIP_",
    "POETRY_",
    "UV_",
    "CGO_ENABLED",
    "GOOS",
    "GOARCH",
    "GOPATH",
    "CARGO_",
    "RUSTUP_",
    "NPM_CONFIG_",
    "npm_config_",
    "PNPM_HOME",
    "YARN_",
    "JAVA_HOME",
    "LD_LIBRARY_PATH",
    "VIRTUAL_ENV",
    "HOME",
    "NODE_VERSION",
    "PYTHON_VERSION",
    "PYTHONDONTWRITEBYTECODE",
    "SSL_CERT_FILE",
];

/// What a spec will say.
pub(super) struct Sketch {
    pub language: Language,
    pub what: String,
    pub evidence: String,
    /// Is it known how it starts? Else it is guessed.
    pub is_sure: bool,
    pub entrypoint: Vec<String>,
    pub cmd: Vec<String>,
    pub env: BTreeMap<String, String>,
    pub workdir: Option<&'static str>,
    pub port: Option<Port>,
    /// Lines of `[runtime]`, each a key, a value as TOML has it, and why.
    pub runtime: Vec<Row>,
    /// The table of a language: its name and lines.
    pub table: Option<(&'static str, Vec<Row>)>,
    pub files: Vec<Files>,
    pub before: Vec<String>,
    pub notes: Vec<String>,
}

/// A port that the program listens at, and where that is from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Port {
    pub number: u16,
    pub from: String,
}

/// A line of a table: the key, the value as TOML has it, and why it is so.
pub(super) struct Row {
    pub key: &'static str,
    value: String,
    why: String,
}

/// A part of the payload.
#[derive(Default)]
pub(super) struct Files {
    pub from: String,
    pub to: String,
    pub exclude: Vec<String>,
    pub ignore_file: Option<&'static str>,
    pub why: String,
}

impl Row {
    /// A text, and why.
    pub fn text(key: &'static str, value: &str, why: impl Into<String>) -> Self {
        Row { key, value: toml_text(value), why: why.into() }
    }
}

impl Files {
    /// A file or directory, and where it goes.
    pub fn new(from: impl Into<String>, to: impl Into<String>) -> Self {
        Files { from: from.into(), to: to.into(), ..Files::default() }
    }
}

impl Sketch {
    /// One that says nothing yet.
    pub fn new(language: Language, what: impl Into<String>, evidence: impl Into<String>) -> Self {
        Sketch {
            language,
            what: what.into(),
            evidence: evidence.into(),
            is_sure: true,
            entrypoint: vec![],
            cmd: vec![],
            env: BTreeMap::new(),
            workdir: None,
            port: None,
            runtime: vec![],
            table: None,
            files: vec![],
            before: vec![],
            notes: vec![],
        }
    }

    /// Takes the runtime from the release that this machine is of, if there is one.
    pub fn source(&mut self, release: Option<&str>) {
        if let Some(release) = release {
            self.runtime.push(Row::text("source", release, "the release of this machine"));
        }
    }

    /// Takes the process's arguments, and what else the program is told, from a Dockerfile that starts the program of
    /// this name.
    pub fn heed(&mut self, dockerfile: &Dockerfile, program: &str) {
        let Some((first, rest)) = dockerfile.command().split_first().map(|(a, b)| (a.clone(), b.to_vec()))
        else {
            return;
        };
        if super::project::name_of(&first) != program {
            return;
        }
        match dockerfile.entrypoint.split_first() {
            Some((_, arguments)) => {
                self.entrypoint.extend(arguments.iter().cloned());
                self.cmd = dockerfile.cmd.clone();
            }
            None => self.entrypoint.extend(rest),
        }
    }

    /// The project as it is told.
    pub fn finish(mut self, project: &Project, dockerfile: &Dockerfile) -> Recognised {
        for files in &mut self.files {
            secrets::leave_out(project, files);
        }
        if let Some(number) = dockerfile.ports.first() {
            self.port = Some(Port { number: *number, from: "EXPOSE of the Dockerfile".into() });
        }
        for (name, value) in &dockerfile.env {
            if !NOT_TAKEN
                .iter()
                .any(|not| name.strip_prefix(not).is_some_and(|rest| rest.is_empty() || not.ends_with('_')))
            {
                self.env.entry(name.clone()).or_insert_with(|| value.clone());
            }
        }
        let spec = self.text();
        let Sketch { language, what, evidence, before, notes, .. } = self;
        Recognised { language, what, evidence, spec, before, notes }
    }

    fn text(&self) -> String {
        let mut out = format!("# {}, by {}.\n", capital(&self.what), one_line(&self.evidence));
        out.push_str(
            "# name = \"registry.example.com/team/image\"  # where `bantam build --push` brings it\n",
        );
        let mut config = vec![];
        if !self.entrypoint.is_empty() {
            config.push(Row { key: "entrypoint", value: toml_list(&self.entrypoint), why: String::new() });
        }
        if !self.cmd.is_empty() {
            config.push(Row { key: "cmd", value: toml_list(&self.cmd), why: String::new() });
        }
        if !self.env.is_empty() {
            let variables: Vec<String> = self
                .env
                .iter()
                .map(|(name, value)| format!("{} = {}", key(name), toml_text(value)))
                .collect();
            let value = format!("{{ {} }}", variables.join(", "));
            config.push(Row { key: "env", value, why: String::new() });
        }
        if let Some(workdir) = self.workdir {
            config.push(Row::text("workdir", workdir, ""));
        }
        if let Some(Port { number, from }) = &self.port {
            config.push(Row { key: "ports", value: toml_list(&[number.to_string()]), why: from.clone() });
        }
        table(&mut out, "[config]", &config, false);
        table(&mut out, "[runtime]", &self.runtime, false);
        if let Some((name, rows)) = &self.table {
            table(&mut out, &format!("[{name}]"), rows, true);
        }
        for files in &self.files {
            let mut rows =
                vec![Row::text("from", &files.from, files.why.as_str()), Row::text("to", &files.to, "")];
            if !files.exclude.is_empty() {
                rows.push(Row { key: "exclude", value: toml_list(&files.exclude), why: String::new() });
            }
            if let Some(file) = files.ignore_file {
                rows.push(Row::text("ignore-file", file, ""));
            }
            table(&mut out, "[[files]]", &rows, true);
        }
        out
    }
}

fn table(out: &mut String, header: &str, rows: &[Row], even_empty: bool) {
    if rows.is_empty() && !even_empty {
        return;
    }
    out.push_str(&format!("\n{header}\n"));
    for Row { key, value, why } in rows {
        out.push_str(&format!("{key} = {value}"));
        if !why.is_empty() {
            out.push_str(&format!("  # {}", one_line(why)));
        }
        out.push('\n');
    }
}

/// A key as TOML has it: in quotes unless it is plain.
fn key(name: &str) -> String {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-');
    if !name.is_empty() && name.chars().all(plain) { name.into() } else { toml_text(name) }
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// Text of others for a comment, which ends with its line.
fn one_line(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect()
}
