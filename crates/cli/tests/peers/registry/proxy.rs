//! A proxy before a registry that sees every request, and may do something to it.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use super::http::{Head, Listener, answer};

/// A request that came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// How many came before it.
    pub number: usize,
    pub method: String,
    /// Path and query.
    pub target: String,
}

/// What is done to a request.
pub enum Act {
    Forward,
    /// The registry never hears of it.
    Answer {
        status: &'static str,
        headers: Vec<(&'static str, &'static str)>,
        body: String,
    },
    /// The registry gets so many bytes of the body, then both connections end.
    CutRequest(usize),
    /// The client gets so many bytes of the answer, its head included.
    CutAnswer(usize),
    /// The answer is another one.
    Alter(fn(&mut [u8])),
}

/// The proxy; dropping it ends it.
pub struct Proxy {
    listener: Listener,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Proxy {
    /// Starts one before a server; `act` says what is done to each request.
    pub fn before(server: &str, act: impl Fn(&Seen) -> Act + Send + Sync + 'static) -> Self {
        let seen = Arc::new(Mutex::new(vec![]));
        let (log, server) = (seen.clone(), server.to_owned());
        let listener = Listener::start(move |mut client| {
            let head = Head::read(&mut client)?;
            let request = {
                let mut log = log.lock().unwrap();
                let (method, target) = (head.method.clone(), head.target.clone());
                let request = Seen { number: log.len(), method, target };
                log.push(request.clone());
                request
            };
            pass(client, &server, &head, act(&request))
        });
        Self { listener, seen }
    }

    /// One that only looks.
    pub fn watching(server: &str) -> Self {
        Self::before(server, |_| Act::Forward)
    }

    /// `127.0.0.1:PORT`.
    pub fn address(&self) -> String {
        self.listener.address()
    }

    /// The requests since this was asked last.
    pub fn take(&self) -> Vec<Seen> {
        std::mem::take(&mut *self.seen.lock().unwrap())
    }
}

impl Seen {
    /// Does it send content of a blob?
    pub fn uploads(&self) -> bool {
        self.target.contains("/blobs/uploads/") && ["PUT", "PATCH"].contains(&self.method.as_str())
    }

    /// Does it begin an upload? Not those that ask for a blob of another repository.
    pub fn begins_upload(&self) -> bool {
        self.target.contains("/blobs/uploads/") && self.method == "POST" && !self.mounts()
    }

    /// Does it ask for a blob of another repository?
    pub fn mounts(&self) -> bool {
        self.method == "POST" && self.target.contains("mount=")
    }

    /// Does it fetch the content of a blob?
    pub fn downloads(&self) -> bool {
        self.target.contains("/blobs/") && self.method == "GET"
    }

    /// Does it write a manifest?
    pub fn tags(&self) -> bool {
        self.target.contains("/manifests/") && self.method == "PUT"
    }
}

fn pass(mut client: TcpStream, server: &str, head: &Head, act: Act) -> io::Result<()> {
    if let Act::Answer { status, headers, body } = act {
        // An answer to HEAD has none.
        let body = if head.method == "HEAD" { &[] } else { body.as_bytes() };
        return answer(&mut client, status, &headers, body);
    }
    let mut server = TcpStream::connect(server)?;
    server.write_all(&head.bytes())?;
    if let Act::CutRequest(most) = act {
        let most = head.length().map_or(most, |length| most.min(length));
        server.write_all(&head.after[..head.after.len().min(most)])?;
        copy_some(&mut client, &mut server, most.saturating_sub(head.after.len()))?;
        end(&client, &server);
        return Ok(());
    }
    server.write_all(&head.after)?;
    let (mut from, mut to) = (client.try_clone()?, server.try_clone()?);
    let upload = thread::spawn(move || io::copy(&mut from, &mut to).map(|_| ()));
    match act {
        Act::CutAnswer(most) => copy_some(&mut server, &mut client, most)?,
        Act::Alter(change) => {
            let mut whole = vec![];
            server.read_to_end(&mut whole)?;
            change(&mut whole);
            client.write_all(&whole)?;
        }
        _ => io::copy(&mut server, &mut client).map(|_| ())?,
    }
    end(&client, &server);
    // It ends with the connections, whatever it says.
    drop(upload.join());
    Ok(())
}

fn copy_some(from: &mut TcpStream, to: &mut TcpStream, most: usize) -> io::Result<()> {
    io::copy(&mut from.take(most as u64), to).map(|_| ())
}

/// Either may be gone already.
fn end(client: &TcpStream, server: &TcpStream) {
    drop((client.shutdown(Shutdown::Both), server.shutdown(Shutdown::Both)));
}
