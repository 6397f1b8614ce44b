//! What packages would do when they are installed.

use super::super::manifest::Manifest;

/// The scripts that an installer runs, in its order.
const SCRIPTS: [&str; 3] = ["preinstall", "install", "postinstall"];
/// Programs that change nothing in a package.
const IDLE: [&str; 9] =
    ["", ":", "true", "exit", "echo", "husky", "only-allow", "opencollective", "opencollective-postinstall"];
/// Packages whose script asks for donations, or tells of versions.
const TALKERS: [&str; 8] = [
    "core-js",
    "core-js-bundle",
    "core-js-pure",
    "es5-ext",
    "nodemon",
    "preact",
    "protobufjs",
    "styled-components",
];

/// The first script that may do more than a package does without; none where there is none.
pub(super) fn of(manifest: &Manifest) -> Option<String> {
    if manifest.text("name").is_some_and(|name| TALKERS.contains(&name)) {
        return None;
    }
    let scripts = manifest.table("scripts");
    let all = SCRIPTS.iter().filter_map(|script| scripts.get(script));
    all.copied().find(|script| !is_idle(script)).map(shortened)
}

fn is_idle(script: &str) -> bool {
    let commands = script.split(['&', '|', ';']);
    let program = |command: &str| {
        let mut words =
            command.split_whitespace().skip_while(|word| matches!(*word, "npx" | "pnpx" | "-y" | "--yes"));
        words.next().unwrap_or_default().split('@').next().unwrap_or_default().to_owned()
    };
    commands.map(program).all(|program| IDLE.contains(&program.as_str()))
}

/// No message is longer for a script that is.
fn shortened(script: &str) -> String {
    match script.char_indices().nth(120) {
        Some((end, _)) => format!("{}…", &script[..end]),
        None => script.to_owned(),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail")]
mod tests {
    use super::*;

    #[test]
    fn scripts_that_matter() {
        for (manifest, expected) in [
            (r#"{}"#, None),
            (r#"{"scripts": {"test": "x", "prepare": "tsc"}}"#, None),
            (r#"{"scripts": {"install": "node install.js"}}"#, Some("node install.js")),
            (r#"{"scripts": {"preinstall": "exit 0", "postinstall": "node get"}}"#, Some("node get")),
            (r#"{"scripts": {"preinstall": "npx only-allow pnpm"}}"#, None),
            (r#"{"scripts": {"postinstall": "opencollective-postinstall || exit 0"}}"#, None),
            (r#"{"scripts": {"postinstall": "echo done && node get"}}"#, Some("echo done && node get")),
            (r#"{"name": "core-js", "scripts": {"postinstall": "node -e x"}}"#, None),
        ] {
            assert_eq!(of(&Manifest::parse(manifest.as_bytes()).unwrap()).as_deref(), expected, "{manifest}");
        }
        assert_eq!(shortened(&"ä".repeat(400)).chars().count(), 121);
    }
}
