//! The applications for arm64, as its machines would run them.

use super::{
    NUMBERS, PICTURES, app, build, django_answers, fastapi_answers, flask_answers, postgres::Postgres,
};
use crate::emulated::Emulated;
use crate::workshop::{Workshop, assert_has, at_hand, limited, ok};

/// Builds an application and unpacks it; none where it cannot be run.
fn emulated<'w>(workshop: &'w Workshop, name: &str, python: &str) -> Option<Emulated<'w>> {
    if !Emulated::is_possible() {
        return None;
    }
    let layout = workshop.path(&format!("{name}-arm64"));
    let output = format!("oci:{}:test", layout.display());
    build(workshop, name, "", &output, &["--platform", "linux/arm64"]);
    Emulated::new(workshop, &layout, &format!("usr/bin/{python}"))
}

#[test]
fn flask() {
    let workshop = Workshop::new();
    let Some(image) = emulated(&workshop, "flask", "python3.13") else { return };
    flask_answers(&image.serve(8000));
}

#[test]
fn fastapi() {
    let workshop = Workshop::new();
    let Some(image) = emulated(&workshop, "fastapi", "python3.13") else { return };
    fastapi_answers(&image.serve(8000));
}

#[test]
fn django() {
    let workshop = Workshop::new();
    let Some(image) = emulated(&workshop, "django", "python3.13") else { return };
    django_answers(&image.serve(8000));
}

#[test]
fn numpy_pandas_and_scipy() {
    let workshop = Workshop::new();
    let Some(image) = emulated(&workshop, "numbers", "python3.13") else { return };
    assert_has(&image.says(), &NUMBERS);
}

#[test]
fn lxml_cryptography_and_pillow() {
    let workshop = Workshop::new();
    let Some(image) = emulated(&workshop, "pictures", "python3.13") else { return };
    assert_has(&image.says(), &PICTURES);
}

#[test]
fn psycopg_and_a_server() {
    let workshop = Workshop::new();
    let Some(image) = emulated(&workshop, "postgres", "python3.13") else { return };
    let Some(server) = Postgres::start(&workshop) else { return };
    assert_has(&image.says_with(&server.socket, "/run/postgresql"), &["goods 2 6.5", "binary"]);
}

/// What a virtual environment has is of this machine's Python, and of no processor here: the suite's own runs it elsewhere.
#[test]
fn a_virtual_environment_of_uv() {
    if !at_hand(&["uv"]) {
        return;
    }
    let workshop = Workshop::new();
    let folder = workshop.path("uv-app");
    ok(limited("cp").arg("-r").arg(app("uv")).arg(&folder));
    ok(limited("uv").args(["sync", "--quiet", "--python", "/usr/bin/python3"]).current_dir(&folder));
    let spec = folder.join("bantam.toml");
    let text = std::fs::read_to_string(&spec).unwrap();
    std::fs::write(&spec, format!("{text}\n[runtime]\nsource = \"debian:bookworm\"\n")).unwrap();
    let Some(image) = emulated(&workshop, "uv", "python3.11") else { return };
    assert_has(&image.says(), &["greetings from 14.1.0"]);
}
