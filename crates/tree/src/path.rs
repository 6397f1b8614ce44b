//! Paths inside an image.

use std::{cmp::Ordering, fmt, str::FromStr, sync::Arc};

/// The longest path that Linux opens, in bytes.
const MAX_LEN: usize = 4095;
/// The longest single name that Linux file systems take, in bytes.
const MAX_NAME: usize = 255;

/// An absolute, normal path inside an image: it starts with `/`, and has no `.`, `..`, empty or
/// over-long component and no NUL. `/` is the root.
///
/// Paths order by component, so that in a sorted map a directory is followed by all that is below
/// it: `/a`, `/a/b`, `/a-b`.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct TreePath(Arc<str>);

/// Why a text is not a path inside an image.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PathError {
    /// The text does not start with `/`.
    #[error("`{0}` is not an absolute path")]
    Relative(String),
    /// The path climbs above the root.
    #[error("`{0}` leads outside of the root")]
    Escapes(String),
    /// A name or the whole is longer than Linux allows.
    #[error("`{0}` is longer than a path may be")]
    TooLong(String),
    /// The text has a NUL byte.
    #[error("`{0}` holds a NUL byte")]
    Nul(String),
}

impl TreePath {
    /// `/`.
    pub fn root() -> Self {
        TreePath("/".into())
    }

    /// Checks an absolute path. Doubled and trailing slashes and `.` are dropped; `..` is applied
    /// to the text, without looking at links.
    ///
    /// # Errors
    /// When the path is relative, climbs above the root, is too long, or holds a NUL.
    pub fn parse(text: &str) -> Result<Self, PathError> {
        if !text.starts_with('/') {
            return Err(PathError::Relative(text.into()));
        }
        TreePath::root().join(text)
    }

    /// The path of `text` seen from here: an absolute text starts over at the root.
    ///
    /// # Errors
    /// As [`TreePath::parse`].
    pub fn join(&self, text: &str) -> Result<Self, PathError> {
        if let Some(path) = self.join_plain(text) {
            return Ok(path);
        }
        if text.contains('\0') {
            return Err(PathError::Nul(text.replace('\0', "\\0")));
        }
        let mut names: Vec<&str> = if text.starts_with('/') { vec![] } else { self.names().collect() };
        for name in text.split('/') {
            match name {
                "" | "." => {}
                ".." => {
                    names.pop().ok_or_else(|| PathError::Escapes(text.into()))?;
                }
                name if name.len() > MAX_NAME => return Err(PathError::TooLong(text.into())),
                name => names.push(name),
            }
        }
        let path = TreePath(format!("/{}", names.join("/")).into());
        if path.0.len() > MAX_LEN {
            return Err(PathError::TooLong(text.into()));
        }
        Ok(path)
    }

    /// The path of a relative text that says nothing in more than one way, as most do.
    fn join_plain(&self, text: &str) -> Option<Self> {
        let is_plain = |name: &[u8]| !matches!(name, b"" | b"." | b"..") && name.len() <= MAX_NAME;
        let bytes = text.as_bytes();
        if bytes.contains(&0) || !bytes.split(|byte| *byte == b'/').all(is_plain) {
            return None;
        }
        let above = if self.is_root() { "" } else { &self.0 };
        let fits = above.len() + 1 + text.len() <= MAX_LEN;
        fits.then(|| TreePath([above, "/", text].concat().into()))
    }

    /// The path of the entry `name` of this directory. `name` is one checked component, as
    /// [`crate::View::list`] gives it.
    pub fn child(&self, name: &str) -> Self {
        debug_assert!(!name.is_empty() && !name.contains('/'), "not a name: {name:?}");
        let above = if self.is_root() { "" } else { &self.0 };
        TreePath([above, "/", name].concat().into())
    }

    /// Is this `/`?
    pub fn is_root(&self) -> bool {
        &*self.0 == "/"
    }

    /// The whole path, with its leading slash.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The path without its leading slash, as tar writes it; empty for the root.
    pub fn relative(&self) -> &str {
        &self.0[1..]
    }

    /// The directory that holds this path; none for the root.
    pub fn parent(&self) -> Option<Self> {
        if self.is_root() {
            return None;
        }
        match self.0.rfind('/') {
            Some(0) | None => Some(TreePath::root()),
            Some(at) => Some(TreePath(self.0[..at].into())),
        }
    }

    /// The last component; empty for the root.
    pub fn name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or("")
    }

    /// The components, from the root down.
    pub fn names(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.0.split('/').filter(|name| !name.is_empty())
    }

    /// Every directory above this path, nearest first, the root last.
    pub fn ancestors(&self) -> impl Iterator<Item = TreePath> {
        std::iter::successors(self.parent(), TreePath::parent)
    }

    /// Is this path `dir` itself or below it?
    pub fn is_within(&self, dir: &TreePath) -> bool {
        self.below(dir).is_some()
    }

    /// Is this path directly below `dir`?
    pub fn is_child_of(&self, dir: &TreePath) -> bool {
        self.below(dir).is_some_and(|rest| !rest.is_empty() && !rest.contains('/'))
    }

    /// What is left of this path below `dir`, without a leading slash; empty for `dir` itself.
    pub fn below(&self, dir: &TreePath) -> Option<&str> {
        if dir.is_root() {
            return Some(self.relative());
        }
        let rest = self.0.strip_prefix(&*dir.0)?;
        if rest.is_empty() { Some(rest) } else { rest.strip_prefix('/') }
    }

    /// The path that leads from the directory `from` to here, as a relative link target.
    pub fn relative_to(&self, from: &TreePath) -> String {
        let here: Vec<&str> = self.names().collect();
        let there: Vec<&str> = from.names().collect();
        let shared = here.iter().zip(&there).take_while(|(a, b)| a == b).count();
        let up = std::iter::repeat_n("..", there.len() - shared);
        let text = up.chain(here[shared..].iter().copied()).collect::<Vec<_>>().join("/");
        if text.is_empty() { ".".into() } else { text }
    }
}

impl Ord for TreePath {
    fn cmp(&self, other: &Self) -> Ordering {
        let (a, b) = (self.0.as_bytes(), other.0.as_bytes());
        // `/` sorts below every other byte, which compares component by component.
        let key = |byte: &u8| if *byte == b'/' { 0 } else { *byte };
        // Most paths start alike: what is the same is passed over eight bytes at a time.
        let (strides, others) = (a.as_chunks().0, b.as_chunks().0);
        let alike = strides.iter().zip(others).take_while(|(a, b)| a == b).count();
        if let (Some(a), Some(b)) = (strides.get(alike), others.get(alike)) {
            let differing = u64::from_be_bytes(*a) ^ u64::from_be_bytes(*b);
            let at = differing.leading_zeros() as usize / 8;
            return key(&a[at]).cmp(&key(&b[at]));
        }
        let (a, b) = (&a[alike * 8..], &b[alike * 8..]);
        match a.iter().zip(b).find(|(a, b)| a != b) {
            Some((a, b)) => key(a).cmp(&key(b)),
            None => a.len().cmp(&b.len()),
        }
    }
}

impl PartialOrd for TreePath {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl FromStr for TreePath {
    type Err = PathError;
    fn from_str(text: &str) -> Result<Self, PathError> {
        TreePath::parse(text)
    }
}

impl fmt::Display for TreePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for TreePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl AsRef<str> for TreePath {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn p(text: &str) -> TreePath {
        TreePath::parse(text).unwrap()
    }

    #[test]
    fn parsing_normalises() {
        for (text, want) in [
            ("/", "/"),
            ("//usr///lib/", "/usr/lib"),
            ("/usr/./lib/.", "/usr/lib"),
            ("/usr/../lib", "/lib"),
            ("/a/b/../..", "/"),
        ] {
            assert_eq!(p(text).as_str(), want, "{text}");
        }
    }

    #[test]
    fn parsing_refuses() {
        assert!(matches!(TreePath::parse("usr"), Err(PathError::Relative(_))));
        assert!(matches!(TreePath::parse(""), Err(PathError::Relative(_))));
        assert!(matches!(TreePath::parse("/.."), Err(PathError::Escapes(_))));
        assert!(matches!(TreePath::parse("/a\0b"), Err(PathError::Nul(_))));
        assert!(matches!(TreePath::parse(&format!("/{}", "x".repeat(256))), Err(PathError::TooLong(_))));
        assert!(matches!(TreePath::parse(&"/x".repeat(3000)), Err(PathError::TooLong(_))));
    }

    #[test]
    fn a_directory_is_followed_by_what_is_below_it() {
        let mut paths = ["/a-b", "/a", "/a.b/c", "/a/z", "/a/b/c", "/", "/b"].map(p);
        paths.sort();
        assert_eq!(paths.map(|path| path.to_string()), ["/", "/a", "/a/b/c", "/a/z", "/a-b", "/a.b/c", "/b"]);
    }

    #[test]
    fn long_paths_compare_as_short_ones_do() {
        let tails = ["", "a", "a/b", "a/c", "a-b", "a0", "b", "ä"];
        for len in 1..20 {
            let long = |tail: &str| p(&format!("/{}/{tail}", "x".repeat(len)));
            for (i, a) in tails.iter().enumerate() {
                for (j, b) in tails.iter().enumerate() {
                    assert_eq!(long(a).cmp(&long(b)), i.cmp(&j), "{a} {b}");
                }
            }
        }
    }

    #[test]
    fn below_and_within() {
        assert_eq!(p("/usr/lib/x").below(&p("/usr")), Some("lib/x"));
        assert_eq!(p("/usr").below(&p("/usr")), Some(""));
        assert_eq!(p("/usrlib").below(&p("/usr")), None);
        assert_eq!(p("/usr").below(&TreePath::root()), Some("usr"));
        assert!(p("/x").is_within(&TreePath::root()));
    }

    #[test]
    fn ancestors_end_at_the_root() {
        let up: Vec<_> = p("/a/b/c").ancestors().map(|dir| dir.to_string()).collect();
        assert_eq!(up, ["/a/b", "/a", "/"]);
        assert_eq!(TreePath::root().ancestors().count(), 0);
    }

    #[test]
    fn relative_targets() {
        assert_eq!(p("/usr/lib/x.so").relative_to(&p("/usr/lib")), "x.so");
        assert_eq!(p("/app/tool").relative_to(&p("/usr/bin")), "../../app/tool");
        assert_eq!(p("/usr").relative_to(&p("/usr")), ".");
    }
}
