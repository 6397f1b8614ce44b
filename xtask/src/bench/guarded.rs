//! A server that runs while something is measured.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::step::{Outcome, shown};

/// Runs a server until standard input ends: our end of the pipe closes when we do, however we end.
const GUARD: &str = r#"
"$@" </dev/null &
server=$!
cat
kill "$server"
wait "$server"
"#;

/// The server; dropping it ends it.
pub struct Guarded {
    guard: Child,
    name: String,
}

impl Guarded {
    /// Starts a server that is to listen at `address`, and waits until it does.
    pub fn start(server: &Command, address: SocketAddr) -> Outcome<Self> {
        let name = shown(server);
        let guard = Command::new("sh")
            .args(["-c", GUARD, "sh"])
            .arg(server.get_program())
            .args(server.get_args())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // An interrupt from the terminal is for us alone.
            .process_group(0)
            .spawn()
            .map_err(|error| format!("{name}: {error}"))?;
        let started = Self { guard, name };
        for _ in 0..100 {
            if TcpStream::connect(address).is_ok() {
                return Ok(started);
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        Err(format!("{}: it does not listen at {address}", started.name))
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        drop(self.guard.stdin.take());
        if let Err(error) = self.guard.wait() {
            eprintln!("{}: {error}", self.name);
        }
    }
}

/// An address of this machine that was free a moment ago.
pub fn free_address() -> Outcome<SocketAddr> {
    let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    free.map_err(|error| format!("127.0.0.1: {error}"))
}
