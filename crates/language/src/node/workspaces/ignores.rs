//! Files that name what is not published: `.npmignore`, and where there is none `.gitignore`.
//!
//! A pattern with a slash is anchored at the folder of its file, one without matches at any depth; one that ends with a
//! slash matches folders; `!` takes back; of several that match, the last counts. What is below a folder that is left
//! out stays out.

use plan::Glob;
use tree::TreePath;

/// What one ignore file says.
pub(super) struct Ignores {
    /// Whose it is.
    pub origin: Origin,
    dir: TreePath,
    rules: Vec<Rule>,
}

/// Whose an ignore file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    /// npm's: it is about what is published.
    Npm,
    /// git's: it is about what is kept.
    Git,
}

struct Rule {
    ignores: bool,
    only_folders: bool,
    glob: Glob,
}

impl Origin {
    /// The name of the file.
    pub fn file(self) -> &'static str {
        match self {
            Origin::Npm => ".npmignore",
            Origin::Git => ".gitignore",
        }
    }
}

impl Ignores {
    /// Reads the file of a folder. A line that is no pattern says nothing, as for git.
    pub fn parse(origin: Origin, dir: TreePath, text: &str) -> Self {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let lines = text.lines().map(str::trim_end).filter(|line| !line.is_empty() && !line.starts_with('#'));
        Ignores { origin, dir, rules: lines.filter_map(Rule::parse).collect() }
    }

    /// Is a path below the folder left out? None where nothing is said of it.
    pub fn ignores(&self, path: &TreePath, is_folder: bool) -> Option<bool> {
        let below = format!("/{}", path.below(&self.dir)?);
        let matches = |rule: &&Rule| (is_folder || !rule.only_folders) && rule.glob.matches(&below);
        self.rules.iter().rev().find(matches).map(|rule| rule.ignores)
    }
}

impl Rule {
    fn parse(line: &str) -> Option<Self> {
        let (ignores, pattern) = line.strip_prefix('!').map_or((true, line), |rest| (false, rest));
        let (only_folders, pattern) = pattern.strip_suffix('/').map_or((false, pattern), |rest| (true, rest));
        let anchored = pattern.contains('/');
        // Braces are letters here, stars beside other letters stay within a name, and `^` negates as `!` does.
        let names = pattern.trim_start_matches('/').split('/').map(|name| match name {
            "**" => name.to_owned(),
            name => {
                let name = name.replace('{', "\\{").replace('}', "\\}").replace("[^", "[!");
                let stars = |name: String| name.replace("**", "*");
                stars(stars(name))
            }
        });
        let names = names.collect::<Vec<_>>().join("/");
        let glob = Glob::new(&if anchored { format!("/{names}") } else { format!("/**/{names}") }).ok()?;
        Some(Rule { ignores, only_folders, glob })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail")]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        let path = |text: &str| TreePath::parse(&format!("/a/{}", text.trim_end_matches('/'))).unwrap();
        for (text, below, expected) in [
            ("id_rsa", "id_rsa", Some(true)),
            ("id_rsa", "keys/id_rsa", Some(true)),
            ("id_rsa", "id_rsa.pub", None),
            ("/id_rsa", "keys/id_rsa", None),
            ("keys/*.pem", "keys/a.pem", Some(true)),
            ("keys/*.pem", "x/keys/a.pem", None),
            ("**/keys/*.pem", "x/keys/a.pem", Some(true)),
            ("keys/**", "keys/x/a.pem", Some(true)),
            ("dist/", "dist/", Some(true)),
            ("dist/", "dist", None),
            ("*.log\n!keep.log", "keep.log", Some(false)),
            ("!keep.log\n*.log", "keep.log", Some(true)),
            ("# a\n\n  \n", "a", None),
            ("\\#a", "#a", Some(true)),
            ("a  \r\n", "a", Some(true)),
            ("x**", "xyz", Some(true)),
            ("[^a]b", "cb", Some(true)),
            ("{a,b}", "a", None),
            ("[", "[", None),
        ] {
            let ignores = Ignores::parse(Origin::Git, TreePath::parse("/a").unwrap(), text);
            assert_eq!(ignores.ignores(&path(below), below.ends_with('/')), expected, "{text:?} {below}");
        }
        let ignores = Ignores::parse(Origin::Npm, TreePath::parse("/a/lib").unwrap(), "/x");
        assert_eq!(ignores.ignores(&path("lib/x"), false), Some(true));
        assert_eq!(ignores.ignores(&path("x"), false), None);
    }
}
