//! What a command line says of how Java starts a program, as far as it is literal.

use plan::{JAVA_OPTIONS, JavaCommand, JavaStart, spec::Config};
use tree::TreePath;

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
        let JavaCommand { class_path, has_other_classes, start, .. } =
            JavaCommand::of(words, of_variables(config));
        if has_other_classes {
            return None;
        }
        match start? {
            // Who starts it may put something else there.
            JavaStart::Jar(word) | JavaStart::Class(word) if word.starts_with('$') => None,
            JavaStart::Jar(word) => at(word).map(Launch::Jar),
            JavaStart::Class(word) => {
                let path: Option<Vec<TreePath>> = class_path?.split(':').map(at).collect();
                Some(Launch::Class(word.replace('/', "."), path?))
            }
            JavaStart::Module | JavaStart::Arguments(_) => None,
        }
    }
}

/// The options that variables of a config have.
fn of_variables(config: &Config) -> impl Iterator<Item = &str> {
    let texts = JAVA_OPTIONS.iter().filter_map(|name| config.env.get(*name));
    texts.flat_map(|text| text.split_ascii_whitespace())
}

/// The agents that Java starts with the program: their jars.
pub(super) fn agents(config: &Config) -> Vec<TreePath> {
    let words = config.entrypoint.iter().chain(&config.cmd).map(String::as_str);
    let paths = words.chain(of_variables(config)).filter_map(|word| word.strip_prefix("-javaagent:"));
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
