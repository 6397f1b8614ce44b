//! Images and caches in object stores, against servers that speak their protocols.

mod server;

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::workshop::{Workshop, assert_has, at_hand, bantam, fails, limited, ok};
use server::Server;

/// A program of every machine, and as much noise as makes more than one part of an upload.
const SPEC: &str = r#"
name = "example.com/stored"

[config]
entrypoint = ["/usr/bin/env"]

[runtime]
keep = ["/usr/bin/env"]

[[files]]
from = "payload/"
to = "/app/"
"#;

/// Has curl sign its requests for S3.
const SIGNED: [&str; 4] = ["--aws-sigv4", "aws:amz:us-east-1:s3", "--user", "key:a-secret"];

fn write_inputs(workshop: &Workshop, noise: usize) {
    workshop.write("bantam.toml", SPEC);
    workshop.write("payload/words.txt", "some words\n".repeat(50_000));
    let mut state = 1u64;
    let noise = (0..noise).map(|_| {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 56) as u8
    });
    workshop.write("payload/noise.bin", noise.collect::<Vec<u8>>());
}

/// A build with a cache of its own, as on another machine.
fn on_machine(workshop: &Workshop, machine: &str, arguments: &[&str]) -> Command {
    let mut command = workshop.bantam();
    command.env("BANTAM_CACHE_DIR", workshop.path(machine)).arg("build").args(arguments);
    command
}

#[test]
fn an_archive_in_s3_is_that_of_a_file() {
    let workshop = Workshop::new();
    let Some(server) = Server::s3(&workshop) else { return };
    write_inputs(&workshop, 20 << 20);
    server.make_bucket("images");
    let archive = "s3://images/releases/stored.tar";
    let mut build = on_machine(&workshop, "cache", &["-o", archive, "-o", "oci-archive:stored.tar"]);
    let printed = ok(server.use_as_s3(&mut build));
    assert_eq!(printed.lines().count(), 1, "{printed}");
    server.object("images/releases/stored.tar", &workshop.path("got.tar"));
    assert!(fs::read(workshop.path("got.tar")).unwrap() == fs::read(workshop.path("stored.tar")).unwrap());
    assert!(server.requests(0).iter().any(|line| line.contains("partNumber=2")), "{:?}", server.requests(0));
    // What is there is read without being fetched as a whole.
    let before = server.log().len();
    let shown = |reference: &str| ok(server.use_as_s3(workshop.bantam().args(["ls", reference])));
    assert_eq!(shown(archive), shown("oci-archive:stored.tar"));
    let requests = server.requests(before);
    assert!(requests.len() < 40, "{requests:?}");
    let inspected = |reference: &str| ok(server.use_as_s3(workshop.bantam().args(["inspect", reference])));
    assert_eq!(inspected(archive), inspected("oci-archive:stored.tar"));
    if at_hand(&["skopeo"]) {
        let copied = format!("oci-archive:{}", workshop.path("got.tar").display());
        ok(limited("skopeo").args(["inspect", "--raw", &copied]));
    }
}

#[test]
fn writers_of_a_layout_in_s3_keep_each_others_tags() {
    let workshop = Workshop::new();
    let Some(server) = Server::s3(&workshop) else { return };
    write_inputs(&workshop, 1000);
    server.make_bucket("images");
    let builds: Vec<_> = (0..6)
        .map(|number| {
            let destination = format!("s3://images/all/:{number}");
            let mut build = Command::new(bantam());
            workshop.prepare(&mut build);
            build
                .args(["build", "-o", &destination, "--lock-file"])
                .arg(workshop.path(&format!("{number}.lock")));
            server
                .use_as_s3(&mut build)
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .unwrap()
        })
        .collect();
    for mut build in builds {
        assert!(build.wait().unwrap().success());
    }
    for number in 0..6 {
        let reference = format!("s3://images/all/:{number}");
        let said = ok(server.use_as_s3(workshop.bantam().args(["ls", &reference])));
        assert_has(&said, &["noise.bin"]);
    }
    let before = server.log().len();
    ok(server.use_as_s3(&mut on_machine(&workshop, "cache", &["-o", "s3://images/all/:again"])));
    let puts = server.requests(before).into_iter().filter(|line| line.starts_with("PUT"));
    assert_eq!(puts.collect::<Vec<_>>(), ["PUT /images/all/index.json"], "what is there is not put again");
}

#[test]
fn what_s3_refuses_is_told() {
    let workshop = Workshop::new();
    let Some(server) = Server::s3(&workshop) else { return };
    write_inputs(&workshop, 1000);
    server.make_bucket("images");
    let refused = |arguments: &[&str], code: i32| {
        let mut command = workshop.bantam();
        server.use_as_s3(&mut command);
        let said = fails(command.args(arguments), code);
        assert!(!said.contains("a-secret"), "{said}");
        said
    };
    let said = refused(&["build", "-o", "s3://nowhere/x.tar"], 7);
    assert_has(&said, &["s3://nowhere/x.tar", "404 Not Found", "NoSuchBucket"]);
    assert_has(
        &refused(&["inspect", "s3://images/none.tar"], 7),
        &["s3://images/none.tar", "it is not there"],
    );
    assert_has(
        &refused(&["inspect", "s3://images/none/"], 7),
        &["cannot read s3://images/none/", "it is not there"],
    );
    assert_has(
        &refused(&["--offline", "inspect", "s3://images/x.tar"], 5),
        &["s3://images/x.tar", "offline"],
    );
    assert_has(&refused(&["build", "--cache-from", "oci:x"], 2), &["`oci` is no place for a cache"]);
    assert_has(&refused(&["build", "--cache-to", "s3://x"], 2), &["it names no key"]);
    let mut unreachable = workshop.bantam();
    server.use_as_s3(&mut unreachable).env("AWS_ENDPOINT_URL", "http://127.0.0.1:1");
    assert_has(&fails(unreachable.args(["inspect", "s3://images/x.tar"]), 5), &["Connection refused"]);
}

#[test]
fn a_machine_with_nothing_builds_from_a_cache_in_s3() {
    let workshop = Workshop::new();
    let Some(server) = Server::s3(&workshop) else { return };
    write_inputs(&workshop, 12 << 20);
    server.make_bucket("caches");
    let build = |machine: &str, options: &[&str]| {
        let mut build = on_machine(&workshop, machine, options);
        build.args(["-o", &format!("oci:{machine}.oci:1")]);
        ok(server.use_as_s3(&mut build))
    };
    let shared = ["--cache-from", "s3://caches/bantam", "--cache-to", "s3://caches/bantam"];
    let first = build("one", &shared);
    let before = server.log().len();
    assert_eq!(build("two", &shared), first);
    let requests = server.requests(before);
    let blobs = requests.iter().filter(|line| line.starts_with("GET /caches/bantam/blobs/sha256/"));
    assert!(blobs.count() > 0, "{requests:?}");
    assert!(!requests.iter().any(|line| line.starts_with("PUT") || line.starts_with("POST")), "{requests:?}");
    // Damage costs time and nothing else, and is mended by whoever meets it.
    let damaged = workshop.write("damaged", "damaged");
    let listed = ok(limited("curl").args(["-sf", &format!("{}/caches?prefix=bantam/", server.url)]));
    for part in listed.split("<Key>").skip(1) {
        let url = format!("{}/caches/{}", server.url, part.split_once('<').unwrap().0);
        ok(limited("curl").args(SIGNED).args(["-sf", &url, "--upload-file"]).arg(&damaged));
    }
    assert_eq!(build("three", &shared), first);
    let before = server.log().len();
    assert_eq!(build("four", &["--cache-from", "s3://caches/bantam"]), first);
    let taken = server.requests(before);
    assert!(taken.iter().any(|line| line.starts_with("GET /caches/bantam/blobs/sha256/")), "{taken:?}");
}

#[test]
fn a_shared_cache_that_fails_is_told_once_and_fails_no_build() {
    let workshop = Workshop::new();
    write_inputs(&workshop, 1000);
    let notices = |environment: &[(&str, &str)], options: &[&str]| {
        workshop.remove("machine");
        let mut build = on_machine(&workshop, "machine", options);
        let shared =
            ["--cache-from", "s3://caches/bantam", "--cache-to", "s3://caches/bantam", "-o", "oci:out:1"];
        let output = build.args(shared).envs(environment.iter().copied()).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{said}");
        assert_eq!(said.matches("s3://caches/bantam/ is left alone").count(), 1, "{said}");
        said
    };
    let keys =
        [("AWS_ACCESS_KEY_ID", "key"), ("AWS_SECRET_ACCESS_KEY", "a-secret"), ("AWS_ALLOW_HTTP", "true")];
    let unreachable = [&keys[..], &[("AWS_ENDPOINT_URL", "http://127.0.0.1:1")]].concat();
    assert_has(&notices(&unreachable, &[]), &["Connection refused"]);
    assert_has(&notices(&keys, &["--offline"]), &["offline"]);
    let Some(server) = Server::s3(&workshop) else { return };
    let absent = [&keys[..], &[("AWS_ENDPOINT_URL", &server.url)]].concat();
    assert_has(&notices(&absent, &[]), &["NoSuchBucket"]);
}

#[test]
fn builds_that_share_a_cache_in_s3_may_run_side_by_side() {
    let workshop = Workshop::new();
    let Some(server) = Server::s3(&workshop) else { return };
    write_inputs(&workshop, 1 << 20);
    server.make_bucket("caches");
    let builds: Vec<_> = (0..4)
        .map(|number| {
            let mut build = Command::new(bantam());
            workshop.prepare(&mut build);
            build.env("BANTAM_CACHE_DIR", workshop.path(&format!("machine{number}"))).arg("build");
            build.args(["--cache-from", "s3://caches/x/", "--cache-to", "s3://caches/x/", "--lock-file"]);
            build.arg(workshop.path(&format!("{number}.lock")));
            server
                .use_as_s3(&mut build)
                .stdin(Stdio::null())
                .stdout(Stdio::piped())
                .stderr(Stdio::null())
                .spawn()
                .unwrap()
        })
        .collect();
    let printed: Vec<Vec<u8>> =
        builds.into_iter().map(|build| build.wait_with_output().unwrap().stdout).collect();
    assert!(!printed[0].is_empty() && printed.iter().all(|line| *line == printed[0]), "{printed:?}");
}

/// Signs a request for a container as Azure's protocol wants it, with the key that every emulator has.
const MAKE_CONTAINER: &str = r#"
import base64, email.utils, hashlib, hmac, sys, urllib.request
url, name = sys.argv[1:]
key = base64.b64decode("Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==")
headers = {"x-ms-date": email.utils.formatdate(usegmt=True), "x-ms-version": "2021-08-06"}
signed = "PUT" + "\n" * 12 + "".join(f"{k}:{v}\n" for k, v in sorted(headers.items()))
signed += f"/devstoreaccount1/devstoreaccount1/{name}\nrestype:container"
mac = base64.b64encode(hmac.new(key, signed.encode(), hashlib.sha256).digest()).decode()
headers["Authorization"] = f"SharedKey devstoreaccount1:{mac}"
request = urllib.request.Request(f"{url}/devstoreaccount1/{name}?restype=container", method="PUT", headers=headers)
urllib.request.urlopen(request)
"#;

#[test]
fn azure_takes_archives_layouts_and_caches() {
    let workshop = Workshop::new();
    if !at_hand(&["node", "python3"]) {
        return;
    }
    let Some(server) = Server::azure(&workshop) else { return };
    write_inputs(&workshop, 20 << 20);
    ok(limited("python3").args(["-c", MAKE_CONTAINER, &server.url, "images"]));
    let emulated = |command: &mut Command| {
        ok(command.env("AZURE_STORAGE_USE_EMULATOR", "true").env("AZURITE_BLOB_STORAGE_URL", &server.url))
    };
    let (archive, layout) = ("az://images/stored.tar", "az://images/all/");
    let shared = ["--cache-from", "az://images/ci/", "--cache-to", "az://images/ci/"];
    let destinations = ["-o", archive, "-o", layout, "-o", "oci:local:latest"];
    let first = emulated(on_machine(&workshop, "one", &destinations).args(shared));
    assert_eq!(
        emulated(on_machine(&workshop, "two", &["-o", "az://images/all/:second"]).args(shared)),
        first
    );
    let listed = |reference: &str| emulated(workshop.bantam().args(["ls", reference]));
    let expected = listed("oci:local");
    for reference in [archive, "az://images/all/:latest", "az://images/all/:second"] {
        assert_eq!(listed(reference), expected, "{reference}");
    }
    assert!(Path::new(&workshop.path("two")).exists());
}
