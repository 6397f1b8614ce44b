//! `bantam rebase`: the same layers upon a newer base.

use crate::{
    args::{Global, Rebase},
    show,
};
use bantam::Error;
use std::{env, process::ExitCode};
use store::Reference;

pub fn run(args: &Rebase, global: &Global) -> Result<ExitCode, Error> {
    let destinations = args.output.iter().map(|text| text.parse()).collect::<Result<Vec<Reference>, _>>()?;
    let request = bantam::Rebase {
        image: args.image.parse()?,
        from: args.from.as_deref().map(str::parse).transpose()?,
        onto: args.onto.parse()?,
        destinations,
        platforms: global.platforms()?,
        session: global.session(global.locking()),
        source_date_epoch: env::var_os("SOURCE_DATE_EPOCH").map(|text| text.to_string_lossy().into_owned()),
    };
    let shower = global.shower(true);
    let rebased = bantam::rebase(&request, &|event| shower.show(&event));
    shower.finish();
    Ok(show::stdout(&format!("{}\n", rebased?.reference())))
}
