//! `bantam vendor`: all packages in a directory, for builds without a network.

use crate::{
    args::{Global, Vendor},
    show,
};
use bantam::{Error, Target, Vendored};
use std::{
    path::{self, Path},
    process::ExitCode,
};

pub fn run(args: &Vendor, global: &Global) -> Result<ExitCode, Error> {
    let target = Target::read(args.spec.as_deref())?;
    let shower = global.shower(true);
    let session = global.session(global.locking());
    let done =
        bantam::vendor(&target, &args.dir, &global.platforms()?, &session, &|event| shower.show(&event));
    shower.finish();
    let vendored = done?;
    if shower.has_words() {
        show::stderr(&words(&vendored, &args.dir));
    }
    Ok(ExitCode::SUCCESS)
}

/// What is there; and how to build from there, if that is enough.
fn words(vendored: &Vendored, dir: &Path) -> String {
    let there = format!("{} are in {}", show::count(vendored.packages, "package"), dir.display());
    if !vendored.not_kept.is_empty() {
        let files: Vec<&str> = vendored.not_kept.iter().map(String::as_str).collect();
        let files = files.join("\n  ");
        return format!(
            "{there}\nwhat languages brought is not there, but in the cache of this machine:\n  {files}"
        );
    }
    let mirror = path::absolute(&vendored.mirror).unwrap_or_else(|_| vendored.mirror.clone());
    format!(
        "{there}\nbuild from there: BANTAM_MIRROR=file:{} bantam build --locked --offline",
        mirror.display()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_told_where_it_would_work() {
        let with = |not_kept: &[&str]| Vendored {
            mirror: "/srv/mirror".into(),
            packages: 2,
            not_kept: not_kept.iter().map(ToString::to_string).collect(),
            ..Vendored::default()
        };
        assert_eq!(
            words(&with(&[]), Path::new("srv")),
            "2 packages are in srv\nbuild from there: BANTAM_MIRROR=file:/srv/mirror bantam build --locked --offline"
        );
        assert_eq!(
            words(&with(&["flask.whl", "node_modules"]), Path::new("srv")),
            "2 packages are in srv\nwhat languages brought is not there, but in the cache of this machine:\n  flask.whl\n  \
             node_modules"
        );
    }
}
