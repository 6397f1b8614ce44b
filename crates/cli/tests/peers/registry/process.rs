//! A server as a process that ends when nobody needs it any more.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

/// Runs a server until standard input ends. Our end of the pipe closes when we do, however we end.
const GUARD: &str = r#"
"$@" </dev/null &
server=$!
cat
kill "$server"
wait "$server"
"#;

/// A running server; dropping it ends it.
pub struct Process {
    guard: Child,
    log: PathBuf,
}

impl Process {
    /// Starts a server, that writes what it says into a file.
    pub fn start(server: &Command, log: &Path) -> Self {
        let file = File::create(log).unwrap();
        let mut guard = Command::new("sh");
        guard.args(["-c", GUARD, "sh"]).arg(server.get_program()).args(server.get_args());
        guard.envs(server.get_envs().filter_map(|(name, value)| Some((name, value?))));
        guard.stdin(Stdio::piped()).stdout(file.try_clone().unwrap()).stderr(file);
        Self { guard: guard.spawn().unwrap(), log: log.to_path_buf() }
    }

    /// Waits until the server says `mark`, and gives the word after it.
    pub fn word_after(&self, mark: &str) -> String {
        for _ in 0..1000 {
            let said = fs::read_to_string(&self.log).unwrap();
            if let Some((_, rest)) = said.split_once(mark)
                && let Some((word, _)) = rest.split_once([' ', ',', '"', '\n'])
            {
                return word.to_owned();
            }
            sleep(Duration::from_millis(10));
        }
        panic!("no {mark:?} in: {}", fs::read_to_string(&self.log).unwrap());
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.guard.stdin.take());
        self.guard.wait().unwrap();
    }
}
