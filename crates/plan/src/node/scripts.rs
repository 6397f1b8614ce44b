//! The scripts of a `package.json`: from `npm start` to what it starts.

use super::Command;
use crate::spec::{command_words, shell_syntax};
use serde_json::Value;
use tree::TreePath;

/// Programs that start what a `package.json` says.
const PACKAGE_MANAGERS: &[&str] = &["npm", "npx", "yarn", "yarnpkg", "pnpm", "pnpx", "corepack"];

/// Their options that name another folder or package.
const ELSEWHERE: &[&str] = &["-w", "--workspace", "--prefix", "-C", "--dir", "--cwd", "-F", "--filter"];

/// How many scripts lead to one another at most.
const STEPS: usize = 4;

/// The manifests of a project.
pub(crate) trait Manifests {
    /// That of a folder; the project's own has no name.
    fn of(&self, folder: &str) -> Option<Value>;

    /// The folder of the package of this name.
    fn named(&self, name: &str) -> Option<String>;
}

/// Does a program of this name start what a `package.json` says?
pub(crate) fn is_package_manager(program: &str) -> bool {
    PACKAGE_MANAGERS.contains(&program.rsplit('/').next().unwrap_or(program))
}

/// The command that a script of a folder's manifest leads to, started at the top of the project; none where that is not
/// `node` with a file.
pub(crate) fn of_script(manifests: &dyn Manifests, folder: &str, script: &str) -> Option<Command> {
    script_of(manifests, folder, script, STEPS)
}

/// The command that the words of another lead to, as [`of_script`].
pub(crate) fn follow(manifests: &dyn Manifests, words: &[String]) -> Option<Command> {
    lead(manifests, "", words, STEPS)
}

fn script_of(manifests: &dyn Manifests, folder: &str, script: &str, steps: usize) -> Option<Command> {
    let manifest = manifests.of(folder)?;
    let text = manifest.get("scripts")?.get(script)?.as_str()?;
    let mut folder = folder.to_owned();
    let mut commands = text.split("&&").map(str::trim).peekable();
    // What is before the last builds, or looks whether it is built.
    while let Some(command) = commands.next() {
        if shell_syntax(command).is_some() && commands.peek().is_none() {
            return None;
        }
        let words = command_words(command)?;
        match &words[..] {
            [cd, into] if cd == "cd" => folder = join(&folder, into)?,
            words if commands.peek().is_none() => {
                return lead(manifests, &folder, words, steps.checked_sub(1)?);
            }
            _ => {}
        }
    }
    None
}

fn lead(manifests: &dyn Manifests, folder: &str, words: &[String], steps: usize) -> Option<Command> {
    let Some(run) = Run::parse(words) else {
        return Some(Command::parse(words)?.within(folder));
    };
    let folder = match &run.place {
        None => folder.to_owned(),
        Some(place) => match join(folder, place).filter(|folder| manifests.of(folder).is_some()) {
            Some(folder) => folder,
            None => manifests.named(place)?,
        },
    };
    let mut command = script_of(manifests, &folder, &run.script, steps)?;
    command.arguments.extend(run.arguments);
    Some(command)
}

/// What a package manager is told to run.
struct Run {
    script: String,
    /// The folder or package whose script it is.
    place: Option<String>,
    arguments: Vec<String>,
}

impl Run {
    /// Reads the words of a command; none where it runs no script.
    fn parse(words: &[String]) -> Option<Self> {
        let (program, rest) = words.split_first()?;
        let program = program.rsplit('/').next().filter(|name| is_package_manager(name))?;
        let mut rest = rest.iter();
        let (mut script, mut place, mut is_run) = (None, None, false);
        while let Some(word) = rest.next() {
            let (name, value) = word.split_once('=').map_or((word.as_str(), None), |(a, b)| (a, Some(b)));
            match word.as_str() {
                "--" => break,
                _ if ELSEWHERE.contains(&name) => place = value.or_else(|| rest.next().map(String::as_str)),
                _ if word.starts_with('-') => {}
                "run" | "run-script" if script.is_none() && !is_run => is_run = true,
                "workspace" if script.is_none() && program == "yarn" => {
                    place = rest.next().map(String::as_str);
                }
                // Of npm, only a few scripts are run without `run`.
                other if is_run || other == "start" || ["yarn", "pnpm"].contains(&program) => {
                    script = Some(other.to_owned());
                    break;
                }
                _ => return None,
            }
        }
        let mut arguments: Vec<String> = vec![];
        while let Some(word) = rest.next() {
            let (name, value) = word.split_once('=').map_or((word.as_str(), None), |(a, b)| (a, Some(b)));
            match word.as_str() {
                "--" => arguments.extend(rest.by_ref().cloned()),
                _ if program == "npm" && ELSEWHERE.contains(&name) => {
                    place = value.or_else(|| rest.next().map(String::as_str));
                }
                _ => arguments.push(word.clone()),
            }
        }
        Some(Run { script: script?, place: place.map(ToOwned::to_owned), arguments })
    }
}

/// A folder seen from another; none where that is outside.
fn join(folder: &str, path: &str) -> Option<String> {
    let path = Some(path).filter(|path| !path.starts_with('/'))?;
    let at = TreePath::root().join(folder).and_then(|folder| folder.join(path)).ok()?;
    Some(at.relative().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    struct Fixed(BTreeMap<&'static str, &'static str>);

    impl Manifests for Fixed {
        fn of(&self, folder: &str) -> Option<Value> {
            serde_json::from_str(self.0.get(folder)?).ok()
        }

        fn named(&self, name: &str) -> Option<String> {
            let is_it =
                |folder: &&&str| self.of(folder).is_some_and(|it| it.get("name") == Some(&name.into()));
            self.0.keys().find(is_it).map(|folder| (*folder).to_owned())
        }
    }

    #[test]
    fn scripts_lead_to_what_they_start() {
        let api = r#"{"name": "@acme/api", "scripts": {"start": "npm run serve -- --port 80", "serve": "A=1 node src"}}"#;
        let found = |start: &str| {
            let start = serde_json::json!({"scripts": {"start": start, "loop": "npm run loop"}}).to_string();
            let manifests = Fixed(BTreeMap::from([("", &*start.leak()), ("apps/api", api)]));
            of_script(&manifests, "", "start").map(|command| command.words().join(" "))
        };
        let api = Some("node apps/api/src --port 80");
        for (start, expected) in [
            ("node a.js", Some("node a.js")),
            ("npm run build && node dist/index.js", Some("node dist/index.js")),
            ("tsc | tee log && node 'my app.js'", Some("node my app.js")),
            ("npm start -w apps/api", api),
            ("npm --workspace=@acme/api start", api),
            ("yarn workspace @acme/api start", api),
            ("pnpm --filter @acme/api run start", api),
            ("cd apps/api && npm start", api),
            ("cd .. && node a.js", None),
            ("npm run loop", None),
            ("npm run gone", None),
            ("npm ci", None),
            ("node a.js > log", None),
            ("next start", None),
            ("'", None),
            ("", None),
        ] {
            assert_eq!(found(start).as_deref(), expected, "{start}");
        }
    }
}
