//! Object stores of the tests' own, on this machine: one that speaks S3 (moto) and one that speaks Azure's (azurite).

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::workshop::{Workshop, limited, ok, peers_folder, repository, skipped};

/// How long a server may take to be there.
const PATIENCE: Duration = Duration::from_secs(60);

/// A server; dropping it ends it.
pub struct Server {
    child: Child,
    log: PathBuf,
    /// `http://127.0.0.1:PORT`
    pub url: String,
}

impl Server {
    /// One that speaks S3; says so and gives nothing where there is none.
    pub fn s3(workshop: &Workshop) -> Option<Self> {
        let program = installed("moto/bin/moto_server")?;
        Some(Self::start(workshop, Command::new(program).args(["-H", "127.0.0.1", "-p", "0"]), "Running on "))
    }

    /// One that speaks Azure's protocol.
    pub fn azure(workshop: &Workshop) -> Option<Self> {
        let program = installed("azurite/node_modules/azurite/dist/src/blob/main.js")?;
        let options =
            ["--inMemoryPersistence", "--skipApiVersionCheck", "--disableTelemetry", "--blobPort", "0"];
        Some(Self::start(
            workshop,
            Command::new("node").arg(program).args(options),
            "successfully listens on ",
        ))
    }

    fn start(workshop: &Workshop, command: &mut Command, ready: &str) -> Self {
        let log = workshop.path("server.log");
        let file = File::create(&log).unwrap();
        command.current_dir(workshop.path("")).stdin(Stdio::null());
        let child = command.stdout(file.try_clone().unwrap()).stderr(file).spawn().unwrap();
        let mut server = Server { child, log, url: String::new() };
        let start = Instant::now();
        while server.url.is_empty() {
            assert!(start.elapsed() < PATIENCE, "{}", server.log());
            sleep(Duration::from_millis(50));
            let text = server.log();
            let url = text.split_once(ready).and_then(|(_, rest)| rest.split_once('\n'));
            server.url = url.map(|(url, _)| url.trim().to_owned()).unwrap_or_default();
        }
        server
    }

    /// What it has said.
    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap()
    }

    /// The requests that it has answered since it had said so much.
    pub fn requests(&self, since: usize) -> Vec<String> {
        let log = self.log();
        let lines = log.get(since..).unwrap_or_default().lines();
        lines.filter_map(|line| Some(line.split_once("] \"")?.1.split_once(" HTTP/")?.0.to_owned())).collect()
    }

    /// Makes an S3 bucket.
    pub fn make_bucket(&self, name: &str) {
        ok(limited("curl").args(["-sf", "-X", "PUT", &format!("{}/{name}", self.url)]));
    }

    /// An object of S3, as whoever asks for it gets it.
    pub fn object(&self, path: &str, to: &std::path::Path) {
        ok(limited("curl").args(["-sf", &format!("{}/{path}", self.url), "-o"]).arg(to));
    }

    /// Gives a command what it needs to use this server as S3.
    pub fn use_as_s3<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        command.env("AWS_ENDPOINT_URL", &self.url).env("AWS_ALLOW_HTTP", "true");
        command.env("AWS_ACCESS_KEY_ID", "key").env("AWS_SECRET_ACCESS_KEY", "a-secret")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn installed(path: &str) -> Option<PathBuf> {
    let program = repository().join("target/peers").join(path);
    if peers_folder().is_none() {
        skipped("run by `cargo xtask test` only");
    } else if !program.exists() {
        skipped(&format!("{} is not installed", program.display()));
    } else {
        return Some(program);
    }
    None
}
