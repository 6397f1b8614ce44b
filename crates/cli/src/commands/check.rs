//! `bantam check`: everything but bytes.

use crate::{
    args::{Check, Global},
    exit,
    show::{self, findings},
};
use bantam::{Error, Target};
use plan::finding::Severity;
use std::process::ExitCode;

pub fn run(args: &Check, global: &Global) -> Result<ExitCode, Error> {
    let target = Target::read(args.target.as_deref())?;
    let shower = global.shower(!args.json);
    shower.about(&target.shown());
    let plans = bantam::check(&target, &global.platforms()?, &|event| shower.show(&event));
    shower.finish();
    let plans = plans?;
    let mut json = String::new();
    let (mut errors, mut warnings) = (0, 0);
    for plan in &plans {
        for finding in &plan.findings {
            errors += usize::from(finding.severity == Severity::Error);
            warnings += usize::from(finding.severity == Severity::Warning);
            json.push_str(&format!("{}\n", findings::json(finding, &plan.platform.to_string())));
        }
    }
    if args.json {
        show::stdout(&json);
    } else if !global.quiet {
        show::stderr(&format!("{}: {errors} errors, {warnings} warnings", target.name));
    }
    let refused = errors > 0 || args.strict && warnings > 0;
    Ok(if refused { ExitCode::from(exit::FINDINGS) } else { ExitCode::SUCCESS })
}
