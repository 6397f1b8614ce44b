//! Conditions that have one answer when a package is installed for the first time.

/// A word of which the value is known, or not.
pub type Field = Option<String>;

/// What a script finds on the disk.
pub trait Files {
    /// What a path leads to, after links are followed.
    fn found(&self, path: &str) -> Found;

    /// Is it a symbolic link itself?
    fn is_link(&self, path: &str) -> bool;
}

/// What stands at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    Nothing,
    Directory,
    /// A file, which is empty or not, and may be executed or not.
    File {
        empty: bool,
        executable: bool,
    },
}

/// What `test` says of these arguments; none where only a run could tell.
pub fn test(args: &[Field], files: &dyn Files) -> Option<bool> {
    let known: Vec<Option<&str>> = args.iter().map(Option::as_deref).collect();
    // `-o` binds less than `-a`, both less than `!`.
    if let Some(at) = position(&known, "-o") {
        let (left, right) = known.split_at(at);
        return or(test_known(left, files), test_known(right.get(1..)?, files));
    }
    test_known(&known, files)
}

/// Is there only one way that `a || b` can come out?
pub fn or(a: Option<bool>, b: Option<bool>) -> Option<bool> {
    match (a, b) {
        (Some(true), _) | (_, Some(true)) => Some(true),
        (Some(false), Some(false)) => Some(false),
        _ => None,
    }
}

/// Is there only one way that `a && b` can come out?
pub fn and(a: Option<bool>, b: Option<bool>) -> Option<bool> {
    or(a.map(|a| !a), b.map(|b| !b)).map(|neither| !neither)
}

fn test_known(args: &[Option<&str>], files: &dyn Files) -> Option<bool> {
    if let Some(at) = position(args, "-a") {
        let (left, right) = args.split_at(at);
        return and(test_known(left, files), test_known(right.get(1..)?, files));
    }
    match args {
        [] => Some(false),
        [Some("!"), rest @ ..] if rest.len() != 2 || rest.first() != Some(&Some("=")) => {
            test_known(rest, files).map(|is| !is)
        }
        [one] => one.map(|text| !text.is_empty()),
        [Some("-n"), text] => text.map(|text| !text.is_empty()),
        [Some("-z"), text] => text.map(str::is_empty),
        // No daemon runs while an image is built.
        [Some("-S" | "-p" | "-b" | "-c"), Some(_)] => Some(false),
        [Some("-e" | "-r" | "-w"), Some(path)] => Some(files.found(path) != Found::Nothing),
        [Some("-d"), Some(path)] => Some(files.found(path) == Found::Directory),
        [Some("-f"), Some(path)] => Some(matches!(files.found(path), Found::File { .. })),
        [Some("-s"), Some(path)] => Some(matches!(files.found(path), Found::File { empty: false, .. })),
        [Some("-x"), Some(path)] => {
            Some(matches!(files.found(path), Found::Directory | Found::File { executable: true, .. }))
        }
        [Some("-L" | "-h"), Some(path)] => Some(files.is_link(path)),
        // Nor is there a terminal.
        [Some("-t"), _] => Some(false),
        [a, Some("=" | "=="), b] => Some((*a)? == (*b)?),
        [a, Some("!="), b] => Some((*a)? != (*b)?),
        [a, Some(sign), b] => {
            let (a, b): (i64, i64) = ((*a)?.trim().parse().ok()?, (*b)?.trim().parse().ok()?);
            Some(match *sign {
                "-eq" => a == b,
                "-ne" => a != b,
                "-lt" => a < b,
                "-le" => a <= b,
                "-gt" => a > b,
                "-ge" => a >= b,
                _ => return None,
            })
        }
        _ => None,
    }
}

/// What `dpkg --compare-versions A SIGN B` says where one is empty, as `$2` is: dpkg(1). Versions that are both there
/// are left to a run.
pub fn compare_versions(args: &[Field]) -> Option<bool> {
    let [Some(a), Some(sign), Some(b)] = args else { return None };
    // An empty version is earlier than any, or later with `-nl`.
    let order = match (a.is_empty(), b.is_empty()) {
        (true, true) => 0,
        (true, false) => -1,
        (false, true) => 1,
        (false, false) => return None,
    };
    let (sign, order) = match sign.strip_suffix("-nl") {
        Some(sign) => (sign, -order),
        None => (sign.as_str(), order),
    };
    Some(match sign {
        "lt" | "<<" => order < 0,
        "le" | "<=" | "<" => order <= 0,
        "eq" | "=" => order == 0,
        "ne" => order != 0,
        "ge" | ">=" | ">" => order >= 0,
        "gt" | ">>" => order > 0,
        _ => return None,
    })
}

/// Does a pattern of `case` match? Brackets are left to a run.
pub fn matches(pattern: &str, text: &str) -> Option<bool> {
    if pattern.contains('[') {
        return None;
    }
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    // The last star, and where in the text it was tried last: what stands before them is settled.
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(letter) if *letter == '?' || text.get(t) == Some(letter) => {
                p += 1;
                t += 1;
            }
            _ => {
                let Some((at, tried)) = star else { return Some(false) };
                star = Some((at, tried + 1));
                p = at + 1;
                t = tried + 1;
            }
        }
    }
    Some(pattern.get(p..).is_some_and(|rest| rest.iter().all(|letter| *letter == '*')))
}

fn position(args: &[Option<&str>], operator: &str) -> Option<usize> {
    // The first argument is an operand, whatever it says.
    args.iter().skip(1).position(|arg| *arg == Some(operator)).map(|at| at + 1)
}
