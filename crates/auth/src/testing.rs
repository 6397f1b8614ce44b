//! A server that a test answers for, and a clock that a test moves.

#![allow(clippy::unwrap_used, clippy::panic)]

use fetch::{Client, Options, Pace, Wait};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A request.
#[derive(Debug, Clone)]
pub struct Request {
    pub method: String,
    pub path: String,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

/// Status, body.
pub type Answer = (u16, String);

pub struct Server {
    pub host: String,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl Server {
    pub fn new(answer: impl Fn(&Request) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let host = listener.local_addr().unwrap().to_string();
        let requests = Arc::new(Mutex::new(vec![]));
        let (heard, answer) = (Arc::clone(&requests), Arc::new(answer));
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (heard, answer) = (Arc::clone(&heard), Arc::clone(&answer));
                thread::spawn(move || {
                    let mut stream = stream.unwrap();
                    let request = read(&mut BufReader::new(&stream));
                    let (status, body) = answer(&request);
                    heard.lock().unwrap().push(request);
                    // A redirect's body is where it leads.
                    let location =
                        if status == 307 { format!("Location: {body}\r\n") } else { String::new() };
                    let head = format!("HTTP/1.1 {status} X\r\nConnection: close\r\n{location}");
                    let _ = write!(stream, "{head}Content-Length: {}\r\n\r\n{body}", body.len());
                });
            }
        });
        Server { host, requests }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.host)
    }

    pub fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }
}

impl Request {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| &**value)
    }

    /// The parameters of the query, or of a form.
    pub fn fields(&self) -> Vec<(String, String)> {
        let query = self.path.split_once('?').map_or("", |(_, query)| query);
        let text = if self.method == "POST" { &*self.body } else { query };
        form_urlencoded::parse(text.as_bytes()).into_owned().collect()
    }

    pub fn field(&self, name: &str) -> Option<String> {
        self.fields().into_iter().find(|(found, _)| found == name).map(|(_, value)| value)
    }
}

fn read(stream: &mut impl BufRead) -> Request {
    let mut line = String::new();
    stream.read_line(&mut line).unwrap();
    let mut words = line.split(' ').map(String::from);
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let mut headers = vec![];
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).unwrap();
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        headers.push((name.to_owned(), value.to_owned()));
    }
    let mut request = Request { method, path, headers, body: String::new() };
    let len = request.header("content-length").map_or(0, |len| len.parse().unwrap());
    stream.take(len).read_to_string(&mut request.body).unwrap();
    request
}

/// A clock that a test moves.
#[derive(Default)]
pub struct Clock(Mutex<u64>);

impl Clock {
    pub fn pass(&self, seconds: u64) {
        *self.0.lock().unwrap() += seconds;
    }
}

impl Pace for Clock {
    fn wait(&self, _: Duration) -> Wait {
        Box::pin(std::future::ready(()))
    }

    fn now(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(1_440_938_160 + *self.0.lock().unwrap())
    }

    fn chance(&self) -> f64 {
        1.0
    }
}

/// A client for which these hosts may do without TLS.
pub fn client(clock: &Arc<Clock>, insecure: &[&str]) -> Client {
    let insecure = insecure.iter().map(|host| (*host).into()).collect();
    Client::new(Options { proxies: false, insecure, pace: Arc::<Clock>::clone(clock), ..Options::default() })
}
