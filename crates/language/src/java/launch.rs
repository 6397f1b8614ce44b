//! What a command line says of how Java starts a program, as far as it is literal.

use plan::spec::Config;
use tree::TreePath;

/// Options of `java` whose value is the next word.
const WITH_VALUE: [&str; 6] = [
    "--add-modules",
    "--add-reads",
    "--add-exports",
    "--add-opens",
    "--limit-modules",
    "--enable-native-access",
];
/// Options that bring classes from elsewhere, or a start of another kind.
const ELSEWHERE: [&str; 8] = [
    "-m",
    "--module",
    "-p",
    "--module-path",
    "--upgrade-module-path",
    "--patch-module",
    "-Xbootclasspath/a:",
    "-Xbootclasspath/p:",
];
const CLASS_PATH: [&str; 3] = ["-cp", "-classpath", "--class-path"];
/// Variables whose words `java` takes for options.
const OPTIONS: [&str; 3] = ["JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "_JAVA_OPTIONS"];

/// What Java starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Launch {
    /// A jar, by its manifest.
    Jar(TreePath),
    /// A class, by its name, of a class path.
    Class(String, Vec<TreePath>),
}

impl Launch {
    /// What the process of a config starts; none where it starts something else, or does not say so literally.
    pub fn of(config: &Config) -> Option<Self> {
        let mut words = config.entrypoint.iter().chain(&config.cmd).map(String::as_str);
        if words.next()?.rsplit('/').next() != Some("java") {
            return None;
        }
        let workdir = config.workdir();
        let at = |path: &str| workdir.join(path).ok();
        let is_elsewhere = |word: &str| {
            ELSEWHERE.iter().any(|option| {
                let rest = word.strip_prefix(option);
                rest.is_some_and(|rest| rest.is_empty() || option.ends_with(':') || rest.starts_with('='))
            })
        };
        let of_environment = OPTIONS.iter().filter_map(|name| config.env.get(*name));
        if of_environment.flat_map(|options| options.split_ascii_whitespace()).any(is_elsewhere) {
            return None;
        }
        let (mut class_path, mut is_jar) = (None, false);
        loop {
            let word = words.next()?;
            if word == "-jar" {
                // A mode: more options may follow.
                is_jar = true;
            } else if CLASS_PATH.contains(&word) {
                class_path = Some(words.next()?);
            } else if let Some(path) = word.strip_prefix("--class-path=") {
                class_path = Some(path);
            } else if WITH_VALUE.contains(&word) {
                words.next()?;
            } else if is_elsewhere(word) || word.starts_with(['@', '$']) {
                return None;
            } else if is_jar && !word.starts_with('-') {
                return at(word).map(Launch::Jar);
            } else if !word.starts_with('-') {
                let path: Option<Vec<TreePath>> = class_path?.split(':').map(at).collect();
                return Some(Launch::Class(word.replace('/', "."), path?));
            }
        }
    }
}

/// The agents that Java starts with the program: their jars.
pub(super) fn agents(config: &Config) -> Vec<TreePath> {
    let words = config.entrypoint.iter().chain(&config.cmd).map(String::as_str);
    let options = OPTIONS.iter().filter_map(|name| config.env.get(*name));
    let words = words.chain(options.flat_map(|options| options.split_ascii_whitespace()));
    let paths = words.filter_map(|word| word.strip_prefix("-javaagent:"));
    let paths = paths.map(|rest| rest.split_once('=').map_or(rest, |(path, _)| path));
    paths.filter_map(|path| config.workdir().join(path).ok()).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail")]
mod tests {
    use super::*;

    fn config(words: &str) -> Config {
        Config {
            entrypoint: words.split(' ').map(String::from).collect(),
            workdir: TreePath::parse("/app").ok(),
            ..Config::default()
        }
    }

    #[test]
    fn a_command_line_says_what_starts() {
        let p = |path: &str| TreePath::parse(path).unwrap();
        let class = |path: &[&str]| {
            Some(Launch::Class("shop.Shop".into(), path.iter().map(|path| p(path)).collect()))
        };
        for (words, launch) in [
            ("/usr/bin/java -Xmx1g -jar shop.jar --port 80", Some(Launch::Jar(p("/app/shop.jar")))),
            (
                "java -cp /app/shop.jar:lib/a.jar shop.Shop -jar x",
                class(&["/app/shop.jar", "/app/lib/a.jar"]),
            ),
            ("java --class-path=shop.jar --add-modules java.sql shop/Shop", class(&["/app/shop.jar"])),
            ("java -cp shop.jar @options shop.Shop", None),
            ("java -jar -Xmx64m -cp x shop.jar -jar y", Some(Launch::Jar(p("/app/shop.jar")))),
            ("java -jar @options shop.jar", None),
            ("java -p shop.jar -m shop/shop.Shop", None),
            ("java -Xbootclasspath/a:l.jar -cp shop.jar shop.Shop", None),
            ("java --module-path=/opt/fx --add-modules javafx.controls -jar shop.jar", None),
            ("java shop.Shop", None),
            ("java -cp", None),
            ("/bin/sh -c java", None),
        ] {
            assert_eq!(Launch::of(&config(words)), launch, "{words}");
        }
    }

    #[test]
    fn agents_are_named_by_options() {
        let mut config = config("java -javaagent:/opt/a.jar=port=1 -jar shop.jar");
        config.env.insert("JAVA_TOOL_OPTIONS".into(), "-Xmx1g -javaagent:b.jar".into());
        config.env.insert("OTHER".into(), "-javaagent:c.jar".into());
        let agents: Vec<String> = agents(&config).iter().map(ToString::to_string).collect();
        assert_eq!(agents, ["/opt/a.jar", "/app/b.jar"]);
    }
}
