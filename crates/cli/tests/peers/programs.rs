//! Programs of the distribution, and programs in C, C++ and Rust, do real work in images that hold nothing else.

use crate::runtime::{Runtime, Work};
use crate::workshop::{Workshop, assert_has, at_hand, compiled, ok, repository};

/// A module for each spec of `specs/programs`, with a test for each runtime.
macro_rules! programs {
    ($($name:ident, at $file:literal: $work:expr => $expected:expr;)+) => {
        $(mod $name {
            use super::*;

            #[test]
            fn docker() {
                works_under(Runtime::Docker, stringify!($name), $file, &$work, &$expected);
            }

            #[test]
            fn podman() {
                works_under(Runtime::Podman, stringify!($name), $file, &$work, &$expected);
            }

            #[test]
            fn crun() {
                works_under(Runtime::Crun, stringify!($name), $file, &$work, &$expected);
            }
        })+
    };
}

programs! {
    git, at "/usr/bin/git": Work {
        steps: &[
            &["git", "init", "--quiet", "/work/repository"],
            &["@write", "/work/repository/file", "one line\n"],
            &["git", "-C", "/work/repository", "add", "file"],
            &[
                "git", "-C", "/work/repository", "-c", "user.name=A User", "-c", "user.email=user@example.com",
                "commit", "--quiet", "--message=a change",
            ],
            &["git", "-C", "/work/repository", "log", "--stat", "--format=%an: %s"],
            &["git", "-C", "/work/repository", "fsck", "--strict"],
        ],
        volumes: &["/work"],
        ..Work::default()
    } => ["A User: a change", "file | 1 +"];

    curl, at "/usr/bin/curl": Work {
        steps: &[&["curl", "--version"], &["curl", "--silent", "--show-error", "file:///etc/passwd"]],
        ..Work::default()
    } => ["OpenSSL", "https", "nonroot:x:65532:65532"];

    python, at "/usr/bin/python3": Work {
        arguments: &["-c", PYTHON],
        ..Work::default()
    } => ["OpenSSL", "{\"primes\": [2, 3, 5, 7]}", "rows 499500", "nonroot", "euro €"];

    openssl, at "/usr/bin/openssl": Work {
        steps: &[
            &["@write", "/tmp/text", "to be signed"],
            &["openssl", "genrsa", "-out", "/tmp/key", "2048"],
            &["openssl", "pkey", "-in", "/tmp/key", "-pubout", "-out", "/tmp/public"],
            &["openssl", "dgst", "-sha256", "-sign", "/tmp/key", "-out", "/tmp/signature", "/tmp/text"],
            &["openssl", "dgst", "-sha256", "-verify", "/tmp/public", "-signature", "/tmp/signature", "/tmp/text"],
        ],
        ..Work::default()
    } => ["Verified OK"];

    sqlite3, at "/usr/bin/sqlite3": Work {
        arguments: &[
            "/data/shop.db",
            "create table goods(name text, price real); insert into goods values ('tea', 2.5), ('bread', 4); \
             select count(*), sum(price) from goods; pragma integrity_check;",
        ],
        volumes: &["/data"],
        ..Work::default()
    } => ["2|6.5", "ok"];

    nginx, at "/usr/sbin/nginx": Work {
        steps: &[
            &["&", "/usr/sbin/nginx", "-e", "stderr", "-c", "/etc/nginx/nginx.conf"],
            &["@await", "/tmp/nginx.sock"],
            &["@get", "/tmp/nginx.sock", "/index.html"],
        ],
        ..Work::default()
    } => ["served from an image without a shell"];

    redis, at "/usr/bin/redis-server": Work {
        steps: &[
            &["&", "redis-server", "--dir", "/data", "--port", "0", "--unixsocket", "/data/socket"],
            &["@await", "/data/socket"],
            &["redis-cli", "-s", "/data/socket", "set", "key", "a value"],
            &["redis-cli", "-s", "/data/socket", "get", "key"],
            &["redis-cli", "-s", "/data/socket", "save"],
        ],
        volumes: &["/data"],
        ..Work::default()
    } => ["a value"];

    c, at "/usr/bin/gcc": Work::default() => ["user nonroot", "https 443", "localhost known", "sqrt 1.414214"];

    cpp, at "/usr/bin/g++": Work::default() => ["words one.two.three.", "caught one was met"];

    rust, at "/usr/include/openssl/ssl.h": Work::default() => [
        "sha256 d46acba0290705def8d3a8d86ca3f1c170ac36a67378e94e3f241948b028dae3",
        "openssl 3",
        "aes true",
        "certificates true",
    ];
}

#[test]
fn bantam_itself() {
    if !at_hand(&["docker", repository().join("target/release/bantam").to_str().unwrap()]) {
        return;
    }
    let workshop = Workshop::new();
    let image = workshop.image(&repository().join("specs/bantam.toml"));
    let work = Work { arguments: &["--version"], ..Work::default() };
    assert_has(&Runtime::Docker.run(&workshop, &image, &work), &["bantam ", env!("CARGO_PKG_VERSION")]);
}

/// Extension modules and what they load, a thread that is alive at exit, a codec, a user by number.
const PYTHON: &str = r#"
import ctypes, hashlib, json, lzma, os, pwd, sqlite3, ssl, sys, threading, time, zlib
print(ssl.OPENSSL_VERSION, len(ssl.create_default_context().get_ca_certs()) >= 0)
print(json.dumps({"primes": [n for n in range(2, 10) if all(n % d for d in range(2, n))]}))
assert hashlib.sha256(b"").hexdigest().startswith("e3b0c442")
assert zlib.decompress(zlib.compress(b"x" * 1000)) == lzma.decompress(lzma.compress(b"x" * 1000))
base = sqlite3.connect("/tmp/base")
base.execute("create table numbers(n)")
base.executemany("insert into numbers values (?)", ((n,) for n in range(1000)))
print("rows", base.execute("select sum(n) from numbers").fetchone()[0])
print(pwd.getpwuid(os.getuid()).pw_name)
print("euro", b"\x80".decode("cp1252"))
threading.Thread(target=time.sleep, args=(5,), daemon=True).start()
"#;

/// Builds the spec and has the image do the work; `file` is what the machine must have for that.
fn works_under(runtime: Runtime, name: &str, file: &str, work: &Work, expected: &[&str]) {
    if !at_hand(&[runtime.peers(), &["gcc", file]].concat()) {
        return;
    }
    if matches!(name, "c" | "cpp" | "rust") {
        compiled(name);
    }
    let workshop = Workshop::new();
    let spec = repository().join(format!("specs/programs/{name}.toml"));
    // What works is not warned about either.
    let mut check = workshop.bantam();
    ok(check.args(["check", "--strict"]).arg(&spec).arg("--lock-file").arg(workshop.path("check.lock")));
    let image = workshop.image(&spec);
    assert_has(&runtime.run(&workshop, &image, work), expected);
}
