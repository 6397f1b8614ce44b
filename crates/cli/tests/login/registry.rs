//! A registry with one user, `bot`, whose password is `geheim`. It has `acme/shop`, where bot may write, and
//! `acme/closed`, where it may not.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::thread;

/// `bot:geheim` as a request has it.
const BASIC: &str = "Basic Ym90OmdlaGVpbQ==";

/// How it asks.
#[derive(Clone, Copy, PartialEq)]
pub enum Asks {
    Nothing,
    Password,
    Token,
}

pub struct Registry {
    pub host: String,
    heard: Arc<Mutex<Vec<String>>>,
}

impl Registry {
    pub fn new(asks: Asks) -> Self {
        Registry::answering(move |host, line, authorization| answer(asks, host, line, authorization))
    }

    /// One that answers every request with a status and headers.
    pub fn saying(status: u16, headers: &str) -> Self {
        let headers = headers.to_owned();
        Registry::answering(move |_, _, _| (status, headers.clone(), String::new()))
    }

    /// One that is told what to answer by its host, and a request's first line and authorization.
    fn answering(answer: impl Fn(&str, &str, &str) -> (u16, String, String) + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let host = listener.local_addr().unwrap().to_string();
        let heard = Arc::new(Mutex::new(vec![]));
        let (log, name) = (Arc::clone(&heard), host.clone());
        thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let (line, authorization) = read(&mut BufReader::new(&stream));
                log.lock().unwrap().push(line.clone());
                let (status, header, body) = answer(&name, &line, &authorization);
                let len = body.len();
                let head = format!(
                    "HTTP/1.1 {status} X\r\nConnection: close\r\n{header}Content-Length: {len}\r\n\r\n"
                );
                let _ = write!(stream, "{head}{body}");
            }
        });
        Registry { host, heard }
    }

    /// Method and path of each request by now.
    pub fn heard(&self) -> Vec<String> {
        self.heard.lock().unwrap().clone()
    }
}

fn read(stream: &mut impl BufRead) -> (String, String) {
    let mut lines = stream.lines().map_while(Result::ok).take_while(|line| !line.is_empty());
    let first = lines.next().unwrap_or_default();
    let of = |line: String| {
        let (name, value) = line.split_once(": ")?;
        name.eq_ignore_ascii_case("authorization").then(|| value.to_owned())
    };
    let authorization = lines.filter_map(of).last().unwrap_or_default();
    (first.trim_end_matches(" HTTP/1.1").into(), authorization)
}

fn answer(asks: Asks, host: &str, line: &str, authorization: &str) -> (u16, String, String) {
    let nothing = String::new;
    if let Some(query) = line.strip_prefix("GET /token") {
        return match authorization {
            BASIC => (200, nothing(), format!("{{\"token\": \"T{}\"}}", query.contains("pull%2Cpush"))),
            _ => (401, nothing(), "{\"details\": \"incorrect username or password\"}".into()),
        };
    }
    let challenge = match asks {
        Asks::Nothing => None,
        Asks::Password => (authorization != BASIC).then(|| "Basic realm=\"x\"".to_owned()),
        Asks::Token => (!authorization.starts_with("Bearer T"))
            .then(|| format!("Bearer realm=\"http://{host}/token\",service=\"x\"")),
    };
    if let Some(challenge) = challenge {
        return (401, format!("WWW-Authenticate: {challenge}\r\n"), nothing());
    }
    match line {
        "GET /v2/" | "HEAD /v2/acme/shop/manifests/1.0" | "DELETE /upload/1" => (200, nothing(), nothing()),
        "POST /v2/acme/shop/blobs/uploads/" => (202, "Location: /upload/1\r\n".into(), nothing()),
        "POST /v2/acme/closed/blobs/uploads/" => {
            (403, nothing(), "{\"errors\": [{\"code\": \"DENIED\", \"message\": \"read only\"}]}".into())
        }
        _ => (404, nothing(), nothing()),
    }
}
