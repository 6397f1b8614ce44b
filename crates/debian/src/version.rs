//! Versions, ordered as dpkg orders them.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};

/// Longer versions are refused. The longest of a real archive has some 80 bytes.
const MAX_LEN: usize = 1024;

/// The version of a package: `[epoch:]upstream[-revision]`, as in Debian Policy §5.6.12.
///
/// Two versions are equal when dpkg holds them for equal, though their texts may differ: `1.0`, `0:1.00` and `1.0-0`
/// are one version.
#[derive(Clone)]
pub struct Version(Box<str>);

/// A text is no version.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("version {text:?}: {problem}")]
pub struct VersionError {
    /// The text, cut when it is long.
    pub text: String,
    /// What is wrong with it.
    pub problem: &'static str,
}

impl Version {
    /// Reads a version.
    ///
    /// # Errors
    /// When it has no upstream part, when its epoch is no number below 2³¹, or when it has other characters than
    /// letters, digits and `. + - ~ : _` of ASCII.
    pub fn parse(text: &str) -> Result<Self, VersionError> {
        let fails = |problem| {
            let text = text.chars().take(80).collect();
            Err(VersionError { text, problem })
        };
        if text.len() > MAX_LEN {
            return fails("too long");
        }
        if text.bytes().any(|byte| !byte.is_ascii_alphanumeric() && !b".+-~:_".contains(&byte)) {
            return fails("a character that no version has");
        }
        let rest = match text.split_once(':') {
            Some((epoch, rest)) => match epoch.parse::<i32>() {
                Ok(number) if number >= 0 && !epoch.starts_with(['+', '-']) => rest,
                _ => return fails("the epoch is no number"),
            },
            None => text,
        };
        match rest.rsplit_once('-') {
            Some(("", _)) => fails("no upstream version"),
            Some((_, "")) => fails("an empty revision"),
            _ if rest.is_empty() => fails("empty"),
            _ => Ok(Version(text.into())),
        }
    }

    /// The text as it was read.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The text without its epoch, as it stands in the names of files.
    pub fn without_epoch(&self) -> &str {
        self.0.split_once(':').map_or(&*self.0, |(_, rest)| rest)
    }

    /// Epoch, upstream part and revision.
    fn parts(&self) -> (u32, &[u8], &[u8]) {
        let (epoch, rest) = self.0.split_once(':').unwrap_or(("0", &self.0));
        let (upstream, revision) = rest.rsplit_once('-').unwrap_or((rest, ""));
        // That it is a number was seen when it was read.
        (epoch.parse().unwrap_or(0), upstream.as_bytes(), revision.as_bytes())
    }
}

impl std::str::FromStr for Version {
    type Err = VersionError;

    fn from_str(text: &str) -> Result<Self, VersionError> {
        Version::parse(text)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        if self.0 == other.0 {
            return Ordering::Equal;
        }
        let (a, b) = (self.parts(), other.parts());
        a.0.cmp(&b.0).then_with(|| compare(a.1, b.1)).then_with(|| compare(a.2, b.2))
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Version {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Version {}

impl Hash for Version {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let (epoch, upstream, revision) = self.parts();
        epoch.hash(state);
        for mut part in [upstream, revision] {
            while !part.is_empty() {
                let letters = take(&mut part, |byte| !byte.is_ascii_digit());
                let digits = number(&mut part);
                // Nothing at all is what a lone zero is.
                if !letters.is_empty() || !digits.is_empty() {
                    (letters, digits).hash(state);
                }
            }
            0u8.hash(state);
        }
    }
}

/// Compares upstream parts or revisions, by the algorithm of deb-version(7).
fn compare(mut a: &[u8], mut b: &[u8]) -> Ordering {
    while !a.is_empty() || !b.is_empty() {
        let x = take(&mut a, |byte| !byte.is_ascii_digit());
        let y = take(&mut b, |byte| !byte.is_ascii_digit());
        let weight = |letters: &[u8], at: usize| letters.get(at).map_or(0, |byte| weight(*byte));
        let letters = (0..x.len().max(y.len())).map(|at| weight(x, at).cmp(&weight(y, at)));
        if let Some(unequal) = letters.into_iter().find(|ordering| ordering.is_ne()) {
            return unequal;
        }
        let (x, y) = (number(&mut a), number(&mut b));
        let unequal = x.len().cmp(&y.len()).then_with(|| x.cmp(y));
        if unequal.is_ne() {
            return unequal;
        }
    }
    Ordering::Equal
}

/// How a byte that is no digit is sorted: a tilde before the end, letters before all else.
fn weight(byte: u8) -> i32 {
    match byte {
        b'~' => -1,
        _ if byte.is_ascii_alphabetic() => byte.into(),
        _ => i32::from(byte) + 256,
    }
}

/// Takes the digits at the front, and gives those that count.
fn number<'a>(part: &mut &'a [u8]) -> &'a [u8] {
    take(part, |byte| byte == b'0');
    take(part, |byte| byte.is_ascii_digit())
}

/// Takes the bytes at the front for which `is` holds.
fn take<'a>(part: &mut &'a [u8], is: impl Fn(u8) -> bool) -> &'a [u8] {
    let end = part.iter().position(|byte| !is(*byte)).unwrap_or(part.len());
    let (taken, rest) = part.split_at(end);
    *part = rest;
    taken
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::hash_map::DefaultHasher;

    fn version(text: &str) -> Version {
        Version::parse(text).unwrap()
    }

    fn hash(version: &Version) -> u64 {
        let mut hasher = DefaultHasher::new();
        version.hash(&mut hasher);
        hasher.finish()
    }

    /// Each was put to `dpkg --compare-versions`.
    const CASES: &[(&str, &str, &str)] = &[
        ("1.0", "=", "1.00"),
        ("1.0", "=", "0:1.0"),
        ("1.0", "=", "1.0-0"),
        ("1.0", "=", "1.0-00"),
        ("1.0", "=", "1."),
        ("1a", "=", "1a0"),
        ("0", "=", "00"),
        ("1.0", "<", "1.0-1"),
        ("1.0-0", "<", "1.0-0a"),
        ("1", "<", "1."),
        ("1.0~rc1", "<", "1.0"),
        ("1.0~~", "<", "1.0~"),
        ("1.0~~a", "<", "1.0~"),
        ("1.0~", "<", "1.0"),
        ("1.0", "<", "1.0a"),
        ("1.0a", "<", "1.0+"),
        ("1.0Z", "<", "1.0a"),
        ("1.0-1~bpo12+1", "<", "1.0-1"),
        ("1.0-1", "<", "1.0-1+b1"),
        ("1.0-1+b1", "<", "1.0-1+deb12u1"),
        ("1.0-1+deb12u9", "<", "1.0-1+deb12u10"),
        ("9", "<", "10"),
        ("1.9", "<", "1.10"),
        ("1:0.1", ">", "99"),
        ("2:1", ">", "1:2"),
        ("1-1-1", ">", "1-1"),
        ("1-1-1", ">", "1-2"),
        ("1.2.3", "<", "1.2.3.4"),
        ("1_2", ">", "1.2"),
        ("18446744073709551616", ">", "18446744073709551615"),
        ("1.0.99999999999999999999999999999", "<", "1.0.100000000000000000000000000000"),
        ("1:1:1", ">", "1:1.1"),
        ("20230311+deb12u1", ">", "20230311"),
        ("3.0.15-1~deb12u1", "<", "3.0.15-1"),
        ("7.88.1-10+deb12u12", ">", "7.88.1-10+deb12u9"),
    ];

    #[test]
    fn order_is_dpkgs() {
        for (a, want, b) in CASES {
            let (a, b) = (version(a), version(b));
            let got = match a.cmp(&b) {
                Ordering::Less => "<",
                Ordering::Equal => "=",
                Ordering::Greater => ">",
            };
            assert_eq!(got, *want, "{a} {b}");
            assert_eq!(b.cmp(&a), a.cmp(&b).reverse(), "{b} {a}");
            assert_eq!(a == b, *want == "=", "{a} {b}");
            if a == b {
                assert_eq!(hash(&a), hash(&b), "{a} {b}");
            }
        }
    }

    /// debversion tells a missing number from a zero, which dpkg does not: so that here every part ends in a number.
    #[test]
    fn the_order_is_that_of_another_implementation() {
        let pieces = ["", "0", "1", "10", "00", "a1", "~1", "+2", ".3", "-1", "Z0", "~~4", "a~0"];
        let mut versions = vec![];
        for a in ["0", "1", "1:1", "2"] {
            for b in pieces {
                versions.extend(pieces.iter().filter_map(|c| Version::parse(&format!("{a}{b}{c}")).ok()));
            }
        }
        assert!(versions.len() > 600);
        let others: Vec<debversion::Version> =
            versions.iter().map(|version| version.as_str().parse().unwrap()).collect();
        for (a, x) in versions.iter().zip(&others) {
            for (b, y) in versions.iter().zip(&others) {
                assert_eq!(a.cmp(b), x.cmp(y), "{a} {b}");
                assert!(a != b || hash(a) == hash(b), "{a} {b}");
            }
        }
    }

    #[test]
    fn what_is_no_version_is_refused() {
        let long = "1".repeat(MAX_LEN + 1);
        for text in
            ["", "-1", "1-", ":1", "1:", "a:1", "-1:1", "+1:1", "2147483648:1", "1 2", "1/2", "1é", &long]
        {
            assert!(Version::parse(text).is_err(), "{text}");
        }
        for text in ["1", "0", "a", "1:2:3", "1-2-3", "2147483647:1", "1_2"] {
            assert_eq!(version(text).as_str(), text);
        }
        assert_eq!(version("1:2.3-4").without_epoch(), "2.3-4");
    }
}
