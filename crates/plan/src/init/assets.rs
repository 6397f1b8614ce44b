//! Files that a compiled program reads from its folder while it runs.

use super::{project::Project, sketch::Files};

/// Folders with such files, by their usual names.
const FOLDERS: &[&str] = &[
    "assets",
    "conf",
    "config",
    "data",
    "etc",
    "locales",
    "migrations",
    "public",
    "resources",
    "share",
    "static",
    "templates",
    "views",
    "web",
];

/// The folders that sources name by a path, unless they are compiled into the program.
pub(super) fn of(project: &Project, sources: &[(&str, &str)]) -> Vec<Files> {
    let named = |folder: &str| {
        let starts = ['"', '\'', '`'].map(|quote| [format!("{quote}{folder}"), format!("{quote}./{folder}")]);
        let in_text = |text: &str| {
            starts.iter().flatten().any(|start| {
                text.match_indices(start.as_str()).any(|(at, _)| {
                    let rest = text.get(at + start.len()..).unwrap_or_default();
                    rest.starts_with(['/', '"', '\'', '`'])
                })
            })
        };
        sources.iter().find(|(_, text)| in_text(text) && !is_compiled_in(text, folder)).map(|(path, _)| *path)
    };
    let files = FOLDERS.iter().filter(|folder| project.has_dir(folder)).filter_map(|folder| {
        let why = format!("{} reads it", named(folder)?);
        Some(Files { why, ..Files::new(format!("{folder}/"), format!("/app/{folder}/")) })
    });
    files.collect()
}

/// Does the source take the folder into the program when it is compiled?
fn is_compiled_in(text: &str, folder: &str) -> bool {
    const WORDS: &[&str] = &[
        "#include",
        "#embed",
        "go:embed",
        "include_str!",
        "include_bytes!",
        "include_dir!",
        "RustEmbed",
        "migrate!",
        "folder =",
    ];
    text.lines().any(|line| line.contains(folder) && WORDS.iter().any(|word| line.contains(word)))
}
