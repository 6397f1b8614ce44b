//! Toxiproxy: connections that are slow, or end when they should not.

use std::net::TcpListener;
use std::process::Command;
use std::thread::sleep;
use std::time::Duration;

use serde_json::{Value, json};

use super::http::request;
use super::process::Process;
use crate::workshop::{Workshop, find};

/// A running server, that may have any number of proxies; dropping it ends it.
pub struct Toxiproxy {
    api: String,
    _process: Process,
    _workshop: Workshop,
}

/// One of its proxies.
pub struct Line<'a> {
    of: &'a Toxiproxy,
    name: String,
    /// `127.0.0.1:PORT`.
    pub address: String,
}

impl Toxiproxy {
    pub fn start() -> Self {
        let workshop = Workshop::new();
        // It does not say which port it was given: one that was free a moment ago.
        let api = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let mut serve = Command::new(find("toxiproxy").unwrap());
        serve.args(["-host", "127.0.0.1", "-port", &api.port().to_string()]);
        let process = Process::start(&serve, &workshop.path("log"));
        let is_up = |_: &u32| {
            sleep(Duration::from_millis(10));
            std::net::TcpStream::connect(api).is_ok()
        };
        assert!((0..500).any(|round| is_up(&round)), "toxiproxy does not answer");
        Self { api: api.to_string(), _process: process, _workshop: workshop }
    }

    /// A proxy before a server.
    pub fn before(&self, server: &str, name: &str) -> Line<'_> {
        let wanted = json!({"name": name, "listen": "127.0.0.1:0", "upstream": server, "enabled": true});
        let made = self.post("/proxies", &wanted);
        Line { of: self, name: name.to_owned(), address: made["listen"].as_str().unwrap().to_owned() }
    }

    fn post(&self, path: &str, wanted: &Value) -> Value {
        let (status, body) = request(&self.api, "POST", path, wanted.to_string().as_bytes());
        assert!((200..300).contains(&status), "{path} {wanted}: {status} {body}");
        serde_json::from_str(&body).unwrap()
    }
}

impl Line<'_> {
    /// Puts something into the way, `upstream` to the registry or `downstream` from it.
    pub fn add(&self, toxic: &str, stream: &str, attributes: &Value) {
        let wanted = json!({"name": format!("{toxic}-{stream}"), "type": toxic, "stream": stream, "attributes": attributes});
        self.of.post(&format!("/proxies/{}/toxics", self.name), &wanted);
    }

    /// Takes something out of the way.
    pub fn remove(&self, toxic: &str, stream: &str) {
        let path = format!("/proxies/{}/toxics/{toxic}-{stream}", self.name);
        let (status, body) = request(&self.of.api, "DELETE", &path, b"");
        assert_eq!(status, 204, "{path}: {body}");
    }
}
