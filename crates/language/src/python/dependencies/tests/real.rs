//! With `uv` and an index: `cargo xtask test` has both.

use super::*;
use crate::{python::interpreter::Libc, tool};
use plan::finding::Problem;
use std::io::Write as _;

/// A bench with the network; none where the peers are not installed.
fn bench() -> Option<Bench> {
    let lacks = if std::env::var_os("BANTAM_TEST_PEERS").is_none() {
        "run by `cargo xtask test`"
    } else if tool::find("uv").is_none() {
        "no uv on PATH"
    } else {
        return Some(Bench { offline: false, ..Bench::new() });
    };
    let thread = std::thread::current();
    let line = format!("SKIPPED: {}: {lacks}\n", thread.name().unwrap_or("a test"));
    // Not `eprintln!`: the harness keeps what that says of tests that pass.
    std::io::stderr().write_all(line.as_bytes()).unwrap();
    None
}

fn problems(installed: &Installed) -> Vec<(&'static str, String)> {
    installed.problems.iter().map(|problem| (problem.code(), problem.to_string())).collect()
}

/// Runs `uv` in the folder.
fn uv(bench: &Bench, words: &[&str]) {
    let mut command = std::process::Command::new(tool::find("uv").unwrap());
    command.args(words).current_dir(bench.folder());
    tool::run(&mut command, "uv", std::time::Duration::from_secs(300)).unwrap();
}

/// What a Python of this machine answers.
fn python(program: &std::path::Path, words: &[&str]) -> String {
    let mut command = std::process::Command::new(program);
    command.args(words).env("PYTHONDONTWRITEBYTECODE", "1");
    let answer = tool::run(&mut command, "python3", std::time::Duration::from_secs(300)).unwrap();
    String::from_utf8(answer.stdout).unwrap().trim().to_owned()
}

/// The Python of this machine.
fn of_machine() -> Interpreter {
    let script = "import os, sys; print(sys.version_info.minor, os.path.realpath(sys.executable))";
    let said = python(&tool::find("python3").unwrap(), &["-c", script]);
    let (minor, program) = said.split_once(' ').unwrap();
    let architecture = Architecture::from_uname(std::env::consts::ARCH).unwrap();
    let version = (3, minor.parse().unwrap());
    Interpreter { version, program: path(program), architecture, libc: Libc::Glibc(31), ..interpreter() }
}

/// Writes what is installed below a directory.
fn laid_out(bench: &Bench, installed: &Installed) -> std::path::PathBuf {
    let root = bench.dir.path().join("root");
    for file in &installed.files {
        let at = root.join(file.path.relative());
        fs::create_dir_all(at.parent().unwrap()).unwrap();
        match &file.entry.kind {
            Kind::Symlink(target) => symlink(target, at).unwrap(),
            _ => fs::write(at, file.entry.content().unwrap().read(1 << 30).unwrap()).unwrap(),
        }
    }
    root
}

#[test]
fn what_people_use_is_had_for_both_processors() {
    let Some(mut bench) = bench() else { return };
    bench.write("requirements.txt", "flask\nnumpy\npandas\npsycopg[binary]\ncryptography\nPillow\nlxml\n");
    for (architecture, libc, module) in [
        (Architecture::Amd64, Libc::Glibc(41), "x86_64-linux-gnu.so"),
        (Architecture::Arm64, Libc::Glibc(36), "aarch64-linux-gnu.so"),
        (Architecture::Arm64, Libc::Musl(2), "aarch64-linux-musl.so"),
    ] {
        bench.interpreter = Interpreter { architecture, libc, ..interpreter() };
        let installed = bench.install(&requirements(), None).unwrap();
        assert_eq!(problems(&installed), []);
        let has = |end: &str| installed.files.iter().any(|file| file.path.as_str().ends_with(end));
        assert!(has("/bin/flask") && has("/psycopg/__init__.py"));
        let modules: Vec<&str> = installed
            .files
            .iter()
            .map(|file| file.path.name())
            .filter(|name| name.contains(".cpython-"))
            .collect();
        assert!(modules.len() > 50 && modules.iter().all(|name| name.ends_with(module)), "{modules:?}");
        assert!(installed.shed[&Shed::Headers].0 > 50, "{:?}", installed.shed);
        assert!(installed.pins.artifacts.len() > 15);
        let dated = |pin: &LockedArtifact| pin.date > 1_600_000_000 && pin.size > 1000 && pin.url.is_none();
        assert!(installed.pins.artifacts.iter().all(dated), "{:?}", installed.pins);

        // With its pins, and the cache, nobody is asked.
        bench.offline = true;
        let start = std::time::Instant::now();
        let again = bench.install(&requirements(), Some(&installed.pins)).unwrap();
        println!("again in {:?}", start.elapsed());
        bench.offline = false;
        assert_eq!(tree(&again), tree(&installed));
        assert_eq!(again.pins, installed.pins);
    }
    // Pins without the cache are fetched where the index has them.
    let pins = bench.install(&requirements(), None).unwrap().pins;
    bench.cache = Cache::new(bench.dir.path().join("other-cache"));
    let flask = LockedLanguage {
        artifacts: pins.artifacts.iter().filter(|pin| pin.name == "flask").cloned().collect(),
        ..pins.clone()
    };
    let installed = bench.install(&requirements(), Some(&flask)).unwrap();
    assert_eq!((problems(&installed), &installed.pins), (vec![], &flask));
}

#[test]
fn a_python_finds_all_of_it() {
    let Some(mut bench) = bench() else { return };
    bench.interpreter = of_machine();
    bench.write("requirements.txt", "flask\nnumpy\npandas\ncryptography\n");
    let table = Python {
        shed: vec![Shed::Stubs, Shed::Headers, Shed::StaticLibraries, Shed::Tests, Shed::Docs],
        ..requirements()
    };
    let installed = bench.install(&table, None).unwrap();
    assert_eq!(problems(&installed), []);
    assert!(installed.shed[&Shed::Tests].0 > 500, "{:?}", installed.shed);
    let root = laid_out(&bench, &installed);
    let site = root.join(bench.interpreter.site.relative());
    let script = format!(
        "import sys; sys.path.insert(0, {site:?})\n\
         import flask, numpy, pandas, cryptography.fernet, importlib.metadata as m, hashlib, base64, pathlib\n\
         assert pandas.DataFrame({{'a': [1, 2]}}).a.sum() == 3\n\
         seen = 0\n\
         for d in m.distributions(path=[{site:?}]):\n\
        \x20    for f in d.files:\n\
        \x20        b = f.locate().read_bytes(); seen += 1\n\
        \x20        assert f.hash is None or f.hash.value == base64.urlsafe_b64encode(hashlib.sha256(b).digest()).rstrip(b'=').decode(), f\n\
         print(seen, [e.name for e in m.entry_points(group='console_scripts') if e.name == 'flask'])\n"
    );
    let count = installed.files.len();
    let machine = std::path::Path::new(bench.interpreter.program.as_str());
    assert_eq!(
        python(machine, &["-I", "-c", &script]),
        format!("{count} ['flask']"),
        "every file is one of a RECORD"
    );
}

#[test]
fn what_cannot_be_had_is_told_at_once() {
    let Some(bench) = bench() else { return };
    let other = "f4bcbefc124291925f1a26446da31a5178f9483862233b23c0c96a20701f670d";
    // A project's folder, packed as `python -m build --sdist` would.
    bench.write("itsdangerous-2.2.0/PKG-INFO", "Metadata-Version: 2.1\nName: itsdangerous\nVersion: 2.2.0\n");
    bench.write("itsdangerous-2.2.0/pyproject.toml", "[project]\nname = 'itsdangerous'\nversion = '2.2.0'\n");
    let packed = bench.folder().join("itsdangerous-2.2.0.tar.gz");
    let mut pack = std::process::Command::new("tar");
    pack.arg("-czf").arg(&packed).arg("-C").arg(bench.folder()).arg("itsdangerous-2.2.0");
    assert!(pack.status().unwrap().success());
    let source = format!("itsdangerous @ file://{}", packed.display());
    bench.write(
        "requirements.txt",
        format!("docopt==0.6.2\npyodbc==4.0.0\nclick==8.1.7 --hash=sha256:{other}\n{source}\n"),
    );
    let installed = bench.install(&requirements(), None).unwrap();
    let mut found = problems(&installed);
    found.sort();
    let codes: Vec<(&str, &str)> =
        found.iter().map(|(code, text)| (*code, text.split(' ').next().unwrap_or_default())).collect();
    assert_eq!(
        codes,
        [("B0702", "click"), ("B0702", "pyodbc"), ("B0703", "docopt"), ("B0703", "itsdangerous")],
        "{found:?}"
    );
    assert!(installed.pins.is_empty());
}

#[test]
fn a_project_is_installed_from_its_lock() {
    let Some(bench) = bench() else { return };
    let project = "[project]\nname = 'shop'\nversion = '0.1'\nrequires-python = '>=3.9'\n\
                   dependencies = ['itsdangerous', \"colorama; sys_platform == 'win32'\"]\n\
                   [project.scripts]\nshop = 'shop:main'\n\
                   [build-system]\nrequires = ['hatchling']\nbuild-backend = 'hatchling.build'\n";
    bench.write("pyproject.toml", project);
    bench.write("src/shop/__init__.py", "def main():\n    print('hi')\n");
    uv(&bench, &["lock"]);
    let table = table(PythonDependencies::Project("pyproject.toml".into()));
    let installed = bench.install(&table, None).unwrap();
    assert_eq!(problems(&installed), []);
    assert!(text(&installed, "/usr/local/bin/shop").contains("from shop import main"));
    let wheel = text(&installed, &format!("{SITE}/shop-0.1.dist-info/WHEEL"));
    assert!(wheel.contains("Tag: py3-none-any") && !wheel.contains("Generator"), "{wheel}");
    let names: Vec<&str> = installed.pins.artifacts.iter().map(|pin| &*pin.name).collect();
    assert_eq!(names, ["itsdangerous"]);
    assert_eq!(installed.pins.inputs.keys().collect::<Vec<_>>(), ["pyproject.toml", "uv.lock"]);
    let again = bench.install(&table, Some(&installed.pins)).unwrap();
    assert_eq!(tree(&again), tree(&installed));

    bench.write("pyproject.toml", project.replace("itsdangerous", "blinker"));
    let error = bench.install(&table, Some(&installed.pins)).unwrap_err();
    assert!(matches!(error, LanguageError::Misfit { input } if input == "pyproject.toml"));
    let stale = bench.install(&table, None).unwrap();
    assert!(matches!(&stale.problems[..], [Problem::StaleLock { .. }]), "{:?}", stale.problems);

    // Without a lock of its own, and installed from requirements.
    fs::remove_file(bench.folder().join("uv.lock")).unwrap();
    let unlocked = bench.install(&table, None).unwrap();
    assert_eq!(problems(&unlocked), []);
    bench.write("requirements.txt", "-e .\n");
    let editable = bench.install(&requirements(), None).unwrap();
    assert_eq!(problems(&editable), []);
    assert_eq!(tree(&editable), tree(&unlocked));
    assert_eq!(editable.pins.inputs.keys().collect::<Vec<_>>(), ["pyproject.toml", "requirements.txt"]);
    let again = bench.install(&requirements(), Some(&editable.pins)).unwrap();
    assert_eq!(tree(&again), tree(&editable));
}

#[test]
fn an_environment_of_uv_works_elsewhere() {
    let Some(mut bench) = bench() else { return };
    bench.interpreter = of_machine();
    uv(&bench, &["venv", "--python", bench.interpreter.program.as_str()]);
    uv(&bench, &["pip", "install", "--link-mode", "symlink", "flask", "numpy"]);
    let installed = bench.install(&venv(), None).unwrap();
    assert_eq!(problems(&installed), []);
    let here = bench.dir.path().to_str().unwrap();
    for file in &installed.files {
        let Some(content) = file.entry.content() else { continue };
        let bytes = content.read(1 << 30).unwrap();
        let leads_here = bytes.windows(here.len()).any(|window| window == here.as_bytes());
        assert!(!leads_here, "{} names this machine", file.path);
    }
    let root = laid_out(&bench, &installed);
    fs::rename(bench.folder().join(".venv"), bench.folder().join("gone")).unwrap();
    let script = "import flask, numpy, sys, importlib.metadata as m\n\
                  print(sys.prefix, flask.__file__, all(f.locate().exists() for f in m.distribution('flask').files))";
    let prefix = root.join("app/.venv");
    let (major, minor) = bench.interpreter.version;
    let flask = prefix.join(format!("lib/python{major}.{minor}/site-packages/flask/__init__.py"));
    assert_eq!(
        python(&prefix.join("bin/python"), &["-c", script]),
        format!("{} {} True", prefix.display(), flask.display())
    );
}

#[test]
fn a_member_of_a_workspace_brings_others() {
    let Some(bench) = bench() else { return };
    let build = "[build-system]\nrequires = ['hatchling']\nbuild-backend = 'hatchling.build'\n";
    bench.write("pyproject.toml", "[project]\nname = 'all'\nversion = '0'\nrequires-python = '>=3.9'\n[tool.uv.workspace]\nmembers = ['packages/*']\n");
    bench.write(
        "packages/lib/pyproject.toml",
        format!("[project]\nname = 'lib'\nversion = '0'\nrequires-python = '>=3.9'\n{build}"),
    );
    bench.write("packages/lib/src/lib/__init__.py", "x = 1\n");
    bench.write(
        "packages/app/pyproject.toml",
        "[project]\nname = 'app'\nversion = '0'\nrequires-python = '>=3.9'\ndependencies = ['lib', 'click']\n\
         [tool.uv.sources]\nlib = { workspace = true }\n",
    );
    uv(&bench, &["lock"]);
    let table = table(PythonDependencies::Project("packages/app".into()));
    let installed = bench.install(&table, None).unwrap();
    assert_eq!(problems(&installed), []);
    assert_eq!(text(&installed, &format!("{SITE}/lib/__init__.py")), "x = 1\n");
    let inputs: Vec<&str> = installed.pins.inputs.keys().map(String::as_str).collect();
    assert_eq!(inputs, ["packages/app/pyproject.toml", "packages/lib/pyproject.toml", "uv.lock"]);
    let again = bench.install(&table, Some(&installed.pins)).unwrap();
    assert_eq!((tree(&again), again.pins), (tree(&installed), installed.pins));
}

#[test]
fn a_lock_finds_its_wheels_where_requirements_say() {
    let Some(mut bench) = bench() else { return };
    let made = Made::new("shop", "1.0").file("shop/__init__.py", "x = 1\n");
    bench.write(&format!("wheels/{}", made.file_name()), made.bytes());
    bench.write("deep/base.txt", "--no-index\n--find-links ../wheels\n");
    bench.write("requirements.txt", "-r deep/base.txt\nshop\n");
    let installed = bench.install(&requirements(), None).unwrap();
    assert_eq!(problems(&installed), []);
    assert_eq!(installed.pins.artifacts[0].url, None);
    bench.cache = Cache::new(bench.dir.path().join("other-cache"));
    let again = bench.install(&requirements(), Some(&installed.pins)).unwrap();
    assert_eq!((tree(&again), again.pins), (tree(&installed), installed.pins));
}

#[test]
fn a_lock_is_held_against_its_project_without_its_python() {
    let Some(mut bench) = bench() else { return };
    bench.interpreter.version = (3, 99);
    let project = "[project]\nname = 'shop'\nversion = '1'\nrequires-python = '>=3.99'\n";
    bench.write(
        "uv.lock",
        "version = 1\nrequires-python = '>=3.99'\n[[package]]\nname = 'shop'\nversion = '1'\nsource = { virtual = '.' }\n",
    );
    let table = table(PythonDependencies::Project("pyproject.toml".into()));
    for (more, stale) in [("", false), ("dependencies = ['flask']\n", true)] {
        bench.write("pyproject.toml", format!("{project}{more}"));
        let found = bench.install(&table, None).unwrap().problems;
        assert_eq!(matches!(&found[..], [Problem::StaleLock { .. }]), stale, "{more}: {found:?}");
        assert_eq!(found.is_empty(), !stale);
    }
    bench.write("pyproject.toml", format!("{project}dynamic = ['dependencies']\n"));
    let error = bench.install(&table, None).unwrap_err();
    assert!(error.to_string().contains("No interpreter found"), "{error}");
}
