//! As much of HTTP as servers of the tests' own need: each connection carries one request.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// No head of a request may be longer.
const MAX_HEAD: usize = 64 << 10;
/// Nobody is silent for longer.
const PATIENCE: Duration = Duration::from_secs(60);

/// A server on a port of 127.0.0.1 that the kernel chose; dropping it ends it.
pub struct Listener {
    address: SocketAddr,
    ended: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Listener {
    /// Gives each connection, on a thread of its own, to `serve`. What goes wrong there ends the connection.
    pub fn start(serve: impl Fn(TcpStream) -> io::Result<()> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let ended = Arc::new(AtomicBool::new(false));
        let (serve, is_over) = (Arc::new(serve), ended.clone());
        let thread = thread::spawn(move || {
            for stream in listener.incoming() {
                if is_over.load(Ordering::Relaxed) {
                    return;
                }
                let (Ok(stream), serve) = (stream, serve.clone()) else { continue };
                thread::spawn(move || stream.set_read_timeout(Some(PATIENCE)).and_then(|()| serve(stream)));
            }
        });
        Self { address, ended, thread: Some(thread) }
    }

    /// `127.0.0.1:PORT`.
    pub fn address(&self) -> String {
        self.address.to_string()
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
        // Wakes it up.
        drop(TcpStream::connect(self.address));
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }
}

/// What comes before the body of a request.
pub struct Head {
    pub method: String,
    /// Path and query.
    pub target: String,
    pub headers: Vec<(String, String)>,
    /// What of the body has arrived with it.
    pub after: Vec<u8>,
}

impl Head {
    /// Reads the head of a request. A client that speaks TLS is told that we do not, as servers in Go do it.
    pub fn read(stream: &mut TcpStream) -> io::Result<Self> {
        let mut bytes = vec![];
        let end = loop {
            if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
                break end;
            }
            let mut part = [0; 4096];
            let got = stream.read(&mut part)?;
            bytes.extend_from_slice(&part[..got]);
            if bytes.first() == Some(&0x16) {
                answer(stream, "400 Bad Request", &[], b"not TLS")?;
                return Err(io::Error::other("TLS"));
            }
            if got == 0 || bytes.len() > MAX_HEAD {
                return Err(io::Error::other("no request"));
            }
        };
        let text = String::from_utf8_lossy(&bytes[..end]).into_owned();
        let mut lines = text.split("\r\n");
        let mut words = lines.next().unwrap_or_default().split(' ').map(str::to_owned);
        let header =
            |line: &str| line.split_once(": ").map(|(name, value)| (name.to_lowercase(), value.to_owned()));
        Ok(Self {
            method: words.next().unwrap_or_default(),
            target: words.next().unwrap_or_default(),
            headers: lines.filter_map(header).collect(),
            after: bytes[end + 4..].to_vec(),
        })
    }

    /// A header, by its name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The head once more, for another server; the connection to it carries this request only.
    pub fn bytes(&self) -> Vec<u8> {
        let mut text = format!("{} {} HTTP/1.1\r\n", self.method, self.target);
        for (name, value) in self.headers.iter().filter(|(name, _)| name != "connection") {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        text.push_str("connection: close\r\n\r\n");
        text.into_bytes()
    }

    /// How long the body is; none if only its end will tell.
    pub fn length(&self) -> Option<usize> {
        match self.header("transfer-encoding") {
            Some(_) => None,
            None => Some(self.header("content-length").and_then(|text| text.parse().ok()).unwrap_or(0)),
        }
    }

    /// The whole body; it must have a length.
    pub fn body(&self, stream: &mut TcpStream) -> io::Result<Vec<u8>> {
        let length = self.length().ok_or_else(|| io::Error::other("no length"))?;
        let mut body = self.after.clone();
        stream.take(length.saturating_sub(body.len()) as u64).read_to_end(&mut body)?;
        Ok(body)
    }
}

/// Answers, and ends the connection when the client has seen it.
pub fn answer(stream: &mut TcpStream, status: &str, headers: &[(&str, &str)], body: &[u8]) -> io::Result<()> {
    let mut head = format!("HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {}\r\n", body.len());
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    stream.write_all(format!("{head}\r\n").as_bytes())?;
    stream.write_all(body)?;
    stream.shutdown(Shutdown::Write)?;
    // Closing it with bytes unread would tear the answer down.
    io::copy(stream, &mut io::sink()).map(|_| ())
}

/// Makes a request, and gives status and body of the answer.
pub fn request(address: &str, method: &str, target: &str, body: &[u8]) -> (u16, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    let head = format!(
        "{method} {target} HTTP/1.0\r\nhost: {address}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(body).unwrap();
    let mut answer = vec![];
    stream.read_to_end(&mut answer).unwrap();
    let answer = String::from_utf8(answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
}
