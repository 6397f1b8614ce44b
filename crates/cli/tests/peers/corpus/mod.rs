//! The images of `testdata/broken-images`, for each architecture: what is said about them, and whether that is so.

mod case;
pub mod start;
pub mod toolchain;

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Instant;

use serde_json::Value;

use crate::workshop::{Workshop, at_hand, ok};
use case::{Case, Outcome, Subject};
use start::{Starter, link_all};
use toolchain::{ARCHITECTURES, Architecture};

#[test]
fn amd64() {
    judge("amd64");
}

#[test]
fn arm64() {
    judge("arm64");
}

#[test]
fn armhf() {
    judge("armhf");
}

#[test]
fn riscv64() {
    judge("riscv64");
}

#[test]
fn s390x() {
    judge("s390x");
}

/// What is at hand for the cases of an architecture.
struct Court<'a> {
    architecture: &'a Architecture,
    workshop: &'a Workshop,
    root: PathBuf,
    programs: PathBuf,
    starter: Option<Starter>,
}

#[derive(Default)]
struct Tally {
    refused: usize,
    warned: usize,
    passed: usize,
    started: usize,
    failed: usize,
}

fn judge(name: &str) {
    let architecture = ARCHITECTURES.iter().find(|architecture| architecture.name == name).unwrap();
    let libc = architecture.library("libc.so.6");
    if !at_hand(&[&architecture.compiler(), &architecture.other_compiler(), libc.to_str().unwrap()]) {
        return;
    }
    let began = Instant::now();
    let workshop = Workshop::new();
    let programs = architecture.make_programs(&workshop);
    let court = Court {
        architecture,
        root: architecture.make_root(&workshop),
        starter: Starter::new(&workshop, architecture, &programs.join("hello")),
        programs,
        workshop: &workshop,
    };
    let variables = [
        ("arch", architecture.name),
        ("triplet", architecture.triplet),
        ("loader", architecture.loader),
        ("machine", architecture.machine),
    ];
    let mut tally = Tally::default();
    let mut wrong = vec![];
    let only = std::env::var("BANTAM_TEST_SUBJECT").ok();
    for subject in Subject::read_all(&toolchain::folder(), &variables) {
        if only.as_ref().is_some_and(|only| *only != subject.name) {
            continue;
        }
        let built = architecture.build(&workshop, &court.programs, &subject);
        for case in &subject.cases {
            if !case.only.is_empty() && !case.only.iter().any(|only| only == architecture.name) {
                continue;
            }
            if let Err(message) = court.judge(&subject.name, &built, case, &mut tally) {
                wrong.push(format!("{}: {}: {}", subject.name, case.name, message));
            }
        }
    }
    let Tally { refused, warned, passed, started, failed } = tally;
    let line = format!(
        "broken images for {name}: {refused} refused, {warned} warned about, {passed} pass; when run, {failed} fail and \
         {started} start; {:.1} s\n",
        began.elapsed().as_secs_f64()
    );
    // Past the capture of the test harness, in one piece.
    std::io::stderr().write_all(line.as_bytes()).unwrap();
    assert!(wrong.is_empty(), "{} cases for {name} are wrong:\n{}", wrong.len(), wrong.join("\n"));
}

impl Court<'_> {
    fn judge(&self, subject: &str, built: &Path, case: &Case, tally: &mut Tally) -> Result<(), String> {
        let slug = case.name.replace(|char: char| !char.is_ascii_alphanumeric(), "-");
        let folder = self.workshop.path(&format!("{subject}/{slug}"));
        self.lay_out(&folder, built, case);
        let spec = case.full_spec(self.architecture.platform);
        fs::write(folder.join("bantam.toml"), toml::to_string(&spec).unwrap()).unwrap();
        self.compare_verdict(&folder, case)?;
        match (case.is_refused(), case.warnings.is_empty()) {
            (true, _) => tally.refused += 1,
            (false, false) => tally.warned += 1,
            (false, true) => tally.passed += 1,
        }
        let is_run =
            !matches!(case.outcome(), Outcome::NotRun) && (self.architecture.is_native() || !case.natively);
        let Some(starter) = self.starter.as_ref().filter(|_| is_run) else { return Ok(()) };
        let root = folder.join("image");
        let process = if case.is_refused() {
            start::compose(&folder, &spec, &root)
        } else {
            let mut build = self.workshop.bantam();
            ok(build.current_dir(&folder).args(["build", "--quiet", "-o", "oci:layout:test"]));
            start::unpack(&folder.join("layout"), &root)
        };
        let output = starter.start(&root, &process);
        fs::remove_dir_all(&folder).unwrap();
        let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        // One that crashes says nothing, and tells by how it ends.
        let printed = format!("{out}{err}{}", output.status);
        let is_as_said = match case.outcome() {
            Outcome::Starts(part) => output.status.success() && printed.contains(part),
            Outcome::Fails(parts) => {
                !output.status.success() && parts.iter().any(|part| printed.contains(part))
            }
            Outcome::NotRun => true,
        };
        if !is_as_said {
            return Err(format!("the process ends otherwise: {printed}"));
        }
        if output.status.success() {
            tally.started += 1;
        } else {
            tally.failed += 1;
        }
        Ok(())
    }

    /// Makes the payload and the runtime source of a case.
    fn lay_out(&self, folder: &Path, built: &Path, case: &Case) {
        fs::create_dir_all(folder.join("payload")).unwrap();
        std::os::unix::fs::symlink(built, folder.join("built")).unwrap();
        link_all(&self.root, &folder.join("root"));
        let put = |within: &str, files: &BTreeMap<String, String>| {
            for (path, name) in files {
                let of_subject = built.join(name);
                let from =
                    if of_subject.symlink_metadata().is_ok() { of_subject } else { self.programs.join(name) };
                let to = folder.join(within).join(&path[1..]);
                fs::create_dir_all(to.parent().unwrap()).unwrap();
                link_all(&from, &to);
            }
        };
        put("payload", &case.payload);
        put("root", &case.root);
        for (path, text) in &case.text {
            let to = folder.join("payload").join(&path[1..]);
            fs::create_dir_all(to.parent().unwrap()).unwrap();
            fs::write(&to, text).unwrap();
            let mode = if text.starts_with("#!") { 0o755 } else { 0o644 };
            fs::set_permissions(&to, fs::Permissions::from_mode(mode)).unwrap();
        }
    }

    /// Compares what `bantam check --json` says, and how it ends, with what the case says.
    fn compare_verdict(&self, folder: &Path, case: &Case) -> Result<(), String> {
        let check = |options: &[&str]| {
            let mut check = self.workshop.bantam();
            check.current_dir(folder).args(["check", "--json"]).args(options).output().unwrap()
        };
        let output = check(&[]);
        let said = String::from_utf8(output.stdout).unwrap();
        let findings: Vec<Value> = said.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let codes = |severity: &str| {
            let of_severity = findings.iter().filter(|finding| finding["severity"] == severity);
            let mut codes: Vec<&str> = of_severity.map(|finding| finding["code"].as_str().unwrap()).collect();
            codes.sort_unstable();
            codes
        };
        let stderr = String::from_utf8_lossy(&output.stderr);
        let expected = [
            ("error", Some(&case.errors)),
            ("warning", Some(&case.warnings)),
            ("notice", case.notices.as_ref()),
        ];
        for (severity, expected) in expected {
            if expected.is_some_and(|expected| codes(severity) != *expected) {
                return Err(format!("as {severity}s {expected:?} were expected, not:\n{said}{stderr}"));
            }
        }
        let wanted = i32::from(case.is_refused());
        if output.status.code() != Some(wanted) {
            return Err(format!("check ends with {}: {stderr}", output.status));
        }
        if !case.warnings.is_empty() && check(&["--strict"]).status.code() != Some(1) {
            return Err("check --strict takes warnings for less than errors".into());
        }
        let strings = |finding: &Value| {
            let fixes = finding["fixes"].as_array().into_iter().flatten().cloned();
            let strings = [finding["message"].clone()].into_iter().chain(fixes);
            strings.map(|string| string.as_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        let text = findings.iter().flat_map(strings).collect::<Vec<_>>().join("\n");
        match case.says.iter().find(|part| !text.contains(*part)) {
            Some(part) => Err(format!("{part:?} is not said:\n{text}")),
            None => Ok(()),
        }
    }
}
