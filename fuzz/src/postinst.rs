//! Maintainer scripts, followed without being run.

use crate::machine::list;
use debian::testing::read_script;
use std::fs::File;
use std::io::Read;

/// As many scripts of the machine are seeds.
const SCRIPTS: usize = 60;

/// Follows the script; whatever it is left with is a line of it.
pub fn run(bytes: &[u8]) {
    let (_, left) = read_script(bytes);
    let lines = String::from_utf8_lossy(bytes).lines().count().max(1);
    assert!(left.iter().all(|line| (1..=lines).contains(&line.line)), "{left:?}");
}

/// Scripts as debhelper writes them, and those of the machine.
pub fn seeds() -> Vec<Vec<u8>> {
    let scripts = [
        "#!/bin/sh\nset -e\nif [ \"$1\" = configure ]; then\n  ldconfig\nfi\nexit 0\n",
        "#!/bin/sh\nset -e\nupdate-alternatives --install /usr/bin/a a /usr/bin/a.b 10 --slave /x x /y\n",
        "#!/bin/sh\ncase \"$1\" in configure|reconfigure) adduser --system --home /x --group x || true;; *) ;; esac\n",
        "#!/bin/sh\nfor i in a b; do mkdir -p /var/$i && chown root:$i /var/$i; done\ncat <<EOF\nx $i\nEOF\n",
        "#!/bin/sh\nf() { local x; x=$(echo a | sed s/a/b/); ln -sf \"$x\" /etc/${x%b}; }\nf \"$@\"\n",
        "#!/usr/bin/perl\nprint 1;\n",
    ];
    let mut seeds: Vec<Vec<u8>> = scripts.map(|script| script.as_bytes().to_vec()).to_vec();
    let read = |path: std::path::PathBuf| {
        let mut text = vec![];
        File::open(path).ok()?.take(4000).read_to_end(&mut text).ok()?;
        Some(text)
    };
    let scripts = list("/var/lib/dpkg/info").into_iter();
    let scripts = scripts.filter(|path| path.to_string_lossy().ends_with(".postinst"));
    seeds.extend(scripts.filter_map(read).take(SCRIPTS));
    seeds
}
