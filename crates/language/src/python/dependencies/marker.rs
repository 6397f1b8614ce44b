//! Environment markers, as PEP 508 has them: `python_full_version < '3.12' and sys_platform == 'linux'`.

use crate::python::interpreter::Interpreter;
use std::cmp::Ordering;

/// No marker is nested deeper.
const MAX_DEPTH: usize = 64;

/// What markers ask about.
pub(super) struct Environment {
    version: (u32, u32),
    machine: &'static str,
}

/// Why a marker cannot be judged.
pub(super) type Reason = String;

impl Environment {
    /// That of an interpreter.
    pub fn of(interpreter: &Interpreter) -> Self {
        Environment { version: interpreter.version, machine: interpreter.architecture.uname() }
    }

    /// Does a marker hold?
    ///
    /// # Errors
    /// When the text is no marker.
    pub fn holds(&self, marker: &str) -> Result<bool, Reason> {
        let mut parser = Parser { environment: self, rest: marker, depth: 0 };
        let holds = parser.any()?;
        match parser.next()? {
            None => Ok(holds),
            Some(token) => Err(format!("the marker `{marker}` goes on with `{}`", token.text())),
        }
    }

    /// The value of a variable, and whether it is a version.
    fn value(&self, variable: &str) -> Result<(String, bool), Reason> {
        let (major, minor) = self.version;
        let text = match variable {
            "python_version" => return Ok((format!("{major}.{minor}"), true)),
            "python_full_version" | "implementation_version" => {
                return Ok((format!("{major}.{minor}.0"), true));
            }
            "os_name" => "posix",
            "sys_platform" => "linux",
            "platform_system" => "Linux",
            "platform_machine" => self.machine,
            "platform_python_implementation" => "CPython",
            "implementation_name" => "cpython",
            // Nothing optional is asked for; and no kernel is known.
            "extra" | "extras" | "dependency_groups" | "platform_release" | "platform_version" => "",
            _ => return Err(format!("`{variable}` is no variable of markers")),
        };
        Ok((text.into(), false))
    }
}

/// Is a release of Python, `3.13`, one that specifiers such as `>=3.11,<4` ask for? What cannot be read asks for nothing.
pub(super) fn is_release_of(release: &str, specifiers: &str) -> bool {
    specifiers.split(',').map(str::trim).all(|specifier| {
        let at = specifier.find(|c: char| !matches!(c, '<' | '>' | '=' | '!' | '~')).unwrap_or(0);
        let (operator, wanted) = specifier.split_at(at);
        match (operator, self::release(wanted.trim())) {
            // Which patch release the runtime has does not count.
            ("<" | ">" | "!=" | "===", Some(wanted)) if wanted.len() > 2 => true,
            (">=" | "<=" | "==" | "~=", Some(mut wanted)) if wanted.len() > 2 => {
                let patch = wanted.split_off(2);
                let operator = if operator == "~=" && patch.len() == 1 { "==" } else { operator };
                let text = wanted.iter().map(u64::to_string).collect::<Vec<_>>().join(".");
                compare_versions(release, operator, &text).unwrap_or(true)
            }
            _ => compare_versions(release, operator, wanted.trim()).unwrap_or(true),
        }
    })
}

struct Parser<'e, 't> {
    environment: &'e Environment,
    rest: &'t str,
    depth: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Token<'t> {
    Text(&'t str),
    Word(&'t str),
    Sign(&'t str),
}

impl<'t> Token<'t> {
    fn text(self) -> &'t str {
        match self {
            Token::Text(text) | Token::Word(text) | Token::Sign(text) => text,
        }
    }
}

impl<'t> Parser<'_, 't> {
    fn any(&mut self) -> Result<bool, Reason> {
        let mut holds = self.all()?;
        while self.takes("or")? {
            holds |= self.all()?;
        }
        Ok(holds)
    }

    fn all(&mut self) -> Result<bool, Reason> {
        let mut holds = self.one()?;
        while self.takes("and")? {
            holds &= self.one()?;
        }
        Ok(holds)
    }

    fn one(&mut self) -> Result<bool, Reason> {
        let mut ahead = Parser { ..*self };
        if ahead.next()? != Some(Token::Sign("(")) {
            return self.comparison();
        }
        self.rest = ahead.rest;
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err("the marker is nested too deeply".into());
        }
        let holds = self.any()?;
        self.depth -= 1;
        match self.next()? {
            Some(Token::Sign(")")) => Ok(holds),
            _ => Err("a bracket of the marker is not closed".into()),
        }
    }

    fn comparison(&mut self) -> Result<bool, Reason> {
        let cut = || "the marker ends too early".to_owned();
        let left = self.next()?.ok_or_else(cut)?;
        let mut operator = self.next()?.ok_or_else(cut)?.text().to_owned();
        if operator == "not" {
            operator = format!("not {}", self.next()?.ok_or_else(cut)?.text());
        }
        let right = self.next()?.ok_or_else(cut)?;
        let value = |token: Token<'_>| match token {
            Token::Word(variable) => self.environment.value(variable),
            Token::Text(text) => Ok((text.to_owned(), false)),
            Token::Sign(sign) => Err(format!("`{sign}` stands where a value should")),
        };
        let ((left, is_version), (right, right_is_version)) = (value(left)?, value(right)?);
        compare(&left, &operator, &right, is_version || right_is_version)
    }

    fn takes(&mut self, word: &str) -> Result<bool, Reason> {
        let mut ahead = Parser { ..*self };
        let takes = ahead.next()? == Some(Token::Word(word));
        if takes {
            self.rest = ahead.rest;
        }
        Ok(takes)
    }

    fn next(&mut self) -> Result<Option<Token<'t>>, Reason> {
        let text = self.rest.trim_start();
        let Some(first) = text.chars().next() else { return Ok(None) };
        let is_sign = |c: char| matches!(c, '<' | '>' | '=' | '!' | '~');
        let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '.';
        let (token, rest) = match first {
            '\'' | '"' => {
                let (inside, rest) =
                    text[1..].split_once(first).ok_or("a quote of the marker is not closed")?;
                (Token::Text(inside), rest)
            }
            '(' | ')' => (Token::Sign(&text[..1]), &text[1..]),
            first if is_sign(first) => split(text, is_sign, Token::Sign),
            first if is_word(first) => split(text, is_word, Token::Word),
            first => return Err(format!("`{first}` stands for nothing in a marker")),
        };
        self.rest = rest;
        Ok(Some(token))
    }
}

fn split<'t>(
    text: &'t str,
    of: impl Fn(char) -> bool,
    token: fn(&'t str) -> Token<'t>,
) -> (Token<'t>, &'t str) {
    let (taken, rest) = text.split_at(text.find(|c| !of(c)).unwrap_or(text.len()));
    (token(taken), rest)
}

fn compare(left: &str, operator: &str, right: &str, is_version: bool) -> Result<bool, Reason> {
    match operator {
        "in" => return Ok(right.split([' ', ',']).any(|part| part == left) || right.contains(left)),
        "not in" => return Ok(!right.contains(left)),
        "===" => return Ok(left == right),
        _ => {}
    }
    if is_version && let Some(holds) = compare_versions(left, operator, right) {
        return Ok(holds);
    }
    match operator {
        "==" => Ok(left == right),
        "!=" => Ok(left != right),
        "<" => Ok(left < right),
        "<=" => Ok(left <= right),
        ">" => Ok(left > right),
        ">=" => Ok(left >= right),
        _ => Err(format!("`{operator}` compares nothing in a marker")),
    }
}

/// Compares releases; none where one is no plain release.
fn compare_versions(left: &str, operator: &str, right: &str) -> Option<bool> {
    if let Some(prefix) = right.strip_suffix(".*") {
        let (left, prefix) = (release(left)?, release(prefix)?);
        let starts = (0..prefix.len()).all(|at| left.get(at).unwrap_or(&0) == &prefix[at]);
        return match operator {
            "==" => Some(starts),
            "!=" => Some(!starts),
            _ => None,
        };
    }
    let (left, right) = (release(left)?, release(right)?);
    let order = (0..left.len().max(right.len()))
        .map(|at| left.get(at).unwrap_or(&0).cmp(right.get(at).unwrap_or(&0)))
        .find(|order| order.is_ne())
        .unwrap_or(Ordering::Equal);
    match operator {
        "==" => Some(order.is_eq()),
        "!=" => Some(order.is_ne()),
        "<" => Some(order.is_lt()),
        "<=" => Some(order.is_le()),
        ">" => Some(order.is_gt()),
        ">=" => Some(order.is_ge()),
        "~=" => {
            let fixed = right.len().checked_sub(1).filter(|fixed| *fixed > 0)?;
            Some(order.is_ge() && (0..fixed).all(|at| left.get(at).unwrap_or(&0) == &right[at]))
        }
        _ => None,
    }
}

fn release(text: &str) -> Option<Vec<u64>> {
    text.trim().split('.').map(|part| part.parse().ok()).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail")]
mod tests {
    use super::*;

    #[test]
    fn projects_are_for_some_pythons() {
        for (specifiers, fits) in [
            (">=3.11", true),
            (">=3.14", false),
            (">=3.11,<4", true),
            (">= 3.11, < 3.13", false),
            ("==3.13.*", true),
            ("==3.12.*", false),
            ("~=3.11", true),
            ("~=3.13.2", true),
            ("~=3.12.2", false),
            (">=3.13.1", true),
            (">=3.14.1", false),
            ("!=3.13.1", true),
            ("", true),
        ] {
            assert_eq!(is_release_of("3.13", specifiers), fits, "{specifiers}");
        }
    }

    #[test]
    fn markers_are_judged() {
        let environment = Environment { version: (3, 13), machine: "aarch64" };
        for (marker, holds) in [
            ("sys_platform == 'linux'", true),
            ("sys_platform != \"linux\"", false),
            ("sys_platform == 'win32' or os_name == 'posix'", true),
            ("python_version < '3.9'", false),
            ("python_version >= '3.9'", true),
            ("'3.9' <= python_version", true),
            ("python_full_version < '3.13.1'", true),
            ("python_full_version == '3.13.*'", true),
            ("python_full_version != '3.13.*'", false),
            ("python_version ~= '3.11'", true),
            ("python_version ~= '3.11.0'", false),
            ("python_version in '3.12 3.13'", true),
            ("platform_machine not in 'x86_64 AMD64'", true),
            ("platform_machine == 'aarch64' and (sys_platform == 'darwin' or sys_platform == 'linux')", true),
            ("(python_version < '3' or sys_platform == 'linux') and platform_machine == 'x86_64'", false),
            ("sys_platform == 'linux' or sys_platform == 'win32' and python_version < '3'", true),
            ("platform_python_implementation == 'PyPy'", false),
            ("implementation_name != 'cpython'", false),
            ("extra == 'dev'", false),
            ("'dev' in dependency_groups", false),
        ] {
            assert_eq!(environment.holds(marker), Ok(holds), "{marker}");
        }
        for no in [
            "",
            "sys_platform",
            "a == 'b'",
            "sys_platform == 'linux' x",
            "(os_name == 'posix'",
            "os_name = 'x",
            "; rm",
        ] {
            assert!(environment.holds(no).is_err(), "{no}");
        }
        assert!(environment.holds(&"(".repeat(1000)).is_err());
    }
}
