//! Small archives made at random, in which every set of packages can be tried: what can be solved is solved, what is
//! chosen is whole, and what cannot be solved is explained.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use debian::index::{Index, IndexText, Package};
use debian::relation::Relation;
use debian::solve::{Pin, Request, SolveError, Wanted, solve};

const ARCHIVES: u64 = 1500;
const NAMES: [&str; 6] = ["a", "b", "c", "d", "e", "f"];

/// Numbers that look random, and are the same in each run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % limit
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.below(from.len())]
    }

    fn relation(&mut self) -> String {
        let name = self.pick(&["a", "b", "c", "d", "e", "f", "v", "w"]);
        let versions = self.pick(&["", "", "", " (>= 2)", " (<< 2)", " (= 1)", ":any"]);
        format!("{name}{versions}")
    }

    fn archive(&mut self) -> String {
        let mut text = String::new();
        for name in NAMES {
            for version in 1..=1 + self.below(2) {
                let kind = self.pick(&["no", "same", "foreign", "allowed"]);
                let zeros = "0".repeat(64);
                text += &format!(
                    "Package: {name}\nVersion: {version}\nArchitecture: amd64\nMulti-Arch: {kind}\n\
                     Filename: {name}.deb\nSize: 1\nSHA256: {zeros}\n"
                );
                let groups: Vec<String> = (0..self.below(3))
                    .map(|_| (0..=self.below(2)).map(|_| self.relation()).collect::<Vec<_>>().join(" | "))
                    .collect();
                text += &format!("Depends: {}\n", groups.join(", "));
                if self.below(3) == 0 {
                    text += &format!("Conflicts: {}\n", self.relation());
                }
                if self.below(3) == 0 {
                    text += &format!("Provides: {}{}\n", self.pick(&["v", "w"]), self.pick(&["", " (= 2)"]));
                }
                text += "\n";
            }
        }
        text
    }
}

fn meets(package: &Package, relation: &Relation) -> bool {
    package.is(relation, "amd64") || package.provides(relation, "amd64")
}

fn is_whole(packages: &[&Package]) -> bool {
    packages.iter().all(|package| {
        let has = |group: &Vec<Relation>| {
            group.iter().any(|relation| packages.iter().any(|other| meets(other, relation)))
        };
        let clashes = |conflict: &Relation| {
            let bare = Relation { qualifier: None, ..conflict.clone() };
            packages.iter().any(|other| other.name != package.name && meets(other, &bare))
        };
        package.depends.iter().all(has) && !package.conflicts.iter().any(clashes)
    })
}

/// Whether any choice of one version or none of each name is whole and has what is wanted.
fn can_be_solved(index: &Index, is_allowed: &dyn Fn(&[&Package]) -> bool) -> bool {
    let versions: Vec<&[Package]> = NAMES.iter().map(|name| index.candidates(name).unwrap()).collect();
    let choices: usize = versions.iter().map(|versions| versions.len() + 1).product();
    (0..choices).any(|mut choice| {
        let mut packages = vec![];
        for versions in &versions {
            packages.extend(versions.get(choice % (versions.len() + 1)));
            choice /= versions.len() + 1;
        }
        is_allowed(&packages) && is_whole(&packages)
    })
}

#[test]
fn what_can_be_solved_is_solved() {
    let mut counts = [0, 0];
    for seed in 0..ARCHIVES {
        let mut numbers = Numbers(seed);
        let text = numbers.archive();
        let texts = vec![IndexText { suite: 0, origin: "the index".into(), text: text.clone() }];
        let index = Index::new("amd64", texts).unwrap();
        let wanted = |name: &str| Wanted { name: name.into(), version: None, why: "test".into() };
        let mut request = Request { wanted: vec![wanted("a"), wanted("b")], ..Request::default() };
        if numbers.below(2) == 0 {
            let is_mandatory = numbers.below(2) == 0;
            request.pins.push(Pin { name: "c".into(), version: "1".parse().unwrap(), is_mandatory });
        }
        let is_pinned_away = |package: &Package| {
            request
                .pins
                .iter()
                .any(|pin| pin.is_mandatory && pin.name == package.name && pin.version != package.version)
        };
        let is_allowed = |packages: &[&Package]| {
            let has = |wanted: &Wanted| packages.iter().any(|package| package.name == wanted.name);
            request.wanted.iter().all(has) && !packages.iter().any(|package| is_pinned_away(package))
        };
        match solve(&index, &request) {
            Ok(solution) => {
                let packages: Vec<&Package> =
                    solution.packages.iter().map(|chosen| &chosen.package).collect();
                assert!(is_allowed(&packages) && is_whole(&packages), "seed {seed}: {packages:?}\n{text}");
                request.wanted.reverse();
                let again = solve(&index, &request).unwrap();
                let versions = |solution: &debian::solve::Solution| -> Vec<String> {
                    let packages = solution.packages.iter().map(|chosen| &chosen.package);
                    packages.map(|package| format!("{} {}", package.name, package.version)).collect()
                };
                assert_eq!(versions(&again), versions(&solution), "seed {seed}");
                counts[0] += 1;
            }
            Err(SolveError::Conflict(conflict)) => {
                assert!(!can_be_solved(&index, &is_allowed), "seed {seed}: {conflict}\n{text}");
                assert!(!conflict.reasons.is_empty(), "seed {seed}: nothing is said\n{text}");
                assert_eq!(
                    solve(&index, &request).unwrap_err(),
                    SolveError::Conflict(conflict),
                    "seed {seed}: another explanation"
                );
                counts[1] += 1;
            }
            Err(error) => panic!("seed {seed}: {error}"),
        }
    }
    assert!(counts.iter().all(|count| *count > 200), "{counts:?}");
}
