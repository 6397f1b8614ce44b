//! Files of settings in sections, as the tools of AWS have them.

/// The value of a key in a section.
pub(super) fn value<'a>(text: &'a str, section: &str, key: &str) -> Option<&'a str> {
    let mut within = false;
    for line in text.lines().map(str::trim) {
        if line.starts_with(['#', ';']) {
            continue;
        }
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            within = name.0.split_whitespace().eq(section.split_whitespace());
        } else if let Some((name, value)) = line.split_once('=').filter(|_| within)
            && name.trim().eq_ignore_ascii_case(key)
        {
            return Some(value.trim()).filter(|value| !value.is_empty());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::value;

    #[test]
    fn sections_and_comments() {
        let text = "a = 0\n[default]\n# a = 1\na = 2\n[ profile  ci ]\nA=3=4\nempty =\n[default]\nb = 5\n";
        for (section, key, want) in [
            ("default", "a", Some("2")),
            ("default", "b", Some("5")),
            ("profile ci", "a", Some("3=4")),
            ("profile ci", "empty", None),
            ("profile ci", "b", None),
            ("other", "a", None),
        ] {
            assert_eq!(value(text, section, key), want, "{section} {key}");
        }
    }
}
