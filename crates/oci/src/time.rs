//! Times as the documents write them.

/// Writes seconds since 1970 as RFC 3339 in UTC: `2026-01-31T12:00:00Z`; none outside of the years
/// 0 to 9999.
pub fn rfc3339(seconds: i64) -> Option<String> {
    const DAY: i64 = 86_400;
    let (days, second) = (seconds.div_euclid(DAY), seconds.rem_euclid(DAY));
    // Years are counted from a March, so that a leap day is the last of its year; 1970-01-01 is day
    // 719468 from 0000-03-01. An era is the 400 years after which the calendar repeats.
    let days = days.checked_add(719_468)?;
    let (era, day) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (month, past_new_year) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    let year = era * 400 + year + past_new_year;
    (0..=9999).contains(&year).then(|| {
        let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
        format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
    })
}

/// Reads what [`rfc3339`] writes, with or without a fraction of a second; none of any other text.
pub fn seconds(text: &str) -> Option<i64> {
    let (date, rest) = text.strip_suffix('Z')?.split_once('T')?;
    let time = rest.split_once('.').map_or(rest, |(time, _)| time);
    if (date.len(), time.len()) != (10, 8) {
        return None;
    }
    let numbers = |text: &str, sign: char| -> Option<[i64; 3]> {
        let parts: Vec<i64> = text.split(sign).map(|part| part.parse().ok()).collect::<Option<_>>()?;
        parts.try_into().ok()
    };
    let ([year, month, day], [hour, minute, second]) = (numbers(date, '-')?, numbers(time, ':')?);
    // As above: years that begin in March.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let days = era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + (153 * month + 2) / 5 + day - 1;
    let seconds = (days - 719_468) * 86_400 + hour * 3600 + minute * 60 + second;
    // What is no date or time is written otherwise.
    let whole = rfc3339(seconds)?;
    (whole.strip_suffix('Z') == Some(&format!("{date}T{time}"))).then_some(seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_in_utc() {
        for (seconds, want) in [
            (0, "1970-01-01T00:00:00Z"),
            (315_532_800, "1980-01-01T00:00:00Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (951_868_800, "2000-03-01T00:00:00Z"),
            (1_709_251_199, "2024-02-29T23:59:59Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
            (-1, "1969-12-31T23:59:59Z"),
            (253_402_300_799, "9999-12-31T23:59:59Z"),
            (-62_167_219_200, "0000-01-01T00:00:00Z"),
        ] {
            assert_eq!(rfc3339(seconds).as_deref(), Some(want));
            assert_eq!(super::seconds(want), Some(seconds));
        }
        assert_eq!(super::seconds("2024-02-28T23:59:59.987654321Z"), Some(1_709_164_799));
        for text in [
            "",
            "2024-02-30T00:00:00Z",
            "2024-13-01T00:00:00Z",
            "2024-01-01T24:00:00Z",
            "2024-01-01",
            "999999999999999999-01-01T00:00:00Z",
        ] {
            assert_eq!(super::seconds(text), None, "{text}");
        }
        for seconds in [253_402_300_800, -62_167_219_201, i64::MAX, i64::MIN] {
            assert_eq!(rfc3339(seconds), None);
        }
    }
}
