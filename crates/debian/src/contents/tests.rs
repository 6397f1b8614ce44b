use super::*;
use std::io::{self, Read};

const AMD64: &str = "\
This file maps each file available in the Debian system to the package from\n\
which it originates.\n\n\
FILE                                                    LOCATION\n\
bin                                                     admin/base-files\n\
bin/sh                                                  shells/dash\n\
etc/ld.so.conf                                          libs/libc-bin\n\
lib/x86_64-linux-gnu/libc.so.6                          libs/libc6\n\
lib/x86_64-linux-gnu/libz.so.1                          libs/zlib1g\n\
lib32/libc.so.6\t\t\t\t\tlibs/libc6-i386\n\
lib64/ld-linux-x86-64.so.2                              libs/libc6\n\
libx32/libc.so.6                                        libs/libc6-x32\n\
usr/bin/awk me                                          utils/odd,contrib/utils/odder,non-free/utils/odd\n\
usr/bin/dir/x                                           utils/deep\n\
usr/games/fortune                                       games/fortune-mod\n\
usr/include/libpq.so.5                                  libdevel/libpq-dev\n\
usr/lib/debug/libpq.so.5                                debug/libpq5-dbg\n\
usr/lib/jvm/java/lib/libjvm.so                          java/jre\n\
usr/lib/libodd.so                                       libs/libodd\n\
usr/lib/x86_64-linux-gnu/debug/libstdc++.so.6           debug/libstdc++6-12-dbg\n\
usr/lib/x86_64-linux-gnu/genwqe/libz.so.1               libs/libzadc4\n\
usr/lib/x86_64-linux-gnu/glibc-hwcaps/x86-64-v3/libz.so.1 libs/zlib1g\n\
usr/lib/x86_64-linux-gnu/libGL.so.1                     libs/libgl1,libs/libgl1-nvidia\n\
usr/lib/x86_64-linux-gnu/libc.so.6                      libs/libc6-other\n\
usr/lib/x86_64-linux-gnu/libpq.a                        libdevel/libpq-dev\n\
usr/lib/x86_64-linux-gnu/libpq.so                       libdevel/libpq-dev\n\
usr/lib/x86_64-linux-gnu/libpq.so.5                     libs/libpq5\n\
usr/lib/x86_64-linux-gnu/libpython3.11.so.1.0           libs/libpython3.11\n\
usr/lib/x86_64-linux-gnu/libssl.so.3                    libs/a-static-copy,libs/libssl3t64,libdevel/libssl-dev\n\
usr/lib/x86_64-linux-gnu/libstdc++.so.6                 libs/libstdc++6\n\
usr/lib/x86_64-linux-gnu/perl/auto.so                   perl/perl\n\
usr/lib/x86_64-linux-gnu/primus/libGL.so.1              utils/primus-libs\n\
usr/lib32/libstdc++.so.6                                libs/lib32stdc++6\n\
usr/local/bin/x                                         utils/local\n\
usr/sbin/ldconfig                                       admin/libc-bin\n\
usr/share/lib/libx.so.1                                 libs/elsewhere\n\
usr/lib/../lib/libx.so.1                                libs/elsewhere\n\
usr/x86_64-linux-gnu/lib/libc.so.6                      libs/libc6-amd64-cross\n";

fn contents() -> Contents {
    Contents::read(AMD64.as_bytes()).unwrap()
}

fn found(contents: &Contents, soname: &str) -> Vec<String> {
    let line = |candidate: Candidate| format!("{} {}", candidate.package, candidate.path);
    contents.libraries(soname).into_iter().map(line).collect()
}

fn path(text: &str) -> TreePath {
    TreePath::parse(text).unwrap()
}

#[test]
fn libraries_are_found_the_likeliest_first() {
    const LIB: &str = "/usr/lib/x86_64-linux-gnu";
    for (soname, want) in [
        ("libpq.so.5", vec![format!("libpq5 {LIB}/libpq.so.5")]),
        (
            "libc.so.6",
            vec![
                format!("libc6 {LIB}/libc.so.6"),
                format!("libc6-other {LIB}/libc.so.6"),
                "libc6-i386 /usr/lib32/libc.so.6".into(),
                "libc6-x32 /usr/libx32/libc.so.6".into(),
            ],
        ),
        ("libz.so.1", vec![format!("zlib1g {LIB}/libz.so.1"), format!("libzadc4 {LIB}/genwqe/libz.so.1")]),
        (
            "libGL.so.1",
            vec![
                format!("libgl1 {LIB}/libGL.so.1"),
                format!("libgl1-nvidia {LIB}/libGL.so.1"),
                format!("primus-libs {LIB}/primus/libGL.so.1"),
            ],
        ),
        (
            "libssl.so.3",
            vec![
                format!("libssl3t64 {LIB}/libssl.so.3"),
                format!("a-static-copy {LIB}/libssl.so.3"),
                format!("libssl-dev {LIB}/libssl.so.3"),
            ],
        ),
        (
            "libstdc++.so.6",
            vec![
                format!("libstdc++6 {LIB}/libstdc++.so.6"),
                "lib32stdc++6 /usr/lib32/libstdc++.so.6".into(),
                format!("libstdc++6-12-dbg {LIB}/debug/libstdc++.so.6"),
            ],
        ),
        ("libpython3.11.so.1.0", vec![format!("libpython3.11 {LIB}/libpython3.11.so.1.0")]),
        ("ld-linux-x86-64.so.2", vec!["libc6 /usr/lib64/ld-linux-x86-64.so.2".into()]),
        ("libodd.so", vec!["libodd /usr/lib/libodd.so".into()]),
        ("libx.so.1", vec![]),
        ("libjvm.so", vec![]),
        ("libpq.a", vec![]),
        ("auto.so", vec![]),
        ("../libpq.so.5", vec![]),
        ("", vec![]),
    ] {
        assert_eq!(found(&contents(), soname), want, "{soname}");
    }
}

#[test]
fn packages_are_found_by_path() {
    for (at, want) in [
        ("/bin/sh", &["dash"][..]),
        ("/usr/bin/sh", &["dash"]),
        ("/usr/bin/awk me", &["odd", "odder"]),
        ("/usr/games/fortune", &["fortune-mod"]),
        ("/sbin/ldconfig", &["libc-bin"]),
        ("/lib64/ld-linux-x86-64.so.2", &["libc6"]),
        ("/lib/x86_64-linux-gnu/libc.so.6", &["libc6", "libc6-other"]),
        ("/usr/lib/x86_64-linux-gnu/libpq.so", &["libpq-dev"]),
        ("/games/fortune", &[]),
        ("/usr/bin/dir/x", &[]),
        ("/usr/lib/x86_64-linux-gnu/glibc-hwcaps/x86-64-v3/libz.so.1", &[]),
        ("/etc/ld.so.conf", &[]),
        ("/usr/bin", &[]),
        ("/bin", &[]),
        ("/", &[]),
    ] {
        assert_eq!(contents().owners(&path(at)), want, "{at}");
    }
}

#[test]
fn several_parts_are_searched_at_once() {
    let (one, other) = (
        contents(),
        Contents::read(&b"usr/lib/libpq.so.5 libs/libpq5\n./lib/libpq.so.5 a/libpq5,a/b\n"[..]).unwrap(),
    );
    let packages: Vec<String> = libraries([&other, &one, &one], "libpq.so.5")
        .into_iter()
        .map(|found| format!("{} {}", found.package, found.path))
        .collect();
    assert_eq!(
        packages,
        [
            "libpq5 /usr/lib/libpq.so.5",
            "libpq5 /usr/lib/x86_64-linux-gnu/libpq.so.5",
            "b /usr/lib/libpq.so.5"
        ]
    );
}

#[test]
fn what_is_no_line_is_passed_over() {
    let text =
        b"bin/a\nbin/b \n\nbin/c\xff x/d\n bin/e x/f\nbin/ x/g\nbin/\0 x/h\nbin/i x/j,,k,x/\r\nbin/l x/m";
    let contents = Contents::read(&text[..]).unwrap();
    assert_eq!(contents.len(), 3);
    assert_eq!(contents.owners(&path("/bin/i")), ["j", "k"]);
    assert_eq!(contents.owners(&path("/bin/l")), ["m"]);
    assert!(Contents::read(&b""[..]).unwrap().is_empty());
}

/// A reader that gives a byte at a time, or as many as it is asked for, of something repeated.
struct Endless(&'static [u8], u64);

impl Read for Endless {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let (part, at) = (self.0, self.1 as usize % self.0.len());
        let len = buf.len().min(part.len() - at).min(part.len());
        buf[..len].copy_from_slice(&part[at..at + len]);
        self.1 += len as u64;
        Ok(len)
    }
}

#[test]
fn how_the_bytes_come_makes_no_difference() {
    struct Trickle<'a>(&'a [u8]);
    impl Read for Trickle<'_> {
        fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
            let len = self.0.len().min(buf.len()).min(7);
            buf[..len].copy_from_slice(&self.0[..len]);
            self.0 = &self.0[len..];
            Ok(len)
        }
    }
    assert_eq!(Contents::read(Trickle(AMD64.as_bytes())).unwrap(), contents());
    let mut lines: Vec<&str> = AMD64.lines().collect();
    lines.reverse();
    assert_eq!(Contents::read(lines.join("\n").as_bytes()).unwrap(), contents());
    // A line that is longer than what is read at a time.
    let long = format!("bin/long {}x/last\nbin/next x/y\n", "x/a,".repeat(200_000));
    let contents = Contents::read(long.as_bytes()).unwrap();
    assert_eq!(contents.owners(&path("/bin/long")), ["a", "last"]);
    assert_eq!(contents.owners(&path("/bin/next")), ["y"]);
}

#[test]
fn what_does_not_end_is_refused() {
    let error = Contents::read(Endless(b"usr/share/without/an/end/of/line ", 0)).unwrap_err();
    assert_eq!(error.to_string(), "the Contents file has a line of more than 4194304 bytes");
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::ErrorKind::UnexpectedEof.into())
        }
    }
    let cut = AMD64.as_bytes().chain(Broken);
    assert_eq!(Contents::read(cut).unwrap_err().to_string(), "cannot read the Contents file");
}

#[test]
fn contents_are_written_and_read() {
    let odd = Contents::read("bin/b\u{e4} x/a\nbin/b\u{e5}x x/b\nbin/b\u{e5} x/a,x/b\n".as_bytes()).unwrap();
    for contents in [contents(), odd, Contents::default()] {
        let bytes = contents.to_bytes();
        let read = Contents::from_bytes(&bytes).unwrap();
        assert_eq!(read.to_bytes(), bytes);
        assert_eq!(found(&read, "libc.so.6"), found(&contents, "libc.so.6"));
        assert_eq!(read.owners(&path("/bin/b\u{e5}")), contents.owners(&path("/bin/b\u{e5}")));
        assert_eq!(read.len(), contents.len());
        for len in 0..bytes.len() {
            assert_eq!(Contents::from_bytes(&bytes[..len]), Err(DecodeError), "{len}");
        }
        assert_eq!(Contents::from_bytes(&[&bytes[..], b"\0"].concat()), Err(DecodeError));
    }
}

#[test]
fn damaged_contents_do_no_harm() {
    let bytes = contents().to_bytes();
    for at in 0..bytes.len() {
        for change in [0x01, 0x02, 0x40, 0x80, 0xff] {
            let mut changed = bytes.clone();
            changed[at] ^= change;
            let Ok(read) = Contents::from_bytes(&changed) else { continue };
            let _ = (found(&read, "libc.so.6"), read.owners(&path("/bin/sh")));
            // What is read at all is in order, so that it is found.
            assert_eq!(Contents::from_bytes(&read.to_bytes()).as_ref(), Ok(&read));
        }
    }
    // A name that is all prefix, again and again.
    let bomb = [&bytes[..12], &[0, 0, 200, 1][..]].concat();
    assert_eq!(Contents::from_bytes(&bomb), Err(DecodeError));
}
