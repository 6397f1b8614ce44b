//! Which of the known words somebody may have meant.

/// Longer words are not compared: nobody mistypes them into something known.
const MAX_LEN: usize = 64;

/// The known word that differs least from `word`, if it differs little: by at most a third of its
/// letters. Else one that begins with `word`. Of several, the first.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = fold(word)?;
    let limit = (word.len() / 3).max(1);
    let known: Vec<_> = known.into_iter().filter_map(|known| Some((fold(known)?, known))).collect();
    let distances = known.iter().map(|(letters, known)| (distance(&word, letters), *known));
    let near = distances.filter(|(distance, _)| *distance <= limit).min_by_key(|(distance, _)| *distance);
    near.map(|(_, known)| known).or_else(|| {
        let begun = known.iter().find(|(letters, _)| word.len() > 1 && letters.starts_with(&word));
        begun.map(|(_, known)| *known)
    })
}

/// Letters without what is often mistaken: case, and `_` for `-`.
fn fold(word: &str) -> Option<Vec<char>> {
    let folded: Vec<char> = word
        .chars()
        .take(MAX_LEN + 1)
        .flat_map(char::to_lowercase)
        .map(|c| if c == '_' { '-' } else { c })
        .collect();
    (!folded.is_empty() && folded.len() <= MAX_LEN).then_some(folded)
}

/// How many letters must be put in, left out, changed or swapped with their neighbour.
fn distance(a: &[char], b: &[char]) -> usize {
    let mut before: Vec<usize> = vec![];
    let mut above: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, y) in b.iter().enumerate() {
            let mut least = (above[j + 1] + 1).min(row[j] + 1).min(above[j] + usize::from(x != y));
            if i > 0 && j > 0 && *x == b[j - 1] && a[i - 1] == *y {
                least = least.min(before[j - 1] + 1);
            }
            row.push(least);
        }
        before = std::mem::replace(&mut above, row);
    }
    above[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances() {
        for (a, b, want) in [
            ("", "abc", 3),
            ("abc", "abc", 0),
            ("abc", "acb", 1),
            ("entrypont", "entrypoint", 1),
            ("ab", "ba", 1),
        ] {
            let letters = |text: &str| text.chars().collect::<Vec<_>>();
            assert_eq!(distance(&letters(a), &letters(b)), want, "{a} {b}");
        }
    }

    #[test]
    fn the_nearest_is_near() {
        let known = ["entrypoint", "cmd", "stop-signal", "user"];
        for (word, want) in [
            ("entrypont", Some("entrypoint")),
            ("stop_signal", Some("stop-signal")),
            ("USER", Some("user")),
            ("uesr", Some("user")),
            ("entry", Some("entrypoint")),
            ("e", None),
            ("command", None),
            ("x", None),
            ("", None),
        ] {
            assert_eq!(nearest(word, known), want, "{word}");
        }
        assert_eq!(nearest(&"u".repeat(10_000), known), None);
    }
}
