//! Dates as archives write them.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// How far clocks may be apart, in seconds: what is dated later than that is from the future.
pub(crate) const SKEW: i64 = 3600;

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// Seconds since 1970, which may be before.
pub(crate) fn seconds(time: SystemTime) -> i64 {
    let whole = |duration: Duration| i64::try_from(duration.as_secs()).unwrap_or(i64::MAX);
    time.duration_since(UNIX_EPOCH).map_or_else(|before| -whole(before.duration()), whole)
}

/// Seconds since 1970 for people to read: `2026-07-11T10:16:37Z`.
pub(crate) fn shown(seconds: i64) -> String {
    oci::rfc3339(seconds).unwrap_or_else(|| format!("{seconds} seconds after 1970"))
}

/// Reads a date as [RFC 2822, section 3.3][rfc] has it, in English whatever the locale: `Sat, 11 Jul 2026 10:16:37 UTC`.
/// Numeric zones and `GMT`, `UT` and `Z` are known besides `UTC`, other names are not. Dates before 1970 are none.
///
/// [rfc]: https://www.rfc-editor.org/rfc/rfc2822#section-3.3
pub(crate) fn parse(text: &str) -> Option<SystemTime> {
    // The day of the week says nothing new.
    let text = text.split_once(',').map_or(text, |(_, rest)| rest);
    let parts: Vec<&str> = text.split_ascii_whitespace().collect();
    let [day, month, year, time, zone] = parts[..] else { return None };
    let month = 1 + MONTHS.iter().position(|name| name.eq_ignore_ascii_case(month))?;
    let (day, year) = (number(day, 1..=2)?, number(year, 4..=4)?);
    let days = days(year, i64::try_from(month).ok()?, day)?;
    let parts: Vec<&str> = time.split(':').collect();
    let [hour, minute, second] = parts[..] else { return None };
    let (hour, minute, second) = (number(hour, 1..=2)?, number(minute, 2..=2)?, number(second, 2..=2)?);
    // There may be a leap second.
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let seconds = days * 86_400 + hour * 3600 + minute * 60 + second - offset(zone)?;
    UNIX_EPOCH.checked_add(Duration::from_secs(seconds.try_into().ok()?))
}

/// How far a zone is ahead of UTC, in seconds.
fn offset(zone: &str) -> Option<i64> {
    let (sign, digits) = match zone.split_at_checked(1)? {
        ("+", digits) => (1, digits),
        ("-", digits) => (-1, digits),
        _ => return ["UTC", "GMT", "UT", "Z"].contains(&zone).then_some(0),
    };
    let number = number(digits, 4..=4)?;
    let (hours, minutes) = (number / 100, number % 100);
    (hours < 24 && minutes < 60).then_some(sign * (hours * 3600 + minutes * 60))
}

/// Days from 1 January 1970 to a day of the Gregorian calendar.
fn days(year: i64, month: i64, day: i64) -> Option<i64> {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let last = match month {
        2 => 28 + i64::from(leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    if !(1..=last).contains(&day) {
        return None;
    }
    // Years are counted from a March, so that a leap day is the last of its year.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let of_year = (153 * month + 2) / 5 + day - 1;
    Some(year * 365 + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400) + of_year - 719_468)
}

fn number(digits: &str, len: std::ops::RangeInclusive<usize>) -> Option<i64> {
    let is_number = len.contains(&digits.len()) && digits.bytes().all(|digit| digit.is_ascii_digit());
    if is_number { digits.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read() {
        for (text, want) in [
            ("Thu, 01 Jan 1970 00:00:00 UTC", "1970-01-01T00:00:00Z"),
            ("Sat, 11 Jul 2026 10:16:37 UTC", "2026-07-11T10:16:37Z"),
            ("Thu, 25 Apr 2024 15:10:33 +0000", "2024-04-25T15:10:33Z"),
            ("Thu,  4 Apr 2024  9:10:33 GMT", "2024-04-04T09:10:33Z"),
            ("29 Feb 2000 23:59:60 Z", "2000-03-01T00:00:00Z"),
            ("Thu, 01 jan 2026 00:30:00 +0130", "2025-12-31T23:00:00Z"),
            ("Wed, 31 Dec 2025 23:30:00 -0045", "2026-01-01T00:15:00Z"),
            ("Fri, 31 Dec 9999 23:59:59 UTC", "9999-12-31T23:59:59Z"),
            ("Mon, 01 Mar 2100 00:00:00 UT", "2100-03-01T00:00:00Z"),
        ] {
            assert_eq!(parse(text).map(|time| shown(seconds(time))).as_deref(), Some(want), "{text}");
        }
    }

    #[test]
    fn what_is_no_date_is_none() {
        for text in [
            "",
            "Sat, 11 Jul 2026",
            "Sat, 11 Jul 2026 10:16:37",
            "Sat, 11 Jul 2026 10:16 UTC",
            "Sat, 11 Jul 2026 10:16:37 CEST",
            "Sat, 11 Jul 2026 10:16:37 +000",
            "Sat, 11 Jul 2026 10:16:37 +2400",
            "Sat, 11 Jul 2026 10:16:37 é",
            "Sat, 11 Jul 2026 10:16:37 UTC UTC",
            "Sat, 11 Jul 26 10:16:37 UTC",
            "Sat, 11 Juli 2026 10:16:37 UTC",
            "Sat, 11 Juil 2026 10:16:37 UTC",
            "Sat, 00 Jul 2026 10:16:37 UTC",
            "Thu, 31 Jun 2026 10:16:37 UTC",
            "Sun, 29 Feb 2026 10:16:37 UTC",
            "Mon, 29 Feb 2100 10:16:37 UTC",
            "Sat, +1 Jul 2026 10:16:37 UTC",
            "Sat, 11 Jul 2026 24:00:00 UTC",
            "Sat, 11 Jul 2026 10:60:00 UTC",
            "Sat, 11 Jul 2026 10:16:61 UTC",
            "Wed, 31 Dec 1969 23:59:59 UTC",
            "2026-07-11T10:16:37Z",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
