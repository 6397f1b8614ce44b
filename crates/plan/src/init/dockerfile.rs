//! What an existing Dockerfile says of the process.

use std::collections::BTreeMap;

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
    let mut out: Vec<String> = vec![];
    let mut goes_on = false;
    let mut until: Option<String> = None;
    for line in text.lines().map(str::trim) {
        if let Some(end) = &until {
            if line == end {
                until = None;
            }
            continue;
        }
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (part, more) = line.strip_suffix('\\').map_or((line, false), |part| (part, true));
        match out.last_mut().filter(|_| goes_on) {
            Some(last) => {
                last.push(' ');
                last.push_str(part.trim());
            }
            None => out.push(part.trim().into()),
        }
        goes_on = more;
        if let Some((_, word)) = line.split_once("<<") {
            let word = word.trim_start_matches('-').split_whitespace().next().unwrap_or_default();
            until = Some(word.trim_matches(['"', '\'']).into()).filter(|word: &String| !word.is_empty());
        }
    }
    out
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
