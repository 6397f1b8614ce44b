//! Images of packages as their users see them: certificates of their own, the loader's cache, several architectures from
//! one run, and what scanners find.

use std::collections::BTreeSet;
use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::layout::{blob, manifest};
use crate::runtime::{docker, load};
use crate::workshop::{Workshop, assert_has, at_hand, fails, is_long, limited, ok, skipped};

/// A server that ends with the value.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn openssl(workshop: &Workshop, arguments: &str) {
    ok(limited("openssl").args(arguments.split(' ')).current_dir(workshop.path("")));
}

#[test]
fn curl_trusts_an_authority_of_the_spec() {
    if !at_hand(&["docker", "openssl"]) {
        return;
    }
    let workshop = Workshop::new();
    let new_key = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2";
    openssl(&workshop, &format!("req -x509 {new_key} -subj /CN=own -keyout ca.key -out ca.pem"));
    openssl(&workshop, &format!("req {new_key} -subj /CN=localhost -keyout server.key -out server.csr"));
    workshop.write("names", "subjectAltName=DNS:localhost\n");
    openssl(
        &workshop,
        "x509 -req -in server.csr -CA ca.pem -CAkey ca.key -days 2 -extfile names -out server.pem",
    );
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut serve = Command::new("openssl");
    serve.args(["s_server", "-www", "-quiet", "-cert", "server.pem", "-key", "server.key"]);
    serve.arg("-accept").arg(format!("127.0.0.1:{port}")).current_dir(workshop.path(""));
    let _server = Server(serve.stdin(Stdio::null()).stdout(Stdio::null()).spawn().unwrap());

    let spec = "[config]\nentrypoint = [\"/usr/bin/curl\"]\n[runtime]\nsource = \"debian:bookworm\"\n\
                packages = [\"curl\"]\n";
    let image =
        |name: &str, spec: &str| workshop.image_of(name, &format!("name = \"example.com/{name}\"\n{spec}"));
    let trusting = image("trusting", &format!("{spec}ca = [\"ca.pem\"]\n"));
    let plain = image("plain", spec);
    let url = format!("https://localhost:{port}/");
    let get = |archive: &Path| {
        let mut command = docker();
        command.args(["run", "--rm", "--network=host", "--read-only", "--cap-drop=ALL"]);
        command.arg(load(docker(), archive)).args([
            "--silent",
            "--show-error",
            "--retry-connrefused",
            "--retry",
            "5",
            &url,
        ]);
        command
    };
    assert_has(&ok(&mut get(&trusting.archive)), &["Cipher"]);
    assert_has(&fails(&mut get(&plain.archive), 60), &["SSL certificate problem"]);

    // The same again elsewhere, from the lock.
    let other = Workshop::new();
    other.write("ca.pem", fs::read(workshop.path("ca.pem")).unwrap());
    other.write("trusting.toml", fs::read(workshop.path("trusting.toml")).unwrap());
    fs::copy(workshop.path("trusting.lock"), other.path("trusting.lock")).unwrap();
    let built = ok(other.bantam().args(["build", "--locked", "trusting.toml", "-o", "oci:again"]));
    assert_eq!(built, trusting.reference);
}

#[test]
fn the_loaders_cache_is_that_of_ldconfig() {
    if !at_hand(&["gcc", "root"]) {
        return;
    }
    let workshop = Workshop::new();
    workshop.compile(
        "libown.so.1",
        "int own(void) { return 7; }",
        &["-shared", "-fPIC", "-Wl,-soname,libown.so.1"],
    );
    let library = workshop.path("libown.so.1");
    let source = "int own(void); int main(void) { return own() - 7; }";
    workshop.compile("app", source, &[library.to_str().unwrap()]);
    let spec = "[config]\nentrypoint = [\"/app/app\"]\n[runtime]\nsource = \"debian:bookworm\"\n\
                packages = [\"curl\"]\nkeep = [\"/usr/sbin/ldconfig\"]\n\
                [[files]]\nfrom = \"app\"\nto = \"/app/app\"\n\
                [[files]]\nfrom = \"libown.so.1\"\nto = \"/opt/own/\"\n\
                [[files]]\ncontent = \"/opt/own\\n\"\nto = \"/etc/ld.so.conf\"\n";
    let image = workshop.image_of("cache", spec);
    let root = workshop.path("root");
    fs::create_dir(&root).unwrap();
    for layer in manifest(&image.layout)["layers"].as_array().unwrap() {
        ok(limited("tar").arg("-xf").arg(blob(&image.layout, layer)).arg("-C").arg(&root));
    }
    let ours = fs::read(root.join("etc/ld.so.cache")).unwrap();
    ok(limited("chroot").arg(&root).args(["/usr/sbin/ldconfig", "-X"]));
    let theirs = fs::read(root.join("etc/ld.so.cache")).unwrap();
    assert!(
        ours == theirs,
        "the cache of {} bytes is not that of ldconfig, {} bytes",
        ours.len(),
        theirs.len()
    );
    ok(limited("chroot").arg(&root).arg("/app/app"));
}

#[test]
fn six_architectures_from_one_run() {
    if !at_hand(&["skopeo", "docker"]) {
        return;
    }
    let workshop = Workshop::new();
    // The program of each is a file by which it is known.
    let all = ["amd64", "arm64", "arm/v7", "s390x", "ppc64le", "riscv64"];
    for name in all {
        workshop.write(&format!("dist/{}/who", name.split('/').next().unwrap()), name);
    }
    let spec = |platforms: &[&str]| {
        let platforms: Vec<String> = platforms.iter().map(|name| format!("\"linux/{name}\"")).collect();
        let text = format!(
            "name = \"example.com/six\"\nplatforms = [{}]\n[runtime]\nsource = \"debian:trixie\"\n\
             profile = \"base-nossl\"\n[[files]]\nfrom = \"dist/${{arch}}/who\"\nto = \"/who\"\n",
            platforms.join(", ")
        );
        workshop.write("six.toml", text);
        let mut build = limited("/usr/bin/env");
        workshop.prepare(build.arg("PATH=/nonexistent").arg(crate::workshop::bantam()));
        build.args(["build", "six.toml", "-o", "oci:six:test"]);
        build
    };
    // A mirror need not have every architecture.
    let mut built = vec![];
    for name in all {
        let output = spec(&[name]).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success() || said.contains("no mirror has"), "{said}");
        let _ = fs::remove_file(workshop.path("six.lock"));
        match output.status.success() {
            true => built.push(name),
            false => skipped(&format!("no mirror has trixie for {name}")),
        }
    }
    workshop.remove("six");
    ok(&mut spec(&built));
    for name in built {
        let mut parts = name.split('/');
        let architecture = parts.next().unwrap();
        let mut copy = limited("skopeo");
        copy.args(["--insecure-policy", "--override-os", "linux", "--override-arch", architecture]);
        if let Some(variant) = parts.next() {
            copy.args(["--override-variant", variant]);
        }
        let to = workshop.path(&format!("{architecture}.oci"));
        ok(copy
            .arg("copy")
            .arg(format!("oci:{}:test", workshop.path("six").display()))
            .arg(format!("oci:{}", to.display())));
        let files = crate::layout::files(&to);
        assert_eq!(String::from_utf8_lossy(&crate::layout::entry(&files, "who").content), name);
        assert_eq!(crate::layout::config(&to)["architecture"], architecture);
    }
}

#[test]
fn scanners_list_the_packages_of_which_a_file_is_kept() {
    if !is_long() {
        return skipped("only with --long");
    }
    if !at_hand(&["syft"]) {
        return;
    }
    for (suite, id, version) in [
        ("debian:bookworm", "debian", "12"),
        ("debian:trixie", "debian", "13"),
        ("ubuntu:noble", "ubuntu", "24.04"),
    ] {
        // A machine with Debian on it knows no mirror of Ubuntu.
        let mirror = std::env::var("BANTAM_TEST_UBUNTU").ok().filter(|_| id == "ubuntu");
        let mirrors = mirror.map_or(String::new(), |mirror| format!("mirrors = [\"{mirror}\"]\n"));
        if id == "ubuntu" && mirrors.is_empty() {
            skipped("BANTAM_TEST_UBUNTU names no mirror of Ubuntu");
            continue;
        }
        for whole in [false, true] {
            let workshop = Workshop::new();
            let spec = format!(
                "[runtime]\nsource = \"{suite}\"\nprofile = \"cc\"\nwhole-packages = {whole}\n{mirrors}"
            );
            let image = workshop.image_of("scanned", &spec);
            let mut scan = limited("syft");
            scan.args(["scan", "--quiet", "--output", "json"])
                .arg(format!("oci-archive:{}", image.archive.display()));
            let found: Value = serde_json::from_str(&ok(&mut scan)).unwrap();
            assert_eq!(found["distro"]["id"], id);
            let release = found["distro"]["versionID"].as_str().unwrap();
            assert!(release == version || release.starts_with(&format!("{version}.")), "{release}");
            let artifacts = found["artifacts"].as_array().unwrap().iter();
            let debs = artifacts.filter(|artifact| artifact["type"] == "deb");
            let listed: BTreeSet<&str> = debs.map(|artifact| artifact["name"].as_str().unwrap()).collect();
            let files = crate::layout::files(&image.layout);
            let names = files.iter().filter_map(|entry| entry.path.strip_prefix("var/lib/dpkg/status.d/"));
            let names: BTreeSet<&str> =
                names.filter(|name| !name.is_empty() && !name.ends_with(".md5sums")).collect();
            assert_eq!(listed, names, "{suite}, {whole}");
        }
    }
}
