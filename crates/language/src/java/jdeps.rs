//! The modules that classes refer to, as `jdeps` of the kit tells. It is asked once about the same classes: it needs a kit that
//! runs, which is large.

use super::{
    scan::Classes,
    tools::{Tool, Tools},
};
use crate::{
    LanguageError,
    kept::{self, Keeper, Kept},
};
use cache::Cache;
use std::collections::BTreeSet;
use tree::Sha256Digest;

/// Changes whenever another question is asked of the same classes.
const RULES: &str = "java-jdeps-1";

/// The modules that these classes refer to, each set of classes for itself: what the cache knows of one is so whatever the
/// others are.
///
/// # Errors
/// When `jdeps` cannot be started, or fails.
pub(super) fn modules(
    cache: &Cache,
    tools: &Tools<'_>,
    all: &[Classes],
) -> Result<BTreeSet<String>, LanguageError> {
    let mut modules = BTreeSet::new();
    for classes in all {
        modules.extend(of_classes(cache, tools.digest, classes, || {
            tools.run(Tool::Jdeps, |command| {
                command.args(["--print-module-deps", "--ignore-missing-deps"]).arg(&classes.jar);
            })
        })?);
    }
    Ok(modules)
}

/// What the cache knows of classes, else what `ask` answers.
fn of_classes(
    cache: &Cache,
    tools: Sha256Digest,
    classes: &Classes,
    ask: impl FnOnce() -> Result<String, LanguageError>,
) -> Result<BTreeSet<String>, LanguageError> {
    let key = kept::key(RULES, &[&tools.0, &classes.digest.0]);
    if let Some(kept) = Kept::open(cache, &key) {
        return Ok(names(&kept.note));
    }
    let answer = ask()?;
    let keeper = Keeper::new(cache, key, "an answer of jdeps").and_then(|keeper| keeper.finish(&answer));
    keeper.map_err(LanguageError::write("the cache"))?;
    Ok(names(&answer))
}

/// The names in an answer of `jdeps --print-module-deps`: `java.base,java.sql`.
fn names(answer: &str) -> BTreeSet<String> {
    let is_name = |name: &&str| {
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._".contains(&byte))
    };
    let line = answer.lines().map(str::trim).rfind(|line| !line.is_empty()).unwrap_or_default();
    line.split(',').map(str::trim).filter(is_name).map(String::from).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail")]
mod tests {
    use super::{
        super::{
            class::testing::class,
            jar::{Jar, testing::jar},
            scan::{Scan, testing::target},
        },
        *,
    };
    use std::cell::RefCell;

    #[test]
    fn an_answer_is_its_last_line() {
        for (answer, modules) in [
            ("java.base,java.sql\n", &["java.base", "java.sql"][..]),
            ("Warning: split package\njava.base\n\n", &["java.base"]),
            ("", &[]),
        ] {
            assert_eq!(names(answer).iter().collect::<Vec<_>>(), modules, "{answer:?}");
        }
    }

    /// Of a jar with these files, what is asked about, given what was asked before.
    fn asked(cache: &Cache, files: &[(&str, &[u8])]) -> Vec<&'static str> {
        let dir = tempfile::tempdir().unwrap();
        let mut scan = Scan::new(&target(17, None), dir.path()).ok().unwrap();
        scan.jar(&mut Jar::of_bytes(jar(files)).unwrap(), "shop.jar", true).ok().unwrap();
        let asked = RefCell::new(vec![]);
        for classes in scan.finish().unwrap().classes {
            let name = if classes.jar.ends_with("own.jar") { "own" } else { "libraries" };
            let answer = of_classes(cache, Sha256Digest([7; 32]), &classes, || {
                asked.borrow_mut().push(name);
                Ok(format!("java.base,of.{name}\n"))
            });
            assert!(answer.unwrap().contains(&format!("of.{name}")));
        }
        asked.into_inner()
    }

    #[test]
    fn what_did_not_change_is_not_asked_about() {
        let dir = tempfile::tempdir().unwrap();
        let cache = Cache::new(dir.path().join("cache"));
        let (old, new) = (class(61, &["java/sql/Driver"]), class(61, &["java/util/logging/Logger"]));
        let library =
            |class: &[u8], resource: &[u8]| jar(&[("b/B.class", class), ("b.properties", resource)]);
        let of = |own: &[u8], resource: &[u8], library: &[u8]| {
            let files = [("a/A.class", own), ("a.properties", resource), ("BOOT-INF/lib/b.jar", library)];
            asked(&cache, &files)
        };
        assert_eq!(of(&old, b"1", &library(&old, b"1")), ["own", "libraries"]);
        for (own, resource, library, expected) in [
            (&old, b"1", library(&old, b"1"), &[][..]),
            (&old, b"2", library(&old, b"1"), &[]),
            (&old, b"2", library(&old, b"2"), &[]),
            (&new, b"2", library(&old, b"2"), &["own"]),
            (&new, b"2", library(&new, b"2"), &["libraries"]),
        ] {
            assert_eq!(of(own, resource, &library), expected);
        }
        assert!(asked(&cache, &[("a.properties", b"1")]).is_empty());
    }
}
