//! The format of netrc files, with what apt adds to it: a scheme, a port and a path of the machine.

use crate::credentials::Credentials;
use reqwest::Url;

/// What a file says of one machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Nothing: any machine.
    machine: Option<Machine>,
    pub credentials: Credentials,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Machine {
    /// Nothing: any scheme.
    scheme: Option<String>,
    host: String,
    /// Nothing: any port.
    port: Option<u16>,
    /// What the path must begin with.
    path: String,
}

impl Entry {
    pub fn is_for(&self, url: &Url) -> bool {
        let Some(machine) = &self.machine else { return true };
        machine.scheme.as_deref().is_none_or(|scheme| scheme == url.scheme())
            && url.host_str().is_some_and(|host| host.eq_ignore_ascii_case(&machine.host))
            && machine.port.is_none_or(|port| url.port_or_known_default() == Some(port))
            && url.path().starts_with(&machine.path)
    }
}

/// Reads a file. What it does not understand it passes over: no message about it could be safe to show.
///
/// Of apt's own files, a machine without a scheme is one that is reached by `https:`.
pub(crate) fn parse(text: &str, of_apt: bool) -> Vec<Entry> {
    let mut entries = vec![];
    let mut open: Option<Draft> = None;
    let mut tokens = Tokens { rest: text };
    while let Some(token) = tokens.next() {
        let begun = match &*token {
            "machine" => tokens.next().map(|name| Draft::new(Some(Machine::parse(&name, of_apt)))),
            "default" => Some(Draft::new(None)),
            "macdef" => {
                tokens.skip_macro();
                continue;
            }
            "login" | "password" | "account" => {
                let value = tokens.next();
                match (&mut open, &*token) {
                    (Some(draft), "login") => draft.user = value,
                    (Some(draft), "password") => draft.password = value,
                    _ => {}
                }
                continue;
            }
            comment if comment.starts_with('#') => {
                tokens.skip_line();
                continue;
            }
            _ => continue,
        };
        entries.extend(open.take().and_then(Draft::finish));
        open = begun;
    }
    entries.extend(open.and_then(Draft::finish));
    if of_apt {
        // Its hosts are reached by any scheme: a login for all of them would be told to all.
        entries.retain(|entry| entry.machine.is_some());
    }
    entries
}

struct Draft {
    machine: Option<Machine>,
    user: Option<String>,
    password: Option<String>,
}

impl Draft {
    fn new(machine: Option<Machine>) -> Self {
        Draft { machine, user: None, password: None }
    }

    fn finish(self) -> Option<Entry> {
        if self.user.is_none() && self.password.is_none() {
            return None;
        }
        let credentials =
            Credentials { user: self.user.unwrap_or_default(), password: self.password.unwrap_or_default() };
        Some(Entry { machine: self.machine, credentials })
    }
}

impl Machine {
    fn parse(name: &str, of_apt: bool) -> Self {
        let (scheme, rest) = match name.split_once("://") {
            Some((scheme, rest)) => (Some(scheme.to_ascii_lowercase()), rest),
            None => (of_apt.then(|| "https".to_owned()), name),
        };
        let (host, path) = match rest.find('/') {
            Some(at) => rest.split_at(at),
            None => (rest, ""),
        };
        let (host, port) = match host.rsplit_once(':') {
            Some((host, port)) if port.parse::<u16>().is_ok() => (host, port.parse().ok()),
            _ => (host, None),
        };
        Machine { scheme, host: host.into(), port, path: path.into() }
    }
}

/// Words between white space; a word in quotes may have some, and has `\` before what it means as it is.
struct Tokens<'a> {
    rest: &'a str,
}

impl Tokens<'_> {
    fn next(&mut self) -> Option<String> {
        self.rest = self.rest.trim_start();
        let Some(quoted) = self.rest.strip_prefix('"') else {
            let end = self.rest.find(char::is_whitespace).unwrap_or(self.rest.len());
            let (token, rest) = self.rest.split_at(end);
            self.rest = rest;
            return (!token.is_empty()).then(|| token.to_owned());
        };
        let mut token = String::new();
        let mut letters = quoted.chars();
        while let Some(letter) = letters.next() {
            match letter {
                '"' => break,
                '\\' => token.extend(letters.next()),
                letter => token.push(letter),
            }
        }
        self.rest = letters.as_str();
        Some(token)
    }

    fn skip_line(&mut self) {
        self.rest = self.rest.find('\n').map_or("", |end| &self.rest[end..]);
    }

    /// A macro ends at an empty line.
    fn skip_macro(&mut self) {
        self.rest = self.rest.find("\n\n").map_or("", |end| &self.rest[end..]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str, of_apt: bool, url: &str) -> Option<(String, String)> {
        let url = Url::parse(url).unwrap();
        let entries = parse(text, of_apt);
        let entry = entries.into_iter().find(|entry| entry.is_for(&url))?;
        Some((entry.credentials.user, entry.credentials.password))
    }

    #[test]
    fn entries_are_for_their_machines() {
        let user = "
# machine example.com login no password no
machine example.com
    login alice
    password \"a b\\\"c\"  # a comment
macdef init
machine evil.example.com login no password no

machine port.example.com:8080 login bob password #hash
machine token.example.com password only
machine nothing.example.com
default login any password one
";
        let apt = "
machine https.example.com login a password 1
machine http://plain.example.com login b password 2
machine path.example.com/debian login c password 3
";
        for (text, of_apt, url, expected) in [
            (user, false, "http://example.com/x", Some(("alice", "a b\"c"))),
            (user, false, "https://EXAMPLE.com/x", Some(("alice", "a b\"c"))),
            (user, false, "https://port.example.com:8080/", Some(("bob", "#hash"))),
            (user, false, "https://port.example.com/", Some(("any", "one"))),
            (user, false, "https://token.example.com/", Some(("", "only"))),
            (user, false, "https://nothing.example.com/", Some(("any", "one"))),
            (user, false, "https://evil.example.com/", Some(("any", "one"))),
            (apt, true, "https://https.example.com/", Some(("a", "1"))),
            (apt, true, "http://https.example.com/", None),
            (apt, true, "http://plain.example.com/", Some(("b", "2"))),
            (apt, true, "https://plain.example.com/", None),
            (apt, true, "https://path.example.com/debian/dists", Some(("c", "3"))),
            (apt, true, "https://path.example.com/ubuntu", None),
        ] {
            let expected = expected.map(|(user, password)| (user.to_owned(), password.to_owned()));
            assert_eq!(found(text, of_apt, url), expected, "{url}");
        }
    }

    #[test]
    fn half_a_file_is_no_error() {
        let whole = "machine http://x:1/y login \"a \\\" b\" password é # c\nmacdef m\n\nmachine \"\" account z\ndefault";
        for (at, _) in whole.char_indices() {
            for text in [&whole[..at], &whole[at..]] {
                let _ = parse(text, true);
            }
        }
        assert_eq!(parse("machine x login", false), []);
    }
}
