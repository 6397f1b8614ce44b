//! `bantam lock` and `bantam update`.

use crate::{
    args::{Global, Lock, Update},
    show,
};
use bantam::{Error, Locking, Session, Target};
use std::{path::Path, process::ExitCode};

/// Writes the lock where there is none, and refreshes what changed on the machine.
pub fn lock(args: &Lock, global: &Global) -> Result<ExitCode, Error> {
    let target = Target::read(args.target.as_deref())?;
    write(&target, &global.session(global.locking()), false, global)
}

/// Writes the lock anew, whatever it says now; or moves the packages that are named.
pub fn update(args: &Update, global: &Global) -> Result<ExitCode, Error> {
    if global.locked && !args.diff {
        return Err(Error::Usage("`update` changes the lock, and --locked forbids it".into()));
    }
    let (specs, packages): (Vec<&String>, Vec<&String>) = args.words.iter().partition(|word| is_spec(word));
    if let [_, second, ..] = specs[..] {
        return Err(Error::Usage(format!("`update` is for one spec, and {second} is another")));
    }
    let target = Target::read(specs.first().map(Path::new))?;
    let moved = packages.into_iter().cloned().collect();
    let session = Session { moved, ..global.session(Locking::Renew) };
    write(&target, &session, args.diff, global)
}

/// No package has such a name.
fn is_spec(word: &str) -> bool {
    word.ends_with(".toml") || word.contains('/') || Path::new(word).is_dir()
}

fn write(target: &Target, session: &Session, dry: bool, global: &Global) -> Result<ExitCode, Error> {
    let shower = global.shower(true);
    let done = bantam::lock(target, session, dry, &|event| shower.show(&event));
    shower.finish();
    let done = done?;
    if dry {
        // What would change is what was asked for.
        let lines: String = done.unwrap_or_default().iter().map(|line| format!("{line}\n")).collect();
        return Ok(show::stdout(&lines));
    }
    if shower.has_words() {
        let said = done.map_or("the lock says so already".into(), |lines| show::plain_lines(&lines));
        show::stderr(&said);
    }
    Ok(ExitCode::SUCCESS)
}
