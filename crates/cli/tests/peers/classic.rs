//! The profiles of the classic distroless images, from packages, hold what those images hold, and work as they do.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use crate::layout::{Entry, config_for, layers_for};
use crate::runtime::{docker, load};
use crate::workshop::{Workshop, assert_has, at_hand, bantam, is_long, limited, ok, repository, skipped};

const PASSWD: &str = "root:x:0:0:root:/root:/sbin/nologin\n\
                      nobody:x:65534:65534:nobody:/nonexistent:/sbin/nologin\n\
                      nonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin\n";
const GROUP: &str = "root:x:0:\nnobody:x:65534:\ntty:x:5:\nstaff:x:50:\nnonroot:x:65532:\n";
const PATH: &str = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// What each image has, links followed.
const FILES: &[&str] = &[
    "etc/ssl/certs/ca-certificates.crt",
    "usr/share/doc/ca-certificates/copyright",
    "etc/services",
    "etc/protocols",
    "etc/rpc",
    "etc/ethertypes",
    "etc/mime.types",
    "etc/host.conf",
    "etc/nsswitch.conf",
    "etc/os-release",
    "usr/share/doc/tzdata/copyright",
    "usr/share/zoneinfo/Europe/Berlin",
    "usr/share/zoneinfo/US/Eastern",
];

/// A release, what its os-release says, and its packages: of `static`, and further ones.
struct Release {
    suite: &'static str,
    version: &'static str,
    of_static: &'static [&'static str],
    of_base: &'static [&'static str],
    of_cc: &'static [&'static str],
}

const BOOKWORM: Release = Release {
    suite: "bookworm",
    version: "VERSION=\"12 (bookworm)\"",
    of_static: &["base-files", "ca-certificates", "media-types", "netbase", "tzdata"],
    of_base: &["libssl3"],
    of_cc: &["gcc-12-base", "libgcc-s1", "libgomp1", "libstdc++6"],
};
const TRIXIE: Release = Release {
    suite: "trixie",
    version: "VERSION=\"13 (trixie)\"",
    of_static: &["base-files", "ca-certificates", "media-types", "netbase", "tzdata", "tzdata-legacy"],
    of_base: &["libssl3t64", "libzstd1", "zlib1g"],
    of_cc: &["gcc-14-base", "libgcc-s1", "libgomp1", "libstdc++6"],
};

/// A platform, and where its loader is.
struct Platform {
    name: &'static str,
    multiarch: &'static str,
    loader: &'static str,
}

const AMD64: Platform =
    Platform { name: "linux/amd64", multiarch: "x86_64-linux-gnu", loader: "lib64/ld-linux-x86-64.so.2" };
const ARM64: Platform =
    Platform { name: "linux/arm64", multiarch: "aarch64-linux-gnu", loader: "lib/ld-linux-aarch64.so.1" };
const OTHERS: [Platform; 4] = [
    Platform { name: "linux/arm/v7", multiarch: "arm-linux-gnueabihf", loader: "lib/ld-linux-armhf.so.3" },
    Platform { name: "linux/s390x", multiarch: "s390x-linux-gnu", loader: "lib/ld64.so.1" },
    Platform { name: "linux/ppc64le", multiarch: "powerpc64le-linux-gnu", loader: "lib64/ld64.so.2" },
    Platform {
        name: "linux/riscv64",
        multiarch: "riscv64-linux-gnu",
        loader: "lib/ld-linux-riscv64-lp64d.so.1",
    },
];

const PROFILES: [&str; 4] = ["static", "base-nossl", "base", "cc"];

/// The files of an image as they are once its layers lie over each other.
struct Files(BTreeMap<String, Entry>);

impl Files {
    fn of(layout: &Path, platform: &str) -> Self {
        let layers = layers_for(layout, platform).into_iter().flatten();
        Files(layers.map(|entry| (entry.path.trim_end_matches('/').to_owned(), entry)).collect())
    }

    /// The file or directory that a path leads to.
    fn follow(&self, path: &str) -> Option<&Entry> {
        let mut todo: Vec<String> = path.split('/').rev().map(String::from).collect();
        let mut at: Vec<String> = vec![];
        let mut links = 0;
        let mut found = None;
        while let Some(name) = todo.pop() {
            match name.as_str() {
                "" | "." => continue,
                ".." => {
                    at.pop();
                    continue;
                }
                _ => at.push(name),
            }
            found = Some(self.0.get(&at.join("/"))?);
            if let Some(target) = found.and_then(|entry| entry.link.as_ref()) {
                links += 1;
                assert!(links < 40, "{path}");
                if target.starts_with('/') {
                    at.clear();
                } else {
                    at.pop();
                }
                todo.extend(target.split('/').rev().map(String::from));
            }
        }
        found
    }

    fn text(&self, path: &str) -> &str {
        let entry = self.follow(path).unwrap_or_else(|| panic!("no {path}"));
        std::str::from_utf8(&entry.content).unwrap()
    }

    fn has(&self, path: &str) -> bool {
        self.follow(path).is_some()
    }
}

/// Builds a profile and looks at each of its images.
fn holds_what_it_should(
    workshop: &Workshop,
    release: &Release,
    platforms: &[&Platform],
    profile: &str,
    whole: bool,
) {
    let suite = release.suite;
    let quoted: Vec<String> = platforms.iter().map(|platform| format!("\"{}\"", platform.name)).collect();
    let name = format!("{suite}-{profile}-{}", if whole { "whole" } else { "shaken" });
    workshop.write(
        &format!("{name}.toml"),
        format!(
            "name = \"example.com/{name}\"\nplatforms = [{}]\n[runtime]\nsource = \"debian:{suite}\"\n\
             profile = \"{profile}\"\nwhole-packages = {whole}\n",
            quoted.join(", ")
        ),
    );
    let layout = workshop.path(&format!("{name}.oci"));
    let mut build = workshop.bantam();
    build.arg("build").arg(format!("{name}.toml")).arg("-o").arg(format!("oci:{}:test", layout.display()));
    ok(&mut build);
    for platform in platforms {
        let files = Files::of(&layout, platform.name);
        has_the_files(&files, release, platform, profile, whole);
        is_merged(&files);
        lists_its_packages(&files, release, profile);
        let config = config_for(&layout, platform.name);
        let process = &config["config"];
        assert_eq!(process["User"], "65532:65532", "{name}");
        assert_eq!(process["Env"][0], PATH, "{name}");
        assert_eq!(process["Env"][1], "SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt", "{name}");
        assert!(process["Entrypoint"].is_null() && process["Cmd"].is_null(), "{name}: {process}");
    }
}

fn has_the_files(files: &Files, release: &Release, platform: &Platform, profile: &str, whole: bool) {
    assert_eq!(files.text("etc/passwd"), PASSWD);
    assert_eq!(files.text("etc/group"), GROUP);
    for (path, mode, owner) in
        [("tmp", 0o1777, 0), ("root", 0o700, 0), ("home", 0o755, 0), ("home/nonroot", 0o700, 65532)]
    {
        let entry = files.follow(path).unwrap();
        assert!(entry.is_directory, "{path}");
        assert_eq!((entry.mode & 0o7777, entry.uid, entry.gid), (mode, owner, owner), "{path}");
    }
    for path in FILES {
        assert!(files.has(path), "{profile}: no {path}");
    }
    assert_eq!(files.0["etc/os-release"].link.as_deref(), Some("../usr/lib/os-release"));
    assert_has(files.text("etc/os-release"), &[release.version, "ID=debian"]);
    for absent in ["bin/sh", "usr/bin/sh", "usr/bin/dash", "var/lib/dpkg/status", "etc/shadow", "busybox"] {
        assert!(!files.has(absent), "{profile}: {absent}");
    }
    let library = |name: &str| files.has(&format!("usr/lib/{}/{name}", platform.multiarch));
    for (name, from) in [
        ("libc.so.6", 1),
        ("libm.so.6", 1),
        ("libresolv.so.2", 1),
        ("libssl.so.3", 2),
        ("libcrypto.so.3", 2),
        ("libstdc++.so.6", 3),
        ("libgcc_s.so.1", 1),
        ("libgomp.so.1", 3),
    ] {
        assert_eq!(library(name), position(profile) >= from, "{profile} on {}: {name}", platform.name);
    }
    assert_eq!(files.has(platform.loader), profile != "static", "{}", platform.loader);
    // What is of no use to a program is what `whole-packages` is about.
    let mut whole_only =
        vec!["usr/share/zoneinfo/right/Europe/Berlin", "usr/share/doc/base-files/FAQ", "etc/debian_version"];
    let gconv = format!("usr/lib/{}/gconv/UTF-16.so", platform.multiarch);
    whole_only.extend((profile != "static").then_some(&*gconv));
    let changes = format!("usr/share/doc/{}/changelog.Debian.gz", release.of_cc[0]);
    whole_only.extend((profile == "cc").then_some(&*changes));
    for path in whole_only {
        assert_eq!(files.has(path), whole, "{profile}: {path}");
    }
}

fn position(profile: &str) -> usize {
    PROFILES.iter().position(|name| *name == profile).unwrap()
}

/// The links of a merged `/usr`, beneath which nothing is stored.
fn is_merged(files: &Files) {
    for name in ["bin", "sbin", "lib", "lib32", "lib64", "libx32"] {
        if let Some(entry) = files.0.get(name) {
            assert_eq!(entry.link.as_deref(), Some(&*format!("usr/{name}")));
        }
        let below = files.0.keys().find(|path| path.starts_with(&format!("{name}/")));
        assert_eq!(below, None);
    }
}

/// Each package is listed, with the right checksums of what is kept of it, and its copyright.
fn lists_its_packages(files: &Files, release: &Release, profile: &str) {
    let Release { of_static, of_base, of_cc, .. } = release;
    // The C library loads libgcc_s when a thread ends itself, so that it is wherever that is.
    let all: [&[&str]; 4] = [of_static, &["libc6", "libgcc-s1", of_cc[0]], of_base, of_cc];
    let wanted: BTreeSet<&str> = all[..=position(profile)].iter().copied().flatten().copied().collect();
    let dir = "var/lib/dpkg/status.d/";
    let listed = files.0.keys().filter_map(|path| path.strip_prefix(dir));
    let listed: BTreeSet<&str> = listed.filter(|name| !name.ends_with(".md5sums")).collect();
    assert_eq!(listed, wanted);
    let mut all_sums = String::new();
    for name in wanted {
        assert_has(files.text(&format!("{dir}{name}")), &[&format!("Package: {name}\n"), "\nVersion: "]);
        let copyright = files.text(&format!("usr/share/doc/{name}/copyright"));
        assert!(copyright.len() > 100, "{name}: {copyright}");
        let sums = files.text(&format!("{dir}{name}.md5sums"));
        assert!(!sums.is_empty(), "{name}");
        all_sums.push_str(sums);
    }
    let kept = all_sums.lines().filter_map(|line| line.split_once("  "));
    let folder = tempfile::tempdir().unwrap();
    for (_, path) in kept {
        let entry = files.follow(path).unwrap_or_else(|| panic!("{profile}: no {path}"));
        let to = folder.path().join(path);
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::write(to, &entry.content).unwrap();
    }
    fs::write(folder.path().join("sums"), all_sums).unwrap();
    ok(limited("md5sum").args(["--check", "--quiet", "--strict", "sums"]).current_dir(folder.path()));
}

#[test]
fn bookworm_holds_what_the_classic_images_hold() {
    if !at_hand(&[]) {
        return;
    }
    let workshop = Workshop::new();
    for profile in if is_long() { &PROFILES[..] } else { &["static", "cc"] } {
        for whole in [false, true] {
            holds_what_it_should(&workshop, &BOOKWORM, &[&AMD64, &ARM64], profile, whole);
        }
    }
}

#[test]
fn trixie_holds_what_the_classic_images_hold() {
    if !at_hand(&[]) {
        return;
    }
    let workshop = Workshop::new();
    for profile in if is_long() { &PROFILES[..] } else { &["cc"] } {
        for whole in [false, true] {
            holds_what_it_should(&workshop, &TRIXIE, &[&AMD64, &ARM64], profile, whole);
        }
    }
}

#[test]
fn other_architectures_hold_the_same() {
    if !is_long() {
        return skipped("only with --long");
    }
    if !at_hand(&[]) {
        return;
    }
    for release in [BOOKWORM, TRIXIE] {
        for platform in &OTHERS {
            let has_it = platform.name != "linux/riscv64" || release.suite != "bookworm";
            // A mirror need not have every architecture.
            let can_be_had = || {
                let workshop = Workshop::new();
                let (suite, platform) = (release.suite, platform.name);
                let spec = format!(
                    "platforms = [\"{platform}\"]\n[runtime]\nsource = \"debian:{suite}\"\nprofile = \"cc\"\n"
                );
                workshop.write("bantam.toml", spec);
                let output = workshop.bantam().args(["lock", "bantam.toml"]).output().unwrap();
                let said = String::from_utf8(output.stderr).unwrap();
                assert!(output.status.success() || said.contains("no mirror has"), "{said}");
                output.status.success()
            };
            if !has_it {
                continue;
            }
            if !can_be_had() {
                skipped(&format!("no mirror has {} for {}", release.suite, platform.name));
                continue;
            }
            let workshop = Workshop::new();
            for profile in PROFILES {
                for whole in [false, true] {
                    holds_what_it_should(&workshop, &release, &[platform], profile, whole);
                }
            }
        }
    }
}

/// A program of `testdata/programs` for both platforms, where the specs of `specs/classic` look for it.
fn compiled_for_both(name: &str) -> PathBuf {
    let (source, c, options): (_, _, &[&str]) = match name {
        "hello-static" => ("hello.c", true, &["-static"]),
        "hello" => ("hello.c", true, &[]),
        "hello-tls" => ("hello.c", true, &["-DTLS"]),
        "hello-cpp" => ("cpp.cpp", false, &[]),
        _ => panic!("no program {name}"),
    };
    let source = repository().join("testdata/programs").join(source);
    for (architecture, triplet) in [("amd64", ""), ("arm64", "aarch64-linux-gnu-")] {
        let to = repository().join("target/programs").join(architecture).join(name);
        let time = |path: &Path| fs::metadata(path).and_then(|meta| meta.modified()).ok();
        if time(&to) < time(&source) {
            fs::create_dir_all(to.parent().unwrap()).unwrap();
            let compiler = format!("{triplet}{}", if c { "gcc" } else { "g++" });
            // Another test may be at it too: the result appears at once.
            let unfinished = to.with_extension(format!("{}-{name}", std::process::id()));
            ok(limited(&compiler).args(["-O2", "-w"]).args(options).arg(&source).arg("-o").arg(&unfinished));
            fs::rename(&unfinished, &to).unwrap();
        }
    }
    repository().join("target/programs/amd64").join(name)
}

const COMPILERS: &[&str] =
    &["docker", "skopeo", "gcc", "g++", "aarch64-linux-gnu-gcc", "aarch64-linux-gnu-g++"];
const EMULATOR: &str = "/usr/bin/qemu-aarch64-static";

/// Builds one of `specs/classic` for both platforms, and gives the name of the image of each in the engine.
fn loaded(workshop: &Workshop, spec: &str) -> [String; 2] {
    let layout = workshop.path(&format!("{spec}.oci"));
    let path = repository().join(format!("specs/classic/{spec}.toml"));
    let lock = workshop.path(&format!("{spec}.lock"));
    let mut check = workshop.bantam();
    ok(check.args(["check", "--strict"]).arg(&path).arg("--lock-file").arg(&lock));
    // Nothing of the other architecture runs while it is built, nor any other program.
    let mut build = limited("/usr/bin/env");
    workshop.prepare(build.arg("PATH=/nonexistent").arg(bantam()).arg("build").arg(&path));
    build.arg("--lock-file").arg(&lock).args(["-o", &format!("oci:{}:test", layout.display())]);
    ok(&mut build);
    ["amd64", "arm64"].map(|architecture| {
        let archive = workshop.path(&format!("{spec}-{architecture}.tar"));
        let name = format!("example.com/classic/{spec}-{architecture}:test");
        ok(limited("skopeo")
            .args(["--insecure-policy", "--override-os", "linux", "--override-arch", architecture, "copy"])
            .arg(format!("oci:{}:test", layout.display()))
            .arg(format!("docker-archive:{}:{name}", archive.display())));
        load(docker(), &archive)
    })
}

/// What the entrypoint of both images says.
fn runs(images: &[String; 2], program: &str, arguments: &[&str]) -> [String; 2] {
    const LIKE_PRODUCTION: [&str; 7] = [
        "run",
        "--rm",
        "--network=none",
        "--read-only",
        "--cap-drop=ALL",
        "--security-opt=no-new-privileges",
        "--env=TZ=Europe/Berlin",
    ];
    let native =
        ok(docker().args(LIKE_PRODUCTION).args(["--entrypoint", program, &images[0]]).args(arguments));
    let mut emulated = docker();
    emulated.args(LIKE_PRODUCTION).arg(format!("--volume={EMULATOR}:/emulator:ro"));
    // The default processor of the emulator does not compute as one would.
    emulated.args(["--env=QEMU_CPU=cortex-a57", "--entrypoint", "/emulator", &images[1], program]);
    [native, ok(emulated.args(arguments))]
}

/// Builds, runs, and gives what both say.
fn says(spec: &str, program: &str, expected: &[&str]) {
    if !at_hand(&[COMPILERS, &[EMULATOR]].concat()) {
        return;
    }
    compiled_for_both(program);
    let workshop = Workshop::new();
    let images = loaded(&workshop, spec);
    let said = runs(&images, "/app/hello", &[]);
    for (said, machine) in said.iter().zip(["x86_64", "aarch64"]) {
        assert_has(said, expected);
        assert!(program == "hello-cpp" || said.contains(&format!("hello from {machine}")), "{said}");
    }
}

const HELLO: &[&str] =
    &["user nonroot at /home/nonroot", "https 443", "time 02:00 CEST", "certificates many"];

#[test]
fn a_static_program_on_static() {
    says("static", "hello-static", HELLO);
}

#[test]
fn a_c_program_on_base_nossl() {
    says("base-nossl", "hello", HELLO);
}

#[test]
fn a_program_with_tls_on_base() {
    says("base", "hello-tls", &[HELLO, &["OpenSSL 3.0"]].concat());
}

#[test]
fn a_cpp_program_on_cc() {
    says("cc", "hello-cpp", &["words one.two.three.", "caught one was met"]);
}

#[test]
fn a_shell_in_the_debug_variant_of_static() {
    if !at_hand(&[COMPILERS, &[EMULATOR]].concat()) {
        return;
    }
    compiled_for_both("hello-static");
    let workshop = Workshop::new();
    let (release, debug) = (loaded(&workshop, "static"), loaded(&workshop, "debug"));
    for said in runs(&debug, "/app/hello", &[]) {
        assert_has(&said, HELLO);
    }
    // A shell of the image starts further programs, which the emulator does not.
    let script = "/busybox/busybox | /busybox/head -n 1; id; ls /app";
    let said = ok(docker().args(["run", "--rm", "--network=none", "--read-only", "--cap-drop=ALL"]).args([
        "--entrypoint",
        "/busybox/sh",
        &debug[0],
        "-c",
        script,
    ]));
    assert_has(&said, &["BusyBox v1.", "uid=65532(nonroot) gid=65532(nonroot)", "hello"]);
    let said = runs(&debug, "/busybox/busybox", &["id"]);
    assert_has(&said[1], &["uid=65532(nonroot) gid=65532(nonroot)"]);
    for (release, debug) in release.iter().zip(&debug) {
        let layers = |image: &str| {
            let format = "{{range .RootFS.Layers}}{{.}} {{end}}";
            let said = ok(docker().args(["image", "inspect", &format!("--format={format}"), image]));
            said.split_whitespace().map(String::from).collect::<Vec<_>>()
        };
        let (lower, all) = (layers(release), layers(debug));
        assert_eq!(all[..lower.len()], lower);
        assert_eq!(all.len(), lower.len() + 1);
    }
}
