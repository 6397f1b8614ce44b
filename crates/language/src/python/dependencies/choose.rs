//! Of what there is of packages: the wheels that fit, and what is wrong with the rest.

use super::{
    fetch::Wanted,
    inputs::Inputs,
    marker::Environment,
    pylock::{Artifact, Offer, Package},
    shown,
    tags::{self, Tags, WheelName},
    uv::Refused,
};
use crate::{LanguageError, python::interpreter::Interpreter};
use plan::{finding::Problem, spec::Line};

/// What to do about a package without wheels.
const PREBUILT: &str = "name a version that has wheels, or build one (`uv build --wheel`), put it into a folder, and name \
                        that with --find-links in the requirements";
/// What to do about one whose wheels do not fit.
const FITTING: &str =
    "name a version that has such a wheel, or take a runtime that it has one for: source in [runtime]";

/// What was chosen.
#[derive(Debug, Default)]
pub(super) struct Chosen {
    /// The wheels.
    pub wanted: Vec<Wanted>,
    /// Folders of projects that are installed, too.
    pub locals: Vec<String>,
    /// What is wrong.
    pub problems: Vec<Problem>,
}

/// Chooses for an interpreter.
///
/// # Errors
/// When a package says something that cannot be understood.
pub(super) fn choose(
    packages: Vec<Package>,
    inputs: &Inputs,
    interpreter: &Interpreter,
    line: Line,
) -> Result<Chosen, LanguageError> {
    let tags = Tags::of(interpreter);
    let environment = Environment::of(interpreter);
    let answer = |what: String| LanguageError::Answer { tool: "uv".into(), what };
    let mut chosen = Chosen::default();
    for Package { name, version, marker, offer } in packages {
        if let Some(marker) = marker
            && !environment.holds(&marker).map_err(answer)?
        {
            continue;
        }
        let of = version.as_ref().map_or_else(|| name.clone(), |version| format!("{name} {version}"));
        let not_prebuilt = |why: &str| Problem::NotPrebuilt {
            package: of.clone(),
            why: why.into(),
            fix: PREBUILT.into(),
            line,
        };
        let may_be = |file: &Artifact| inputs.hashes.allow(&name, file.sha256.as_ref());
        let undigested = || {
            let why = inputs.hashes.refuses(&name);
            let why =
                why.unwrap_or_else(|| "none of its wheels has a digest that the requirements name".into());
            undigested(of.clone(), why, line)
        };
        match offer {
            Offer::Directory(path) => chosen.locals.push(path),
            Offer::Checkout => {
                chosen.problems.push(not_prebuilt("it is a state of a version control system"));
            }
            Offer::Direct(artifact) => match WheelName::parse(&artifact.file) {
                None => chosen.problems.push(not_prebuilt(&format!("{} is its source", artifact.file))),
                Some(_) if !may_be(&artifact) => chosen.problems.push(undigested()),
                Some(wheel) if tags.rank(&wheel).is_none() => {
                    chosen.problems.push(unfit(of, &wheel.target(), interpreter, line));
                }
                Some(wheel) => {
                    let version = version.unwrap_or(wheel.version);
                    chosen.wanted.push(wanted(name, version, artifact, true));
                }
            },
            Offer::Index { mut wheels, has_source } => {
                if wheels.is_empty() {
                    let why = if has_source { "only its source is there" } else { "there is no file of it" };
                    chosen.problems.push(not_prebuilt(why));
                    continue;
                }
                let all: Vec<String> = wheels.iter().map(|wheel| wheel.file.clone()).collect();
                wheels.retain(may_be);
                if wheels.is_empty() {
                    chosen.problems.push(undigested());
                    continue;
                }
                let best = tags.best(&wheels, |wheel| &wheel.file).cloned();
                match best {
                    Some(wheel) => {
                        chosen.wanted.push(wanted(name, version.unwrap_or_default(), wheel, false));
                    }
                    None => {
                        let there = tags::shown(all.iter().map(String::as_str));
                        chosen.problems.push(unfit(of, &there, interpreter, line));
                    }
                }
            }
        }
    }
    Ok(chosen)
}

/// What a resolver refused, as problems.
pub(super) fn refused<'r>(
    all: impl IntoIterator<Item = &'r Refused>,
    interpreter: &Interpreter,
    line: Line,
) -> Vec<Problem> {
    let each = all.into_iter().map(|one| match one {
        Refused::SourceOnly(name) => Problem::NotPrebuilt {
            package: name.clone(),
            why: "only its source is there".into(),
            fix: PREBUILT.into(),
            line,
        },
        Refused::Unfit(name, there) => unfit(name.clone(), there, interpreter, line),
    });
    each.collect()
}

/// A package whose wheels are for something else.
pub(super) fn unfit(package: String, there: &str, interpreter: &Interpreter, line: Line) -> Problem {
    let target = shown(interpreter);
    let why = match there {
        "" => format!("it has no wheel for {target}"),
        there => format!("it has wheels for {there}, and none for {target}"),
    };
    Problem::UnfitPackage { package, why, fix: FITTING.into(), line }
}

/// A package that is not of the digests that the requirements name.
pub(super) fn undigested(package: String, why: String, line: Line) -> Problem {
    let fix = "write the digests anew, of all packages: `uv pip compile --generate-hashes`".into();
    Problem::UnfitPackage { package, why, fix, line }
}

fn wanted(name: String, version: String, artifact: Artifact, direct: bool) -> Wanted {
    let Artifact { file, at, size, sha256, date } = artifact;
    Wanted { name, version, file, sha256, size, date, at: Some(at), direct }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail")]
mod tests {
    use super::*;
    use crate::python::dependencies::testing::interpreter;
    use tree::Sha256Digest;

    fn artifact(file: &str) -> Artifact {
        let sha256 = Some(Sha256Digest::of(file.as_bytes()));
        Artifact {
            file: file.into(),
            at: format!("https://files.example/{file}"),
            size: Some(9),
            sha256,
            date: 5,
        }
    }

    fn package(name: &str, offer: Offer) -> Package {
        Package { name: name.into(), version: Some("1".into()), marker: None, offer }
    }

    fn of_index(name: &str, files: &[&str]) -> Package {
        let wheels = files.iter().map(|file| artifact(file)).collect();
        package(name, Offer::Index { wheels, has_source: true })
    }

    fn words(chosen: &Chosen) -> Vec<String> {
        chosen.problems.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn wheels_that_fit_are_chosen() {
        let packages = vec![
            of_index(
                "a",
                &[
                    "a-1-py3-none-any.whl",
                    "a-1-cp313-cp313-manylinux_2_28_x86_64.whl",
                    "a-1-cp313-cp313-manylinux_2_28_aarch64.whl",
                ],
            ),
            Package { marker: Some("sys_platform == 'win32'".into()), ..of_index("b", &[]) },
            package("c", Offer::Direct(artifact("c-2-py3-none-any.whl"))),
            package("d", Offer::Directory("../d".into())),
        ];
        let chosen = choose(packages, &Inputs::default(), &interpreter(), 3).unwrap();
        assert_eq!(words(&chosen), Vec::<String>::new());
        let files: Vec<(&str, bool)> =
            chosen.wanted.iter().map(|wheel| (&*wheel.file, wheel.direct)).collect();
        assert_eq!(
            files,
            [("a-1-cp313-cp313-manylinux_2_28_x86_64.whl", false), ("c-2-py3-none-any.whl", true)]
        );
        assert_eq!(chosen.locals, ["../d"]);
    }

    #[test]
    fn what_does_not_fit_is_told_with_what_there_is() {
        let packages = vec![
            of_index("source", &[]),
            package("nothing", Offer::Index { wheels: vec![], has_source: false }),
            of_index("old", &["old-1-cp311-cp311-manylinux_2_17_x86_64.whl", "old-1-cp312-cp312-win32.whl"]),
            package("direct", Offer::Direct(artifact("direct-1.tar.gz"))),
            package("musl", Offer::Direct(artifact("musl-1-cp313-cp313-musllinux_1_2_x86_64.whl"))),
            package("git", Offer::Checkout),
        ];
        let chosen = choose(packages, &Inputs::default(), &interpreter(), 3).unwrap();
        let target = "Python 3.13 on x86_64 with glibc 2.41";
        assert_eq!(
            words(&chosen),
            [
                "source 1 would have to be built: only its source is there".to_owned(),
                "nothing 1 would have to be built: there is no file of it".to_owned(),
                format!(
                    "old 1 does not fit: it has wheels for cp311 on manylinux_2_17_x86_64, cp312 on win32, and none for {target}"
                ),
                "direct 1 would have to be built: direct-1.tar.gz is its source".to_owned(),
                format!(
                    "musl 1 does not fit: it has wheels for cp313 on musllinux_1_2_x86_64, and none for {target}"
                ),
                "git 1 would have to be built: it is a state of a version control system".to_owned(),
            ]
        );
        assert!(chosen.wanted.is_empty() && chosen.problems.iter().all(|problem| problem.line() == 3));
    }

    #[test]
    fn only_files_with_a_digest_that_is_named_are_chosen() {
        let (good, better) = ("a_b-1-py3-none-any.whl", "a_b-1-cp313-cp313-manylinux_2_17_x86_64.whl");
        let of = |file: &str| {
            let mut inputs = Inputs::default();
            let digest = Sha256Digest::of(file.as_bytes()).hex();
            inputs.hashes.read(&format!("a-b==1 --hash=sha256:{digest}")).unwrap();
            inputs
        };
        let chosen = choose(vec![of_index("A.b", &[good, better])], &of(good), &interpreter(), 0).unwrap();
        assert_eq!(chosen.wanted[0].file, good);
        let direct = package("a.b", Offer::Direct(artifact(good)));
        let chosen = choose(vec![direct], &of("other"), &interpreter(), 0).unwrap();
        assert_eq!((chosen.wanted.len(), chosen.problems.len()), (0, 1));
        let chosen = choose(vec![of_index("A.b", &[good])], &of("other"), &interpreter(), 0).unwrap();
        assert_eq!(
            words(&chosen),
            ["A.b 1 does not fit: none of its wheels has a digest that the requirements name"]
        );
        let others = vec![of_index("c", &[good]), package("d", Offer::Directory("../d".into()))];
        let chosen = choose(others, &of(good), &interpreter(), 0).unwrap();
        assert_eq!(
            words(&chosen),
            ["c 1 does not fit: the requirements name digests of others, and none of it"]
        );
        assert_eq!(chosen.locals, ["../d"]);
    }

    #[test]
    fn a_marker_that_is_none_is_told() {
        let package = Package { marker: Some("planet == 'mars'".into()), ..of_index("a", &[]) };
        let error = choose(vec![package], &Inputs::default(), &interpreter(), 0).unwrap_err();
        assert!(error.to_string().contains("`planet` is no variable of markers"), "{error}");
    }
}
