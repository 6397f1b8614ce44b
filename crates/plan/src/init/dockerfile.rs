//! What an existing Dockerfile says of the process.

use regex::Regex;
use std::{collections::BTreeMap, sync::LazyLock};

/// What the last stage of a Dockerfile says, with what it takes over of those before.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Dockerfile {
    /// The image that it is made from.
    pub from: String,
    pub entrypoint: Vec<String>,
    pub cmd: Vec<String>,
    pub ports: Vec<u16>,
    /// Variables whose values stand there; not those made of others.
    pub env: BTreeMap<String, String>,
    pub workdir: String,
}

impl Dockerfile {
    /// Reads one. What is not understood says nothing.
    pub fn parse(text: &str) -> Self {
        let mut stages: BTreeMap<String, Dockerfile> = BTreeMap::new();
        let mut name = String::new();
        let mut now = Dockerfile::default();
        for line in lines(text) {
            let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((&line, ""));
            let rest = rest.trim();
            match word.to_ascii_uppercase().as_str() {
                "FROM" => {
                    stages.insert(std::mem::take(&mut name), std::mem::take(&mut now));
                    let mut words = rest.split_whitespace().filter(|word| !word.starts_with("--"));
                    let image = words.next().unwrap_or_default();
                    if let (Some("as" | "AS" | "As"), Some(alias)) = (words.next(), words.next()) {
                        name = alias.to_lowercase();
                    }
                    let before = stages.get(&image.to_lowercase()).filter(|_| !image.is_empty());
                    now = before
                        .cloned()
                        .unwrap_or_else(|| Dockerfile { from: image.into(), ..Self::default() });
                }
                "ENTRYPOINT" => {
                    now.entrypoint = command(rest);
                    now.cmd.clear();
                }
                "CMD" => now.cmd = command(rest),
                "EXPOSE" => now.ports.extend(rest.split_whitespace().filter_map(port)),
                "WORKDIR" if !rest.contains('$') => now.workdir = rest.trim_end_matches('/').into(),
                "ENV" => now.env.extend(variables(rest)),
                _ => {}
            }
        }
        now
    }

    /// The whole command: entrypoint and arguments.
    pub fn command(&self) -> Vec<String> {
        self.entrypoint.iter().chain(&self.cmd).cloned().collect()
    }

    /// The version behind the name of the image that it is made from, if that is of this name: `20` of `node:20-slim`.
    pub fn version_of(&self, image: &str) -> Option<&str> {
        let (repository, tag) = self.from.rsplit_once(':')?;
        let version = tag.split('-').next()?;
        let is_version = version.starts_with(|first: char| first.is_ascii_digit());
        (super::project::name_of(repository) == image && is_version).then_some(version)
    }
}

/// Instructions, each in one line; comments and the bodies of here-documents are none.
fn lines(text: &str) -> Vec<String> {
    let mut out = vec![];
    let mut left: Vec<&str> = text.lines().collect();
    left.reverse();
    while let Some(mut line) = next(&mut left) {
        while let Some(part) = line.strip_suffix('\\') {
            line = format!("{} {}", part.trim_end(), next(&mut left).unwrap_or_default());
        }
        for end in documents(&line) {
            // Without its end it was none, and what follows are instructions.
            if let Some(at) = left.iter().rposition(|line| end.is(line)) {
                left.truncate(at);
            }
        }
        out.push(line);
    }
    out
}

/// The next line that says something, of those that are left, the last first.
fn next(left: &mut Vec<&str>) -> Option<String> {
    let says = |line: &&str| !line.is_empty() && !line.starts_with('#');
    std::iter::from_fn(|| left.pop()).map(str::trim).find(says).map(String::from)
}

/// The line that ends a here-document.
struct End {
    word: String,
    /// Do tabs before it not count?
    is_indented: bool,
}

impl End {
    fn is(&self, line: &str) -> bool {
        let line = if self.is_indented { line.trim_start_matches('\t') } else { line };
        line.trim_end() == self.word
    }
}

/// The here-documents that an instruction begins, in order.
fn documents(line: &str) -> Vec<End> {
    // A word of its own, as BuildKit has it: `$((1<<N))` is none, nor is `<<<`.
    static BEGINS: LazyLock<Option<Regex>> =
        LazyLock::new(|| Regex::new(r#"\s[0-9]*<<(-?)["']?([A-Za-z_][A-Za-z0-9_]*)"#).ok());
    let word = line.split_whitespace().next().unwrap_or_default();
    if !["RUN", "COPY", "ADD"].iter().any(|has| word.eq_ignore_ascii_case(has)) {
        return vec![];
    }
    let found = BEGINS.iter().flat_map(|begins| begins.captures_iter(line));
    found.map(|found| End { word: found[2].into(), is_indented: !found[1].is_empty() }).collect()
}

/// A command: a JSON array, or words that a shell would do nothing to.
fn command(text: &str) -> Vec<String> {
    if text.starts_with('[') {
        let words = serde_json::from_str::<Vec<String>>(text).unwrap_or_default();
        return match &words[..] {
            // A shell that only starts something.
            [shell, flag, line] if super::project::name_of(shell).ends_with("sh") && flag == "-c" => {
                command(line)
            }
            _ => words,
        };
    }
    let line = text.strip_prefix("exec ").unwrap_or(text);
    if line.contains(['&', '|', ';', '<', '>', '$', '`', '(', '*', '"', '\'', '\\']) {
        return vec![];
    }
    line.split_whitespace().map(String::from).collect()
}

fn port(word: &str) -> Option<u16> {
    let (number, protocol) = word.split_once('/').unwrap_or((word, "tcp"));
    number.parse().ok().filter(|_| protocol.eq_ignore_ascii_case("tcp"))
}

/// `NAME=value NAME="value"`, or the old `NAME value`.
fn variables(text: &str) -> Vec<(String, String)> {
    let first = text.split_whitespace().next().unwrap_or_default();
    if !first.contains('=') {
        let value = text.strip_prefix(first).unwrap_or_default().trim();
        return literal(first, value).into_iter().collect();
    }
    let mut out = vec![];
    let mut word = String::new();
    let mut quote = None;
    for letter in text.chars().chain([' ']) {
        match (quote, letter) {
            (None, '"' | '\'') => quote = Some(letter),
            (Some(open), letter) if open == letter => quote = None,
            (None, letter) if letter.is_whitespace() => {
                if let Some((name, value)) = std::mem::take(&mut word).split_once('=') {
                    out.extend(literal(name, value));
                }
            }
            _ => word.push(letter),
        }
    }
    out
}

fn literal(name: &str, value: &str) -> Option<(String, String)> {
    (!name.is_empty() && !value.contains('$')).then(|| (name.into(), value.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_stage_counts() {
        let text = "# syntax=docker/dockerfile:1\nFROM --platform=$BUILDPLATFORM node:20.11-slim AS Build\nEXPOSE 1\n\
            RUN <<EOT bash\nCMD no\nEOT\nFROM scratch\nENV A=1 B=\"two words\" C=$A\nENV OLD a value\nWORKDIR /srv/app/\n\
            EXPOSE 8080 53/udp 9090/tcp \\\n  # a comment\n  9443\nENTRYPOINT [\"/shop\", \"serve\"]\nCMD [\"--port\", \\\n \"8080\"]\n";
        let file = Dockerfile::parse(text);
        assert_eq!(file.command(), ["/shop", "serve", "--port", "8080"]);
        assert_eq!(file.ports, [8080, 9090, 9443]);
        assert_eq!(file.workdir, "/srv/app");
        let env: Vec<_> = file.env.iter().map(|(name, value)| format!("{name}={value}")).collect();
        assert_eq!(env, ["A=1", "B=two words", "OLD=a value"]);
    }

    #[test]
    fn here_documents() {
        for (text, is_read) in [
            ("RUN <<EOT bash\nCMD b\nEOT", false),
            ("RUN a && \\\n cat <<-'EOT' > x\nCMD b\n\tEOT", false),
            ("COPY <<ONE <<\"TWO\" /\nCMD b\nTWO\nONE\nCMD b\nTWO", false),
            ("RUN <<EOT\n # EOT\n EOT\nCMD b\nEOT", false),
            ("RUN echo $((1<<4))\nCMD b", true),
            ("RUN echo $((1<<N))\nCMD b\nN", true),
            ("RUN cat <<< x\nCMD b\nx", true),
            ("RUN cat <<<EOT\nCMD b\nEOT", true),
            ("RUN [ 1 << 4 ]\nCMD b\n4", true),
            ("LABEL a=\"x <<EOT\"\nCMD b\nEOT", true),
            ("RUN cat <<EOT\nCMD b", true),
            ("RUN a \\\n\n# a comment\n b\nCMD b\nRUN c \\", true),
        ] {
            let want: &[&str] = if is_read { &["b"] } else { &["a"] };
            assert_eq!(Dockerfile::parse(&format!("FROM x\nCMD a\n{text}")).command(), want, "{text}");
        }
    }

    #[test]
    fn a_stage_takes_over_what_it_is_made_from() {
        let file = Dockerfile::parse(
            "FROM docker.io/library/node:20-slim as base\nEXPOSE 3000\nFROM base\nCMD node x.js",
        );
        assert_eq!((file.ports.as_slice(), file.version_of("node")), (&[3000][..], Some("20")));
        assert_eq!(Dockerfile::parse("FROM node").version_of("node"), None);
        assert_eq!(Dockerfile::parse("FROM node:lts").version_of("node"), None);
    }

    #[test]
    fn commands_without_a_shell() {
        for (text, want) in [
            ("CMD python app.py --x 1", &["python", "app.py", "--x", "1"][..]),
            ("CMD exec gunicorn app:app", &["gunicorn", "app:app"]),
            ("CMD [\"sh\", \"-c\", \"node server.js\"]", &["node", "server.js"]),
            ("CMD gunicorn -b :$PORT app", &[]),
            ("CMD a && b", &[]),
            ("CMD [\"unclosed\"", &[]),
        ] {
            assert_eq!(Dockerfile::parse(text).command(), want, "{text}");
        }
    }
}
