//! Each rule by which packages are chosen, on a few made-up packages.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use debian::index::{Index, IndexText};
use debian::solve::{Absent, Pin, Request, SolveError, Wanted, Why, solve};
use debian::version::Version;

/// Packages in short: a line each, `NAME VERSION; FIELD: VALUE; …`, with `---` between suites.
fn index(short: &str) -> Index {
    let paragraph = |line: &str| {
        let (package, fields) = line.split_once(';').unwrap_or((line, ""));
        let (name, version) = package.trim().split_once(' ').unwrap();
        let mut text = format!(
            "Package: {name}\nVersion: {version}\nFilename: pool/{name}.deb\nSize: 1\nSHA256: {}\n",
            "0".repeat(64)
        );
        if !fields.contains("Architecture:") {
            text += "Architecture: amd64\n";
        }
        for field in fields.split(';').filter(|field| !field.trim().is_empty()) {
            text += &format!("{}\n", field.trim());
        }
        text + "\n"
    };
    let suites = short.split("---").enumerate().map(|(suite, lines)| IndexText {
        suite,
        origin: format!("suite {suite}"),
        text: lines.lines().filter(|line| !line.trim().is_empty()).map(paragraph).collect(),
    });
    Index::new("amd64", suites.collect()).unwrap()
}

/// What is wanted in short: `a b=1`.
fn wanted(short: &str) -> Vec<Wanted> {
    let one = |word: &str| {
        let (name, version) =
            word.split_once('=').map_or((word, None), |(name, version)| (name, Some(version)));
        Wanted { name: name.into(), version: version.map(|text| text.parse().unwrap()), why: "spec".into() }
    };
    short.split_whitespace().map(one).collect()
}

/// The result in short: `a=1 b=2`, or the error.
fn chosen(index: &Index, request: &Request) -> String {
    match solve(index, request) {
        Ok(solution) => {
            let packages = solution.packages.iter().map(|chosen| &chosen.package);
            let words: Vec<String> =
                packages.map(|package| format!("{}={}", package.name, package.version)).collect();
            words.join(" ")
        }
        Err(error) => error.to_string(),
    }
}

#[test]
fn rules() {
    for (rule, packages, what, want) in [
        (
            "dependencies of both kinds come along",
            "a 1; Pre-Depends: b; Depends: c\nb 1\nc 1; Depends: d\nd 1\ne 1",
            "a",
            "a=1 b=1 c=1 d=1",
        ),
        ("circles are no trouble", "a 1; Depends: b\nb 1; Depends: a", "a", "a=1 b=1"),
        ("essential packages do not come by themselves", "a 1\nb 1; Essential: yes", "a", "a=1"),
        ("nor do recommendations", "a 1; Recommends: b; Suggests: b\nb 1", "a", "a=1"),
        ("the newest version of all suites", "a 1.9\n---\na 1.10\n---\na 1.2", "a", "a=1.10"),
        ("an older one if it is asked for", "a 1\n---\na 2", "a=1", "a=1"),
        ("the version counts, not how it is written", "a 1.0-0", "a=1.00", "a=1.0-0"),
        ("an older one if nothing else fits", "a 1; Depends: b (<< 2)\nb 1\n---\nb 2", "a", "a=1 b=1"),
        ("of what is wanted too", "a 1; Depends: b\nb 1\n---\na 2; Depends: c", "a", "a=1 b=1"),
        ("the first alternative", "a 1; Depends: b | c\nb 1\nc 1", "a", "a=1 b=1"),
        ("the next that is there", "a 1; Depends: x | b (>= 2) | c\nb 1\nc 1", "a", "a=1 c=1"),
        ("the next that can be installed", "a 1; Depends: b | c\nb 1; Depends: x\nc 1", "a", "a=1 c=1"),
        (
            "the one that is there anyway",
            "a 1; Depends: d, b | c\nb 1\nc 1\nd 1; Depends: c",
            "a",
            "a=1 c=1 d=1",
        ),
        ("the one that is wanted", "a 1; Depends: b | c\nb 1\nc 1", "a c", "a=1 c=1"),
        ("something that provides it", "a 1; Depends: v\nb 1; Provides: v", "a", "a=1 b=1"),
        ("the real one before what provides it", "a 1; Depends: v\nb 1; Provides: v\nv 1", "a", "a=1 v=1"),
        (
            "the real one only in a version that fits",
            "a 1; Depends: v (>= 2)\nb 1; Provides: v (= 2)\nv 1",
            "a",
            "a=1 b=1",
        ),
        (
            "what is provided without a version has none",
            "a 1; Depends: v (>= 2) | c\nb 3; Provides: v\nc 1",
            "a",
            "a=1 c=1",
        ),
        (
            "the default before the others",
            "a 1; Depends: m | v\nb 1; Provides: v\nc 1; Provides: m, v",
            "a",
            "a=1 c=1",
        ),
        (
            "of providers the more important",
            "a 1; Depends: v\nb 1; Provides: v; Priority: optional\nc 1; Provides: v; Priority: standard",
            "a",
            "a=1 c=1",
        ),
        (
            "of providers the essential",
            "a 1; Depends: v\nb 1; Provides: v; Priority: required\nc 1; Provides: v; Essential: yes",
            "a",
            "a=1 c=1",
        ),
        (
            "a provider that is there anyway",
            "a 1; Depends: d, v\nb 1; Provides: v\nc 1; Provides: v\nd 1; Depends: c",
            "a",
            "a=1 c=1 d=1",
        ),
        ("what it provides itself", "a 1; Depends: v; Provides: v\nb 1; Provides: v", "a", "a=1"),
        ("a wanted name that one package provides", "b 1; Provides: v", "v", "b=1"),
        ("a wanted name of which a provider is wanted", "b 1; Provides: v\nc 1; Provides: v", "v c", "c=1"),
        ("a conflict is kept away from", "a 1; Depends: b | c; Conflicts: b\nb 1\nc 1", "a", "a=1 c=1"),
        ("so is what breaks", "a 1; Depends: b | c; Breaks: b (<< 2)\nb 1\nc 1", "a", "a=1 c=1"),
        ("not in other versions", "a 1; Depends: b | c; Breaks: b (<< 2)\nb 2\nc 1", "a", "a=1 b=2"),
        ("a conflict works from either side", "a 1; Depends: b | c\nb 1; Conflicts: a\nc 1", "a", "a=1 c=1"),
        (
            "a conflict with what is provided",
            "a 1; Depends: b | c; Conflicts: v\nb 1; Provides: v\nc 1",
            "a",
            "a=1 c=1",
        ),
        (
            "a conflict with a version of it",
            "a 1; Depends: b | c; Conflicts: v (>= 2)\nb 1; Provides: v (= 2)\nc 1",
            "a",
            "a=1 c=1",
        ),
        (
            "not with what has no version",
            "a 1; Depends: b | c; Conflicts: v (>= 2)\nb 1; Provides: v\nc 1",
            "a",
            "a=1 b=1",
        ),
        ("a package does not conflict with itself", "a 1; Provides: v; Conflicts: v, a", "a", "a=1"),
        (
            "but with another that provides the same",
            "a 1; Depends: b | c; Provides: v; Conflicts: v\nb 1; Provides: v\nc 1",
            "a",
            "a=1 c=1",
        ),
        (
            "any kind of a package for all kinds",
            "a 1; Depends: b:any\nb 1; Multi-Arch: allowed",
            "a",
            "a=1 b=1",
        ),
        ("of a foreign one too", "a 1; Depends: b:any\nb 1; Multi-Arch: foreign", "a", "a=1 b=1"),
        ("not of another", "a 1; Depends: b:any | c\nb 1; Multi-Arch: same\nc 1", "a", "a=1 c=1"),
        (
            "the native one, by its name",
            "a 1; Depends: b:native, c:amd64, d:arm64 | e\nb 1\nc 1\nd 1\ne 1",
            "a",
            "a=1 b=1 c=1 e=1",
        ),
        (
            "what is for another architecture does not count",
            "a 1; Depends: b [arm64], c [amd64]\nb 1\nc 1",
            "a",
            "a=1 c=1",
        ),
        ("nor packages for another one", "a 2; Architecture: arm64\na 1; Architecture: all", "a", "a=1"),
        (
            "a choice that fails later is taken back",
            "a 1; Depends: b | c, d\nb 1; Conflicts: e\nc 1\nd 1; Depends: e | f\ne 1\nf 1; Conflicts: a",
            "a",
            "a=1 c=1 d=1 e=1",
        ),
        ("nothing is nothing", "a 1", "", ""),
    ] {
        let request = Request { wanted: wanted(what), ..Request::default() };
        assert_eq!(chosen(&index(packages), &request), want, "{rule}");
    }
}

#[test]
fn the_order_of_what_is_asked_does_not_matter() {
    let packages = index(
        "a 1; Depends: x | y\nb 1; Depends: y | z\nc 1; Depends: z | x\nd 1; Depends: v\nx 1; Provides: v\n\
         y 1; Provides: v\nz 1; Provides: v",
    );
    let first = chosen(&packages, &Request { wanted: wanted("a b c d"), ..Request::default() });
    for order in ["a b d c", "d c b a", "b a d c", "c a b d d a"] {
        assert_eq!(
            chosen(&packages, &Request { wanted: wanted(order), ..Request::default() }),
            first,
            "{order}"
        );
    }
}

#[test]
fn a_suite_of_low_priority_is_for_what_is_nowhere_else() {
    let packages = index("a 1; Depends: b\nb 1\n---\na 2; Depends: b (>= 2)\nb 2\nc 2; Depends: b (>= 2)");
    for (priorities, what, want) in [
        (vec![], "a", "a=2 b=2"),
        (vec![500, 100], "a", "a=1 b=1"),
        (vec![500, 100], "a=2", "a=2 b=2"),
        (vec![500, 100], "c", "b=2 c=2"),
        (vec![500, 100], "a c", "a=1 b=2 c=2"),
        (vec![100, 500], "a", "a=2 b=2"),
    ] {
        let request = Request { wanted: wanted(what), priorities: priorities.clone(), ..Request::default() };
        assert_eq!(chosen(&packages, &request), want, "{priorities:?} {what}");
    }
}

#[test]
fn pins_are_taken_first_and_mandatory_ones_only() {
    let packages = index("a 1; Depends: b (>= 1) | c\nb 1\nc 1\n---\nb 2\na 3; Depends: b (>= 2)");
    let pin = |word: &str, is_mandatory| {
        let (name, version) = word.split_once('=').unwrap();
        Pin { name: name.into(), version: version.parse().unwrap(), is_mandatory }
    };
    for (pins, is_mandatory, want) in [
        ("", false, "a=3 b=2"),
        ("a=1", false, "a=1 b=2"),
        ("a=1 b=1", false, "a=1 b=1"),
        ("b=1", false, "a=3 b=2"),
        ("a=1 c=1", false, "a=1 c=1"),
        ("b=7 x=1", false, "a=3 b=2"),
        ("b=1", true, "a=1 b=1"),
        ("c=1", true, "a=3 b=2"),
        ("a=1 b=1 a=3", false, "a=3 b=2"),
        ("b=7", true, "package b is not there in version 7, but in 2, 1"),
        (
            "a=3 b=1",
            true,
            "the packages cannot be installed together\n  a is wanted (spec)\n    a 3 (pinned) depends on b (>= 2), but there is b 1 (pinned)",
        ),
    ] {
        let pins = pins.split_whitespace().map(|word| pin(word, is_mandatory)).collect();
        let request = Request { wanted: wanted("a"), pins, ..Request::default() };
        assert_eq!(chosen(&packages, &request), want, "{:?}", request.pins);
    }
}

#[test]
fn what_is_absent_is_said_all_at_once() {
    let packages = index("libpq5 1\nlibpq5 2\nb 1; Provides: v\nc 1; Provides: v");
    let request = Request { wanted: wanted("libpg5 v libpq5=3 nothing-like-it"), ..Request::default() };
    let Err(SolveError::Wanted(absent)) = solve(&packages, &request) else { panic!("it was solved") };
    let version = |text: &str| text.parse::<Version>().unwrap();
    assert_eq!(
        absent,
        [
            Absent::Name { name: "libpg5".into(), nearest: vec!["libpq5".into()] },
            Absent::Version {
                name: "libpq5".into(),
                version: version("3"),
                known: vec![version("2"), version("1")]
            },
            Absent::Name { name: "nothing-like-it".into(), nearest: vec![] },
            Absent::Choice { name: "v".into(), providers: vec!["b".into(), "c".into()] },
        ]
    );
}

#[test]
fn a_conflict_is_told() {
    for (packages, what, want) in [
        (
            "exim 4; Provides: mta; Conflicts: mta\npostfix 3; Provides: mta; Conflicts: mta",
            "exim postfix",
            "exim is wanted (spec)\n    exim 4 conflicts with postfix 3 (mta)\n  postfix is wanted (spec)",
        ),
        (
            "a 1; Depends: b (>= 2)\nb 1",
            "a",
            "a is wanted (spec)\n    a 1 depends on b (>= 2), but there is b 1",
        ),
        (
            "a 1; Depends: b\nb 1; Depends: c | d",
            "a",
            "a is wanted (spec)\n    a 1 depends on b\n      b 1 depends on c | d, which is not there",
        ),
        (
            "a 1; Depends: x (= 1)\nb 1; Depends: x (= 2)\nx 1\nx 2",
            "a b",
            "a is wanted (spec)\n    a 1 depends on x (= 1)\n  b is wanted (spec)\n    b 1 depends on x (= 2)\n      \
             only one of x 1 and x 2 can be installed",
        ),
    ] {
        let request = Request { wanted: wanted(what), ..Request::default() };
        let want = format!("the packages cannot be installed together\n  {want}");
        for _ in 0..8 {
            assert_eq!(chosen(&index(packages), &request), want);
        }
    }
}

#[test]
fn every_package_has_its_reasons() {
    let packages =
        index("a 1; Depends: b | c, d\nc 1; Provides: v\nd 1; Depends: v (>= 2) | v, c\nb 1; Depends: x");
    let solution = solve(&packages, &Request { wanted: wanted("a c"), ..Request::default() }).unwrap();
    let depends =
        |package: &str, relation: &str| Why::Depends { package: package.into(), relation: relation.into() };
    let asked = |name: &str| Why::Wanted { name: name.into(), why: "spec".into() };
    let got: Vec<_> =
        solution.packages.into_iter().map(|chosen| (chosen.package.name.clone(), chosen.why)).collect();
    assert_eq!(
        got,
        [
            ("a".to_owned(), vec![asked("a")]),
            (
                "c".to_owned(),
                vec![asked("c"), depends("a", "b | c"), depends("d", "c"), depends("d", "v (>= 2) | v")]
            ),
            ("d".to_owned(), vec![depends("a", "d")]),
        ]
    );
}

#[test]
fn a_package_that_cannot_be_read_is_an_error_if_it_is_looked_at() {
    let packages = index("a 1; Depends: b | c\nb 1; Depends: x y\nc 1\nd 1");
    let solve = |what| chosen(&packages, &Request { wanted: wanted(what), ..Request::default() });
    assert_eq!(solve("d"), "d=1");
    assert_eq!(solve("a"), "suite 0: package \"b\": Depends");
}

#[test]
fn long_chains_are_no_trouble() {
    const LENGTH: usize = 1000;
    let link = |at: usize| format!("p{at} 1; Depends: p{}\n", at + 1);
    let broken: String = (0..LENGTH).map(link).collect();
    let whole = format!("{broken}p{LENGTH} 1");
    let solve = |packages: &str| {
        let request = Request { wanted: wanted("p0"), ..Request::default() };
        chosen(&index(packages), &request)
    };
    assert_eq!(solve(&whole).split(' ').count(), LENGTH + 1);
    assert!(solve(&broken).starts_with("the packages cannot be installed together"));
}
