//! Command lines that start `node`.

/// Options of which the next word is the value, unless it stands behind a `=`. Those of V8 know no other way than `=`.
const WITH_VALUE: &[&str] = &[
    "-C",
    "--allow-fs-read",
    "--allow-fs-write",
    "--conditions",
    "--cpu-prof-dir",
    "--cpu-prof-interval",
    "--cpu-prof-name",
    "--debug-port",
    "--diagnostic-dir",
    "--disable-proto",
    "--disable-warning",
    "--dns-result-order",
    "--env-file",
    "--env-file-if-exists",
    "--experimental-default-type",
    "--experimental-loader",
    "--heap-prof-dir",
    "--heap-prof-interval",
    "--heap-prof-name",
    "--heapsnapshot-near-heap-limit",
    "--heapsnapshot-signal",
    "--icu-data-dir",
    "--import",
    "--input-type",
    "--inspect-port",
    "--inspect-publish-uid",
    "--loader",
    "--localstorage-file",
    "--max-http-header-size",
    "--network-family-autoselection-attempt-timeout",
    "--openssl-config",
    "--redirect-warnings",
    "--report-dir",
    "--report-directory",
    "--report-filename",
    "--report-signal",
    "--require",
    "--secure-heap",
    "--secure-heap-min",
    "--title",
    "--tls-cipher-list",
    "--tls-keylog",
    "--trace-event-categories",
    "--trace-event-file-pattern",
    "--trace-require-module",
    "--unhandled-rejections",
    "--use-largepages",
    "--v8-pool-size",
    "--watch-path",
    "-r",
];

/// Options with which no script is started.
const WITHOUT_SCRIPT: &[&str] = &[
    "-c",
    "-e",
    "-h",
    "-i",
    "-p",
    "-pe",
    "-v",
    "--check",
    "--eval",
    "--help",
    "--interactive",
    "--print",
    "--run",
    "--test",
    "--version",
];

/// Is the next word an option's value? Not where it has one behind a `=`.
pub(crate) fn takes_value(option: &str) -> bool {
    WITH_VALUE.contains(&option)
}

/// Is no script started where this option is?
pub(crate) fn starts_no_script(option: &str) -> bool {
    option == "-" || WITHOUT_SCRIPT.contains(&option)
}

/// A command that starts a script with `node`, and nothing else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Command {
    /// Variables that stand before it.
    pub env: Vec<(String, String)>,
    /// Options of Node.js, with their values.
    pub options: Vec<String>,
    /// The script, without `./` in front.
    pub script: String,
    /// What the script is told.
    pub arguments: Vec<String>,
}

impl Command {
    /// Reads the words of a command; none where it starts something else.
    pub fn parse(words: &[String]) -> Option<Self> {
        let words = words.strip_prefix(&["cross-env".to_owned()]).unwrap_or(words);
        let variables = words.iter().map_while(|word| {
            let (name, value) = word.split_once('=').filter(|(name, _)| !name.starts_with('-'))?;
            Some((name.to_owned(), value.to_owned()))
        });
        let env: Vec<_> = variables.collect();
        let (node, arguments) = words.get(env.len()..)?.split_first()?;
        if node.rsplit('/').next() != Some("node") {
            return None;
        }
        let mut words = arguments.iter();
        let mut options = vec![];
        let script = loop {
            let word = words.next()?;
            let name = word.split('=').next().unwrap_or(word);
            if word == "--" {
                break words.next()?;
            } else if !word.starts_with('-') {
                break word;
            } else if starts_no_script(name) {
                return None;
            }
            options.push(word.clone());
            if takes_value(word) {
                options.push(words.next()?.clone());
            }
        };
        let script = script.trim_start_matches("./").to_owned();
        Some(Command { env, options, script, arguments: words.cloned().collect() })
    }

    /// The same, started in the folder above this one.
    pub fn within(mut self, folder: &str) -> Self {
        if folder.is_empty() || self.script.starts_with('/') {
            return self;
        }
        self.script = format!("{folder}/{}", self.script);
        for word in &mut self.options {
            let (name, value) =
                word.split_once('=').map_or(("", word.as_str()), |(name, value)| (name, value));
            if let Some(path) = value.strip_prefix("./") {
                let equals = if name.is_empty() { "" } else { "=" };
                *word = format!("{name}{equals}./{folder}/{path}");
            }
        }
        self
    }

    /// Names the file that the script is, by the rules of `require`: that which `has` knows, else the likeliest.
    pub fn name_file(&mut self, has: impl Fn(&str) -> bool) {
        let name = self.script.trim_end_matches('/');
        let in_folder = match name {
            "." | "" => "index.js".to_owned(),
            name => format!("{name}/index.js"),
        };
        let is_folder = name != self.script || name == ".";
        let with_ending = format!("{name}.js");
        let there = [name, &with_ending, &in_folder].into_iter().find(|path| has(path));
        let likeliest = match name.rsplit('/').next() {
            _ if is_folder => &in_folder,
            Some(last) if last.contains('.') => name,
            _ => &with_ending,
        };
        self.script = there.unwrap_or(likeliest).to_owned();
    }

    /// Takes out the `--env-file` whose file `is_gone`, and gives the names of those.
    pub fn drop_env_files(&mut self, is_gone: impl Fn(&str) -> bool) -> Vec<String> {
        let (mut kept, mut dropped) = (vec![], vec![]);
        let mut words = std::mem::take(&mut self.options).into_iter();
        while let Some(word) = words.next() {
            if word == "--env-file" {
                match words.next() {
                    Some(file) if is_gone(&file) => dropped.push(file),
                    file => kept.extend([word].into_iter().chain(file)),
                }
            } else if let Some(file) = word.strip_prefix("--env-file=").filter(|file| is_gone(file)) {
                dropped.push(file.to_owned());
            } else {
                kept.push(word);
            }
        }
        self.options = kept;
        dropped
    }

    /// The words to write, without the variables.
    pub fn words(&self) -> Vec<String> {
        let script = std::iter::once(&self.script);
        let node = std::iter::once("node".to_owned());
        node.chain(self.options.iter().chain(script).chain(&self.arguments).cloned()).collect()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail")]
mod tests {
    use super::*;

    fn parse(text: &str) -> Option<Command> {
        Command::parse(&text.split(' ').map(String::from).collect::<Vec<_>>())
    }

    #[test]
    fn the_script_is_told_from_options_and_their_values() {
        for (text, script) in [
            ("node server.js", Some("server.js")),
            ("/usr/bin/node ./server.js --port 80", Some("server.js")),
            ("A=1 node --import ./instr.mjs src/index.js", Some("src/index.js")),
            ("node --import=./instr.mjs src/index.js", Some("src/index.js")),
            ("node -r ./x -C dev --env-file .env a.js", Some("a.js")),
            ("node --max-old-space-size=4096 --title shop a.js", Some("a.js")),
            ("node --enable-source-maps -- a.js", Some("a.js")),
            ("node -e 1", None),
            ("node --run build", None),
            ("node --eval=1 a.js", None),
            ("node --import", None),
            ("node", None),
            ("nodemon a.js", None),
        ] {
            assert_eq!(parse(text).map(|command| command.script).as_deref(), script, "{text}");
        }
    }

    #[test]
    fn values_of_options_stay_as_they_are() {
        let command = parse("node --import ./instr.mjs -r ./x ./a.js ./b").unwrap();
        assert_eq!(command.words().join(" "), "node --import ./instr.mjs -r ./x a.js ./b");
        let below = parse("node --import ./i.mjs --require=./x -r y a.js").unwrap().within("apps/api");
        let expected = "node --import ./apps/api/i.mjs --require=./apps/api/x -r y apps/api/a.js";
        assert_eq!(below.words().join(" "), expected);
    }

    #[test]
    fn scripts_are_files_as_require_finds_them() {
        for (script, files, expected) in [
            ("dist/main", &[][..], "dist/main.js"),
            ("build", &["build/index.js"], "build/index.js"),
            ("build/", &[], "build/index.js"),
            (".", &[], "index.js"),
            ("bin/www", &["bin/www"], "bin/www"),
            ("a.mjs", &[], "a.mjs"),
        ] {
            let mut command = parse(&format!("node {script}")).unwrap();
            command.name_file(|path| files.contains(&path));
            assert_eq!(command.script, expected, "{script} {files:?}");
        }
    }

    #[test]
    fn files_of_variables_are_dropped() {
        let mut command = parse("node --env-file .env --env-file=conf --env-file=.env.prod a.js").unwrap();
        assert_eq!(command.drop_env_files(|file| file.starts_with(".env")), [".env", ".env.prod"]);
        assert_eq!(command.words().join(" "), "node --env-file=conf a.js");
    }
}
