//! `ld.so.conf`, with the files it includes: NULs in the input part them.

use crate::machine::{files, list};
use elf::ld_so_conf;
use elf::testing::{link, text};
use tree::{Tree, TreePath};

/// Where the parts of the input stand; what is left over stands in the last.
const FILES: [&str; 6] = [
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d/a.conf",
    "/etc/ld.so.conf.d/b.conf",
    "/etc/ld.so.conf.d/.c.conf",
    "/etc/a",
    "/opt/lib/conf/d[x]",
];
/// The largest file of the machine that is a seed, in bytes.
const LARGEST: usize = 4096;

/// Reads a configuration of up to six files, with links among them.
pub fn run(bytes: &[u8]) {
    let mut tree = Tree::new();
    for (path, part) in FILES.iter().zip(bytes.splitn(FILES.len(), |byte| *byte == 0)) {
        text(&mut tree, path, part);
    }
    link(&mut tree, "/etc/ld.so.conf.d/link.conf", "../a");
    link(&mut tree, "/etc/ld.so.conf.d/loop.conf", "loop.conf");
    link(&mut tree, "/etc/up", "..");
    let start = TreePath::root().join(FILES[0]).unwrap_or_else(|_| TreePath::root());
    let conf = ld_so_conf(&tree, &start);
    assert!(conf.files.len() <= FILES.len(), "a file is read twice: {:?}", conf.files);
    assert_eq!(conf.files.first(), Some(&start));
    // The one thing that can go wrong is the link in circles.
    for problem in &conf.problems {
        assert!(problem.to_string().contains("symbolic links"), "{problem}");
    }
}

/// Configurations as distributions have them, and that of the machine.
pub fn seeds() -> Vec<Vec<u8>> {
    let text = [
        "include ld.so.conf.d/*.conf\n/usr/local/lib # own\0/a\ninclude /etc/a\0/b=libc6\nhwcap 0 x",
        "include /etc/*/[!.]*.con? /etc/up/etc/ld.so.conf\0include *\0include ../*/*\0/c\0/d\0/e",
        "include\t/opt/*/*/d[[]*]\n/opt/../lib\r\n  /x y \0\0\0\0\0include d*",
        "include up/up/up/etc/*/*\ninclude /etc/ld.so.conf.d/l*",
    ];
    let own = [list("/etc/ld.so.conf.d"), vec!["/etc/ld.so.conf".into()]].concat();
    let mut seeds = text.map(|text| text.as_bytes().to_vec()).to_vec();
    seeds.extend(files(own, LARGEST));
    seeds
}
