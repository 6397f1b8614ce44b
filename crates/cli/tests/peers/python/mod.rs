//! Python applications answer as production runs them: without a network of their own, a shell, or a place to write but /tmp.

mod arm64;
mod postgres;

use crate::runtime::{docker, load};
use crate::service::Service;
use crate::workshop::{Workshop, assert_has, at_hand, limited, ok, repository};
use postgres::Postgres;
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// The classic image of Python 3.13 with the same application, in bytes.
const CLASSIC_FLASK: u64 = 62_860_000;
/// The classic images alone.
const CLASSIC: [(&str, u64); 2] = [("trixie", 59_699_299), ("bookworm", 53_113_360)];

/// What numpy, pandas and scipy make of what they are given.
const NUMBERS: [&str; 6] = [
    "eigenvalues [2.381966, 4.618034]",
    "solution [0.090909, 0.636364]",
    "minimum 2.0",
    "spectrum [1.0, 1.0, 1.0, 1.0]",
    "{\"Bonn\":4.0,\"Kiel\":7.0}",
    "2024-03-02T00:00:00+01:00",
];
/// What lxml, cryptography and Pillow do.
const PICTURES: [&str; 7] =
    ["<r>1</r>", "secret", "CN=shop", "PNG (20, 15)", "JPEG (20, 15)", "WEBP (20, 15)", "TIFF (20, 15)"];

/// The folder of an application.
fn app(name: &str) -> PathBuf {
    match name {
        "flask" => repository().join("specs/flask"),
        name => repository().join("testdata/apps").join(name),
    }
}

/// Builds an application, whose table of Python has these lines too, and gives the archive.
fn built(workshop: &Workshop, name: &str, more: &str) -> PathBuf {
    let archive = workshop.path(&format!("{name}.tar"));
    build(
        workshop,
        name,
        more,
        &format!("docker-archive:{}:example.com/{name}:test", archive.display()),
        &[],
    );
    archive
}

fn build(workshop: &Workshop, name: &str, more: &str, output: &str, options: &[&str]) {
    let folder = workshop.path(&format!("{name}-app"));
    if !folder.exists() {
        ok(limited("cp").arg("-r").arg(app(name)).arg(&folder));
    }
    let spec = fs::read_to_string(folder.join("bantam.toml")).unwrap();
    fs::write(folder.join("changed.toml"), spec.replace("[python]\n", &format!("[python]\n{more}\n")))
        .unwrap();
    let mut command = workshop.bantam();
    command.arg("build").arg(folder.join("changed.toml")).args(["-o", output]).args(options);
    ok(&mut command);
}

/// What an application says that ends by itself.
fn says(workshop: &Workshop, name: &str) -> String {
    let image = load(docker(), &built(workshop, name, ""));
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
        let image = load(docker(), &built(&workshop, "flask", more));
        assert_small(&image, CLASSIC_FLASK, most);
        let service = Service::start(&image, &[]);
        flask_answers(&service);
        assert_eq!(service.log().contains("return self.ensure_sync"), more.is_empty());
    }
}

#[test]
fn fastapi() {
    if !at_hand(&["docker", "curl", "nsenter", "root"]) {
        return;
    }
    let workshop = Workshop::new();
    let image = load(docker(), &built(&workshop, "fastapi", ""));
    fastapi_answers(&Service::start(&image, &[]));
}

fn fastapi_answers(service: &Service) {
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
    let image = load(docker(), &built(&workshop, "django", ""));
    django_answers(&Service::start(&image, &[]));
}

fn django_answers(service: &Service) {
    assert_has(&service.get("/migrate"), &["migrated"]);
    assert_has(&service.get("/"), &["<p>1 times</p>"]);
    assert_has(&service.get("/people"), &["ada", "Europe/Berlin", "M\\u00e4rz"]);
}

#[test]
fn numpy_pandas_and_scipy() {
    if !at_hand(&["docker"]) {
        return;
    }
    assert_has(&says(&Workshop::new(), "numbers"), &NUMBERS);
}

#[test]
fn lxml_cryptography_and_pillow() {
    if !at_hand(&["docker"]) {
        return;
    }
    assert_has(&says(&Workshop::new(), "pictures"), &PICTURES);
}

#[test]
fn psycopg_and_a_server() {
    if !at_hand(&["docker"]) {
        return;
    }
    let workshop = Workshop::new();
    let Some(server) = Postgres::start(&workshop) else { return };
    let image = load(docker(), &built(&workshop, "postgres", ""));
    let volume = format!("--volume={}:/run/postgresql", server.socket.display());
    assert_has(&ok(hardened().arg(volume).arg(image)), &["goods 2 6.5", "binary"]);
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
