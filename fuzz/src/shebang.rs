//! The first line of a script, and what `env` makes of it.

use crate::machine::list;
use elf::{env_program, services, shebang};
use std::fs::File;
use std::io::Read;

/// As many scripts of the machine are seeds.
const SCRIPTS: usize = 40;

/// Reads the line, and the bytes as an `nsswitch.conf` beside.
pub fn run(bytes: &[u8]) {
    if let Some(found) = shebang(bytes) {
        assert!(bytes.starts_with(b"#!"));
        assert!(!found.interpreter.is_empty() && !found.interpreter.contains([' ', '\t', '\n', '\0']));
        if let Some(argument) = &found.argument {
            assert!(!argument.is_empty() && !argument.contains(['\n', '\0']));
            assert_eq!(argument.trim_matches([' ', '\t']), argument);
        }
        if let Some(program) = env_program(&found) {
            assert!(!program.is_empty(), "env of nothing: {found:?}");
            assert!(found.interpreter.ends_with("env"));
        }
        // What lies beyond the buffer of the kernel is as if it were not there.
        assert_eq!(shebang(&bytes[..bytes.len().min(256)]), Some(found));
    }
    let services = services(&String::from_utf8_lossy(bytes));
    assert!(services.iter().all(|name| !name.is_empty() && !name.contains(['/', '[', ' '])));
}

/// Lines as people write them, and the first lines of scripts of the machine.
pub fn seeds() -> Vec<Vec<u8>> {
    let lines = [
        "#!/bin/sh\n",
        "#! /usr/bin/perl -w\t \n",
        "#!/usr/bin/env python3\n",
        "#!/usr/bin/env -S A=1 'node' --flag \"a b\\\" c\"\n",
        "#!/usr/bin/env -i -u HOME -C / --argv0=x -- B=2 bash\n",
        "#!/usr/bin/env --split-string=ruby -x\n",
        "#!/usr/bin/env -vSdeno\n",
        "passwd: files [!NOTFOUND=return] systemd\nhosts:\tdns[SUCCESS=merge]mdns4 # all\n",
    ];
    let mut seeds = lines.map(|line| line.as_bytes().to_vec()).to_vec();
    let long = format!("#!/usr/bin/env {}\n", "x".repeat(300));
    seeds.push(long.into_bytes());
    let head = |path| {
        let mut head = vec![];
        File::open(path).ok()?.take(300).read_to_end(&mut head).ok()?;
        head.starts_with(b"#!").then_some(head)
    };
    seeds.extend(list("/usr/bin").into_iter().filter_map(head).take(SCRIPTS));
    seeds
}
