//! What a registry asks for: headers `WWW-Authenticate` ([RFC 9110, 11.6.1]).
//!
//! [RFC 9110, 11.6.1]: https://www.rfc-editor.org/rfc/rfc9110#section-11.6.1

/// The longest header that is read, in bytes.
const MAX_HEADER: usize = 16 << 10;
/// The most challenges that are read.
const MAX_CHALLENGES: usize = 16;

/// One way to say who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Challenge {
    /// The scheme, in lower case.
    pub scheme: String,
    /// Its parameters; their names are in lower case.
    parameters: Vec<(String, String)>,
}

impl Challenge {
    /// All that headers ask for, in order. What cannot be understood is left out.
    pub fn parse(headers: &[String]) -> Vec<Self> {
        let mut found = vec![];
        for header in headers.iter().filter(|header| header.len() <= MAX_HEADER) {
            read(&mut Scanner { rest: header }, &mut found);
        }
        found.truncate(MAX_CHALLENGES);
        found
    }

    /// A parameter.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(found, _)| found == name).map(|(_, value)| &**value)
    }

    /// The scopes that it names.
    pub fn scopes(&self) -> impl Iterator<Item = &str> {
        self.get("scope").unwrap_or_default().split_ascii_whitespace()
    }

    /// What the registry says of a request that had a token.
    pub fn error(&self) -> Option<&str> {
        self.get("error_description").or_else(|| self.get("error"))
    }
}

fn read(scanner: &mut Scanner<'_>, found: &mut Vec<Challenge>) {
    // How many of the header before there are: its parameters are none of this one's.
    let start = found.len();
    loop {
        scanner.skip(|letter| letter == ',' || is_space(letter));
        if scanner.rest.is_empty() {
            return;
        }
        let word = scanner.token();
        if word.is_empty() {
            scanner.skip_to_comma();
            continue;
        }
        let after = scanner.rest;
        scanner.skip(is_space);
        if !scanner.take('=') {
            // Then it is a scheme; what follows is of it.
            scanner.rest = after;
            found.push(Challenge { scheme: word.to_ascii_lowercase(), parameters: vec![] });
            continue;
        }
        scanner.skip(is_space);
        match scanner.value() {
            Some(value) => {
                if let Some(challenge) = found.get_mut(start..).and_then(<[_]>::last_mut) {
                    challenge.parameters.push((word.to_ascii_lowercase(), value));
                }
            }
            // A scheme's own encoding, as `Negotiate` has it.
            None => scanner.skip_to_comma(),
        }
    }
}

/// A text that is read from its start.
struct Scanner<'a> {
    rest: &'a str,
}

impl<'a> Scanner<'a> {
    fn skip(&mut self, what: impl Fn(char) -> bool) {
        self.rest = self.rest.trim_start_matches(what);
    }

    fn take(&mut self, letter: char) -> bool {
        let rest = self.rest.strip_prefix(letter);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn token(&mut self) -> &'a str {
        let end = self.rest.find(|letter| !is_token(letter)).unwrap_or(self.rest.len());
        let (token, rest) = self.rest.split_at(end);
        self.rest = rest;
        token
    }

    /// A token or a quoted string.
    fn value(&mut self) -> Option<String> {
        if !self.take('"') {
            // Some forget the quotes around a URL.
            let end = self.rest.find(|letter| letter == ',' || letter == '"' || is_space(letter));
            let (value, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
            self.rest = rest;
            return (!value.trim_matches('=').is_empty()).then(|| value.into());
        }
        let mut value = String::new();
        let mut letters = self.rest.chars();
        loop {
            match letters.next() {
                Some('\\') => value.extend(letters.next()),
                Some('"') | None => break,
                Some(letter) => value.push(letter),
            }
        }
        self.rest = letters.as_str();
        Some(value)
    }

    fn skip_to_comma(&mut self) {
        let end = self.rest.find(',').unwrap_or(self.rest.len());
        self.rest = self.rest.split_at(end).1;
    }
}

fn is_space(letter: char) -> bool {
    letter == ' ' || letter == '\t'
}

fn is_token(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~/".contains(letter)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Each challenge as `scheme name=value …`.
    fn read(headers: &[&str]) -> Vec<String> {
        let headers: Vec<String> = headers.iter().map(|&header| header.into()).collect();
        let shown = |challenge: Challenge| {
            let parameters = challenge.parameters.iter().map(|(name, value)| format!(" {name}={value}"));
            parameters.fold(challenge.scheme, |shown, parameter| shown + &parameter)
        };
        Challenge::parse(&headers).into_iter().map(shown).collect()
    }

    #[test]
    fn what_registries_ask_for() {
        for (headers, want) in [
            (
                &[
                    r#"Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:library/busybox:pull,push""#,
                ][..],
                &[
                    "bearer realm=https://auth.docker.io/token service=registry.docker.io scope=repository:library/busybox:pull,push",
                ][..],
            ),
            (&["Basic realm=\"x\", Bearer realm=\"y\""], &["basic realm=x", "bearer realm=y"]),
            (&["Negotiate", "Basic realm=x"], &["negotiate", "basic realm=x"]),
            (&["Negotiate YWJj==, BEARER Realm=y"], &["negotiate", "bearer realm=y"]),
            (&["bearer realm = \"a b\" , service=\"s\\\"q\\\\\""], &["bearer realm=a b service=s\"q\\"]),
            (
                &["Bearer realm=https://x.example/token,service=x"],
                &["bearer realm=https://x.example/token service=x"],
            ),
            (&["Basic,Bearer realm=y"], &["basic", "bearer realm=y"]),
            (&[", ,Basic realm=\"a,b\",,charset=\"UTF-8\","], &["basic realm=a,b charset=UTF-8"]),
            (&["Bearer realm=\"open"], &["bearer realm=open"]),
            (&["realm=\"of nobody\""], &[]),
            (&["Bearer realm=\"x\"", "service=\"other header\""], &["bearer realm=x"]),
            (&["", "\u{e9}", "=", "\"\""], &[] as &[&str]),
        ] {
            assert_eq!(read(headers), want, "{headers:?}");
        }
    }

    #[test]
    fn hostile_headers_have_an_end() {
        assert_eq!(read(&[&"Basic,".repeat(2000)]).len(), MAX_CHALLENGES);
        assert!(read(&[&"a".repeat(MAX_HEADER + 1)]).is_empty());
    }

    proptest! {
        #[test]
        fn any_text_is_read(text in ".{0,200}") {
            Challenge::parse(&[text]);
        }

        #[test]
        fn quoted_values_come_back(value in "[ -~]{0,60}") {
            let quoted = value.replace('\\', "\\\\").replace('"', "\\\"");
            let found = Challenge::parse(&[format!("Bearer realm=\"{quoted}\", service=x")]);
            prop_assert_eq!(found[0].get("realm"), Some(&*value));
            prop_assert_eq!(found[0].get("service"), Some("x"));
        }
    }
}
