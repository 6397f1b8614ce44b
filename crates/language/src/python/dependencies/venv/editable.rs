//! Editable installs: distributions of which an environment has only the way to their sources.

use super::packages::Packages;
use crate::LanguageError;
use plan::{finding::Problem, spec::Line};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};
use tree::{Content, Tree};

/// No way to sources is longer, in bytes.
const MAX_TEXT: u64 = 1 << 20;

/// Where sources may be in the image.
pub(super) struct Editable<'a> {
    /// The payload, at the paths of the image.
    pub payload: &'a Tree,
}

impl Editable<'_> {
    /// Makes ways into the machine ones into the image, where the payload has what they lead to. The others are taken
    /// out, and are problems.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn settle(
        &self,
        files: &mut BTreeMap<String, Content>,
        packages: &Packages,
        line: Line,
    ) -> Result<Vec<Problem>, LanguageError> {
        let mut lost: BTreeSet<(String, String)> = BTreeSet::new();
        let ways: Vec<String> = files.keys().filter(|path| is_way(path)).cloned().collect();
        for path in ways {
            let Some(content) = files.get(&path) else { continue };
            let bytes = content.read(MAX_TEXT)?;
            let text = String::from_utf8_lossy(&bytes).into_owned();
            let of = match packages.of(&path) {
                "" => path.clone(),
                of => of.to_owned(),
            };
            if path.starts_with("__editable__") && text.contains("import ") {
                // A finder of setuptools has the places in a table.
                let place = text.split('\'').find(|part| part.starts_with('/')).unwrap_or("its sources");
                if path.ends_with(".py") {
                    lost.insert((of, place.to_owned()));
                }
                files.remove(&path);
                continue;
            }
            let mut lines = vec![];
            let mut leads_out = false;
            for text in text.lines() {
                let place = text.trim();
                if !place.starts_with('/') {
                    lines.push(text.to_owned());
                    continue;
                }
                leads_out = true;
                match self.in_image(Path::new(place)) {
                    Some(dir) => lines.push(dir),
                    None => {
                        lost.insert((of.clone(), place.to_owned()));
                    }
                }
            }
            if leads_out && lines.iter().all(|line| line.trim().is_empty()) {
                files.remove(&path);
            } else if leads_out {
                files.insert(path, Content::bytes(lines.join("\n") + "\n", "a virtual environment"));
            }
        }
        let problems = lost.into_iter().map(|(package, place)| Problem::UnfitPackage {
            package,
            why: format!("it is installed as editable: its code is in {place}, which is not in the image"),
            fix: format!(
                "install it as it is to run (`uv sync --no-editable`, or `pip install .` without -e), or bring {place} with a \
                 [[files]]"
            ),
            line,
        });
        Ok(problems.collect())
    }

    /// Where in the image the payload puts the modules that are in a directory of this machine; none where they are not
    /// below one another as they are there.
    fn in_image(&self, place: &Path) -> Option<String> {
        let places = [place.to_path_buf(), place.canonicalize().ok()?];
        let mut dirs = BTreeSet::new();
        for (path, entry) in self.payload.iter().filter(|(path, _)| is_module(path.name())) {
            let Some(content) = entry.content() else { continue };
            let Ok(origin) = std::path::absolute(content.origin()) else { continue };
            let Some(below) = places.iter().find_map(|place| origin.strip_prefix(place).ok()) else {
                continue;
            };
            let dir = path.as_str().strip_suffix(below.to_str()?)?.strip_suffix('/')?;
            dirs.insert(if dir.is_empty() { "/" } else { dir });
        }
        let dir = dirs.pop_first()?;
        dirs.is_empty().then(|| dir.to_owned())
    }
}

/// Is a file of this name one that can be imported?
fn is_module(name: &str) -> bool {
    name.ends_with(".py") || name.ends_with(".so")
}

/// Does a file lead to packages that are elsewhere?
fn is_way(path: &str) -> bool {
    !path.contains('/')
        && (path.ends_with(".pth") || path.starts_with("__editable__") && path.ends_with(".py"))
}
