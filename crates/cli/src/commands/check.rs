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
    let plans = bantam::check(&target, &global.platforms()?, &|event| shower.show(&event));
    shower.finish();
    let plans = plans?;
    let mut json = String::new();
    let (mut errors, mut warnings) = (0, 0);
    for plan in &plans {
        for finding in &plan.findings {
            errors += usize::from(finding.severity == Severity::Error);
            warnings += usize::from(finding.severity == Severity::Warning);
            json.push_str(&format!("{}\n", findings::json(finding, plan.platform)));
        }
    }
    if args.json {
        let printed = show::stdout(&json);
        if printed != ExitCode::SUCCESS {
            return Ok(printed);
        }
    } else if shower.has_words() {
        show::stderr(&format!("{}: {errors} errors, {warnings} warnings", target.name));
    }
    if errors > 0 || args.strict && warnings > 0 {
        return Ok(ExitCode::from(exit::FINDINGS));
    }
    bantam::check_lock(&target, global.lock_file.as_deref(), global.locking(), &plans)?;
    Ok(ExitCode::SUCCESS)
}
