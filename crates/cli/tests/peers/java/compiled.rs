//! Jars that are compiled for a test.

use std::fs;
use std::path::Path;

use crate::workshop::{Workshop, limited, ok, repository};

/// The sources of `testdata/apps`.
fn sources(app: &str) -> Vec<std::path::PathBuf> {
    let folder = repository().join("testdata/apps").join(app);
    let mut files = vec![];
    for package in fs::read_dir(folder).unwrap() {
        files.extend(fs::read_dir(package.unwrap().path()).unwrap().map(|file| file.unwrap().path()));
    }
    files.sort();
    files
}

fn compile(workshop: &Workshop, to: &str, release: u32, files: &[std::path::PathBuf]) {
    let mut javac = limited("javac");
    ok(javac
        .args(["-encoding", "UTF-8", "--release", &release.to_string(), "-d"])
        .arg(workshop.path(to))
        .args(files));
}

fn pack(workshop: &Workshop, jar: &str, arguments: &[&str]) {
    ok(limited("jar")
        .args(["--create", "--file"])
        .arg(workshop.path(jar))
        .args(arguments)
        .current_dir(workshop.path("")));
}

/// A program with a server and a client, without dependencies.
pub fn plain_jar(workshop: &Workshop, jar: &str, release: u32) {
    compile(workshop, "plain", release, &sources("java-plain"));
    pack(workshop, jar, &["--main-class", "shop.Shop", "-C", "plain", "."]);
}

/// A module whose service is declared by it alone.
pub fn module_jar(workshop: &Workshop, jar: &str) {
    compile(workshop, "module", 17, &sources("java-module"));
    pack(workshop, jar, &["--main-class", "till.Till", "-C", "module", "."]);
}

/// A program that nothing says how to start.
pub fn jar_without_main(workshop: &Workshop, jar: &str) {
    compile(workshop, "silent", 17, &sources("java-plain"));
    pack(workshop, jar, &["-C", "silent", "."]);
}

/// A program with a library in `lib/`.
pub fn jar_with_library(workshop: &Workshop, jar: &str) {
    let library = workshop.write(
        "src/sum/Sum.java",
        "package sum; public class Sum { public static int of(int a, int b) { return a + b; } }\n",
    );
    compile(workshop, "sum", 17, &[library]);
    fs::create_dir_all(workshop.path("lib")).unwrap();
    pack(workshop, "lib/sum.jar", &["-C", "sum", "."]);
    let own = "package shop; public class Count { public static void main(String[] a) {\n\
               System.out.println(\"sum: \" + sum.Sum.of(3, 4)); } }\n";
    let own = workshop.write("src/shop/Count.java", own);
    let mut javac = limited("javac");
    javac
        .args(["--release", "17", "-cp"])
        .arg(workshop.path("sum"))
        .arg("-d")
        .arg(workshop.path("count"))
        .arg(own);
    ok(&mut javac);
    workshop.write("manifest", "Main-Class: shop.Count\nClass-Path: lib/sum.jar\n");
    pack(workshop, jar, &["--manifest", "manifest", "-C", "count", "."]);
    assert!(Path::new(&workshop.path(jar)).is_file());
}

/// The same, of classes that say they are for Java 99.
pub fn make_newer(workshop: &Workshop, jar: &str) {
    jar_with_library(workshop, jar);
    let class = workshop.path("count/shop/Count.class");
    let mut bytes = fs::read(&class).unwrap();
    bytes[6..8].copy_from_slice(&(99_u16 + 44).to_be_bytes());
    fs::write(&class, bytes).unwrap();
    pack(workshop, jar, &["--manifest", "manifest", "-C", "count", "."]);
}
