//! Files that the process tells an interpreter to open. Without them it starts, and ends at once.
//!
//! The command lines are read as Python, Node.js and Java read them. What is not certain from the words alone, such as a
//! module that is looked for on a path, is no file here.

use super::{
    Process, find,
    java::{JAVA_OPTIONS, JavaCommand, JavaStart},
    path_of, program,
    python::PythonStart,
    start::InImage,
};
use crate::{
    draft::Draft,
    finding::Problem,
    node::{Manifests as _, starts_no_script, takes_value},
    policy,
    spec::{Config, Dir},
};
use std::collections::VecDeque;
use tree::{TreePath, View as _, ViewError};

/// Where somebody may mount something, beside what runtimes do.
const MOUNTED: [&str; 2] = ["/mnt", "/tmp"];

/// A file that an interpreter opens: the word that names it, and what may stand for it.
#[derive(Debug, PartialEq, Eq)]
struct Named {
    word: String,
    /// Paths as the process sees them: one of them is enough.
    candidates: Vec<String>,
    /// The package that is meant, if it is one of Node.js.
    package: Option<String>,
}

/// Reports the files that the process names and the image has not.
///
/// # Errors
/// When links of the image cannot be followed.
pub(crate) fn check(
    draft: &mut Draft,
    config: &Config,
    process: &Process,
    dirs: &[Dir],
) -> Result<(), ViewError> {
    let Some(first) = program(config) else { return Ok(()) };
    if find(&draft.tree, first, &process.workdir, path_of(config))?.is_none() {
        return Ok(());
    }
    let words = config.entrypoint.iter().chain(&config.cmd).skip(1).map(String::as_str).collect();
    let variable = |name: &str| config.env.get(name).map_or("", String::as_str);
    let named = match first.rsplit('/').next().unwrap_or(first) {
        "node" | "nodejs" => of_node(words, variable("NODE_OPTIONS"), !variable("NODE_PATH").is_empty()),
        "java" => {
            let options = JAVA_OPTIONS.map(variable);
            of_java(words, &options.join(" "))
        }
        name if is_python(name) => of_python(words),
        _ => vec![],
    };
    for Named { word, candidates, package } in named {
        let mut absent = None;
        let mut may_be_there = package.is_some_and(|package| is_own(draft, &process.workdir, &package));
        for candidate in &candidates {
            // A path that leads out of the root is none.
            let Ok(at) = process.workdir.join(candidate) else { continue };
            let found = draft.tree.follow(&at)?;
            let is_elsewhere = |path| is_elsewhere(path, config, dirs);
            may_be_there |= found.entry.is_some() || is_elsewhere(&at) || is_elsewhere(&found.path);
            absent.get_or_insert(at);
        }
        let Some(path) = absent.filter(|_| !may_be_there) else { continue };
        let like = draft.tree.iter().map(|(path, _)| path).find(|other| other.name() == path.name());
        let (program, like, line) = (first.to_owned(), like.cloned(), config.line);
        draft.report(Problem::MissingArgument { program, word, path, like, line });
    }
    Ok(())
}

/// May something be at this path that is not in the image? Below volumes and the directories of `[[dirs]]`, and where
/// runtimes mount what is theirs.
pub fn is_elsewhere(path: &TreePath, config: &Config, dirs: &[Dir]) -> bool {
    let mounted = MOUNTED.iter().filter_map(|dir| TreePath::parse(dir).ok());
    let declared = config.volumes.iter().chain(dirs.iter().map(|dir| &dir.path)).cloned();
    policy::is_mounted(path) || mounted.chain(declared).any(|dir| path.is_within(&dir))
}

/// Is a package the application itself, by its own manifest?
fn is_own(draft: &Draft, workdir: &TreePath, package: &str) -> bool {
    let manifest = InImage { tree: &draft.tree, workdir }.of("");
    manifest.is_some_and(|manifest| manifest["name"] == package)
}

fn is_python(name: &str) -> bool {
    let version = name.strip_prefix("python");
    version.is_some_and(|version| version.chars().all(|letter| letter.is_ascii_digit() || letter == '.'))
}

/// The script.
fn of_python(words: VecDeque<&str>) -> Vec<Named> {
    match PythonStart::of(words) {
        Some(PythonStart::Script(word)) => vec![Named::file(word)],
        _ => vec![],
    }
}

/// The jar, the agents, and files of arguments; what is absent of a class path is passed over by Java itself.
fn of_java(words: VecDeque<&str>, options: &str) -> Vec<Named> {
    let JavaCommand { agents, start, .. } = JavaCommand::of(words, options.split_whitespace());
    let started = match start {
        Some(JavaStart::Jar(word) | JavaStart::Arguments(word)) => Some(word),
        Some(JavaStart::Class(word)) => Some(word).filter(|word| word.ends_with(".java")),
        Some(JavaStart::Module) | None => None,
    };
    agents.into_iter().chain(started).map(Named::file).collect()
}

/// The script, and what is loaded before it. Packages are not looked for where something else than `node_modules` has them.
fn of_node(mut words: VecDeque<&str>, options: &str, has_path: bool) -> Vec<Named> {
    let has_path = has_path || words.iter().chain(&[options]).any(|word| word.contains(".pnp."));
    let mut named = vec![];
    let mut before: VecDeque<&str> = options.split_whitespace().collect();
    while let Some(word) = before.pop_front() {
        named.extend(node_option(word, &mut before, has_path));
    }
    if words.front() == Some(&"inspect") {
        words.pop_front();
    }
    while let Some(word) = words.pop_front() {
        match word {
            "--" => {
                named.extend(words.pop_front().map(Named::module));
                return named;
            }
            word if starts_no_script(word.split('=').next().unwrap_or(word)) => return named,
            word if word.starts_with('-') => named.extend(node_option(word, &mut words, has_path)),
            word => {
                named.push(Named::module(word));
                return named;
            }
        }
    }
    named
}

/// What an option of Node.js loads; its value is taken from the words where it is one of them.
fn node_option(word: &str, words: &mut VecDeque<&str>, has_path: bool) -> Option<Named> {
    let (name, value) = word.split_once('=').map_or((word, None), |(name, value)| (name, Some(value)));
    if !takes_value(name) {
        return None;
    }
    let value = value.or_else(|| words.pop_front())?;
    let is_path = value.starts_with(['.', '/']);
    // What `import` takes is a URL.
    let url = value.split(['?', '#']).next().unwrap_or(value);
    match name {
        "--env-file" | "--openssl-config" => Some(Named::file(value)),
        "-r" | "--require" if is_path => Some(Named::module(value)),
        "--import" | "--loader" | "--experimental-loader" if value.contains('%') => None,
        "--import" | "--loader" | "--experimental-loader" if is_path => Some(Named::file(url)),
        "--import" | "--loader" | "--experimental-loader" if value.starts_with("file://") => {
            url.get("file://".len()..).map(Named::file)
        }
        "-r" | "--require" | "--import" | "--loader" | "--experimental-loader"
            if !has_path && !value.contains(':') && !value.starts_with('#') =>
        {
            Named::package(value)
        }
        _ => None,
    }
}

impl Named {
    /// A file with this very path.
    fn file(word: &str) -> Self {
        Named { word: word.into(), candidates: vec![word.into()], package: None }
    }

    /// What `require` of Node.js takes for a path.
    fn module(word: &str) -> Self {
        let endings = ["", ".js", ".json", ".node", "/package.json", "/index.js"];
        let candidates = endings.iter().map(|ending| format!("{}{ending}", word.trim_end_matches('/')));
        Named { word: word.into(), candidates: candidates.collect(), package: None }
    }

    /// A package by its name, and what is meant of it: it is in a `node_modules` of the working directory, or above. None
    /// for what Node.js has itself.
    fn package(word: &str) -> Option<Self> {
        let parts = if word.starts_with('@') { 2 } else { 1 };
        let name: Vec<&str> = word.split('/').take(parts).collect();
        let name = name.join("/");
        if name.is_empty() || BUILT_IN.contains(&&*name) {
            return None;
        }
        // More levels than a path has lead to its root.
        let candidates = (0..16).map(|level| format!("{}node_modules/{name}", "../".repeat(level)));
        Some(Named { word: word.into(), candidates: candidates.collect(), package: Some(name) })
    }
}

/// Modules that Node.js has itself.
const BUILT_IN: &[&str] = &[
    "assert",
    "async_hooks",
    "buffer",
    "child_process",
    "cluster",
    "console",
    "constants",
    "crypto",
    "dgram",
    "diagnostics_channel",
    "dns",
    "domain",
    "events",
    "fs",
    "http",
    "http2",
    "https",
    "inspector",
    "module",
    "net",
    "os",
    "path",
    "perf_hooks",
    "process",
    "punycode",
    "querystring",
    "readline",
    "repl",
    "stream",
    "string_decoder",
    "sys",
    "timers",
    "tls",
    "trace_events",
    "tty",
    "url",
    "util",
    "v8",
    "vm",
    "wasi",
    "worker_threads",
    "zlib",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> VecDeque<&str> {
        text.split_whitespace().collect()
    }

    fn shown(named: Vec<Named>) -> String {
        named.into_iter().map(|named| named.word).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn what_python_opens() {
        for (line, expected) in [
            ("app.py --port 80", "app.py"),
            ("-u -B app.py", "app.py"),
            ("-uB -Wignore -W error -X dev -Xutf8 app.py", "app.py"),
            ("-uWerror app.py", "app.py"),
            ("-- -app.py", "-app.py"),
            ("--check-hash-based-pycs never app.py", "app.py"),
            ("-m http.server app.py", ""),
            ("-um app", ""),
            ("-c pass app.py", ""),
            ("-V app.py", ""),
            ("--version", ""),
            ("- app.py", ""),
            ("", ""),
        ] {
            assert_eq!(shown(of_python(words(line))), expected, "{line}");
        }
        for (name, is) in [("python", true), ("python3.13", true), ("python3-config", false), ("pypy", false)]
        {
            assert_eq!(is_python(name), is, "{name}");
        }
    }

    #[test]
    fn what_java_opens() {
        for (line, options, expected) in [
            ("-jar app.jar -javaagent:x.jar", "", "app.jar"),
            ("-Xmx1g -javaagent:/app/a.jar=x=y -jar app.jar", "", "/app/a.jar app.jar"),
            ("-jar -Xmx64m -javaagent:a.jar -cp x app.jar -Dx", "", "a.jar app.jar"),
            ("-jar @app.args app.jar", "", "app.args"),
            ("-cp none.jar shop.Shop x.java", "-Dx -javaagent:a.jar", "a.jar"),
            ("--add-opens java.base/java.lang=ALL-UNNAMED -jar app.jar", "", "app.jar"),
            ("--add-opens=java.base/java.lang=ALL-UNNAMED Shop.java", "", "Shop.java"),
            ("@app.args -jar app.jar", "", "app.args"),
            ("-p mods -m till/till.Till -jar x", "", ""),
        ] {
            assert_eq!(shown(of_java(words(line), options)), expected, "{line}");
        }
    }

    #[test]
    fn what_node_opens() {
        for (line, options, expected) in [
            ("server.js --import x", "", "server.js"),
            ("--import ./a.mjs -r ./b --max-old-space-size=64 server.js", "", "./a.mjs ./b server.js"),
            ("--import file:///app/a.mjs server.js", "", "/app/a.mjs server.js"),
            ("--import data:text/javascript,1 server.js", "", "server.js"),
            ("-r dotenv/config -C shop server.js", "--require=./o.js", "./o.js dotenv/config server.js"),
            ("-r node:fs -r dns/promises --import @x/y/z --import #reg .", "", "@x/y/z ."),
            ("--import ./a.mjs?x=1 --import=./my%20a.mjs .", "", "./a.mjs ."),
            ("-r ./.pnp.cjs -r dotenv/config --inspect-port 9230 a.js", "", "./.pnp.cjs a.js"),
            ("--env-file=.env --env-file-if-exists .local dist", "", ".env dist"),
            ("-e 1 server.js", "", ""),
            ("inspect server.js", "", "server.js"),
            ("-- -x.js", "", "-x.js"),
            ("--test server.js", "", ""),
            ("--enable-source-maps --no-warnings server.js", "", "server.js"),
            ("--v8-pool-size 4 server.js", "", "server.js"),
            ("--v8-pool-size=4 --max-http-header-size 9000 server.js", "", "server.js"),
        ] {
            assert_eq!(shown(of_node(words(line), options, false)), expected, "{line}");
        }
        assert_eq!(shown(of_node(words("-r dotenv/config a.js"), "", true)), "a.js");
        let package = Named::package("@x/y/z").unwrap_or(Named::file(""));
        assert_eq!(package.candidates[..2], ["node_modules/@x/y", "../node_modules/@x/y"]);
        assert_eq!(Named::module("dist/").candidates[..2], ["dist", "dist.js"]);
    }
}
