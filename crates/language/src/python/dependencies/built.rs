//! Projects of this machine that are installed, too: built into wheels, once for each state of their sources.

use super::{
    inputs,
    place::Placed,
    sources::Sources,
    tags::WheelName,
    uv::Uv,
    wheel::{self, Stop, Unpack},
};
use crate::{
    LanguageError, Workshop,
    kept::{Keeper, Kept},
};
use std::{fs::File, path::Path};

/// What came of a project.
pub(super) enum Built {
    /// It is there.
    Placed(Placed),
    /// Its wheel is for one platform only: name, and what it is for.
    Compiled(String, String),
    /// It is damaged: name, and in words that follow "is damaged:".
    Damaged(String, String),
}

/// Is the project one that is installed? One without a build system is only a list of dependencies.
///
/// # Errors
/// When its `pyproject.toml` cannot be read.
pub(super) fn is_package(pyproject: &Path) -> Result<bool, LanguageError> {
    let document = inputs::document(pyproject)?;
    let said = document["tool"]["uv"]["package"].as_bool();
    Ok(said.unwrap_or(!document["build-system"].is_null()))
}

/// Builds the project in a folder, unless the cache has it. `shown` is what messages call it.
///
/// # Errors
/// When it cannot be read or built.
pub(super) fn build(workshop: &Workshop<'_>, folder: &Path, shown: &str) -> Result<Built, LanguageError> {
    let sources = Sources::of(workshop, folder)?;
    let key = sources.key()?;
    if let Some(kept) = Kept::open(workshop.cache, &key) {
        return Ok(Built::Placed(Placed { of: kept.note.clone(), kept }));
    }
    let uv = Uv::find(folder, workshop.offline, &format!("building {shown}"))?;
    let copy = sources.copy()?;
    // A project may need what is beside it, without saying so in words that are known.
    let of_copy = copy.as_ref().and_then(|copy| uv.build(copy.path()).ok());
    let (_temp, path) = of_copy.map_or_else(|| uv.build(Path::new(".")), Ok)?;
    let file_name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let Some(name) = WheelName::parse(&file_name) else {
        return Ok(Built::Damaged(shown.into(), format!("{file_name} is no name of a wheel")));
    };
    let of = format!("{} {}", name.name, name.version);
    if !name.is_pure() {
        return Ok(Built::Compiled(of, name.target()));
    }
    let file = File::open(&path).map_err(LanguageError::read(&path))?;
    let keeper =
        Keeper::new(workshop.cache, key, &file_name).map_err(LanguageError::write(workshop.cache.dir()))?;
    match wheel::unpack(&file, keeper, &Unpack { name: &name, built_here: true, note: &of }) {
        Ok(kept) => Ok(Built::Placed(Placed { of, kept })),
        Err(Stop::Damaged(why)) => Ok(Built::Damaged(of, why)),
        Err(Stop::Io(error)) => Err(LanguageError::write(workshop.cache.dir())(error)),
    }
}
