//! Which packages are for the target, and which of their compiled files run there.

use super::{
    super::{
        manifest::Manifest,
        target::{Target, is_addon},
    },
    notes::{Noted, owner},
    scripts, shed,
};
use crate::LanguageError;
use plan::spec::Shed;
use std::collections::{BTreeMap, BTreeSet};
use tree::{Entry, TreePath};

/// What node-gyp compiles an addon by.
const GYP: &str = "binding.gyp";

/// What a package has of compiled files: addons, libraries and programs.
#[derive(Default)]
struct Compiled {
    /// Those that run on the target.
    fit: Vec<TreePath>,
    /// Those that do not, with the reason.
    unfit: Vec<(TreePath, String)>,
    /// Those of tests that do not: nobody misses them.
    of_tests: Vec<TreePath>,
}

impl Compiled {
    fn has_addon(&self) -> bool {
        self.fit.iter().any(|path| is_addon(path.name()))
    }

    /// What says that it cannot do what it is for: an addon that does not run, where none does; or anything else.
    fn failing(&self) -> Option<&(TreePath, String)> {
        let addon = self.unfit.iter().find(|(path, _)| is_addon(path.name()) && !self.has_addon());
        addon.or_else(|| self.unfit.first().filter(|_| self.fit.is_empty()))
    }
}

/// Takes out the packages that are for other platforms, and the compiled files that run on others where a package has
/// some for several, and says what is wrong with the rest, and which scripts would do more. `roots` are the manifests of
/// the project.
///
/// # Errors
/// When a compiled file cannot be read.
pub(super) fn judge(
    entries: &mut BTreeMap<TreePath, Entry>,
    packages: &BTreeMap<TreePath, Manifest>,
    roots: &[Manifest],
    target: Target,
) -> Result<Vec<Noted>, LanguageError> {
    let optional = optional(packages, roots);
    let is_optional = |manifest: &Manifest| manifest.text("name").is_some_and(|name| optional.contains(name));
    let mut gone: BTreeSet<&TreePath> = BTreeSet::new();
    for (dir, manifest) in packages {
        let is_for = [("os", "linux"), ("cpu", target.cpu()), ("libc", target.libc.name())];
        if is_optional(manifest) && !is_for.iter().all(|(field, value)| manifest.takes(field, value)) {
            gone.insert(dir);
        }
    }
    let is_within = |path: &TreePath, dirs: &BTreeSet<&TreePath>| {
        dirs.contains(path) || path.ancestors().any(|dir| dirs.contains(&dir))
    };
    entries.retain(|path, _| !is_within(path, &gone));
    let compiled = compiled(entries, packages, target)?;
    let has = |dir: &TreePath, what: fn(&Compiled) -> bool| compiled.get(dir).is_some_and(what);
    // The platforms of a package are packages of their own: those that are here.
    let names_with = |what: fn(&Compiled) -> bool| -> BTreeSet<&str> {
        packages
            .iter()
            .filter(|(dir, _)| has(dir, what))
            .filter_map(|(_, manifest)| manifest.text("name"))
            .collect()
    };
    let names_with_addon = names_with(Compiled::has_addon);
    let names_with_any = names_with(|compiled| !compiled.fit.is_empty());
    let mut problems = vec![];
    let mut unfit: BTreeSet<TreePath> = BTreeSet::new();
    for (dir, manifest) in packages.iter().filter(|(dir, _)| !gone.contains(dir)) {
        let of_platforms = manifest.table("optionalDependencies");
        let names_one = |names: &BTreeSet<&str>| of_platforms.keys().any(|name| names.contains(name));
        let of_package = compiled.get(dir);
        if let Some(compiled) = of_package {
            unfit.extend(compiled.of_tests.iter().cloned());
            if names_one(&names_with_addon) || compiled.failing().is_none() {
                unfit.extend(compiled.unfit.iter().map(|(path, _)| path.clone()));
            }
        }
        if has(dir, Compiled::has_addon) || names_one(&names_with_addon) {
            continue;
        }
        let package = manifest.title(dir.name());
        let problem = if let Some((path, why)) = of_package.and_then(Compiled::failing) {
            Noted::Unfit { package, why: format!("{}: {why}", path.below(dir).unwrap_or_default()) }
        } else if entries.contains_key(&dir.child(GYP)) {
            let why = format!(
                "it has no addon for linux, {} and {}, and scripts that would compile or fetch one are not run",
                target.cpu(),
                target.libc.name()
            );
            Noted::NotBuilt { package, why }
        } else {
            let has_any = of_package.is_some_and(|compiled| !compiled.fit.is_empty());
            if let Some(script) = scripts::of(manifest).filter(|_| !has_any && !names_one(&names_with_any)) {
                problems.push(Noted::ScriptNotRun { package, script });
            }
            continue;
        };
        // Who names it as optional does without it, as where it cannot be compiled.
        if is_optional(manifest) {
            unfit.insert(dir.clone());
        } else {
            problems.push(problem);
        }
    }
    let unfit: BTreeSet<&TreePath> = unfit.iter().collect();
    entries.retain(|path, _| !is_within(path, &unfit));
    Ok(problems)
}

/// The packages that nobody needs: some name them as optional, and none does otherwise.
fn optional<'m>(packages: &'m BTreeMap<TreePath, Manifest>, roots: &'m [Manifest]) -> BTreeSet<&'m str> {
    let all = || packages.values().chain(roots);
    let mut optional: BTreeSet<&str> =
        all().flat_map(|manifest| manifest.table("optionalDependencies").into_keys()).collect();
    for name in all().flat_map(|manifest| manifest.required().into_keys()) {
        optional.remove(name);
    }
    optional
}

fn compiled(
    entries: &BTreeMap<TreePath, Entry>,
    packages: &BTreeMap<TreePath, Manifest>,
    target: Target,
) -> Result<BTreeMap<TreePath, Compiled>, LanguageError> {
    let mut all: BTreeMap<TreePath, Compiled> = BTreeMap::new();
    for (path, entry) in entries {
        let (Some((dir, _)), Some(content)) = (owner(packages, path), entry.content()) else { continue };
        // What a compiler leaves on its way to an addon does not run anywhere.
        let is_half_made = path.name().ends_with(".o");
        if is_half_made || !is_addon(path.name()) && !content.starts_with(b"\x7fELF")? {
            continue;
        }
        let of_package = all.entry(dir.clone()).or_default();
        let is_of_tests = || shed::sort_of(path.below(dir).unwrap_or_default(), &[Shed::Tests]).is_some();
        match target.misfit(content)? {
            None => of_package.fit.push(path.clone()),
            Some(_) if is_of_tests() => of_package.of_tests.push(path.clone()),
            Some(why) => of_package.unfit.push((path.clone(), why)),
        }
    }
    Ok(all)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail")]
mod tests {
    use super::{super::super::target::Libc, *};
    use elf::testing::Elf;
    use plan::spec::Architecture;
    use tree::Content;

    const HERE: Target = Target { architecture: Architecture::Amd64, libc: Libc::Glibc };

    fn addon(uname: &str, libc: &str) -> Vec<u8> {
        Elf::library("").on(uname).needs(&[libc]).build()
    }

    /// What stays of some files, and what is wrong.
    fn judged(root: &str, files: &[(&str, Vec<u8>)]) -> (Vec<String>, Vec<Noted>) {
        let path = |text: &str| TreePath::parse(&format!("/node_modules/{text}")).unwrap();
        let entry = |bytes: &Vec<u8>| Entry::file(Content::bytes(bytes.clone(), "the test"), 0o644);
        let mut entries: BTreeMap<TreePath, Entry> =
            files.iter().map(|(name, bytes)| (path(name), entry(bytes))).collect();
        let manifests = files.iter().filter(|(name, _)| name.ends_with("/package.json"));
        let manifest =
            |(name, bytes): &(&str, Vec<u8>)| (path(name).parent().unwrap(), Manifest::parse(bytes).unwrap());
        let packages = manifests.map(manifest).collect();
        let roots = [Manifest::parse(root.as_bytes()).unwrap()];
        let problems = judge(&mut entries, &packages, &roots, HERE).unwrap();
        (
            entries
                .keys()
                .map(|path| path.below(&TreePath::parse("/node_modules").unwrap()).unwrap().into())
                .collect(),
            problems,
        )
    }

    #[test]
    fn optional_packages_of_other_platforms_stay_out() {
        let of = |name: &str, libc: &str| format!(r#"{{"name": "{name}", "libc": ["{libc}"]}}"#).into_bytes();
        let sharp = br#"{"name": "sharp", "optionalDependencies": {"sharp-gnu": "1", "sharp-musl": "1"}}"#;
        let files = [
            ("sharp/package.json", sharp.to_vec()),
            ("sharp/binding.gyp", vec![]),
            ("sharp-gnu/package.json", of("sharp-gnu", "glibc")),
            ("sharp-gnu/sharp.node", addon("x86_64", "libc.so.6")),
            ("sharp-musl/package.json", of("sharp-musl", "musl")),
            ("sharp-musl/sharp.node", addon("x86_64", "libc.musl-x86_64.so.1")),
        ];
        let (left, problems) = judged(r#"{"dependencies": {"sharp": "1"}}"#, &files);
        let expected =
            ["sharp/binding.gyp", "sharp/package.json", "sharp-gnu/package.json", "sharp-gnu/sharp.node"];
        assert_eq!(
            (left.iter().map(String::as_str).collect::<BTreeSet<_>>(), problems),
            (expected.into(), vec![])
        );
    }

    #[test]
    fn of_several_prebuilt_addons_those_that_run_stay() {
        let files = [
            ("utf/package.json", br#"{"name": "utf", "version": "6.0.0"}"#.to_vec()),
            ("utf/binding.gyp", vec![]),
            ("utf/prebuilds/darwin-x64/utf.node", b"\xcf\xfa\xed\xfe".to_vec()),
            ("utf/prebuilds/linux-arm64/utf.node", addon("aarch64", "libc.so.6")),
            ("utf/prebuilds/linux-x64/utf.node", addon("x86_64", "libc.so.6")),
            ("utf/prebuilds/linux-x64/utf.musl.node", addon("x86_64", "libc.musl-x86_64.so.1")),
        ];
        let (left, problems) = judged("{}", &files);
        let left: BTreeSet<&str> = left.iter().map(String::as_str).collect();
        assert_eq!(left, ["utf/binding.gyp", "utf/package.json", "utf/prebuilds/linux-x64/utf.node"].into());
        assert_eq!(problems, []);
        let (_, problems) = judged("{}", &files[..4]);
        let Noted::Unfit { package, why } = &problems[0] else { panic!("{problems:?}") };
        assert_eq!(
            (&**package, &**why),
            ("utf 6.0.0", "prebuilds/darwin-x64/utf.node: it is for another system than Linux")
        );
    }

    #[test]
    fn programs_and_libraries_of_other_platforms_go_whatever_they_are_called() {
        let program = |uname: &str| Elf::static_program().on(uname).build();
        let files = [
            ("zip/package.json", br#"{"name": "zip", "version": "5.2.0"}"#.to_vec()),
            ("zip/linux/arm64/7za", program("aarch64")),
            ("zip/linux/x64/7za", program("x86_64")),
            ("zip/test/armv7", program("armv7l")),
            ("zip/mac/7za", b"\xcf\xfa\xed\xfe".to_vec()),
            ("fs/package.json", br#"{"name": "fs", "version": "4.0.0"}"#.to_vec()),
            ("fs/prebuilds/android-x64/fs.bare", addon("x86_64", "liblog.so")),
            ("fs/prebuilds/linux-arm64/fs.bare", addon("aarch64", "libc.so.6")),
            ("fs/prebuilds/linux-x64/fs.bare", addon("x86_64", "libc.so.6")),
        ];
        let (left, problems) = judged("{}", &files);
        let left: BTreeSet<&str> = left.iter().map(String::as_str).collect();
        let kept = ["fs/package.json", "fs/prebuilds/linux-x64/fs.bare"];
        let kept = kept.into_iter().chain(["zip/linux/x64/7za", "zip/mac/7za", "zip/package.json"]);
        assert_eq!((left, problems), (kept.collect(), vec![]));
        let (_, problems) = judged("{}", &files[..2]);
        assert!(
            matches!(&problems[..], [Noted::Unfit { package, .. }] if package == "zip 5.2.0"),
            "{problems:?}"
        );
    }

    #[test]
    fn scripts_that_would_do_more_are_told() {
        let manifest =
            |more: &str| format!(r#"{{"name": "fetcher", "version": "1.0.0"{more}}}"#).into_bytes();
        let script = r#", "scripts": {"postinstall": "node install.js"}"#;
        let of_platform =
            r#", "scripts": {"postinstall": "node install.js"}, "optionalDependencies": {"linux": "1"}"#;
        let platform = [
            ("linux/package.json", br#"{"name": "linux"}"#.to_vec()),
            ("linux/bin/tool", Elf::static_program().build()),
        ];
        for (own, others, told) in [
            (manifest(""), &[][..], false),
            (manifest(script), &[], true),
            (manifest(of_platform), &[], true),
            (manifest(of_platform), &platform, false),
        ] {
            let files: Vec<_> =
                [("fetcher/package.json", own)].into_iter().chain(others.iter().cloned()).collect();
            let (_, problems) = judged(r#"{"dependencies": {"fetcher": "1"}}"#, &files);
            let script =
                Noted::ScriptNotRun { package: "fetcher 1.0.0".into(), script: "node install.js".into() };
            assert_eq!(problems, Vec::from_iter(told.then_some(script)), "{files:?}");
        }
    }

    #[test]
    fn what_would_be_compiled_is_told_unless_it_is_optional() {
        let files = [
            ("sqlite/package.json", br#"{"name": "sqlite", "version": "9.0.0"}"#.to_vec()),
            ("sqlite/binding.gyp", vec![]),
        ];
        let (left, problems) = judged(r#"{"dependencies": {"sqlite": "9"}}"#, &files);
        assert!(
            matches!(&problems[..], [Noted::NotBuilt { package, .. }] if package == "sqlite 9.0.0"),
            "{problems:?}"
        );
        assert_eq!(left.len(), 2);
        let (left, problems) = judged(r#"{"optionalDependencies": {"sqlite": "9"}}"#, &files);
        assert_eq!((left.len(), problems.len()), (0, 0));
    }
}
