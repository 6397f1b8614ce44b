//! A PostgreSQL server of this machine, which listens at a socket only.

use crate::workshop::{Workshop, at_hand, limited, ok, skipped};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// A server with a database `shop` of the role `shop`, without passwords; it ends with the value.
pub struct Postgres {
    bin: PathBuf,
    data: PathBuf,
    /// The folder of the socket.
    pub socket: PathBuf,
}

impl Postgres {
    /// None, with a word on why, where this machine has no PostgreSQL.
    pub fn start(workshop: &Workshop) -> Option<Self> {
        if !at_hand(&["root", "runuser"]) {
            return None;
        }
        let bin = programs()?;
        let (data, socket) = (workshop.open_folder("data"), workshop.open_folder("socket"));
        ok(limited("chown").arg("postgres").args([&data, &socket]));
        let server = Postgres { bin, data: data.join("db"), socket };
        ok(server.program("initdb").args(["--auth=trust", "--username=postgres", "-D"]).arg(&server.data));
        let options =
            format!("-c listen_addresses='' -c unix_socket_directories={}", server.socket.display());
        ok(server.control().args(["-w", "-o", &options, "-l"]).arg(data.join("log")).arg("start"));
        for text in ["create role shop login", "create database shop owner shop"] {
            ok(server.program("psql").arg("-h").arg(&server.socket).args(["-U", "postgres", "-c", text]));
        }
        Some(server)
    }

    fn control(&self) -> Command {
        let mut command = self.program("pg_ctl");
        command.arg("-D").arg(&self.data);
        command
    }

    fn program(&self, name: &str) -> Command {
        let mut command = limited("runuser");
        command.args(["-u", "postgres", "--"]).arg(self.bin.join(name)).current_dir(Path::new("/"));
        command
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        let _ = self.control().args(["-m", "immediate", "stop"]).output();
    }
}

/// Where PostgreSQL's programs are, if the machine has them.
fn programs() -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let found = versions.map(|version| version.path().join("bin")).find(|bin| bin.join("initdb").is_file());
    if found.is_none() {
        skipped("PostgreSQL is not installed");
    }
    found
}
