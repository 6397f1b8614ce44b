//! Names of images: `host/path` and tags, by the grammar of the OCI distribution specification.

use super::error::{Wrong, shown, toml_list, toml_text};

/// The longest name with its host that registries take.
const MAX_NAME: usize = 255;
/// The longest tag, by the same.
const MAX_TAG: usize = 128;

/// Checks the name of a repository: no tag, no digest, no scheme.
pub(super) fn check_name(name: &str) -> Result<(), Wrong> {
    let wrong = |reason: &str| Wrong::new(format!("{} is no image name: {reason}", shown(name)));
    if name.is_empty() {
        return Err(Wrong::new("the image name is empty").help(
            "leave `name` out to use the name of the spec's folder, or write one as `ghcr.io/acme/shop`",
        ));
    }
    if name.contains("${") || name.starts_with('$') {
        return Err(wrong("variables are not expanded here").help("write the name out"));
    }
    for scheme in ["docker://", "https://", "http://", "oci://"] {
        if let Some(rest) = name.strip_prefix(scheme) {
            return Err(wrong("a name has no scheme").help(format!("write {}", toml_text(&lower(rest)))));
        }
    }
    if name.starts_with('/') {
        return Err(wrong("nothing stands before the first slash")
            .help("was it put together from an empty variable?"));
    }
    if let Some((rest, digest)) = name.split_once('@') {
        let help = format!("a digest is what comes out of a build; write {}", toml_text(&lower(rest)));
        return Err(wrong(&format!("it has the digest {}", shown(digest))).help(help));
    }
    if let Some((rest, tag)) = name.rsplit_once(':').filter(|(_, tag)| !tag.contains('/')) {
        let host_alone =
            !rest.contains('/') && tag.bytes().all(|byte| byte.is_ascii_digit()) && rest.contains('.');
        if host_alone {
            return Err(
                wrong("it is only a host").help(format!("write {}", toml_text(&format!("{name}/shop"))))
            );
        }
        if tag.is_empty() {
            return Err(wrong("its tag is empty").help(format!("write {}", toml_text(&lower(rest)))));
        }
        let help = format!("write `name = {}` and `tags = {}`", toml_text(&lower(rest)), toml_list(&[tag]));
        return Err(wrong("it has a tag").help(help));
    }
    if name.len() > MAX_NAME {
        return Err(wrong(&format!("it is longer than {MAX_NAME} characters")));
    }

    let (host, path) = split_host(name);
    if let Some(host) = host
        && !valid_host(host)
    {
        return Err(wrong(&format!("{} is no host", shown(host))));
    }
    for part in path.split('/') {
        if part.is_empty() {
            return Err(wrong("two slashes meet, or one is the last")
                .help("was it put together from an empty variable?"));
        }
        if part.chars().any(char::is_uppercase) {
            let help = format!("write {}", toml_text(&lower(name)));
            return Err(wrong("registries take lower-case names only").help(help));
        }
        if !valid_part(part) {
            return Err(wrong(&format!(
                "{} may hold a-z, 0-9, and between them `.`, `_`, `__` and `-`",
                shown(part)
            )));
        }
    }
    Ok(())
}

/// Checks a tag.
pub(super) fn check_tag(tag: &str) -> Result<(), Wrong> {
    let wrong = Wrong::new(format!("{} is no tag", shown(tag)));
    let mut letters = tag.chars();
    match letters.next() {
        None => return Err(Wrong::new("a tag is empty").help("was it taken from an empty variable?")),
        Some('.' | '-') => return Err(wrong.help("a tag begins with a letter, a digit or `_`")),
        Some(_) if tag.len() > MAX_TAG => return Err(wrong.help("a tag has at most 128 characters")),
        Some(_) => {}
    }
    if tag.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-')) {
        return Ok(());
    }
    let mended: String = tag
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-') { c } else { '-' })
        .collect();
    let help = match tag.rsplit_once(':') {
        Some((_, tag)) if check_tag(tag).is_ok() => {
            format!("only the tag stands here, without the name: {}", toml_text(tag))
        }
        _ => format!("a tag may hold letters, digits, `_`, `.` and `-`, as {}", toml_text(&mended)),
    };
    Err(wrong.help(help))
}

/// Splits a name where Docker's clients do: the first part is a host if it looks like one.
fn split_host(name: &str) -> (Option<&str>, &str) {
    let is_host = |part: &str| part == "localhost" || part.contains(['.', ':']);
    match name.split_once('/') {
        Some((first, rest)) if is_host(first) => (Some(first), rest),
        _ => (None, name),
    }
}

/// The name with its path in lower case.
fn lower(name: &str) -> String {
    let (host, path) = split_host(name);
    host.map(|host| format!("{host}/")).unwrap_or_default() + &path.to_lowercase()
}

fn valid_host(host: &str) -> bool {
    let (name, port) = match host.rsplit_once(':') {
        Some((name, port)) if !port.contains(']') => (name, Some(port)),
        _ => (host, None),
    };
    let v6 = name.strip_prefix('[').and_then(|name| name.strip_suffix(']'));
    let named = name.split('.').all(|label| {
        label.starts_with(|c: char| c.is_ascii_alphanumeric())
            && label.ends_with(|c: char| c.is_ascii_alphanumeric())
            && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
    });
    let good_name = v6.map_or(named, |address| address.parse::<std::net::Ipv6Addr>().is_ok());
    good_name && port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port > 0))
}

/// `[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*`
fn valid_part(part: &str) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let between = part.split(plain).filter(|sign| !sign.is_empty());
    part.starts_with(plain)
        && part.ends_with(plain)
        && between.into_iter().all(|sign| matches!(sign, "." | "_" | "__") || sign.chars().all(|c| c == '-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for name in [
            "shop",
            "acme/shop",
            "ghcr.io/acme/shop",
            "localhost/shop",
            "localhost:5000/a/b__c/d--e/f.g_h",
            "127.0.0.1:5000/shop",
            "[::1]:5000/shop",
            "Registry.Example.com/shop",
        ] {
            assert_eq!(check_name(name), Ok(()), "{name}");
        }
        for name in [
            "",
            "Shop",
            "acme//shop",
            "acme/shop/",
            "/shop",
            "shop:1",
            "ghcr.io/a/b:1",
            "a@sha256:0",
            "docker://a/b",
            "-a",
            "a-",
            "a..b",
            "a___b",
            "a b",
            "ä",
            "host.x:99999/a",
            "host.x:/a",
            "bad_host.x/a",
            "a/${b}",
            "ghcr.io:5000",
            "ghcr.io/",
            "[::g]:1/a",
            &"a".repeat(256),
        ] {
            assert!(check_name(name).is_err(), "{name}");
        }
    }

    #[test]
    fn tags() {
        for tag in ["1.4.2", "latest", "_x", "A-b.c_d", &"x".repeat(128)] {
            assert_eq!(check_tag(tag), Ok(()), "{tag}");
        }
        for tag in ["", ".a", "-a", "a b", "a/b", "a:b", "1.0+build", "ü", &"x".repeat(129)] {
            assert!(check_tag(tag).is_err(), "{tag}");
        }
        let help = |tag| check_tag(tag).unwrap_err().help.unwrap();
        assert_eq!(help("shop:1.2"), "only the tag stands here, without the name: \"1.2\"");
        assert_eq!(help("1.0+b"), "a tag may hold letters, digits, `_`, `.` and `-`, as \"1.0-b\"");
    }
}
