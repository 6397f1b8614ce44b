//! A registry in memory for tests: it keeps to the distribution specification, and breaks where it is told to.
//!
//! What cannot be is a mistake of the test, and panics.
//!
//! ```
//! let registry = store::testing::MemoryRegistry::start();
//! let reference = format!("docker://{}/shop:1", registry.host()).parse().unwrap();
//! let client = fetch::Client::new(fetch::Options { proxies: false, ..fetch::Options::default() });
//! let network = store::Network::new(client, auth::Keychain::default());
//! store::destination(&reference, &network).unwrap().probe().unwrap();
//! assert_eq!(registry.requests().last().unwrap(), "HEAD /v2/shop/manifests/1");
//! ```

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod fault;
mod http;
mod repository;
mod uploads;

pub use fault::Fault;

use fault::Then;
use http::{Request, Response};
use repository::Repository;
use std::collections::BTreeMap;
use std::io::BufReader;
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;
use uploads::Upload;

/// A registry at a port of this machine, without TLS. It is gone with the process.
#[derive(Clone)]
pub struct MemoryRegistry {
    port: u16,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    repositories: BTreeMap<String, Repository>,
    uploads: BTreeMap<String, Upload>,
    begun: u64,
    requests: Vec<String>,
    headers: Vec<BTreeMap<String, String>>,
    faults: Vec<Fault>,
    knows_referrers: bool,
    page: Option<usize>,
    longest_body: Option<usize>,
}

impl MemoryRegistry {
    /// Starts one that lists referrers.
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new(Mutex::new(State { knows_referrers: true, ..State::default() }));
        let registry = MemoryRegistry { port, state };
        let server = registry.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let server = server.clone();
                thread::spawn(move || server.serve(&stream));
            }
        });
        registry
    }

    /// Starts one that does not list referrers, as older ones.
    pub fn start_without_referrers() -> Self {
        let registry = MemoryRegistry::start();
        registry.state().knows_referrers = false;
        registry
    }

    /// Its host and port, as images name it.
    pub fn host(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Gives lists in pages of at most this length.
    pub fn page(&self, length: usize) {
        self.state().page = Some(length);
    }

    /// Has requests go wrong.
    pub fn fault(&self, fault: Fault) {
        self.state().faults.push(fault);
    }

    /// Has nothing go wrong any more; did anything still have to?
    pub fn take_faults(&self) -> bool {
        !std::mem::take(&mut self.state().faults).is_empty()
    }

    /// Answers 413 to bodies of blobs that are longer, as a proxy would.
    pub fn limit_bodies(&self, length: usize) {
        self.state().longest_body = Some(length);
    }

    /// The requests by now, as `METHOD /path?query`, without those that asked whether this is a registry.
    pub fn requests(&self) -> Vec<String> {
        self.state().requests.clone()
    }

    /// Forgets the requests by now.
    pub fn forget_requests(&self) {
        let mut state = self.state();
        state.requests.clear();
        state.headers.clear();
    }

    /// What each request had in a header.
    pub fn sent(&self, header: &str) -> Vec<Option<String>> {
        self.state().headers.iter().map(|headers| headers.get(header).cloned()).collect()
    }

    /// The tags of a repository.
    pub fn tags(&self, repository: &str) -> Vec<String> {
        self.state().repositories.get(repository).map(Repository::tags).unwrap_or_default()
    }

    /// The bytes of a manifest, by tag or digest.
    pub fn manifest(&self, repository: &str, reference: &str) -> Option<Vec<u8>> {
        self.state()
            .repositories
            .get(repository)?
            .manifest(reference)
            .map(|(_, manifest)| manifest.bytes.clone())
    }

    /// The digests and sizes of the blobs of a repository.
    pub fn blobs(&self, repository: &str) -> Vec<(String, usize)> {
        self.state().repositories.get(repository).map(Repository::blobs).unwrap_or_default()
    }

    /// Puts a manifest under a tag, whatever it is.
    pub fn plant_manifest(&self, repository: &str, tag: &str, media_type: &str, bytes: &[u8]) {
        self.state().repositories.entry(repository.into()).or_default().plant(tag, media_type, bytes);
    }

    /// Puts bytes under a digest, whichever.
    pub fn plant_blob(&self, repository: &str, digest: &str, bytes: &[u8]) {
        let mut state = self.state();
        let repository = state.repositories.entry(repository.into()).or_default();
        repository.add_blob(digest, bytes.to_vec());
    }

    /// Forgets all uploads that are not finished.
    pub fn forget_uploads(&self) {
        self.state().uploads.clear();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Answers the requests of a connection, until it ends.
    fn serve(&self, stream: &TcpStream) {
        let _ = stream.set_nodelay(true);
        let mut first = [0];
        // The first byte of TLS: it is answered as Go's servers do.
        if stream.peek(&mut first).is_ok_and(|got| got == 1) && first == [0x16] {
            let _ = Response::new(400).write(&mut { stream });
            return;
        }
        let mut reader = BufReader::new(stream);
        while let Some(mut request) = Request::read_head(&mut reader) {
            let fault = {
                let mut state = self.state();
                if request.line() != "GET /v2/" {
                    state.requests.push(request.line());
                    state.headers.push(request.headers.clone());
                }
                let at = state.faults.iter().position(|fault| fault.meets(&request));
                at.map(|at| {
                    let fault = &mut state.faults[at];
                    fault.times = fault.times.saturating_sub(1);
                    let then = fault.then.clone();
                    state.faults.retain(|fault| fault.times > 0);
                    then
                })
            };
            let cut = match &fault {
                Some(Then::CutBody(length)) => Some(*length),
                _ => None,
            };
            request.read_body(&mut reader, cut);
            if let Some(Then::Close) = fault {
                return;
            }
            if let Some(Then::Answer(response)) = fault {
                if response.write(&mut { stream }).is_err() {
                    return;
                }
                continue;
            }
            let mut response = self.answer(&request);
            match fault {
                Some(Then::CutBody(_)) => return,
                Some(Then::Forget) => {
                    self.forget_uploads();
                    response = Response::error(404, "BLOB_UPLOAD_UNKNOWN");
                }
                Some(Then::CutAnswer(length)) => response.cut = Some(length),
                Some(Then::Drip) => response.is_dripping = true,
                Some(Then::Header(name, value)) => response = response.with(name, &value),
                _ => {}
            }
            let is_cut = response.cut.is_some();
            if response.for_head(request.method == "HEAD").write(&mut { stream }).is_err() || is_cut {
                return;
            }
        }
    }

    fn answer(&self, request: &Request) -> Response {
        let mut state = self.state();
        let Some(rest) = request.path.strip_prefix("/v2/") else { return Response::new(404) };
        if rest.is_empty() {
            return Response::new(200);
        }
        // A repository may have any number of parts; what comes after it begins with one of these words.
        let words = ["/manifests/", "/blobs/uploads/", "/blobs/", "/tags/list", "/referrers/"];
        let found = words.iter().find_map(|word| Some((*word, rest.find(word)?)));
        let Some((word, at)) = found else { return Response::new(404) };
        let (name, reference) = (&rest[..at], &rest[at + word.len()..]);
        let method = request.method.as_str();
        if word == "/blobs/uploads/" && state.longest_body.is_some_and(|longest| request.body.len() > longest)
        {
            return Response::new(413);
        }
        let (page, knows_referrers) = (state.page, state.knows_referrers);
        match (word, method) {
            ("/blobs/uploads/", _) => state.upload(request, name, reference),
            ("/manifests/", "PUT") => state.repositories.entry(name.into()).or_default().put_manifest(
                name,
                reference,
                request,
                knows_referrers,
            ),
            ("/referrers/", "GET") if !knows_referrers => Response::new(404),
            ("/referrers/", "GET") => {
                state.repositories.get(name).cloned().unwrap_or_default().referrers(reference, request)
            }
            _ => {
                let Some(repository) = state.repositories.get(name) else {
                    return Response::error(404, "NAME_UNKNOWN");
                };
                match (word, method) {
                    ("/manifests/", "GET" | "HEAD") => repository.get_manifest(reference),
                    ("/blobs/", "GET" | "HEAD") => repository.get_blob(reference, request),
                    ("/tags/list", "GET") => repository.list_tags(name, request, page),
                    _ => Response::error(405, "UNSUPPORTED"),
                }
            }
        }
    }
}
