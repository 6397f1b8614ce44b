//! A server that answers what a test has written down, request by request.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// What a request is answered with.
#[derive(Clone)]
pub struct Answer {
    status: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    then: Then,
}

#[derive(Clone, Copy, PartialEq)]
enum Then {
    Close,
    /// Says nothing more, and keeps the connection.
    Stall,
    /// Sends the body again and again.
    Repeat,
    /// Sends the body byte by byte, in no hurry.
    Drip,
}

impl Answer {
    pub fn new(status: &str) -> Self {
        Answer { status: status.into(), headers: vec![], body: vec![], then: Then::Close }
    }

    pub fn ok(body: &[u8]) -> Self {
        Answer::new("200 OK").with("Content-Length", &body.len().to_string()).sending(body)
    }

    /// The rest of a whole from some byte.
    pub fn rest(whole: &[u8], from: usize) -> Self {
        let range = format!("bytes {from}-{}/{}", whole.len() - 1, whole.len());
        let rest = &whole[from..];
        let length = rest.len().to_string();
        Answer::new("206 Partial Content")
            .with("Content-Range", &range)
            .with("Content-Length", &length)
            .sending(rest)
    }

    pub fn redirect(to: &str) -> Self {
        Answer::new("302 Found").with("Location", to).with("Content-Length", "0")
    }

    pub fn chunked(parts: &[&[u8]], ended: bool) -> Self {
        let mut body = vec![];
        for part in parts {
            body.extend(format!("{:x}\r\n", part.len()).bytes());
            body.extend(*part);
            body.extend(b"\r\n");
        }
        if ended {
            body.extend(b"0\r\n\r\n");
        }
        Answer::new("200 OK").with("Transfer-Encoding", "chunked").sending(&body)
    }

    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// With another body, whatever the headers say.
    pub fn sending(mut self, body: &[u8]) -> Self {
        self.body = body.into();
        self
    }

    /// With no more than the first bytes of its body.
    pub fn cut(mut self, len: usize) -> Self {
        self.body.truncate(len);
        self
    }

    pub fn stalling(mut self) -> Self {
        self.then = Then::Stall;
        self
    }

    pub fn dripping(mut self) -> Self {
        self.then = Then::Drip;
        self
    }

    pub fn repeating(mut self) -> Self {
        self.then = Then::Repeat;
        self
    }

    pub fn write(&self, out: &mut impl Write) -> std::io::Result<()> {
        let mut head = format!("HTTP/1.1 {}\r\nConnection: close\r\n", self.status);
        for (name, value) in &self.headers {
            head += &format!("{name}: {value}\r\n");
        }
        out.write_all(head.as_bytes())?;
        out.write_all(b"\r\n")?;
        if self.then == Then::Drip {
            for byte in self.body.chunks(1) {
                out.write_all(byte)?;
                out.flush()?;
                thread::sleep(Duration::from_millis(20));
            }
            return Ok(());
        }
        out.write_all(&self.body)?;
        out.flush()?;
        match self.then {
            Then::Close | Then::Drip => {}
            Then::Stall => thread::sleep(Duration::from_secs(5)),
            Then::Repeat => loop {
                out.write_all(&self.body)?;
            },
        }
        Ok(())
    }
}

pub struct Server {
    port: u16,
    requests: Arc<Mutex<Vec<String>>>,
    bodies: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Server {
    /// A server that gives these answers in order, and then says that it has no more.
    pub fn new(script: Vec<Answer>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let requests = Arc::new(Mutex::new(vec![]));
        let heard = Arc::clone(&requests);
        let bodies = Arc::new(Mutex::new(vec![]));
        let taken = Arc::clone(&bodies);
        thread::spawn(move || {
            let mut script = script.into_iter();
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let answer = script.next().unwrap_or_else(|| Answer::new("418 The script is over"));
                let (heard, taken) = (Arc::clone(&heard), Arc::clone(&taken));
                thread::spawn(move || {
                    let head = head(&mut stream);
                    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
                    let length = length.map_or(0, |length| length.parse().unwrap());
                    heard.lock().unwrap().push(head);
                    let mut body = vec![];
                    let _ = (&mut stream).take(length).read_to_end(&mut body);
                    taken.lock().unwrap().push(body);
                    let _ = answer.write(&mut stream);
                });
            }
        });
        Server { port, requests, bodies }
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// The heads of the requests by now.
    pub fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }

    /// The bodies of the requests by now, as far as they came.
    pub fn bodies(&self) -> Vec<Vec<u8>> {
        self.bodies.lock().unwrap().clone()
    }

    /// What each request had in a header.
    pub fn sent(&self, name: &str) -> Vec<Option<String>> {
        let value = |head: &String| {
            let mut lines = head.lines().filter_map(|line| line.split_once(": "));
            lines.find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value.to_owned())
        };
        self.requests().iter().map(value).collect()
    }
}

/// Reads the head of a request.
pub fn head(stream: &mut impl Read) -> String {
    let mut head = vec![];
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap_or(0) == 1 {
        head.push(byte[0]);
    }
    String::from_utf8(head).unwrap()
}
