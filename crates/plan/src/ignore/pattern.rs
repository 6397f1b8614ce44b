//! One ignore pattern.

use crate::wildcard::{self, Piece};

/// A pattern, taken apart.
#[derive(Debug, Clone)]
pub(super) struct Pattern {
    /// Does it begin with `!`?
    pub(super) exception: bool,
    pieces: Vec<Piece>,
    /// The path that matches, where nothing varies.
    literal: Option<String>,
}

impl Pattern {
    /// Reads a line that is neither empty nor a comment.
    pub(super) fn parse(line: &str) -> Result<Self, &'static str> {
        // Docker cleans twice: when it reads the line, and when it compiles the pattern.
        let once = without_root(line.trim());
        let twice = clean(once.trim());
        let (exception, text) = match twice.strip_prefix('!') {
            Some("") => return Err("nothing follows the `!`"),
            Some(text) => (true, text),
            None => (false, twice.as_str()),
        };
        let pieces = pieces(text)?;
        let literal = wildcard::literal(&pieces);
        Ok(Pattern { exception, pieces, literal })
    }

    /// Does it match this very path, parents aside?
    pub(super) fn matches(&self, path: &str) -> bool {
        match &self.literal {
            Some(literal) => literal == path,
            None => wildcard::matches(&self.pieces, path),
        }
    }

    /// Could it match something below this directory? Yes where in doubt.
    pub(super) fn reaches_below(&self, directory: &str) -> bool {
        wildcard::reach_below(&self.pieces, directory)
    }
}

/// The pattern of a line, cleaned and without a leading slash; a `!` stays in front.
fn without_root(line: &str) -> String {
    let (mark, text) = match line.strip_prefix('!') {
        Some(text) => ("!", text.trim()),
        None => ("", line),
    };
    let cleaned = if text.is_empty() { String::new() } else { clean(text) };
    let relative = cleaned.strip_prefix('/').filter(|rest| !rest.is_empty()).unwrap_or(&cleaned);
    format!("{mark}{relative}")
}

/// Takes a cleaned pattern apart.
fn pieces(text: &str) -> Result<Vec<Piece>, &'static str> {
    // `**x` without anything else that varies matches by the end of the text alone.
    let by_end = text
        .strip_prefix("**")
        .is_some_and(|rest| !rest.starts_with('/') && !rest.contains(['*', '?', '[', ']', '\\']));
    let mut out = vec![];
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        out.push(match letter {
            '*' if letters.next_if_eq(&'*').is_some() => {
                letters.next_if_eq(&'/');
                let last = letters.peek().is_none();
                if last || by_end { Piece::Rest } else { Piece::Directories }
            }
            '*' => Piece::Name,
            '?' => Piece::Any,
            '[' => class(&mut letters)?,
            '\\' => Piece::Letter(letters.next().ok_or("nothing follows the last `\\`")?),
            letter => Piece::Letter(letter),
        });
    }
    Ok(out)
}

/// Reads a class after its `[`. As Docker has it, one can stand for a slash too.
fn class(letters: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Result<Piece, &'static str> {
    let negated = letters.next_if_eq(&'^').is_some();
    let mut ranges = vec![];
    loop {
        if letters.peek() == Some(&']') && !ranges.is_empty() {
            letters.next();
            return Ok(Piece::Class { negated, slash: true, ranges });
        }
        let low = bound(letters, "a `[]` is empty")?;
        let high = match letters.next_if_eq(&'-') {
            Some(_) => bound(letters, NO_END)?,
            None => low,
        };
        if high < low {
            return Err("a range runs backwards");
        }
        ranges.push((low, high));
    }
}

const NO_END: &str = "a `-` has no letter at one side";

/// One end of a range; `closed` says what is wrong if the class ends here.
fn bound(letters: &mut impl Iterator<Item = char>, closed: &'static str) -> Result<char, &'static str> {
    const OPEN: &str = "a `[` has no `]`";
    match letters.next().ok_or(OPEN)? {
        ']' => Err(closed),
        '-' => Err(NO_END),
        '\\' => letters.next().ok_or(OPEN),
        letter => Ok(letter),
    }
}

/// The shortest spelling of a path: what Go's `filepath.Clean` gives.
fn clean(path: &str) -> String {
    let rooted = path.starts_with('/');
    let mut names: Vec<&str> = vec![];
    for name in path.split('/') {
        match name {
            "" | "." => {}
            ".." if names.last().is_some_and(|last| *last != "..") => {
                names.pop();
            }
            ".." if rooted => {}
            name => names.push(name),
        }
    }
    match (rooted, names.join("/")) {
        (true, joined) => format!("/{joined}"),
        (false, joined) if joined.is_empty() => ".".into(),
        (false, joined) => joined,
    }
}
