//! Versions of Node.js, and the moments when they were published.

use std::fmt;

/// A released version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Version([u32; 3]);

impl Version {
    /// Reads `22.11.0`; none for a version that is no release.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('.').map(|part| part.parse().ok());
        let version = Version([parts.next()??, parts.next()??, parts.next()??]);
        (parts.next().is_none() && version.to_string() == text).then_some(version)
    }

    /// The first number, by which versions are known.
    pub fn major(self) -> u32 {
        self.0[0]
    }

    /// Is it one that a spec wants: `22`, `22.11`, `22.11.0`?
    pub fn is_of(self, wanted: &str) -> bool {
        wanted.split('.').zip(self.0).all(|(wanted, number)| wanted.parse() == Ok(number))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Version([major, minor, patch]) = self;
        write!(f, "{major}.{minor}.{patch}")
    }
}

/// The seconds since 1970 of `2026-09-24T02:10:57.050Z`, or of that with `+00:00`; 0 for any other text.
pub(super) fn published(text: &str) -> i64 {
    read(text).unwrap_or(0)
}

fn read(text: &str) -> Option<i64> {
    let (date, time) = text.split_once('T')?;
    let time = time.strip_suffix('Z').or_else(|| time.strip_suffix("+00:00"))?;
    let time = time.split_once('.').map_or(time, |(time, _)| time);
    let numbers = |text: &str, by: char| -> Option<[i64; 3]> {
        let parts: Option<Vec<i64>> = text.split(by).map(|part| part.parse().ok()).collect();
        parts?.try_into().ok()
    };
    let ([year, month, day], [hour, minute, second]) = (numbers(date, '-')?, numbers(time, ':')?);
    let is_date = (1970..10_000).contains(&year) && (1..=12).contains(&month) && (1..=31).contains(&day);
    let is_time = (0..24).contains(&hour) && (0..60).contains(&minute) && (0..61).contains(&second);
    if !is_date || !is_time {
        return None;
    }
    // Years that begin with March, so that a leap day is the last of its year.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = 365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day - 1 - 719_468;
    Some(days * 86_400 + hour * 3600 + minute * 60 + second)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail")]
mod tests {
    use super::*;

    #[test]
    fn versions_are_chosen_by_their_beginning() {
        let known = ["20.20.2", "22.9.0", "22.23.3", "22.10.1", "4.9.1"];
        let newest = |wanted: &str| {
            let fit =
                known.iter().filter_map(|text| Version::parse(text)).filter(|version| version.is_of(wanted));
            fit.max().map(|version| version.to_string())
        };
        for (wanted, expected) in [
            ("22", Some("22.23.3")),
            ("22.9", Some("22.9.0")),
            ("22.10.1", Some("22.10.1")),
            ("20", Some("20.20.2")),
            ("2", None),
            ("22.1", None),
        ] {
            assert_eq!(newest(wanted).as_deref(), expected, "{wanted}");
        }
        for text in ["22", "22.1", "22.0.0-rc.1", "v22.0.0", "22.00.0", "1.2.3.4", ""] {
            assert_eq!(Version::parse(text), None, "{text}");
        }
    }

    #[test]
    fn moments_are_read() {
        for (text, seconds) in [
            ("1970-01-01T00:00:00Z", 0),
            ("2026-09-24T02:10:57.050000+00:00", 1_790_215_857),
            ("2024-02-29T12:00:00.000Z", 1_709_208_000),
            ("2024-02-29 12:00:00", 0),
            ("2024-13-01T00:00:00Z", 0),
            ("9999999999999-01-01T00:00:00Z", 0),
        ] {
            assert_eq!(published(text), seconds, "{text}");
        }
        assert_eq!(oci::rfc3339(1_709_208_000).unwrap(), "2024-02-29T12:00:00Z");
    }
}
