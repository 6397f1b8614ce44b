//! What a spec wants of an archive, before anything of the image is looked at.

use plan::{
    BUSYBOX_PACKAGE,
    lock::{LockedPackage, LockedWhy},
    spec::{Line, Spec, Variant},
};

/// A package that the spec wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Root {
    /// Its names in several releases: the first that there is counts.
    pub names: Vec<String>,
    /// The one version that will do.
    pub version: Option<String>,
    /// The line that names it; none: a profile or variant stands for it.
    pub line: Option<Line>,
}

/// How a lock and a spec differ.
pub(super) struct Misfit {
    /// What the spec wants and the lock has not.
    pub lacks: Vec<String>,
    /// What the lock has because the spec wanted it.
    pub has: Vec<String>,
}

/// The packages that a spec wants.
pub(super) fn roots(spec: &Spec) -> Vec<Root> {
    let of_profile = spec.runtime.profile.archive_packages().into_iter();
    let of_variant = (spec.runtime.variant == Variant::Debug).then_some(&[BUSYBOX_PACKAGE][..]);
    let built_in = of_profile.chain(of_variant).map(|names| Root {
        names: names.iter().map(|name| (*name).to_owned()).collect(),
        version: None,
        line: None,
    });
    let named = spec.runtime.packages.iter().map(|package| Root {
        names: vec![package.name.clone()],
        version: package.version.clone(),
        line: Some(package.line),
    });
    let mut roots: Vec<Root> = vec![];
    for root in named.chain(built_in) {
        if !roots.iter().any(|known| known.names.iter().any(|name| root.names.contains(name))) {
            roots.push(root);
        }
    }
    roots
}

/// How the packages of a lock differ from those that a spec wants; none where they are the same. What a profile stands
/// for and a lock has not may be in no archive: `is_there` knows.
pub(super) fn misfit(
    roots: &[Root],
    locked: &[LockedPackage],
    is_there: impl Fn(&Root) -> bool,
) -> Option<Misfit> {
    let of_spec: Vec<&LockedPackage> =
        locked.iter().filter(|package| package.why.contains(&LockedWhy::Spec)).collect();
    let is_locked = |root: &Root| {
        of_spec.iter().any(|package| {
            root.names.contains(&package.name)
                && root.version.as_ref().is_none_or(|version| *version == package.version)
        })
    };
    let is_wanted = |package: &&&LockedPackage| roots.iter().any(|root| root.names.contains(&package.name));
    let is_absent = |root: &&Root| !is_locked(root) && (root.line.is_some() || is_there(root));
    let lacks: Vec<String> = roots.iter().filter(is_absent).map(Root::shown).collect();
    let has: Vec<String> =
        of_spec.iter().filter(|package| !is_wanted(package)).map(|package| package.name.clone()).collect();
    (!lacks.is_empty() || !has.is_empty()).then_some(Misfit { lacks, has })
}

impl Root {
    /// Why it is wanted.
    pub fn why(&self) -> String {
        match self.line {
            Some(line) => format!("line {line} of the spec"),
            None => "profile or variant".into(),
        }
    }

    fn shown(&self) -> String {
        let name = self.names.first().map_or("", String::as_str);
        match &self.version {
            Some(version) => format!("{name}={version}"),
            None => name.into(),
        }
    }
}
