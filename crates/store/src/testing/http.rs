//! As much of HTTP as a registry needs.

use std::collections::BTreeMap;
use std::io::{self, BufRead, Read as _, Write};
use std::thread;
use std::time::Duration;

/// A request.
pub(super) struct Request {
    pub method: String,
    pub path: String,
    pub query: BTreeMap<String, String>,
    /// By names in lower case.
    pub headers: BTreeMap<String, String>,
    pub body: Vec<u8>,
    target: String,
}

impl Request {
    /// Reads all but the body; none at the end of the connection.
    pub fn read_head(reader: &mut impl BufRead) -> Option<Self> {
        let mut lines = vec![];
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).ok()? == 0 {
                return None;
            }
            match line.trim_end() {
                "" => break,
                line => lines.push(line.to_owned()),
            }
        }
        let mut words = lines.first()?.split(' ');
        let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
        let (path, query) = target.split_once('?').unwrap_or((&target, ""));
        let query = query.split('&').filter_map(|pair| pair.split_once('='));
        let decoded = |text: &str| text.replace("%3A", ":").replace("%2F", "/").replace("%2B", "+");
        let headers = lines.iter().skip(1).filter_map(|line| line.split_once(':'));
        Some(Request {
            method,
            path: path.into(),
            query: query.map(|(name, value)| (name.into(), decoded(value))).collect(),
            headers: headers
                .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
                .collect(),
            body: vec![],
            target,
        })
    }

    /// Reads the body, or no more than so many bytes of it.
    pub fn read_body(&mut self, reader: &mut impl BufRead, cut: Option<usize>) {
        let length = self.headers.get("content-length").map_or(0, |length| length.parse().unwrap());
        let length: usize = cut.map_or(length, |cut| cut.min(length));
        let _ = reader.take(length as u64).read_to_end(&mut self.body);
    }

    /// The first line, without the version.
    pub fn line(&self) -> String {
        format!("{} {}", self.method, self.target)
    }
}

/// An answer.
#[derive(Clone)]
pub(super) struct Response {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: Vec<u8>,
    pub cut: Option<usize>,
    pub is_dripping: bool,
    pub is_head: bool,
}

impl Response {
    pub fn new(status: u16) -> Self {
        Response { status, headers: vec![], body: vec![], cut: None, is_dripping: false, is_head: false }
    }

    pub fn error(status: u16, code: &str) -> Self {
        let body = format!("{{\"errors\":[{{\"code\":\"{code}\",\"message\":\"as the test wants it\"}}]}}");
        Response { body: body.into(), ..Response::new(status) }
    }

    /// With a header instead of others of its name; without any, if the value is empty.
    pub fn with(mut self, name: &'static str, value: &str) -> Self {
        self.headers.retain(|(other, _)| !other.eq_ignore_ascii_case(name));
        if !value.is_empty() {
            self.headers.push((name, value.into()));
        }
        self
    }

    /// As an answer to `HEAD`.
    pub fn for_head(self, is_head: bool) -> Self {
        Response { is_head, ..self }
    }

    pub fn write(&self, out: &mut impl Write) -> io::Result<()> {
        let mut head = format!("HTTP/1.1 {} Because\r\n", self.status);
        for (name, value) in &self.headers {
            head += &format!("{name}: {value}\r\n");
        }
        if !self.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-length")) {
            head += &format!("Content-Length: {}\r\n", self.body.len());
        }
        head += "\r\n";
        let body = self.body.get(..self.cut.unwrap_or(self.body.len())).unwrap_or(&self.body);
        if self.is_dripping {
            out.write_all(head.as_bytes())?;
            for byte in body.chunks(1) {
                out.write_all(byte)?;
                thread::sleep(Duration::from_millis(20));
            }
            return Ok(());
        }
        // At once: a second write would wait until the first one has arrived.
        let mut bytes = head.into_bytes();
        if !self.is_head {
            bytes.extend_from_slice(body);
        }
        out.write_all(&bytes)
    }
}
