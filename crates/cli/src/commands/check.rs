//! `bantam check`: everything but bytes.

use crate::{
    args::{Check, Global},
    exit,
    show::{self, findings, progress::Shower, sarif},
};
use bantam::{Error, Target};
use plan::{
    Plan,
    finding::{Finding, Severity},
    spec::Platform,
};
use std::{path::PathBuf, process::ExitCode};

pub fn run(args: &Check, global: &Global) -> Result<ExitCode, Error> {
    let is_for_people = !args.json && !args.sarif;
    let shower = global.shower(is_for_people);
    let checked = Checked::new(args, global, &shower);
    shower.finish();
    let document = if args.sarif {
        format!("{:#}\n", sarif::document(&checked.file, &checked.found(), checked.failure.as_ref()))
    } else if args.json {
        checked.lines()
    } else {
        String::new()
    };
    let printed = show::stdout(&document);
    let (errors, warnings) = (checked.count(Severity::Error), checked.count(Severity::Warning));
    if let (true, Some(target)) = (is_for_people && shower.has_words(), &checked.target) {
        let counted = |count, word| format!("{count} {word}{}", if count == 1 { "" } else { "s" });
        let (errors, warnings) = (counted(errors, "error"), counted(warnings, "warning"));
        show::stderr(&format!("{}: {errors}, {warnings}", target.name));
    }
    // A plan of many files takes its time to be taken apart; the memory goes with the process.
    std::mem::forget(checked.plans);
    match checked.failure {
        Some(error) => Err(error),
        None if printed == ExitCode::SUCCESS && checked.is_refused => Ok(ExitCode::from(exit::FINDINGS)),
        None => Ok(printed),
    }
}

/// How far a check came.
struct Checked {
    /// The spec, or the program without one.
    file: PathBuf,
    target: Option<Target>,
    plans: Vec<Plan>,
    is_refused: bool,
    /// What stopped it.
    failure: Option<Error>,
}

impl Checked {
    fn new(args: &Check, global: &Global, shower: &Shower) -> Self {
        let file = args.target.clone().unwrap_or_else(|| "bantam.toml".into());
        let mut checked = Checked { file, target: None, plans: vec![], is_refused: false, failure: None };
        checked.failure = checked.run(args, global, shower).err();
        checked
    }

    fn run(&mut self, args: &Check, global: &Global, shower: &Shower) -> Result<(), Error> {
        let target = Target::read(args.target.as_deref()).inspect_err(|error| {
            if let Error::SpecErrors { file, .. } | Error::Spec { file, .. } = error {
                self.file.clone_from(file);
            }
        })?;
        if let Some(file) = &target.file {
            self.file.clone_from(file);
        }
        let receipts: Vec<PathBuf> = args.reasons.iter().cloned().collect();
        let show = |event: bantam::Event<'_>| shower.show(&event);
        let session = global.session(global.locking());
        self.plans = bantam::check(&target, &global.platforms()?, &receipts, &session, &show)?;
        if let Some(baseline) = &args.baseline {
            bantam::tell_growth(&baseline.parse()?, &session.network, &self.plans, &show)?;
        }
        if let Some(file) = &args.reasons {
            let records: Vec<_> = self.plans.iter().map(|plan| bantam::record(&target, plan)).collect();
            bantam::files::write(file, &plan::explain::write(&records))?;
        }
        self.is_refused = self.count(Severity::Error) > 0 || args.strict && self.count(Severity::Warning) > 0;
        let target = self.target.insert(target);
        if self.is_refused {
            return Ok(());
        }
        bantam::check_lock(target, global.lock_file.as_deref(), global.locking(), &self.plans)
    }

    fn found(&self) -> Vec<(Platform, &Finding)> {
        let mut found = vec![];
        for plan in &self.plans {
            found.extend(plan.findings.iter().map(|finding| (plan.platform, finding)));
        }
        found
    }

    fn count(&self, severity: Severity) -> usize {
        self.found().iter().filter(|(_, finding)| finding.severity == severity).count()
    }

    /// JSON Lines: what is wrong with the spec, else with the images.
    fn lines(&self) -> String {
        let of_spec = match &self.failure {
            Some(Error::SpecErrors { errors, .. }) => &errors[..],
            _ => &[],
        };
        let objects = of_spec.iter().map(findings::spec_json);
        let found = self.found().into_iter().map(|(platform, finding)| findings::json(finding, platform));
        objects.chain(found).map(|object| format!("{object}\n")).collect()
    }
}
