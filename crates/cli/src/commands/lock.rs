//! `bantam lock` and `bantam update`.

use crate::{
    args::{Global, Lock},
    show,
};
use bantam::{Error, Locking, Target};
use std::process::ExitCode;

/// Writes the lock where there is none, and refreshes what changed on the machine.
pub fn lock(args: &Lock, global: &Global) -> Result<ExitCode, Error> {
    write(args, global, global.locking())
}

/// Writes the lock anew, whatever it says now.
pub fn update(args: &Lock, global: &Global) -> Result<ExitCode, Error> {
    if global.locked {
        return Err(Error::Usage("`update` changes the lock, and --locked forbids it".into()));
    }
    write(args, global, Locking::Renew)
}

fn write(args: &Lock, global: &Global, locking: Locking) -> Result<ExitCode, Error> {
    let target = Target::read(args.target.as_deref())?;
    let shower = global.shower(true);
    let done = bantam::lock(&target, global.lock_file.as_deref(), locking, &super::cache(), &|event| {
        shower.show(&event);
    });
    shower.finish();
    let done = done?;
    if shower.has_words() {
        let said = done.map_or("the lock says so already".into(), |lines| show::plain_lines(&lines));
        show::stderr(&said);
    }
    Ok(ExitCode::SUCCESS)
}
