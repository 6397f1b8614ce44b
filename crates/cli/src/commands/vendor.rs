//! `bantam vendor`: all packages in a directory, for builds without a network.

use crate::{
    args::{Global, Vendor},
    show,
};
use bantam::{Error, Target};
use std::process::ExitCode;

pub fn run(args: &Vendor, global: &Global) -> Result<ExitCode, Error> {
    let target = Target::read(args.spec.as_deref())?;
    let shower = global.shower(true);
    let session = global.session(global.locking());
    let done =
        bantam::vendor(&target, &args.dir, &global.platforms()?, &session, &|event| shower.show(&event));
    shower.finish();
    let vendored = done?;
    if shower.has_words() {
        let mirror = std::path::absolute(&vendored.mirror).unwrap_or(vendored.mirror);
        show::stderr(&format!(
            "{} are in {}\nbuild from there: BANTAM_MIRROR=file:{} bantam build --locked --offline",
            show::count(vendored.packages, "package"),
            args.dir.display(),
            mirror.display(),
        ));
    }
    Ok(ExitCode::SUCCESS)
}
