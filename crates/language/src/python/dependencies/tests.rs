//! From what a spec names to files of an image, without a resolver: with wheels made here, and pins for them.

mod real;

use super::{
    Installed, install,
    testing::{Made, NoTools, interpreter},
};
use crate::{Ask, LanguageError, Workshop, python::interpreter::Interpreter};
use ::fetch::Client;
use cache::Cache;
use plan::{
    lock::{ArtifactKind, LockedArtifact, LockedLanguage},
    spec::{Architecture, Platform, Python, PythonDependencies, Shed, Spec},
};
use source::NoMemory;
use std::{fs, num::NonZeroUsize, os::unix::fs::symlink};
use tree::{Content, Entry, Kind, Sha256Digest, Tree, TreePath};

/// A project's folder, and a cache.
struct Bench {
    dir: tempfile::TempDir,
    cache: Cache,
    spec: Spec,
    payload: Tree,
    interpreter: Interpreter,
    offline: bool,
    locked: bool,
}

impl Bench {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let cache = Cache::new(dir.path().join("cache"));
        let spec = plan::spec::parse("[runtime]\nsource = \"none\"\n").unwrap();
        fs::create_dir(dir.path().join("shop")).unwrap();
        Bench {
            dir,
            cache,
            spec,
            payload: Tree::new(),
            interpreter: interpreter(),
            offline: true,
            locked: false,
        }
    }

    fn folder(&self) -> std::path::PathBuf {
        self.dir.path().join("shop")
    }

    fn write(&self, path: &str, bytes: impl AsRef<[u8]>) {
        let path = self.folder().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    /// Puts a wheel into the folder, and gives the pin of a requirement that names it.
    fn pin(&self, made: &Made) -> LockedArtifact {
        let (file, bytes) = (made.file_name(), made.bytes());
        self.write(&file, &bytes);
        let (name, rest) = file.split_once('-').unwrap();
        LockedArtifact {
            kind: ArtifactKind::Wheel,
            name: name.into(),
            version: rest.split('-').next().unwrap().into(),
            sha256: Sha256Digest::of(&bytes),
            size: bytes.len() as u64,
            date: 5,
            url: Some(file.clone()),
            file,
        }
    }

    fn install(&self, table: &Python, pinned: Option<&LockedLanguage>) -> Result<Installed, LanguageError> {
        let client = if self.offline { Client::offline() } else { Client::new(::fetch::Options::default()) };
        let workshop = Workshop {
            cache: &self.cache,
            client: &client,
            memory: &NoMemory,
            offline: self.offline,
            locked: self.locked,
            jobs: NonZeroUsize::new(3).unwrap(),
            builder: Architecture::Amd64,
            tools: &NoTools,
            notice: &|_| {},
        };
        let ask = Ask {
            spec: &self.spec,
            folder: &self.folder(),
            platform: Platform::linux(self.interpreter.architecture),
            runtime: &Tree::new(),
            payload: &self.payload,
            pinned,
            workshop: &workshop,
        };
        install(&ask, table, &self.interpreter)
    }

    /// Installs wheels as a lock of `requirements.txt` pins them.
    fn pinned(&self, table: &Python, wheels: &[Made]) -> Installed {
        self.write("requirements.txt", "all\n");
        let inputs = [("requirements.txt".to_owned(), Sha256Digest::of(b"all\n"))].into();
        let artifacts = wheels.iter().map(|made| self.pin(made)).collect();
        self.install(table, Some(&LockedLanguage { inputs, artifacts, ..LockedLanguage::default() })).unwrap()
    }
}

fn table(dependencies: PythonDependencies) -> Python {
    Python { dependencies, ..Python::at(7) }
}

fn requirements() -> Python {
    table(PythonDependencies::Requirements("requirements.txt".into()))
}

fn text(installed: &Installed, path: &str) -> String {
    let file = installed.files.iter().find(|file| file.path.as_str() == path);
    let file = file.unwrap_or_else(|| panic!("no {path}"));
    match &file.entry.kind {
        Kind::File(content) => String::from_utf8(content.read(1 << 20).unwrap()).unwrap(),
        Kind::Symlink(target) => format!("-> {target}"),
        _ => panic!("{path} is no file"),
    }
}

fn words(installed: &Installed) -> Vec<String> {
    installed.problems.iter().map(ToString::to_string).collect()
}

fn tree(installed: &Installed) -> String {
    let entries = installed.files.iter().map(|file| (file.path.clone(), file.entry.clone()));
    let tree: Tree = entries.collect();
    let text = tree.dump().unwrap();
    text.lines().skip(1).fold(String::new(), |all, line| all + line + "\n")
}

const SITE: &str = "/usr/local/lib/python3.13/dist-packages";

fn shop() -> Made {
    Made::new("shop", "1.0")
        .file("shop/__init__.py", "x = 1\n")
        .file("shop/py.typed", "")
        .file("shop/__pycache__/__init__.cpython-313.pyc", "bytecode")
        .file("shop/fast.pyx", "cdef")
        .file("shop-1.0.data/scripts/shop-run", "#!python\nimport shop\n")
        .file("shop-1.0.data/data/share/shop.txt", "data")
        .file("shop-1.0.data/headers/shop.h", "int x;")
        .entry_points("[console_scripts]\nshop = shop.app:main\n")
}

#[test]
fn pinned_wheels_are_placed_without_a_resolver() {
    let bench = Bench::new();
    let installed = bench.pinned(&requirements(), &[shop()]);
    assert_eq!(words(&installed), Vec::<String>::new());
    insta::assert_snapshot!(tree(&installed), @r"
    -0755 0:0 108 08292890f8d8 /usr/local/bin/shop
    -0755 0:0 34 360c05a600ca /usr/local/bin/shop-run
    -0644 0:0 6 9e26bf369911 /usr/local/lib/python3.13/dist-packages/shop/__init__.py
    -0644 0:0 7 a1c764c0780b /usr/local/lib/python3.13/dist-packages/shop-1.0.dist-info/INSTALLER
    -0644 0:0 46 d8539db1322d /usr/local/lib/python3.13/dist-packages/shop-1.0.dist-info/METADATA
    -0644 0:0 657 f6b9fa26b3d5 /usr/local/lib/python3.13/dist-packages/shop-1.0.dist-info/RECORD
    -0644 0:0 75 18e2567c62b2 /usr/local/lib/python3.13/dist-packages/shop-1.0.dist-info/WHEEL
    -0644 0:0 39 be9de1c4ff98 /usr/local/lib/python3.13/dist-packages/shop-1.0.dist-info/entry_points.txt
    -0644 0:0 4 3a6eb0790f39 /usr/local/share/shop.txt
    ");
    assert_eq!(
        text(&installed, "/usr/local/bin/shop"),
        "#!/usr/bin/python3.13\nimport sys\nfrom shop.app import main\n\nif __name__ == \"__main__\":\n    sys.exit(main())\n"
    );
    assert_eq!(text(&installed, "/usr/local/bin/shop-run"), "#!/usr/bin/python3.13\nimport shop\n");
    assert_eq!(text(&installed, &format!("{SITE}/shop-1.0.dist-info/INSTALLER")), "bantam\n");
    let record = text(&installed, &format!("{SITE}/shop-1.0.dist-info/RECORD"));
    let paths: Vec<&str> = record.lines().map(|line| line.split(',').next().unwrap()).collect();
    assert_eq!(
        paths,
        [
            "../../../bin/shop",
            "../../../bin/shop-run",
            "../../../share/shop.txt",
            "shop-1.0.dist-info/INSTALLER",
            "shop-1.0.dist-info/METADATA",
            "shop-1.0.dist-info/RECORD",
            "shop-1.0.dist-info/WHEEL",
            "shop-1.0.dist-info/entry_points.txt",
            "shop/__init__.py",
        ]
    );
    assert!(installed.files.iter().all(|file| file.of == "shop 1.0"));
    let shed: Vec<(Shed, (u64, u64))> = installed.shed.clone().into_iter().collect();
    assert_eq!(shed, [(Shed::Stubs, (1, 0)), (Shed::Headers, (2, 10))]);
    assert_eq!(installed.pins.artifacts[0].date, 5);
    assert_eq!(installed.path, Vec::<String>::new(), "PATH has that directory anyway");

    // What the cache has is not asked for again.
    fs::remove_file(bench.folder().join(shop().file_name())).unwrap();
    let pins = installed.pins.clone();
    let again = bench.install(&requirements(), Some(&pins)).unwrap();
    assert_eq!(tree(&again), tree(&installed));
    assert_eq!(again.pins, pins);
}

#[test]
fn what_two_wheels_have_is_had_once_or_told() {
    let bench = Bench::new();
    let one = Made::new("one", "1").file("common/a.py", "same").file("tests/x.py", "1").file("clash.py", "1");
    let two = Made::new("two", "2").file("common/a.py", "same").file("tests/x.py", "2").file("clash.py", "2");
    let installed = bench.pinned(&requirements(), &[two, one]);
    assert_eq!(
        words(&installed),
        [format!("two 2 is damaged: it has {SITE}/clash.py, which one 1 has otherwise")]
    );
    let of = |path: &str| {
        let path = format!("{SITE}/{path}");
        installed
            .files
            .iter()
            .filter(|file| file.path.as_str() == path)
            .map(|file| &*file.of)
            .collect::<Vec<_>>()
    };
    assert_eq!(of("common/a.py"), ["two 2"]);
    assert_eq!(of("tests/x.py"), ["two 2"]);
}

#[test]
fn everything_that_is_wrong_is_told_at_once() {
    let bench = Bench::new();
    let wheels = [
        Made::new("a", "1").unrecorded("a.py", "x"),
        Made::new("b", "1").tag("cp312-cp312-manylinux_2_17_x86_64"),
        Made::new("c", "1").entry_points("[console_scripts]\nx = y\n"),
        Made::new("d", "1").file("d-1.data/scripts/python3", "#!python\n"),
        Made::new("e", "1").entry_points("[console_scripts]\npython3.13 = e:main\n"),
        shop(),
    ];
    let installed = bench.pinned(&requirements(), &wheels);
    assert_eq!(
        words(&installed),
        [
            "b 1 does not fit: the lock pins its wheel for cp312 on manylinux_2_17_x86_64, and the runtime is Python 3.13 on x86_64 with glibc 2.41",
            "a 1 is damaged: a.py is not in its RECORD",
            "c 1 is damaged: its entry point `x = y` names no function",
            "d 1 is damaged: it has /usr/local/bin/python3, which is a name of the interpreter",
            "e 1 is damaged: it has /usr/local/bin/python3.13, which is a name of the interpreter",
        ]
    );
    assert!(installed.problems.iter().all(|problem| problem.line() == 7));
}

#[test]
fn a_wheel_that_is_another_by_now_is_told() {
    let bench = Bench::new();
    bench.write("req/all.txt", "all\n");
    let inputs = [("req/all.txt".to_owned(), Sha256Digest::of(b"all\n"))].into();
    let file = shop().file_name();
    let url = bench.folder().join(&file).display().to_string();
    let relative = LockedArtifact { url: Some(format!("../{file}")), ..bench.pin(&shop()) };
    let absolute = LockedArtifact { url: Some(url.clone()), ..relative.clone() };
    let of_url = LockedArtifact { url: Some(format!("file://{url}")), ..relative.clone() };
    let table = table(PythonDependencies::Requirements("req/all.txt".into()));
    for (pin, named) in [(relative, &file), (absolute, &url), (of_url, &url)] {
        bench.write(&file, shop().bytes());
        let pins = LockedLanguage {
            inputs: Clone::clone(&inputs),
            artifacts: vec![pin],
            ..LockedLanguage::default()
        };
        assert_eq!(words(&bench.install(&table, Some(&pins)).unwrap()), Vec::<String>::new());
        // The cache has what it was.
        bench.write(&file, shop().file("shop/more.py", "").bytes());
        let error = bench.install(&table, Some(&pins)).unwrap_err();
        assert!(matches!(&error, LanguageError::Misfit { input } if input == named), "{error}");
    }
}

#[test]
fn pins_are_of_the_digests_that_requirements_name() {
    let bench = Bench::new();
    let (one, two) = (Made::new("one", "1"), Made::new("two", "2"));
    let digest = |made: &Made| Sha256Digest::of(&made.bytes()).hex();
    for (text, want) in [
        (format!("one==1 --hash=sha256:{}\ntwo --hash sha256:{}\n", digest(&one), digest(&two)), vec![]),
        (
            format!("one==1 --hash=sha256:{}\ntwo\n", digest(&two)),
            vec![
                "one 1 does not fit: the lock pins a wheel of it with a digest that the requirements do not name",
                "two 2 does not fit: the requirements name digests of others, and none of it",
            ],
        ),
        (
            format!("--require-hashes\none==1 --hash=sha512:00aa\ntwo --hash=sha256:{}\n", digest(&two)),
            vec![
                "one 1 does not fit: only SHA-256 is checked, and the requirements name `sha512:00aa` of it",
            ],
        ),
        (
            "--require-hashes\none\ntwo\n".to_owned(),
            vec![
                "one 1 does not fit: --require-hashes asks for a digest of it, and there is none",
                "two 2 does not fit: --require-hashes asks for a digest of it, and there is none",
            ],
        ),
    ] {
        bench.write("requirements.txt", &text);
        let inputs = [("requirements.txt".to_owned(), Sha256Digest::of(text.as_bytes()))].into();
        let pins = LockedLanguage {
            inputs,
            artifacts: vec![bench.pin(&one), bench.pin(&two)],
            ..LockedLanguage::default()
        };
        assert_eq!(words(&bench.install(&requirements(), Some(&pins)).unwrap()), want, "{text}");
    }
}

#[test]
fn tests_that_others_import_stay() {
    let mut bench = Bench::new();
    let of = |name: &str| Made::new(name, "1").file(&format!("{name}/tests/test_x.py"), "");
    let table = Python { shed: [Shed::Tests].into(), ..requirements() };
    bench
        .payload
        .insert(path("/app/shop.py"), Entry::file(Content::bytes("from c.tests import x\n", "x"), 0o644));
    let installed =
        bench.pinned(&table, &[of("a").file("a/y.py", "import b.tests.test_x\n"), of("b"), of("c")]);
    let tests =
        installed.files.iter().map(|file| file.path.as_str()).filter(|path| path.ends_with("test_x.py"));
    assert_eq!(
        tests.collect::<Vec<_>>(),
        [format!("{SITE}/b/tests/test_x.py"), format!("{SITE}/c/tests/test_x.py")]
    );
}

#[test]
fn a_lock_is_of_its_inputs() {
    let mut bench = Bench::new();
    let installed = bench.pinned(&requirements(), &[shop()]);
    bench.write("requirements.txt", "other\n");
    let error = bench.install(&requirements(), Some(&installed.pins)).unwrap_err();
    assert!(matches!(error, LanguageError::Misfit { input } if input == "requirements.txt"));
    bench.locked = true;
    let error = bench.install(&requirements(), None).unwrap_err();
    assert!(
        matches!(error, LanguageError::NotLocked { what } if what == "the dependencies of requirements.txt")
    );
    bench.write("pyproject.toml", "[project]\nname = 'shop'\n");
    let project = table(PythonDependencies::Project("pyproject.toml".into()));
    let installed = bench.install(&project, None).unwrap();
    assert_eq!(words(&installed), ["uv.lock is missing, and with --locked nothing is resolved"]);
    bench.write("pyproject.toml", "[project]\nname = 'shop'\nrequires-python = '>=3.14'\n");
    let installed = bench.install(&project, None).unwrap();
    assert_eq!(
        words(&installed),
        ["pyproject.toml does not fit: it asks for Python >=3.14, and the runtime has Python 3.13"]
    );
}

#[test]
fn what_is_not_in_the_cache_is_not_fetched_offline() {
    let bench = Bench::new();
    bench.write("requirements.txt", "all\n");
    let inputs = [("requirements.txt".to_owned(), Sha256Digest::of(b"all\n"))].into();
    for url in [None, Some("https://files.example/shop.whl".to_owned())] {
        let pin = LockedArtifact { url, ..bench.pin(&shop()) };
        let pins = LockedLanguage {
            inputs: Clone::clone(&inputs),
            artifacts: vec![pin],
            ..LockedLanguage::default()
        };
        let error = bench.install(&requirements(), Some(&pins)).unwrap_err();
        assert!(matches!(error, LanguageError::Offline { what } if what == "shop-1.0-py3-none-any.whl"));
    }
}

/// A virtual environment with a distribution in it, as installers leave it.
fn environment(bench: &Bench, version: &str) {
    let site = format!(".venv/lib/python{version}/site-packages");
    bench.write(".venv/pyvenv.cfg", format!("home = /root/x\nversion_info = {version}.1\n"));
    bench.write(&format!("{site}/shop/__init__.py"), "x = 1\n");
    bench.write(&format!("{site}/shop/x.pyi"), "x: int\n");
    bench.write(&format!("{site}/shop/__pycache__/__init__.cpython-313.pyc"), "bytecode");
    bench.write(&format!("{site}/pip/__init__.py"), "");
    bench.write(&format!("{site}/pip-25.0.dist-info/METADATA"), "");
    bench.write(&format!("{site}/_virtualenv.pth"), "import _virtualenv");
    let info = format!("{site}/shop-1.0.dist-info");
    bench.write(&format!("{info}/WHEEL"), "Wheel-Version: 1.0\nTag: py3-none-any\n");
    bench.write(&format!("{info}/METADATA"), "Name: shop\n");
    bench.write(&format!("{info}/direct_url.json"), "{\"url\": \"file:///home/me/shop\"}");
    bench.write(
        &format!("{info}/RECORD"),
        "../../../bin/shop,sha256=AAAA,10\nshop/__init__.py,sha256=BBBB,6\nshop/x.pyi,sha256=CC,7\nshop/__pycache__/__init__.cpython-313.pyc,,\nshop-1.0.dist-info/RECORD,,\n",
    );
    bench.write(".venv/bin/shop", "#!/home/me/shop/.venv/bin/python3\nimport shop\n");
    bench.write(".venv/bin/activate", "export X");
    bench.write(".venv/bin/pip", "#!/home/me/shop/.venv/bin/python3\n");
    let at = |path: &str| bench.folder().join(path);
    symlink("/usr/bin/true", at(".venv/bin/python")).unwrap();
    symlink("lib", at(".venv/lib64")).unwrap();
}

fn venv() -> Python {
    table(PythonDependencies::Venv(".venv".into()))
}

#[test]
fn an_environment_leaves_its_machine() {
    let bench = Bench::new();
    environment(&bench, "3.13");
    // As `uv` installs with --link-mode=symlink.
    bench.write("../uv-cache/linked.py", "linked = 1\n");
    let site = ".venv/lib/python3.13/site-packages";
    symlink(bench.dir.path().join("uv-cache/linked.py"), bench.folder().join(site).join("linked.py"))
        .unwrap();
    let installed = bench.install(&venv(), None).unwrap();
    assert_eq!(words(&installed), Vec::<String>::new());
    insta::assert_snapshot!(tree(&installed), @r"
    l0777 0:0 /app/.venv/bin/python -> /usr/bin/python3.13
    l0777 0:0 /app/.venv/bin/python3 -> python
    l0777 0:0 /app/.venv/bin/python3.13 -> python
    -0755 0:0 36 eee954fb2c57 /app/.venv/bin/shop
    -0644 0:0 11 0fe4312d8d60 /app/.venv/lib/python3.13/site-packages/linked.py
    -0644 0:0 6 9e26bf369911 /app/.venv/lib/python3.13/site-packages/shop/__init__.py
    -0644 0:0 11 46f781843fa9 /app/.venv/lib/python3.13/site-packages/shop-1.0.dist-info/METADATA
    -0644 0:0 131 9cc9773e020d /app/.venv/lib/python3.13/site-packages/shop-1.0.dist-info/RECORD
    -0644 0:0 37 736b02378bef /app/.venv/lib/python3.13/site-packages/shop-1.0.dist-info/WHEEL
    l0777 0:0 /app/.venv/lib64 -> lib
    -0644 0:0 98 2fd2c3249f26 /app/.venv/pyvenv.cfg
    -0644 0:0 40 4b8a4500a72b /usr/local/lib/python3.13/dist-packages/bantam-venv.pth
    ");
    assert_eq!(text(&installed, "/app/.venv/bin/shop"), "#!/app/.venv/bin/python\nimport shop\n");
    assert_eq!(
        text(&installed, "/app/.venv/pyvenv.cfg"),
        "home = /usr/bin\nimplementation = CPython\nversion_info = 3.13\ninclude-system-site-packages = false\n"
    );
    assert_eq!(
        text(&installed, &format!("{SITE}/bantam-venv.pth")),
        "/app/.venv/lib/python3.13/site-packages\n"
    );
    let image_site = "/app/.venv/lib/python3.13/site-packages";
    assert_eq!(text(&installed, &format!("{image_site}/linked.py")), "linked = 1\n");
    let record = text(&installed, &format!("{image_site}/shop-1.0.dist-info/RECORD"));
    let script = Sha256Digest::of(b"#!/app/.venv/bin/python\nimport shop\n");
    assert_eq!(
        record,
        format!(
            "../../../bin/shop,{},36\nshop-1.0.dist-info/RECORD,,\nshop/__init__.py,sha256=BBBB,6\n",
            super::record::Row::of(&script, 0).digest
        )
    );
    assert_eq!(installed.path, ["/app/.venv/bin"]);
    assert_eq!(installed.shed.into_iter().collect::<Vec<_>>(), [(Shed::Stubs, (1, 7))]);
    let of = |name: &str| installed.files.iter().find(|file| file.path.name() == name).unwrap().of.clone();
    assert_eq!((of("shop"), of("linked.py")), ("shop 1.0".into(), String::new()));
}

#[test]
fn an_environment_is_for_the_python_of_the_image() {
    let bench = Bench::new();
    environment(&bench, "3.12");
    let installed = bench.install(&venv(), None).unwrap();
    assert_eq!(
        words(&installed),
        [".venv does not fit: it is of Python 3.12, and the runtime has Python 3.13"]
    );

    let bench = Bench::new();
    environment(&bench, "3.13");
    let site = ".venv/lib/python3.13/site-packages";
    bench.write(&format!("{site}/a-1.dist-info/WHEEL"), "Tag: cp313-cp313-manylinux_2_17_aarch64\n");
    bench.write(&format!("{site}/b/_b.cpython-312-x86_64-linux-gnu.so"), "elf");
    bench.write(&format!("{site}/b-2.dist-info/RECORD"), "b/_b.cpython-312-x86_64-linux-gnu.so,,\n");
    let installed = bench.install(&venv(), None).unwrap();
    assert_eq!(
        words(&installed),
        [
            "a 1 does not fit: it is built for cp313-cp313-manylinux_2_17_aarch64, and the runtime is Python 3.13 on x86_64 with glibc 2.41",
            "b 2 does not fit: it has _b.cpython-312-x86_64-linux-gnu.so, and the runtime is Python 3.13 on x86_64 with glibc 2.41",
        ]
    );
    bench.write(".venv/pyvenv.cfg", "version = 3.13.1\ninclude-system-site-packages = true\n");
    let installed = bench.install(&venv(), None).unwrap();
    assert_eq!(
        words(&installed),
        [
            ".venv does not fit: it takes packages from the Python of this machine, too, and these are not in it (include-system-site-packages = true)"
        ]
    );
    let error = Bench::new().install(&venv(), None).unwrap_err();
    assert!(error.to_string().ends_with(".venv/pyvenv.cfg"), "{error}");
}

#[test]
fn an_editable_install_needs_its_sources() {
    let mut bench = Bench::new();
    environment(&bench, "3.13");
    let site = ".venv/lib/python3.13/site-packages";
    bench.write("src/own/__init__.py", "");
    let source = bench.folder().join("src");
    bench.write(&format!("{site}/_own.pth"), format!("{}\n", source.display()));
    bench.write(&format!("{site}/own-1.dist-info/RECORD"), "_own.pth,,\n");
    let installed = bench.install(&venv(), None).unwrap();
    assert_eq!(
        words(&installed),
        [format!(
            "own 1 does not fit: it is installed as editable: its code is in {}, which is not in the image",
            source.display()
        )]
    );
    assert!(!installed.files.iter().any(|file| file.path.name() == "_own.pth"));

    // The payload brings it: the way leads there.
    let found = source::walk(&source, false, &NoMemory, &|_, _| source::Step::Take).unwrap();
    let entries = found.into_iter().map(|found| (path(&format!("/app/src/{}", found.path)), found.entry));
    bench.payload = entries.collect();
    let installed = bench.install(&venv(), None).unwrap();
    assert_eq!(words(&installed), Vec::<String>::new());
    assert_eq!(text(&installed, "/app/.venv/lib/python3.13/site-packages/_own.pth"), "/app/src\n");
    assert_eq!(
        text(&installed, &format!("{SITE}/bantam-venv.pth")),
        "import site; site.addsitedir(\"/app/.venv/lib/python3.13/site-packages\")\n"
    );

    // Data that is elsewhere says nothing; a module that is elsewhere says that there is no one place.
    let origin = |name: &str| source::walk(&source.join(name), false, &NoMemory, &|_, _| source::Step::Take);
    for (name, settles) in [("own/a.json", true), ("own/b.py", false)] {
        bench.write(&format!("src/{name}"), "");
        let entry = origin(name).unwrap().remove(0).entry;
        bench.payload.insert(path(&format!("/a/{name}")), entry);
        let installed = bench.install(&venv(), None).unwrap();
        assert_eq!(words(&installed).is_empty(), settles, "{name}");
    }
}

#[test]
fn a_finder_of_editable_sources_is_told() {
    let bench = Bench::new();
    environment(&bench, "3.13");
    let site = ".venv/lib/python3.13/site-packages";
    bench.write(&format!("{site}/__editable__.own-1.pth"), "import __editable___own_1_finder; x.install()\n");
    bench.write(
        &format!("{site}/__editable___own_1_finder.py"),
        "import sys\nMAPPING: dict[str, str] = {'own': '/home/me/own/src/own'}\n",
    );
    let record = "__editable__.own-1.pth,,\n__editable___own_1_finder.py,,\n";
    bench.write(&format!("{site}/own-1.dist-info/RECORD"), record);
    let installed = bench.install(&venv(), None).unwrap();
    assert_eq!(
        words(&installed),
        [
            "own 1 does not fit: it is installed as editable: its code is in /home/me/own/src/own, which is not in the image"
        ]
    );
    assert!(!installed.files.iter().any(|file| file.path.name().starts_with("__editable__")));
}

#[test]
fn an_environment_goes_to_the_working_directory() {
    let mut bench = Bench::new();
    bench.spec =
        plan::spec::parse("[config]\nworkdir = \"/srv/shop\"\n[runtime]\nsource = \"none\"\n").unwrap();
    environment(&bench, "3.13");
    let installed = bench.install(&venv(), None).unwrap();
    assert_eq!(installed.path, ["/srv/shop/.venv/bin"]);
    assert_eq!(text(&installed, "/srv/shop/.venv/bin/shop"), "#!/srv/shop/.venv/bin/python\nimport shop\n");
}

#[test]
fn an_environment_stands_for_itself_in_the_payload() {
    let mut bench = Bench::new();
    environment(&bench, "3.13");
    bench.write("shop.py", "");
    let found = source::walk(&bench.folder(), false, &NoMemory, &|_, _| source::Step::Take).unwrap();
    let found = found.into_iter().filter(|found| !matches!(found.entry.kind, Kind::Directory));
    bench.payload = found.map(|found| (path(&format!("/app/{}", found.path)), found.entry)).collect();
    let installed = bench.install(&venv(), None).unwrap();
    assert_eq!(words(&installed), Vec::<String>::new());
    let is_in = |name: &str| installed.replaced.contains(&path(name));
    assert!(is_in("/app/.venv/pyvenv.cfg") && is_in("/app/.venv/bin/python") && !is_in("/app/shop.py"));
    let kept = bench.payload.iter().filter(|(path, _)| !installed.replaced.contains(path));
    assert_eq!(kept.map(|(path, _)| path.as_str()).collect::<Vec<_>>(), ["/", "/app/shop.py"]);
}

fn path(text: &str) -> TreePath {
    TreePath::parse(text).unwrap()
}
