//! What globs and ignore patterns have in common: signs that stand for letters of a path.
//!
//! Matching takes time in proportion to the pattern and the path, whatever the pattern is.

/// A part of a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Piece {
    /// This letter.
    Letter(char),
    /// One letter, no slash.
    Any,
    /// Letters without a slash, or none.
    Name,
    /// Anything.
    Rest,
    /// Nothing, or anything up to a slash.
    Directories,
    /// A letter of the ranges; if negated, one that is in none.
    Class { negated: bool, slash: bool, ranges: Vec<(char, char)> },
    /// Any of these.
    Either(Vec<Vec<Piece>>),
}

/// The letters that must stand there, if the pieces leave no choice.
pub(crate) fn literal(pieces: &[Piece]) -> Option<String> {
    pieces.iter().map(|piece| if let Piece::Letter(letter) = piece { Some(*letter) } else { None }).collect()
}

/// Do the pieces make up the whole path?
pub(crate) fn matches(pieces: &[Piece], path: &str) -> bool {
    let letters: Vec<char> = path.chars().collect();
    let start = starting_with(true, letters.len());
    walk(pieces, &letters, start).last() == Some(&true)
}

/// Could the pieces make up a path below this directory? Yes where in doubt.
pub(crate) fn reach_below(pieces: &[Piece], directory: &str) -> bool {
    let letters: Vec<char> = directory.trim_end_matches('/').chars().chain(['/']).collect();
    reach(pieces, &letters, starting_with(true, letters.len()))
}

fn reach(pieces: &[Piece], letters: &[char], mut places: Vec<bool>) -> bool {
    let at_end = |places: &[bool]| places.last() == Some(&true);
    pieces.iter().any(|piece| {
        // All of the directory is matched, and there is more of the pattern to come.
        let open = at_end(&places);
        let within = |ways: &[Vec<Piece>]| ways.iter().any(|way| reach(way, letters, places.clone()));
        let inside = matches!(piece, Piece::Either(ways) if within(ways));
        places = pass(piece, letters, std::mem::take(&mut places));
        let grows = !matches!(piece, Piece::Letter(_) | Piece::Any | Piece::Class { .. });
        open || inside || (at_end(&places) && grows)
    })
}

/// The places between letters at which a match of all the pieces can end, given those at which it
/// can begin.
fn walk(pieces: &[Piece], letters: &[char], places: Vec<bool>) -> Vec<bool> {
    pieces.iter().fold(places, |places, piece| pass(piece, letters, places))
}

fn pass(piece: &Piece, letters: &[char], mut places: Vec<bool>) -> Vec<bool> {
    let one = |fits: &dyn Fn(char) -> bool| -> Vec<bool> {
        let moved = letters.iter().zip(&places).map(|(letter, here)| *here && fits(*letter));
        [false].into_iter().chain(moved).collect()
    };
    match piece {
        Piece::Letter(wanted) => one(&|letter| letter == *wanted),
        Piece::Any => one(&|letter| letter != '/'),
        Piece::Class { negated, slash, ranges } => one(&|letter| {
            let inside = ranges.iter().any(|(low, high)| (*low..=*high).contains(&letter));
            inside != *negated && (*slash || letter != '/')
        }),
        Piece::Name | Piece::Rest => {
            for (at, letter) in letters.iter().enumerate() {
                places[at + 1] |= places[at] && (*letter != '/' || *piece == Piece::Rest);
            }
            places
        }
        Piece::Directories => {
            let mut begun = false;
            for (at, letter) in letters.iter().enumerate() {
                begun |= places[at];
                places[at + 1] |= begun && *letter == '/';
            }
            places
        }
        Piece::Either(ways) => {
            let mut all = starting_with(false, letters.len());
            for way in ways {
                for (place, reached) in all.iter_mut().zip(walk(way, letters, places.clone())) {
                    *place |= reached;
                }
            }
            all
        }
    }
}

/// No place is reached but, perhaps, the first.
fn starting_with(first: bool, letters: usize) -> Vec<bool> {
    let mut places = vec![false; letters + 1];
    places[0] = first;
    places
}
