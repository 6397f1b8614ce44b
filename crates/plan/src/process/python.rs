//! Command lines of Python.

/// What an interpreter is told to run, by a name that can be looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PythonStart<'w> {
    /// A file.
    Script(&'w str),
    /// A module: `-m`.
    Module(&'w str),
}

impl<'w> PythonStart<'w> {
    /// Reads the words behind the interpreter's name as `getopt` of CPython does; none where they run a text, what stands
    /// on standard input, or nothing.
    pub fn of(words: impl IntoIterator<Item = &'w str>) -> Option<Self> {
        let mut words = words.into_iter();
        loop {
            let word = words.next()?;
            match word.strip_prefix('-') {
                None => return Some(PythonStart::Script(word)),
                Some("-") => return words.next().map(PythonStart::Script),
                Some("-check-hash-based-pycs") => drop(words.next()),
                Some(letters) if letters.is_empty() || letters.starts_with('-') => return None,
                Some(letters) => {
                    let Some(at) = letters.find(['c', 'm', 'h', 'V', '?', 'W', 'X']) else { continue };
                    // A letter that takes a value has what is left of the word, or the next word.
                    let (letter, rest) = letters[at..].split_at(1);
                    let value = if rest.is_empty() { words.next() } else { Some(rest) };
                    match letter {
                        "m" => return value.map(PythonStart::Module),
                        "W" | "X" => {}
                        _ => return None,
                    }
                }
            }
        }
    }
}
