//! What of packages a program does not run with.

use plan::spec::Shed;

/// The sort of a file that stays out; `path` is below the folder of its package.
pub(super) fn sort_of(path: &str, shed: &[Shed]) -> Option<Shed> {
    shed.iter().copied().find(|sort| is_of(path, *sort))
}

fn is_of(path: &str, sort: Shed) -> bool {
    let (dirs, name) = path.rsplit_once('/').unwrap_or(("", path));
    let name = name.to_ascii_lowercase();
    let ends = |ends: &[&str]| ends.iter().any(|end| name.ends_with(end));
    // Below that, a folder `docs` or `test` may be code.
    let first = dirs.split('/').next().unwrap_or_default();
    match sort {
        Shed::SourceMaps => ends(&[".map"]),
        Shed::Types => ends(&[".d.ts", ".d.mts", ".d.cts", ".d.ts.map", ".d.mts.map", ".d.cts.map"]),
        Shed::Docs => !is_licence(&name) && (first == "docs" || ends(&[".md", ".markdown", ".mkd"])),
        Shed::Tests => {
            matches!(first, "test" | "tests")
                || dirs.split('/').any(|dir| dir == "__tests__")
                || ["js", "mjs", "cjs", "jsx", "ts", "mts", "cts", "tsx"].iter().any(|end| {
                    let stem = name.strip_suffix(end).and_then(|stem| stem.strip_suffix('.'));
                    stem.is_some_and(|stem| stem.ends_with(".test") || stem.ends_with(".spec"))
                })
        }
        Shed::Stubs | Shed::Headers | Shed::StaticLibraries => false,
    }
}

/// Must a copy of a package have this file?
fn is_licence(name: &str) -> bool {
    ["licen", "copying", "notice", "copyright", "patents", "authors"]
        .iter()
        .any(|start| name.starts_with(start))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sorts_of_files() {
        for (path, sort) in [
            ("index.js", None),
            ("dist/index.js.map", Some(Shed::SourceMaps)),
            ("dist/index.d.ts", Some(Shed::Types)),
            ("dist/index.d.mts", Some(Shed::Types)),
            ("src/index.ts", None),
            ("README.md", Some(Shed::Docs)),
            ("LICENSE.md", None),
            ("licence.markdown", None),
            ("docs/index.html", Some(Shed::Docs)),
            ("docs/LICENSE", None),
            ("dist/docs/render.js", None),
            ("test/all.js", Some(Shed::Tests)),
            ("lib/test/reporter.js", None),
            ("lib/__tests__/a.js", Some(Shed::Tests)),
            ("lib/a.test.js", Some(Shed::Tests)),
            ("lib/a.spec.mjs", Some(Shed::Tests)),
            ("lib/latest.js", None),
            ("test.js", None),
        ] {
            let all = [Shed::Types, Shed::SourceMaps, Shed::Docs, Shed::Tests];
            assert_eq!(sort_of(path, &all), sort, "{path}");
            assert_eq!(sort_of(path, &[]), None);
        }
    }
}
