//! How an application starts, where the spec does not say.

use super::manifest::Manifest;
use tree::{Tree, TreePath};

/// The process that `package.json` names, if the payload has its file: `scripts.start` where that is `node FILE`, else
/// `main`. Both are full paths, so that it starts in any working directory.
pub(super) fn entrypoint(
    manifest: &Manifest,
    home: &TreePath,
    payload: &Tree,
    node: &TreePath,
) -> Vec<String> {
    let start = manifest.table("scripts").get("start").and_then(|start| of_script(start));
    let main = manifest.text("main").map(ToOwned::to_owned);
    let file = |name: String| {
        let path = home.join(&name).ok().filter(|path| path.is_within(home))?;
        let found = [path.to_string(), format!("{path}.js")].into_iter().find(|path| {
            let path = TreePath::parse(path).ok();
            path.and_then(|path| payload.get(&path)?.content().map(|_| ())).is_some()
        })?;
        Some(vec![node.to_string(), found])
    };
    start.into_iter().chain(main).find_map(file).unwrap_or_default()
}

/// The file of `node FILE`; none for any other command.
fn of_script(start: &str) -> Option<String> {
    let mut words = start.split_whitespace();
    let (program, file, more) = (words.next()?, words.next()?, words.next());
    let is_plain =
        !file.contains(['"', '\'', '$', '`', '&', '|', ';', '<', '>', '*']) && !file.starts_with('-');
    (program == "node" && more.is_none() && is_plain).then(|| file.to_owned())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail")]
mod tests {
    use super::*;
    use tree::{Content, Entry};

    #[test]
    fn manifests_name_the_process() {
        let path = |text: &str| TreePath::parse(text).unwrap();
        let payload: Tree = ["/app/server.js", "/app/lib/index.js", "/srv/other.js"]
            .iter()
            .map(|name| (path(name), Entry::file(Content::bytes("", "the test"), 0o644)))
            .collect();
        for (manifest, expected) in [
            (r#"{"scripts": {"start": "node server.js"}}"#, Some("/app/server.js")),
            (r#"{"scripts": {"start": "node ./server"}, "main": "lib/index.js"}"#, Some("/app/server.js")),
            (r#"{"scripts": {"start": "next start"}, "main": "lib/index.js"}"#, Some("/app/lib/index.js")),
            (r#"{"scripts": {"start": "node --inspect server.js"}}"#, None),
            (r#"{"scripts": {"start": "node server.js && rm -r x"}}"#, None),
            (r#"{"main": "gone.js"}"#, None),
            (r#"{"main": "../srv/other.js"}"#, None),
            ("{}", None),
        ] {
            let manifest = Manifest::parse(manifest.as_bytes()).unwrap();
            let found = entrypoint(&manifest, &path("/app"), &payload, &path("/usr/local/bin/node"));
            let expected = expected.map(|file| vec!["/usr/local/bin/node".to_owned(), file.to_owned()]);
            assert_eq!(found, expected.unwrap_or_default(), "{manifest:?}");
        }
    }
}
