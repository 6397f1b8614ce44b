//! What a GitHub Actions job wants to be told.

use crate::{receipts, show};
use bantam::Built;
use std::{env, fs::OpenOptions, io::Write, path::PathBuf};

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

/// An annotation, at a line of a file where there is one.
pub fn annotation(level: &str, file: Option<&str>, line: usize, text: &str) -> String {
    let escape = |text: &str| text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A");
    let property = |text: &str| escape(text).replace(':', "%3A").replace(',', "%2C");
    let place = match (file, line) {
        (None, _) => String::new(),
        (Some(file), 0) => format!(" file={}", property(file)),
        (Some(file), line) => format!(" file={},line={line}", property(file)),
    };
    format!("::{level}{place}::{}", escape(text))
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
mod tests {
    use super::annotation;

    #[test]
    fn annotations_escape_what_would_end_them() {
        assert_eq!(
            annotation("error", Some("a:b.toml"), 3, "50 %\nof it"),
            "::error file=a%3Ab.toml,line=3::50 %25%0Aof it"
        );
        assert_eq!(annotation("warning", Some("x"), 0, "y"), "::warning file=x::y");
        assert_eq!(annotation("error", None, 0, "y"), "::error::y");
    }
}
