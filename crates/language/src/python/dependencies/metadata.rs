//! `METADATA`: what a distribution says it is, held against the name of its file.

use super::tags::normalized;

/// Is it of this distribution, in this version? The name is normalized.
///
/// # Errors
/// What it says instead.
pub(super) fn check(text: &str, name: &str, version: &str) -> Result<(), String> {
    let fields = text.lines().take_while(|line| !line.is_empty()).filter_map(|line| line.split_once(':'));
    let field = |key: &str| {
        let (_, value) = fields.clone().find(|(found, _)| found.eq_ignore_ascii_case(key))?;
        Some(value.trim().to_owned())
    };
    let (said_name, said_version) = (field("Name"), field("Version"));
    let said_name = said_name.ok_or("its METADATA does not say its name")?;
    let said_version = said_version.ok_or("its METADATA does not say its version")?;
    if normalized(&said_name) != name {
        return Err(format!("its METADATA is of {said_name}"));
    }
    if canonical(&said_version) != canonical(version) {
        return Err(format!("its METADATA is of version {said_version}"));
    }
    Ok(())
}

/// A version as all spellings of it are compared: PEP 440. Numbers and words follow each other, whatever is between them.
fn canonical(version: &str) -> Vec<String> {
    let version = version.trim().to_ascii_lowercase();
    let (public, local) = version.split_once('+').unwrap_or((&version, ""));
    let public = public.strip_prefix('v').unwrap_or(public);
    let (epoch, public) = public.split_once('!').unwrap_or(("0", public));
    let mut parts = parts(public);
    let is_number = |part: &String| part.starts_with(|first: char| first.is_ascii_digit());
    let release = parts.iter().take_while(|part| is_number(part)).count();
    let zeros = parts[..release].iter().rev().take_while(|part| *part == "0").count();
    parts.drain(release - zeros..release);
    let local = local.split(['.', '-', '_']).map(|part| format!("+{}", number(part)));
    std::iter::once(number(epoch)).chain(parts).chain(local).collect()
}

/// The numbers and words of the public part of a version. A word without a number has the number 0.
fn parts(text: &str) -> Vec<String> {
    let mut parts: Vec<String> = vec![];
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let is_digit = first.is_ascii_digit();
        let end = rest.find(|c: char| c.is_ascii_digit() != is_digit).unwrap_or(rest.len());
        let (part, after) = rest.split_at(end);
        rest = after;
        if is_digit {
            parts.push(number(part));
            continue;
        }
        let word = part.trim_matches(['.', '-', '_']);
        match word {
            // `1.0-1` is what `1.0.post1` is.
            "" if matches!(part, "-" | "_") && !rest.is_empty() => parts.push("post".into()),
            "" => {}
            "alpha" => parts.push("a".into()),
            "beta" => parts.push("b".into()),
            "c" | "pre" | "preview" => parts.push("rc".into()),
            "rev" | "r" => parts.push("post".into()),
            word => parts.extend(word.split(['.', '-', '_']).map(String::from)),
        }
        if !word.is_empty() && rest.is_empty() {
            parts.push("0".into());
        }
    }
    parts
}

fn number(text: &str) -> String {
    let bare = text.trim_start_matches('0');
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match is_number {
        true if bare.is_empty() => "0".into(),
        true => bare.into(),
        false => text.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_the_same_in_all_spellings() {
        for (one, other, same) in [
            ("1.0", "1", true),
            ("1.0.0", "1.0", true),
            ("1.10", "1.1", false),
            ("10", "1", false),
            ("v1.2", "1.2", true),
            ("2013.10-beta", "2013.10b0", true),
            ("1.0.RC1", "1.0rc1", true),
            ("1.0-1", "1.0.post1", true),
            ("1.0_1", "1.0.1", false),
            ("1.0.dev", "1.0.dev0", true),
            ("1.0a", "1.0a1", false),
            ("1.01", "1.1", true),
            ("1!1.0", "1.0", false),
            ("1!1.0", "1!1", true),
            ("2.1.0+cu121", "2.1.0", false),
            ("2.1.0+CU-121", "2.1+cu.121", true),
            ("2024.01.05", "2024.1.5", true),
            ("", "0", true),
        ] {
            assert_eq!(canonical(one) == canonical(other), same, "{one} and {other}");
        }
    }

    #[test]
    fn a_distribution_is_what_its_file_is_called() {
        let check = |text| check(text, "foo-bar", "1.0");
        assert_eq!(check("Metadata-Version: 2.1\nName: Foo_Bar\nVersion: 1.0.0\n\nVersion: 2\n"), Ok(()));
        assert_eq!(check("Name: evil\nVersion: 1.0\n"), Err("its METADATA is of evil".into()));
        assert_eq!(check("Name: foo.bar\nVersion: 2\n"), Err("its METADATA is of version 2".into()));
        assert_eq!(check("Name: foo-bar\n"), Err("its METADATA does not say its version".into()));
    }
}
