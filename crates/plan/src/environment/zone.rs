//! `TZ`: the time zone of the C library, by a rule written out or by the name of a file.

/// Names of universal time: the C library takes them for a zone without an offset even where their
/// file is missing.
const UNIVERSAL: &[&str] = &["UTC", "GMT", "UCT", "Universal", "Zulu", "Greenwich"];

/// The file that a value of `TZ` names, relative to the zoneinfo directory or absolute; none where the
/// value says all by itself, as `CET-1CEST,M3.5.0,M10.5.0/3` does.
pub(super) fn file_of(value: &str) -> Option<&str> {
    let value = value.strip_prefix(':').unwrap_or(value);
    let universal = UNIVERSAL.contains(&value.strip_prefix("Etc/").unwrap_or(value));
    (!value.is_empty() && !universal && !is_rule(value)).then_some(value)
}

/// Is this a zone as POSIX writes it: `std offset [dst [offset] [, rule]]`? The C library looks at the
/// rule only after it has taken the names and offsets, and lets a wrong one pass.
fn is_rule(text: &str) -> bool {
    let Some(rest) = name(text).and_then(offset) else { return false };
    let Some(rest) = name(rest) else { return rest.is_empty() };
    let rest = offset(rest).unwrap_or(rest);
    rest.is_empty() || rest.starts_with(',')
}

/// What follows the name of a zone: three letters or more, or anything between `<` and `>`.
fn name(text: &str) -> Option<&str> {
    if let Some(rest) = text.strip_prefix('<') {
        let (name, rest) = rest.split_once('>')?;
        let good = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '+' | '-');
        return (name.len() >= 3 && name.chars().all(good)).then_some(rest);
    }
    let rest = text.trim_start_matches(|letter: char| letter.is_ascii_alphabetic());
    (text.len() - rest.len() >= 3).then_some(rest)
}

/// What follows an offset: `[+-]hh[:mm[:ss]]`.
fn offset(text: &str) -> Option<&str> {
    let mut rest = number(text.strip_prefix(['+', '-']).unwrap_or(text), 24)?;
    for _ in 0..2 {
        let Some(next) = rest.strip_prefix(':').and_then(|next| number(next, 59)) else { break };
        rest = next;
    }
    Some(rest)
}

/// What follows a number of one or two digits.
fn number(text: &str, largest: u32) -> Option<&str> {
    let rest = text.trim_start_matches(|letter: char| letter.is_ascii_digit());
    let digits = &text[..text.len() - rest.len()];
    (digits.len() <= 2 && digits.parse::<u32>().is_ok_and(|number| number <= largest)).then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_that_need_no_file() {
        for value in [
            "",
            ":",
            "UTC",
            ":UTC",
            "Etc/UTC",
            "GMT",
            "UTC0",
            "UTC+0",
            "CET-1",
            "CET-1CEST",
            "CET-1CEST,M3.5.0,M10.5.0/3",
            "CET-1CEST-2,M3.5.0/2,M10.5.0/3",
            "EST5EDT",
            "<+03>-3",
            "<+0330>-3:30<+0430>,J79/24,J263/24",
            "NST3:30:00NDT",
        ] {
            assert_eq!(file_of(value), None, "{value}");
        }
    }

    #[test]
    fn zones_that_need_one() {
        for value in [
            "Europe/Berlin",
            "Etc/GMT+1",
            "Nosuch",
            "Japan",
            "EU0",
            "CET-25",
            "CET-1 CEST",
            "CET-1CE",
            "<+3>-3",
            "<+03-3",
            "CET-123",
            "é",
            "/etc/localtime",
        ] {
            assert_eq!(file_of(value), Some(value), "{value}");
        }
        assert_eq!(file_of(":Europe/Berlin"), Some("Europe/Berlin"));
    }
}
