//! Python applications answer as production runs them: without a network of their own, a shell, or a place to write but /tmp.

mod service;

use crate::runtime::{docker, load};
use crate::workshop::{Workshop, assert_has, at_hand, limited, ok, repository, skipped};
use service::Service;
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

const EMULATOR: &str = "/usr/bin/qemu-aarch64-static";
/// The classic image of Python 3.13 with the same application, in bytes.
const CLASSIC_FLASK: u64 = 62_860_000;
/// The classic images alone.
const CLASSIC: [(&str, u64); 2] = [("trixie", 59_699_299), ("bookworm", 53_113_360)];

/// The folder of an application.
fn app(name: &str) -> PathBuf {
    match name {
        "flask" => repository().join("specs/flask"),
        name => repository().join("testdata/apps").join(name),
    }
}

/// Builds an application for a platform, and gives the archive. Its table of Python has these lines too.
fn built(workshop: &Workshop, name: &str, platform: &str, more: &str) -> PathBuf {
    let folder = workshop.path(&format!("{name}-app"));
    if !folder.exists() {
        ok(limited("cp").arg("-r").arg(app(name)).arg(&folder));
    }
    let spec = fs::read_to_string(folder.join("bantam.toml")).unwrap();
    fs::write(folder.join("changed.toml"), spec.replace("[python]\n", &format!("[python]\n{more}\n")))
        .unwrap();
    let architecture = platform.rsplit('/').next().unwrap();
    let archive = workshop.path(&format!("{name}-{architecture}.tar"));
    let mut command = workshop.bantam();
    command.arg("build").arg(folder.join("changed.toml")).args(["--platform", platform]);
    command.args([
        "-o",
        &format!("docker-archive:{}:example.com/{name}-{architecture}:test", archive.display()),
    ]);
    ok(&mut command);
    archive
}

/// What an application says that ends by itself.
fn says(workshop: &Workshop, name: &str) -> String {
    let image = load(docker(), &built(workshop, name, "linux/amd64", ""));
    ok(hardened().arg(image))
}

fn hardened() -> Command {
    let mut command = docker();
    command.args(["run", "--rm", "--network=none", "--read-only", "--cap-drop=ALL"]);
    command.args(["--security-opt=no-new-privileges", "--tmpfs=/tmp:rw,mode=1777"]);
    command
}

fn size_of(image: &str) -> u64 {
    ok(docker().args(["image", "inspect", "--format", "{{.Size}}", image])).parse().unwrap()
}

/// At most so many parts of a hundred.
fn assert_small(image: &str, classic: u64, most: u64) {
    let size = size_of(image);
    assert!(size * 100 <= classic * most, "{image} has {size} bytes, more than {most} % of {classic}");
}

fn flask_answers(service: &Service) {
    assert_has(&service.get("/"), &["<p>1 times</p>"]);
    assert_has(&service.post("/sum", "application/json", "{\"numbers\": [1, 2, 3.5]}"), &["\"total\":6.5"]);
    assert_has(&service.upload("/upload", "some text"), &["\"size\":9", "\"user\":65532"]);
    assert_has(&service.status("/fails"), &["500"]);
    assert_has(&service.log(), &["ValueError: as it should"]);
}

#[test]
fn flask() {
    if !at_hand(&["docker", "curl", "nsenter", "root"]) {
        return;
    }
    let workshop = Workshop::new();
    for (more, most) in
        [("", 72), ("sources = \"drop\"", 66), ("sources = \"drop\"\nstdlib = \"reachable\"", 56)]
    {
        let image = load(docker(), &built(&workshop, "flask", "linux/amd64", more));
        assert_small(&image, CLASSIC_FLASK, most);
        let service = Service::start(&image, &[]);
        flask_answers(&service);
        assert_eq!(service.log().contains("return self.ensure_sync"), more.is_empty());
    }
}

#[test]
fn flask_for_arm64() {
    if !at_hand(&["docker", "curl", "nsenter", "root", EMULATOR]) {
        return;
    }
    let workshop = Workshop::new();
    let image = load(docker(), &built(&workshop, "flask", "linux/arm64", ""));
    let emulated = format!("--volume={EMULATOR}:/emulator:ro");
    // One process: the emulator is not the program that it would start.
    let program = "--entrypoint=/emulator";
    let service = Service::start_as(
        &image,
        &[&emulated, "--env=QEMU_CPU=cortex-a57", program],
        &[
            "/usr/bin/python3.13",
            "-m",
            "gunicorn",
            "--bind=127.0.0.1:8000",
            "--worker-tmp-dir=/tmp",
            "shop:app",
        ],
    );
    flask_answers(&service);
}

/// Emulated, these take minutes: the proof that each would start must do.
#[test]
fn the_others_are_proven_for_arm64() {
    let workshop = Workshop::new();
    for name in ["django", "fastapi", "numbers", "pictures", "postgres"] {
        let archive = built(&workshop, name, "linux/arm64", "");
        assert!(archive.metadata().unwrap().len() > 10_000_000, "{name}");
        println!("{name} for linux/arm64: proven, not run");
    }
}

#[test]
fn fastapi() {
    if !at_hand(&["docker", "curl", "nsenter", "root"]) {
        return;
    }
    let workshop = Workshop::new();
    let image = load(docker(), &built(&workshop, "fastapi", "linux/amd64", ""));
    let service = Service::start(&image, &[]);
    assert_has(&service.get("/"), &["Europe/Berlin"]);
    let order = "{\"name\": \"tea\", \"amount\": 2, \"day\": \"2024-03-01\"}";
    assert_has(&service.post("/orders", "application/json", order), &["\"weekday\":\"Friday\""]);
    let wrong = order.replace('2', "-2");
    assert_has(&service.post("/orders", "application/json", &wrong), &["detail"]);
}

#[test]
fn django() {
    if !at_hand(&["docker", "curl", "nsenter", "root"]) {
        return;
    }
    let workshop = Workshop::new();
    let image = load(docker(), &built(&workshop, "django", "linux/amd64", ""));
    let service = Service::start(&image, &[]);
    assert_has(&service.get("/migrate"), &["migrated"]);
    assert_has(&service.get("/"), &["<p>1 times</p>"]);
    assert_has(&service.get("/people"), &["ada", "Europe/Berlin", "M\\u00e4rz"]);
}

#[test]
fn numpy_pandas_and_scipy() {
    if !at_hand(&["docker"]) {
        return;
    }
    assert_has(
        &says(&Workshop::new(), "numbers"),
        &[
            "eigenvalues [2.381966, 4.618034]",
            "solution [0.090909, 0.636364]",
            "minimum 2.0",
            "spectrum [1.0, 1.0, 1.0, 1.0]",
            "{\"Bonn\":4.0,\"Kiel\":7.0}",
            "2024-03-02T00:00:00+01:00",
        ],
    );
}

#[test]
fn lxml_cryptography_and_pillow() {
    if !at_hand(&["docker"]) {
        return;
    }
    let said = says(&Workshop::new(), "pictures");
    assert_has(
        &said,
        &["<r>1</r>", "secret", "CN=shop", "PNG (20, 15)", "JPEG (20, 15)", "WEBP (20, 15)", "TIFF (20, 15)"],
    );
}

#[test]
fn psycopg_and_a_server() {
    let Some(bin) = postgres() else { return };
    if !at_hand(&["docker", "root", "runuser"]) {
        return;
    }
    let workshop = Workshop::new();
    let (data, socket) = (workshop.open_folder("data"), workshop.open_folder("socket"));
    ok(limited("chown").arg("postgres").args([&data, &socket]));
    let as_postgres = |program: &str| {
        let mut command = limited("runuser");
        command.args(["-u", "postgres", "--"]).arg(bin.join(program)).current_dir("/");
        command
    };
    ok(as_postgres("initdb").args(["--auth=trust", "--username=postgres", "-D"]).arg(data.join("db")));
    let options = format!("-c listen_addresses='' -c unix_socket_directories={}", socket.display());
    ok(as_postgres("pg_ctl")
        .arg("-D")
        .arg(data.join("db"))
        .args(["-w", "-o", &options, "-l"])
        .arg(data.join("log"))
        .arg("start"));
    let sql =
        |text: &str| ok(as_postgres("psql").arg("-h").arg(&socket).args(["-U", "postgres", "-c", text]));
    sql("create role shop login");
    sql("create database shop owner shop");
    let image = load(docker(), &built(&workshop, "postgres", "linux/amd64", ""));
    let volume = format!("--volume={}:/run/postgresql", socket.display());
    let said = hardened().arg(volume).arg(image).output().unwrap();
    ok(as_postgres("pg_ctl").arg("-D").arg(data.join("db")).args(["-m", "immediate", "stop"]));
    let text = format!("{}{}", String::from_utf8_lossy(&said.stdout), String::from_utf8_lossy(&said.stderr));
    assert_has(&text, &["goods 2 6.5", "binary"]);
}

/// Where PostgreSQL's programs are, if the machine has them.
fn postgres() -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let found = versions.map(|version| version.path().join("bin")).find(|bin| bin.join("initdb").is_file());
    if found.is_none() {
        skipped("PostgreSQL is not installed");
    }
    found
}

#[test]
fn a_virtual_environment_of_uv() {
    if !at_hand(&["docker", "uv"]) {
        return;
    }
    let workshop = Workshop::new();
    let folder = workshop.path("uv-app");
    ok(limited("cp").arg("-r").arg(app("uv")).arg(&folder));
    let python = Path::new("/usr/bin/python3");
    ok(limited("uv").args(["sync", "--quiet", "--python"]).arg(python).current_dir(&folder));
    assert_has(&says(&workshop, "uv"), &["greetings from 14.1.0"]);
}

#[test]
fn the_interpreter_alone_is_small_and_whole() {
    if !at_hand(&["docker"]) {
        return;
    }
    let workshop = Workshop::new();
    for ((suite, classic), most) in CLASSIC.into_iter().zip([66, 72]) {
        let spec = format!(
            "name = \"example.com/python-{suite}\"\n[runtime]\nsource = \"debian:{suite}\"\n[python]\n\
             [[files]]\nfrom = \"probe.py\"\nto = \"/app/\"\n"
        );
        fs::copy(repository().join("testdata/apps/probe.py"), workshop.path("probe.py")).unwrap();
        let image = load(docker(), &workshop.image_of(&format!("python-{suite}"), &spec).archive);
        assert_small(&image, classic, most);
        let said = ok(hardened().arg(&image).arg("/app/probe.py"));
        assert_has(&said, &["all is well"]);
        // It has no prompt's comforts, but it has a prompt.
        assert_has(&ok(hardened().arg(&image).args(["-c", "print(6 * 7)"])), &["42"]);
    }
}
