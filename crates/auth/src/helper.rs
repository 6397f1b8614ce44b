//! Credential helpers: programs that keep credentials for docker and its kin ([the protocol]).
//!
//! [the protocol]: https://github.com/docker/docker-credential-helpers#development

use crate::credential::Credential;
use crate::environment::Environment;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::io::{self, Read, Write};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

/// The most that is read of what a helper says, in bytes.
const MAX_OUTPUT: u64 = 1 << 20;
/// The most letters of it that are shown.
const MAX_SHOWN: usize = 200;
/// The user that stands for an identity token.
pub(crate) const TOKEN_USER: &str = "<token>";

/// A credential helper.
pub(crate) struct Helper<'a> {
    /// Its program.
    pub program: String,
    environment: &'a Environment,
    patience: Duration,
}

/// Why a helper gives nothing.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// There is no such program.
    Absent,
    /// It failed.
    Failed(String),
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Trouble::Absent => f.write_str("there is no such program"),
            Trouble::Failed(reason) => f.write_str(reason),
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Got {
    #[serde(default)]
    username: String,
    secret: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Put<'a> {
    #[serde(rename = "ServerURL")]
    server: &'a str,
    username: &'a str,
    secret: &'a str,
}

impl<'a> Helper<'a> {
    /// The helper of a name that a credential file has.
    ///
    /// # Errors
    /// When it is a path, which would be a program that no search for programs finds.
    pub fn new(name: &str, environment: &'a Environment, patience: Duration) -> Result<Self, Trouble> {
        if name.is_empty() || name.contains(['/', '\0']) {
            return Err(Trouble::Failed("its name is no name of a program".into()));
        }
        Ok(Helper { program: format!("docker-credential-{name}"), environment, patience })
    }

    /// What it has for a server.
    pub fn get(&self, server: &str) -> Result<Option<Credential>, Trouble> {
        let (done, said, words) = self.run("get", server.as_bytes())?;
        if !done {
            let shown = shown(&said, &words);
            return if is_not_found(&shown) { Ok(None) } else { Err(Trouble::Failed(shown)) };
        }
        let wrong = |_| Trouble::Failed("what it says is not the JSON of a user and a secret".into());
        let Got { username, secret } = serde_json::from_slice(&said).map_err(wrong)?;
        Ok(match (&*username, &*secret) {
            (_, "") => None,
            (TOKEN_USER, _) => Some(Credential::Identity(secret)),
            _ => Some(Credential::Basic { user: username, password: secret }),
        })
    }

    /// Gives it something to keep.
    pub fn store(&self, server: &str, username: &str, secret: &str) -> Result<(), Trouble> {
        let put = serde_json::to_vec(&Put { server, username, secret });
        let put = put.map_err(|_| Trouble::Failed("the credentials cannot be written as JSON".into()))?;
        match self.run("store", &put)? {
            (true, ..) => Ok(()),
            (false, said, words) => Err(Trouble::Failed(shown(&said, &words).replace(secret, "***"))),
        }
    }

    /// Makes it forget. Was there something?
    pub fn erase(&self, server: &str) -> Result<bool, Trouble> {
        match self.run("erase", server.as_bytes())? {
            (true, ..) => Ok(true),
            (false, said, words) => {
                let shown = shown(&said, &words);
                if is_not_found(&shown) { Ok(false) } else { Err(Trouble::Failed(shown)) }
            }
        }
    }

    /// Did it succeed, and what did it say on stdout and stderr?
    fn run(&self, action: &str, input: &[u8]) -> Result<(bool, Vec<u8>, Vec<u8>), Trouble> {
        let deadline = Instant::now() + self.patience;
        let mut child = self.start(action).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => Trouble::Absent,
            _ => Trouble::Failed(error.to_string()),
        })?;
        let outputs = (drain(child.stdout.take()), drain(child.stderr.take()));
        if let Some(mut stdin) = child.stdin.take() {
            // One that does not listen says why by how it ends.
            let _ = stdin.write_all(input);
        }
        let finished = finish(&mut child, outputs, deadline);
        if finished.is_none() {
            let _ = child.kill();
            let _ = child.wait();
        }
        finished
            .ok_or_else(|| Trouble::Failed(format!("no answer in {} seconds", self.patience.as_secs_f32())))
    }

    fn start(&self, action: &str) -> io::Result<Child> {
        Command::new(&self.program)
            .arg(action)
            .env_clear()
            .envs(self.environment.all())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
    }
}

/// Reads what a program says, on a thread of its own.
fn drain(output: Option<impl Read + Send + 'static>) -> Receiver<Vec<u8>> {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        let mut bytes = vec![];
        if let Some(output) = output {
            let _ = output.take(MAX_OUTPUT).read_to_end(&mut bytes);
        }
        let _ = sender.send(bytes);
    });
    receiver
}

/// How a program ended, if it does until then.
fn finish(
    child: &mut Child,
    (stdout, stderr): (Receiver<Vec<u8>>, Receiver<Vec<u8>>),
    deadline: Instant,
) -> Option<(bool, Vec<u8>, Vec<u8>)> {
    let left = || deadline.saturating_duration_since(Instant::now());
    let said = stdout.recv_timeout(left()).ok()?;
    let words = stderr.recv_timeout(left()).ok()?;
    loop {
        if let Some(status) = child.try_wait().ok()? {
            return Some((status.success(), said, words));
        }
        if left().is_zero() {
            return None;
        }
        thread::sleep(Duration::from_millis(2));
    }
}

fn is_not_found(said: &str) -> bool {
    said.to_ascii_lowercase().contains("credentials not found")
}

/// The first line of what it said; helpers tell their errors on stdout.
fn shown(said: &[u8], words: &[u8]) -> String {
    let both = [said, words].map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    let line = both.iter().flat_map(|text| text.lines()).map(str::trim).find(|line| !line.is_empty());
    line.map_or_else(|| "it failed without a word".into(), |line| line.chars().take(MAX_SHOWN).collect())
}
