//! `bantam init`: a project's spec.

use crate::{
    args::{Global, Init},
    show::{self, plain},
};
use bantam::{Error, Initialised};
use std::{path::Path, process::ExitCode};

/// Writes the spec, or prints it.
pub fn run(args: &Init, global: &Global) -> Result<ExitCode, Error> {
    let folder = args.dir.as_deref().unwrap_or(Path::new("."));
    let found = bantam::init(folder)?;
    if args.stdout {
        let printed = show::stdout(&found.chosen.spec);
        tell(&found, None, global);
        return Ok(printed);
    }
    let file = bantam::write_spec(folder, &found.chosen.spec)?;
    tell(&found, Some(&file), global);
    Ok(ExitCode::SUCCESS)
}

/// Says what was found, what is to be done first, and what was not asked for.
fn tell(found: &Initialised, file: Option<&Path>, global: &Global) {
    if global.quiet {
        return;
    }
    let chosen = &found.chosen;
    let mut lines = vec![];
    if let Some(file) = file {
        lines.push(format!("{} is for {}, by {}", file.display(), chosen.what, chosen.evidence));
    }
    lines.extend(chosen.notes.iter().map(|note| format!("note: {note}")));
    let others = found.others.iter();
    lines.extend(others.map(|other| format!("note: {} is here too, by {}", other.what, other.evidence)));
    if let Some(file) = file {
        let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
        let go = folder.map(|folder| format!("cd {}", folder.display()));
        let commands: Vec<String> =
            go.into_iter().chain(chosen.before.clone()).chain(["bantam build".into()]).collect();
        lines.push(format!("next: {}", commands.join(" && ")));
    }
    for line in lines {
        show::stderr(&plain(&line));
    }
}
