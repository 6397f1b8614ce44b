//! `pyvenv.cfg`.

use crate::{LanguageError, python::interpreter::Interpreter};
use std::{
    fs::File,
    io::{self, Read as _},
    path::Path,
};
use tree::TreePath;

/// No such file is longer, in bytes.
const MAX: u64 = 1 << 20;

/// What it says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Config {
    /// The Python that it is of, where it says so.
    pub version: Option<(u32, u32)>,
    /// Does it see the packages of the Python that it was made with?
    pub system_site: bool,
}

impl Config {
    /// Reads it from an environment.
    ///
    /// # Errors
    /// When there is none.
    pub fn read(venv: &Path) -> Result<Self, LanguageError> {
        let path = venv.join("pyvenv.cfg");
        let mut text = String::new();
        let read = File::open(&path).and_then(|file| file.take(MAX + 1).read_to_string(&mut text));
        match read {
            Ok(length) if length as u64 > MAX => {
                Err(LanguageError::read(path)(io::ErrorKind::FileTooLarge.into()))
            }
            Ok(_) => Ok(Config::parse(&text)),
            Err(error) => Err(LanguageError::read(path)(error)),
        }
    }

    fn parse(text: &str) -> Self {
        let field = |names: &[&str]| {
            text.lines().filter_map(|line| line.split_once('=')).find_map(|(key, value)| {
                names.contains(&key.trim().to_ascii_lowercase().as_str()).then(|| value.trim())
            })
        };
        let version = field(&["version", "version_info"]).and_then(|version| {
            let mut parts = version.split('.');
            Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
        });
        let system_site =
            field(&["include-system-site-packages"]).is_some_and(|value| value.eq_ignore_ascii_case("true"));
        Config { version, system_site }
    }

    /// The file of the image, for its interpreter.
    pub fn text(interpreter: &Interpreter) -> String {
        let home = interpreter.program.parent().unwrap_or_else(TreePath::root);
        let (major, minor) = interpreter.version;
        format!(
            "home = {home}\nimplementation = CPython\nversion_info = {major}.{minor}\ninclude-system-site-packages = false\n"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::python::dependencies::testing::interpreter;

    #[test]
    fn both_sorts_are_read() {
        let of_uv = "home = /root/.local/bin\nimplementation = CPython\nuv = 0.5\nversion_info = 3.13.1\ninclude-system-site-packages = false\n";
        let of_python = "home = /usr/bin\nInclude-System-Site-Packages = True\nversion = 3.11.2\nexecutable = /usr/bin/python3.11\n";
        assert_eq!(Config::parse(of_uv), Config { version: Some((3, 13)), system_site: false });
        assert_eq!(Config::parse(of_python), Config { version: Some((3, 11)), system_site: true });
        assert_eq!(Config::parse("version = x"), Config { version: None, system_site: false });
        assert_eq!(
            Config::text(&interpreter()),
            "home = /usr/bin\nimplementation = CPython\nversion_info = 3.13\ninclude-system-site-packages = false\n"
        );
    }
}
