//! The cache that we write, against the one that this machine's `ldconfig` writes.

#![allow(clippy::unwrap_used)]

use elf::{Endian, FactsMemo, Linker, Machine, ld_so_conf, ldconfig, read_cache, write_cache};
use source::Directory;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;
use tree::TreePath;

const LDCONFIG: &str = "/sbin/ldconfig";
const LIBRARIES: &str = "/usr/lib/x86_64-linux-gnu";

/// The root file system of a small image: real libraries with their links, directories by
/// `ld.so.conf.d`, variants for newer processors, and what is no library.
fn build_root(root: &Path) {
    let lib = root.join("usr/lib/x86_64-linux-gnu");
    let special = root.join("opt/special/lib");
    let conf = root.join("etc/ld.so.conf.d");
    let lonely = root.join("opt/lonely");
    let hwcaps = lib.join("glibc-hwcaps");
    for dir in [&hwcaps.join("x86-64-v3"), &hwcaps.join("x86-64-v2"), &special, &lonely, &conf] {
        std::fs::create_dir_all(dir).unwrap();
    }
    std::fs::create_dir_all(root.join("var/cache/ldconfig")).unwrap();
    symlink("usr/lib", root.join("lib")).unwrap();
    std::fs::write(root.join("etc/ld.so.conf"), "include /etc/ld.so.conf.d/*.conf\n").unwrap();
    std::fs::write(conf.join("a-special.conf"), "# special\n/opt/special/lib/\n/opt/lonely\n/opt/absent\n")
        .unwrap();
    std::fs::write(conf.join("x86_64-linux-gnu.conf"), "/lib/x86_64-linux-gnu\n/usr/lib/x86_64-linux-gnu\n")
        .unwrap();
    let mut copied = 0;
    let mut names: Vec<_> = std::fs::read_dir(LIBRARIES).unwrap().flatten().collect();
    names.sort_by_key(|entry| entry.file_name());
    for entry in &names {
        let name = entry.file_name().into_string().unwrap();
        let wanted = ["libc.so", "libm.so", "ld-linux", "libz", "libs", "libg", "libx", "libn"];
        if !wanted.iter().any(|start| name.starts_with(start)) || !name.contains(".so") || copied == 90 {
            continue;
        }
        copied += 1;
        match std::fs::read_link(entry.path()) {
            Ok(target) if target.is_relative() => symlink(target, lib.join(&name)).unwrap(),
            Ok(_) => {}
            Err(_) => {
                std::fs::copy(entry.path(), lib.join(&name)).unwrap();
            }
        }
    }
    // The loader says which directories are built in.
    std::fs::copy(format!("{LIBRARIES}/ld-linux-x86-64.so.2"), lib.join("ld-linux-x86-64.so.2")).unwrap();
    let libz = format!("{LIBRARIES}/libz.so.1");
    for copy in [
        "glibc-hwcaps/x86-64-v3/libz.so.1.9",
        "glibc-hwcaps/x86-64-v3/libz.so.1.10",
        "glibc-hwcaps/x86-64-v2/libz.so.1",
    ] {
        std::fs::copy(&libz, lib.join(copy)).unwrap();
    }
    std::fs::copy(&libz, special.join("libz.so.1")).unwrap();
    std::fs::copy(&libz, special.join("libnolink.so.3.1")).unwrap();
    std::fs::copy(&libz, lonely.join("libz.so.1.2")).unwrap();
    std::fs::write(special.join("libscript.so"), "/* GNU ld script */ GROUP ( libz.so.1 )").unwrap();
    std::fs::write(special.join("libempty.so.1"), "").unwrap();
    symlink("nowhere", special.join("libdangling.so.2")).unwrap();
    symlink("../../../usr/lib/x86_64-linux-gnu/libz.so.1", special.join("libother.so")).unwrap();
}

#[test]
fn the_cache_is_that_of_ldconfig() {
    if !Path::new(LDCONFIG).exists() || !Path::new(LIBRARIES).join("libz.so.1").exists() {
        println!("SKIPPED: no {LDCONFIG}, or no libraries in {LIBRARIES}");
        return;
    }
    let version = Command::new(LDCONFIG).arg("--version").output().unwrap().stdout;
    let version = String::from_utf8(version).unwrap();
    let (package, release) = version.lines().next().unwrap().rsplit_once(' ').unwrap();
    let number = |part: usize| release.split('.').nth(part).and_then(|part| part.parse::<u32>().ok());
    if (number(0), number(1)) < (Some(2), Some(33)) {
        println!("SKIPPED: {LDCONFIG} is of version {release}, before the format that is written here");
        return;
    }
    let generator = format!("{package} stable release version {release}");

    let temp = tempfile::tempdir().unwrap();
    build_root(temp.path());
    let root = Directory::open(temp.path()).unwrap();
    let memo = FactsMemo::default();
    let machine = Machine::from_uname("x86_64").unwrap();
    let path = |text: &str| TreePath::parse(text).unwrap();
    let loader =
        Linker::new(&root, &memo).loader(&path("/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2"), &machine);
    let mut dirs = ld_so_conf(&root, &path("/etc/ld.so.conf")).dirs;
    dirs.extend(loader.builtin_dirs.clone());
    let found = ldconfig(&root, &memo, &dirs, &machine);
    let ours = write_cache(&found.entries, Endian::Little, &generator);

    let cache = temp.path().join("etc/ld.so.cache");
    let output = Command::new(LDCONFIG).arg("-r").arg(temp.path()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let theirs = std::fs::read(cache).unwrap();
    let entries = |bytes: &[u8]| read_cache(bytes, Endian::Little).unwrap();
    assert!(entries(&theirs).len() > 20);
    assert_eq!(entries(&ours), entries(&theirs));
    assert!(ours == theirs, "the entries agree, but not the bytes");
    for (link, target) in &found.links {
        let made = std::fs::read_link(temp.path().join(link.relative())).unwrap();
        assert_eq!(made.to_str().unwrap(), target, "{link}");
    }
    let links: Vec<&str> = found.links.iter().map(|(link, _)| link.as_str()).collect();
    assert_eq!(links, ["/opt/lonely/libz.so.1"]);
}
