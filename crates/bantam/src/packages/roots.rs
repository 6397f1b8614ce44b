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
    /// A release without it lacks nothing.
    pub optional: bool,
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
    let built_in =
        |names: &[String], optional| Root { names: names.to_vec(), version: None, optional, line: None };
    let of_profile = spec.runtime.profile.archive_packages().map(|row| built_in(&row.names, row.optional));
    let is_debug = spec.runtime.variant == Variant::Debug;
    let of_variant = is_debug.then(|| built_in(&[BUSYBOX_PACKAGE.to_owned()], false));
    let named = spec.runtime.packages.iter().map(|package| Root {
        names: vec![package.name.clone()],
        version: package.version.clone(),
        optional: false,
        line: Some(package.line),
    });
    let of_languages = language::packages(spec);
    let of_languages = of_languages.iter().map(|names| built_in(names, false));
    let mut roots: Vec<Root> = vec![];
    for root in named.chain(of_profile).chain(of_variant).chain(of_languages) {
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
        locked.iter().filter(|package| package.why.iter().any(LockedWhy::is_of_spec)).collect();
    let is_locked = |root: &Root| {
        of_spec.iter().any(|package| {
            answers(package, root) && root.version.as_ref().is_none_or(|version| *version == package.version)
        })
    };
    let is_wanted = |package: &&&LockedPackage| roots.iter().any(|root| answers(package, root));
    let is_absent =
        |root: &&Root| !is_locked(root) && !root.optional && (root.line.is_some() || is_there(root));
    let lacks: Vec<String> = roots.iter().filter(is_absent).map(Root::shown).collect();
    let has: Vec<String> =
        of_spec.iter().filter(|package| !is_wanted(package)).map(|package| package.name.clone()).collect();
    (!lacks.is_empty() || !has.is_empty()).then_some(Misfit { lacks, has })
}

/// Is this the package that a lock has for what is wanted?
fn answers(package: &LockedPackage, root: &Root) -> bool {
    package.why.iter().any(|why| match why {
        LockedWhy::Spec => root.names.contains(&package.name),
        LockedWhy::Provides(name) => root.names.contains(name),
        _ => false,
    })
}

impl Root {
    /// A package that a build tool is of.
    pub fn of_tool(name: &str) -> Self {
        Root { names: vec![name.into()], version: None, optional: false, line: None }
    }

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

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail")]
mod tests {
    use super::*;

    #[test]
    fn a_lock_fits_without_what_a_release_may_lack() {
        let roots = |text: &str| {
            roots(&plan::spec::parse(&format!("[runtime]\nsource = \"debian:x\"\n{text}")).unwrap())
        };
        let locked = |names: &[&str]| {
            let package = |name: &&str| LockedPackage {
                name: (*name).into(),
                version: "1".into(),
                architecture: "amd64".into(),
                sha256: tree::Sha256Digest::of(name.as_bytes()),
                size: 1,
                date: 0,
                suite: "x".into(),
                path: "pool/x".into(),
                why: [LockedWhy::Spec].into(),
            };
            names.iter().map(package).collect::<Vec<_>>()
        };
        let auto = ["base-files", "ca-certificates", "netbase"];
        let of_static = [&auto[..], &["mime-support", "tzdata"]].concat();
        let with_legacy = [&of_static[..], &["tzdata-legacy"]].concat();
        for (spec, lock, misfit) in [
            ("", &auto[..], None),
            ("profile = \"static\"", &of_static, None),
            ("profile = \"static\"", &with_legacy, None),
            ("profile = \"static\"", &auto, Some(("nothing else", "tzdata, media-types"))),
            ("", &with_legacy, Some(("mime-support, tzdata, tzdata-legacy", "nothing else"))),
            ("packages = [\"shop=2\"]", &[&auto[..], &["shop"]].concat(), Some(("nothing else", "shop=2"))),
        ] {
            let found = super::misfit(&roots(spec), &locked(lock), |_| true);
            let words =
                |names: &[String]| if names.is_empty() { "nothing else".into() } else { names.join(", ") };
            let found = found.map(|found| (words(&found.has), words(&found.lacks)));
            let misfit = misfit.map(|(has, lacks): (&str, &str)| (has.to_owned(), lacks.to_owned()));
            assert_eq!(found, misfit, "{spec} with {lock:?}");
        }
    }
}
