//! What a GitHub Actions job wants to be told.

use crate::{receipts, show};
use bantam::Built;
use std::{
    env,
    fs::OpenOptions,
    io::Write,
    path::{self, Path, PathBuf},
};

/// Are we in such a job?
pub fn is_here() -> bool {
    env::var("GITHUB_ACTIONS").is_ok_and(|value| value == "true")
}

/// Fills the outputs and the summary of the step; what cannot be written is told, and stops nothing.
pub fn report(built: &[Built]) {
    if !is_here() {
        return;
    }
    append("GITHUB_OUTPUT", &outputs(built));
    append("GITHUB_STEP_SUMMARY", &show::summary::markdown(built));
}

/// Something to show beside the lines of a change.
#[derive(Debug, Default)]
pub struct Annotation<'a> {
    /// `error`, `warning` or `notice`.
    pub level: &'a str,
    /// A short heading.
    pub title: &'a str,
    /// The file as it was named; empty for none.
    pub file: &'a str,
    /// Its line, from 1; 0 for none.
    pub line: usize,
    /// The column in characters, from 1; 0 for none.
    pub column: usize,
    /// What there is to say; it may have several lines.
    pub text: &'a str,
}

impl Annotation<'_> {
    /// Prints the annotation, in such a job; elsewhere nothing.
    pub fn print(&self) {
        if is_here() {
            let workspace = env::var_os("GITHUB_WORKSPACE").map(PathBuf::from);
            show::stderr(&self.command(workspace.as_deref()));
        }
    }

    /// The workflow command. Files are seen from the workspace: the job may run below it.
    fn command(&self, workspace: Option<&Path>) -> String {
        let escape = |text: &str| text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A");
        let property = |text: &str| escape(text).replace(':', "%3A").replace(',', "%2C");
        let whole = path::absolute(self.file).ok();
        let below = workspace.and_then(|workspace| whole.as_ref()?.strip_prefix(workspace).ok()?.to_str());
        let file = if self.file.is_empty() { "" } else { below.unwrap_or(self.file) };
        let number = |number: usize| if number > 0 { number.to_string() } else { String::new() };
        let properties: Vec<String> = [
            ("file", file.to_owned()),
            ("line", number(self.line)),
            ("col", number(self.column)),
            ("title", self.title.to_owned()),
        ]
        .iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| format!("{name}={}", property(value)))
        .collect();
        let space = if properties.is_empty() { "" } else { " " };
        format!("::{}{space}{}::{}", self.level, properties.join(","), escape(self.text))
    }
}

fn outputs(built: &[Built]) -> String {
    let join = |line: fn(&Built) -> String| built.iter().map(line).collect::<Vec<_>>().join("\n");
    let metadata = serde_json::to_string(&receipts::metadata(built)).unwrap_or_default();
    let mut text = String::new();
    for (name, value) in [
        ("digest", join(receipts::digest)),
        ("imageid", join(receipts::image_id)),
        ("image", join(Built::reference)),
        ("tags", join(|built| built.names.join("\n"))),
        ("metadata", metadata),
    ] {
        // The delimiter cannot occur: no value has a line of that form.
        text.push_str(&format!("{name}<<_bantam_{name}_\n{value}\n_bantam_{name}_\n"));
    }
    text
}

fn append(variable: &str, text: &str) {
    let Some(path) = env::var_os(variable).filter(|path| !path.is_empty()).map(PathBuf::from) else { return };
    let file = OpenOptions::new().append(true).create(true).open(&path);
    if let Err(error) = file.and_then(|mut file| file.write_all(text.as_bytes())) {
        show::stderr(&format!("notice: cannot write {}: {error}", path.display()));
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::Annotation;
    use std::path;

    #[test]
    fn annotations_escape_what_would_end_them() {
        let odd = Annotation {
            level: "error",
            title: "B0101: a, b",
            file: "a:b.toml",
            line: 3,
            text: "50 %\nof it: a, b",
            ..Annotation::default()
        };
        let want = "::error file=a%3Ab.toml,line=3,title=B0101%3A a%2C b::50 %25%0Aof it: a, b";
        assert_eq!(odd.command(None), want);
        let place = Annotation { level: "warning", file: "x", line: 2, column: 5, text: "y", ..odd };
        assert_eq!(place.command(None), "::warning file=x,line=2,col=5,title=B0101%3A a%2C b::y");
        let bare = Annotation { level: "notice", text: "y", ..Annotation::default() };
        assert_eq!(bare.command(None), "::notice::y");
    }

    #[test]
    fn files_are_seen_from_the_workspace() {
        let here = path::absolute(".").unwrap();
        let own = Annotation { level: "error", file: "specs/a.toml", text: "y", ..Annotation::default() };
        let want = format!("::error file={}/specs/a.toml::y", here.file_name().unwrap().to_str().unwrap());
        assert_eq!(own.command(here.parent()), want);
        assert_eq!(own.command(Some("/elsewhere".as_ref())), "::error file=specs/a.toml::y");
        assert_eq!(Annotation { file: "", ..own }.command(here.parent()), "::error::y");
    }
}
