//! Images of Python applications with the Python of this machine: what enters, and that bytecode is the same wherever and with
//! whatever it is compiled.

#![allow(clippy::unwrap_used)]

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{Read as _, Write as _},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};
use tempfile::TempDir;

const SHOP: &str = "\"\"\"A shop.\"\"\"\nimport json\nNAMES = {'tea', 'bread', 'salt', 'oil'}\n\n\ndef total(prices, tax=0.19):\n    \
                    return round(sum(prices) * (1 + tax), 2)\n\n\nif __name__ == '__main__':\n    print(json.dumps(total([1, 2.5])), 'tea' in NAMES)\n";

/// A folder with a project, in which the command runs.
struct Project(TempDir);

impl Project {
    fn new(table: &str) -> Self {
        let project = Project(tempfile::tempdir().unwrap());
        fs::create_dir(project.path("app")).unwrap();
        project.write("app/shop.py", SHOP);
        project.write("app/run.py", "#!/usr/bin/env python3\nimport shop\n");
        project.write("app/old.py", "print 'of Python 2'\n");
        project.write(
            "bantam.toml",
            &format!(
                "name = \"example.com/shop\"\n[config]\nentrypoint = [\"python3\", \"/app/run.py\"]\n\
                 [[files]]\nfrom = \"app/\"\nto = \"/app/\"\n[layers]\ncompression = \"none\"\n[python]\n{table}\n"
            ),
        );
        project
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::create_dir_all(self.path(name).parent().unwrap()).unwrap();
        fs::write(self.path(name), text).unwrap();
    }

    /// Builds, and gives what is printed, and the files of the image with their content.
    fn build(&self, cache: &Path) -> (String, BTreeMap<String, Vec<u8>>) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_bantam"));
        command.current_dir(self.0.path()).env("BANTAM_CACHE_DIR", cache);
        command.env_remove("SOURCE_DATE_EPOCH").env_remove("GITHUB_ACTIONS");
        // It is the same for whoever hashes otherwise, or has modules of his own.
        command
            .env("PYTHONHASHSEED", cache.as_os_str().len().to_string())
            .env("PYTHONPATH", self.path("app"));
        let output = command.args(["build", "-o", "docker-archive:shop.tar"]).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{said}");
        (String::from_utf8(output.stdout).unwrap(), files(&self.path("shop.tar")))
    }
}

/// The files of all layers of an archive.
fn files(archive: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut all = BTreeMap::new();
    let mut archive = tar::Archive::new(File::open(archive).unwrap());
    for entry in archive.entries().unwrap() {
        let mut bytes = vec![];
        entry.unwrap().read_to_end(&mut bytes).unwrap();
        let mut layer = tar::Archive::new(&bytes[..]);
        for mut file in layer.entries().into_iter().flatten().map_while(Result::ok) {
            let mut content = vec![];
            file.read_to_end(&mut content).unwrap();
            all.insert(format!("/{}", file.path().unwrap().display()), content);
        }
    }
    all
}

/// Is there a Python to build with? If not, says so.
fn has_python() -> bool {
    let mut python = Command::new("python3");
    python.args(["-c", "import json, sys; sys.exit(sys.version_info < (3, 8))"]).stderr(Stdio::null());
    let works = python.status().is_ok_and(|status| status.success());
    if !works {
        let thread = std::thread::current();
        let line = format!("SKIPPED: {}: no python3 is on PATH\n", thread.name().unwrap_or("a test"));
        std::io::stderr().write_all(line.as_bytes()).unwrap();
    }
    works
}

/// The one file whose path ends like this.
fn the<'f>(files: &'f BTreeMap<String, Vec<u8>>, begin: &str, end: &str) -> &'f Vec<u8> {
    let found: Vec<_> =
        files.iter().filter(|(path, _)| path.starts_with(begin) && path.ends_with(end)).collect();
    assert_eq!(found.len(), 1, "{begin} {end}: {:?}", found.iter().map(|(path, _)| path).collect::<Vec<_>>());
    found[0].1
}

#[test]
fn bytecode_is_the_same_wherever_it_is_compiled() {
    if !has_python() {
        return;
    }
    let alone = Project::new("stdlib = \"pruned\"");
    let (digest, files) = alone.build(&alone.path("cache"));
    let has = |end: &str| files.keys().any(|path| path.ends_with(end));
    assert!(
        has("/json/decoder.pyc") && has("/encodings/utf_8.pyc") && !has("/json/decoder.py"),
        "{:?}",
        files.keys()
    );
    assert!(!has("/test/support/__init__.pyc") && !has("/tkinter/__init__.pyc") && !has("/os.py"));
    assert!(files.contains_key("/app/shop.py") && files.contains_key("/app/old.py"));
    let shop = the(&files, "/app/__pycache__/shop.cpython-3", ".pyc").clone();
    // The hash of the source is there, and nobody asks for the source.
    assert_eq!(shop[4..8], [1, 0, 0, 0]);
    assert!(!files.keys().any(|path| path.contains("old.cpython")));

    // The lock has the library that the bytecode is made of: another one is told, and refused where nothing may change.
    let lock = fs::read_to_string(alone.path("bantam.lock")).unwrap();
    let (_, runtime) = lock.split_once(".runtime]\n").unwrap();
    let library = runtime.lines().find(|line| line.contains("/lib/python3.")).unwrap();
    let (path, sha256) = library.split_once(" = ").unwrap();
    let another = lock.replace(sha256, &format!("\"{}\"", "0".repeat(64)));
    alone.write("bantam.lock", &another);
    let locked = |cache: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_bantam"));
        command.current_dir(alone.0.path()).env("BANTAM_CACHE_DIR", alone.path(cache));
        command.args(["build", "--locked"]).output().unwrap()
    };
    let refused = locked("cache");
    let said = String::from_utf8_lossy(&refused.stderr);
    let change = format!("what the runtime takes of {}", path.trim_matches('"'));
    assert!(refused.status.code() == Some(3) && said.contains(&change), "{said}");
    alone.build(&alone.path("cache"));
    assert_eq!(fs::read_to_string(alone.path("bantam.lock")).unwrap(), lock);
    assert!(locked("cache").status.success());

    // The same again from nothing, and from the cache.
    let (again, _) = alone.build(&alone.path("another-cache"));
    let (cached, _) = alone.build(&alone.path("cache"));
    assert_eq!([&again, &cached], [&digest; 2]);

    // And among many, of which one changes.
    let many = Project::new("stdlib = \"pruned\"");
    for number in 0..200 {
        let text = format!(
            "\"\"\"tea {number}\"\"\"\nimport json, os.path\nTEA = ('tea', 'bread', 0.19, {number})\n"
        );
        many.write(&format!("app/part/m{number}.py"), &text);
    }
    let (_, among) = many.build(&many.path("cache"));
    assert!(*the(&among, "/app/__pycache__/shop.cpython-3", ".pyc") == shop);
    many.write("app/part/m7.py", "SALT = 1\n");
    // Bytecode of this machine's own stays out.
    many.write("app/part/__pycache__/m8.cpython-30.pyc", "by another clock");
    let (_, changed) = many.build(&many.path("cache"));
    let differing: Vec<&String> = changed
        .iter()
        .filter(|(path, content)| among.get(*path) != Some(content))
        .map(|(path, _)| path)
        .collect();
    let is_of_m7 = |path: &&String| path.contains("/m7.") || path.ends_with(".json");
    assert!(differing.iter().all(is_of_m7), "{differing:?}");

    // It runs.
    let compiled = alone.path("compiled.pyc");
    fs::write(&compiled, &shop).unwrap();
    let mut python = Command::new("python3");
    let said = python.arg(&compiled).current_dir(alone.0.path()).output().unwrap();
    assert_eq!(
        String::from_utf8_lossy(&said.stdout),
        "4.17 True\n",
        "{}",
        String::from_utf8_lossy(&said.stderr)
    );
}

#[test]
fn sources_go_where_nobody_reads_them() {
    if !has_python() {
        return;
    }
    let project = Project::new("stdlib = \"reachable\"\nsources = \"drop\"");
    let (_, files) = project.build(&project.path("cache"));
    let app: Vec<&str> =
        files.keys().filter_map(|path| path.strip_prefix("/app/")).filter(|path| !path.is_empty()).collect();
    // What is run by its name is read as it is; what does not compile, too.
    let beside =
        app.iter().find(|path| path.starts_with("__pycache__/run.cpython-3")).copied().unwrap_or("none");
    let mut want = vec!["__pycache__/", beside, "old.py", "run.py", "shop.pyc"];
    want.sort_unstable();
    assert_eq!(app, want);
    let has = |end: &str| files.keys().any(|path| path.ends_with(end));
    assert!(has("/json/decoder.pyc") && has("/encodings/koi8_r.pyc") && has("/_strptime.pyc"));
    assert!(!has("/smtplib.pyc") && !has("/sqlite3/__init__.pyc"));
}
