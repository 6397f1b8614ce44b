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

/// The packages that a spec wants.
pub(super) fn roots(spec: &Spec) -> Vec<Root> {
    let of_profile = spec.runtime.profile.archive_packages().map(<[String]>::to_vec);
    let of_variant = (spec.runtime.variant == Variant::Debug).then(|| vec![BUSYBOX_PACKAGE.to_owned()]);
    let built_in = of_profile.chain(of_variant).map(|names| Root { names, version: None, line: None });
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

/// How the packages of a lock differ from those that a spec wants; none where they are the same.
pub(super) fn misfit(roots: &[Root], locked: &[LockedPackage]) -> Option<(String, String)> {
    let of_spec: Vec<&LockedPackage> =
        locked.iter().filter(|package| package.why.contains(&LockedWhy::Spec)).collect();
    let is_locked = |root: &Root| {
        of_spec.iter().any(|package| {
            root.names.contains(&package.name)
                && root.version.as_ref().is_none_or(|version| *version == package.version)
        })
    };
    let is_wanted = |package: &&&LockedPackage| roots.iter().any(|root| root.names.contains(&package.name));
    let added: Vec<String> = roots.iter().filter(|root| !is_locked(root)).map(Root::shown).collect();
    let removed: Vec<&str> =
        of_spec.iter().filter(|package| !is_wanted(package)).map(|package| &*package.name).collect();
    if added.is_empty() && removed.is_empty() {
        return None;
    }
    let words = |names: &[&str]| if names.is_empty() { "nothing else".into() } else { names.join(", ") };
    Some((words(&removed), words(&added.iter().map(String::as_str).collect::<Vec<_>>())))
}

impl Root {
    fn shown(&self) -> String {
        let name = self.names.first().map_or("", String::as_str);
        match &self.version {
            Some(version) => format!("{name}={version}"),
            None => name.into(),
        }
    }
}
