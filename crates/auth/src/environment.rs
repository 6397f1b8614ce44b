//! The variables of a process, as a value.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;

/// The variables of a process. Their values never show.
#[derive(Clone, Default)]
pub struct Environment {
    variables: BTreeMap<OsString, OsString>,
}

impl Environment {
    /// Those of this process.
    pub fn of_process() -> Self {
        Environment { variables: std::env::vars_os().collect() }
    }

    /// A variable that is set, even if to nothing; none too, if it is not UTF-8.
    pub fn set(&self, name: &str) -> Option<&str> {
        self.variables.get(std::ffi::OsStr::new(name))?.to_str()
    }

    /// A variable that is set to something.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.set(name).filter(|value| !value.is_empty())
    }

    /// A variable that names a path.
    pub fn path(&self, name: &str) -> Option<PathBuf> {
        let value = self.variables.get(std::ffi::OsStr::new(name))?;
        (!value.is_empty()).then(|| PathBuf::from(value))
    }

    /// The home of the user.
    pub fn home(&self) -> Option<PathBuf> {
        self.path("HOME")
    }

    /// All of them.
    pub(crate) fn all(&self) -> &BTreeMap<OsString, OsString> {
        &self.variables
    }
}

impl<Name: Into<OsString>, Value: Into<OsString>> FromIterator<(Name, Value)> for Environment {
    fn from_iter<All: IntoIterator<Item = (Name, Value)>>(all: All) -> Self {
        Environment { variables: all.into_iter().map(|(name, value)| (name.into(), value.into())).collect() }
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.variables.keys()).finish()
    }
}
