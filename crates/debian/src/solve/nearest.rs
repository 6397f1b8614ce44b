//! Which names of packages somebody may have meant.

/// Longer names are not compared.
const MAX_LEN: usize = 64;
/// So many names are given.
const MOST: usize = 3;

/// The names that differ least from `name`, by at most a third of its letters; then those that begin with it, the
/// shortest first. Names that differ as much are in the order of their letters.
pub(super) fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Vec<String> {
    let word = name.to_ascii_lowercase();
    if word.is_empty() || word.len() > MAX_LEN {
        return vec![];
    }
    let limit = (word.len() / 3).clamp(1, 3);
    let mut near: Vec<(usize, usize, &str)> = vec![];
    for known in known.filter(|known| known.len() <= MAX_LEN) {
        if known.len().abs_diff(word.len()) <= limit {
            let distance = distance(word.as_bytes(), known.as_bytes());
            if distance <= limit {
                near.push((distance, known.len(), known));
                continue;
            }
        }
        if word.len() > 2 && known.starts_with(&word) {
            near.push((limit + 1, known.len(), known));
        }
    }
    near.sort_unstable();
    near.into_iter().take(MOST).map(|(_, _, known)| known.to_owned()).collect()
}

/// How many letters must be put in, left out or changed.
fn distance(a: &[u8], b: &[u8]) -> usize {
    let mut above: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut left = i + 1;
        let mut corner = i;
        for (cell, y) in above.iter_mut().skip(1).zip(b) {
            let least = (*cell + 1).min(left + 1).min(corner + usize::from(x != y));
            corner = std::mem::replace(cell, least);
            left = least;
        }
        if let Some(first) = above.first_mut() {
            *first = i + 1;
        }
    }
    above.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances() {
        for (a, b, want) in [
            ("", "abc", 3),
            ("abc", "", 3),
            ("abc", "abc", 0),
            ("libpg5", "libpq5", 1),
            ("kitten", "sitting", 3),
        ] {
            assert_eq!(distance(a.as_bytes(), b.as_bytes()), want, "{a} {b}");
        }
    }

    #[test]
    fn names_are_near_or_begin_alike() {
        let known =
            ["libpq5", "libpq-dev", "openssl", "openssh-client", "openssh-server", "postgresql", "curl"];
        for (name, want) in [
            ("libpg5", &["libpq5"] as &[_]),
            ("openssh", &["openssl", "openssh-client", "openssh-server"]),
            ("CURL", &["curl"]),
            ("postgres", &["postgresql"]),
            ("nothing-alike", &[]),
            ("", &[]),
        ] {
            assert_eq!(nearest(name, known.into_iter()), want, "{name}");
        }
    }
}
