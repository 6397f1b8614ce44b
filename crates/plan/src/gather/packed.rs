//! What shared objects need that stand in archives of the image: a program unpacks them while it runs, and loads them.

use super::Gather;
use crate::{
    PackedNeed,
    error::PlanError,
    finding::{Finding, Problem, Severity},
    policy,
    reason::Reason,
    spec::Allow,
    tables,
};
use tree::TreePath;

impl Gather<'_> {
    /// Takes what packed shared objects need. One that is nowhere is a warning: an archive often has objects that the
    /// program does not load.
    ///
    /// # Errors
    /// When the source cannot be read.
    pub fn take_packed(&mut self, needs: &[PackedNeed], allow: &[Allow]) -> Result<(), PlanError> {
        for need in needs {
            let PackedNeed { program, archive, object, soname } = need;
            if self.is_loader(soname) {
                continue;
            }
            let who = format!("{object} of {archive}");
            let purpose = "once it is unpacked".into();
            let reason = Reason::LoadedByName { by: Some(archive.clone()), who, purpose };
            if self.take_library(soname, Some(program), reason)? {
                self.draft.by_name.entry(program.clone()).or_default().push(soname.clone());
            } else if !policy::may_be_unresolved(soname, allow) {
                self.report_packed(archive, soname);
            }
        }
        Ok(())
    }

    /// Is this the loader itself, which is there before anything is loaded?
    fn is_loader(&self, soname: &str) -> bool {
        let mut loaders = self.scope.machine.loader_candidates().iter();
        loaders.any(|path| path.rsplit('/').next() == Some(soname))
    }

    fn report_packed(&mut self, archive: &TreePath, soname: &str) {
        let problem = Problem::MissingLibrary {
            soname: soname.into(),
            needed_by: vec![archive.clone()],
            chain: self.draft.reasons.chain(archive).into_iter().map(|(path, _)| path).collect(),
            packages: tables::packages_with(soname),
            unusable: self.draft.unusable.get(soname).cloned(),
            advice: None,
        };
        self.draft.findings.push(Finding::new(problem).with_severity(Severity::Warning));
    }
}
