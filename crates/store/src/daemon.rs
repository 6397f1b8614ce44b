//! The images of a Docker engine, over its [HTTP API][api].
//!
//! [api]: https://docs.docker.com/reference/api/engine/

use crate::archive::{Entries, Flavour};
use crate::destination::{CopyError, Destination, Named, Publication, Published, docker_image, names};
use crate::error::StoreError;
use crate::reference::RefName;
use fetch::Parts;
use futures_util::StreamExt as _;
use oci::{Digest, Image};
use reqwest::{Body, Certificate, Client, Identity, RequestBuilder, Response, StatusCode, Url};
use serde::Deserialize;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

const DEFAULT_HOST: &str = "unix:///var/run/docker.sock";
/// How long the engine may take to accept a connection. How long it takes to load is its own affair.
const CONNECT: Duration = Duration::from_secs(30);
/// The longest answer that is read, in bytes.
const MAX_ANSWER: usize = 4 << 20;

/// A Docker engine as a place for images.
pub(crate) struct Daemon {
    engine: Engine,
    name: Option<RefName>,
    place: String,
}

/// How to reach an engine.
pub(crate) struct Engine {
    /// As the user wrote it, for messages.
    address: String,
    base: Url,
    client: Client,
}

/// A line of the engine's answer to `load`.
#[derive(Deserialize)]
struct Progress {
    #[serde(default)]
    stream: Option<String>,
    #[serde(default)]
    error: Option<String>,
}

/// An error that the engine answers.
#[derive(Deserialize)]
struct Refusal {
    message: String,
}

/// What the engine says of an image.
#[derive(Deserialize)]
struct Inspected {
    #[serde(rename = "Id")]
    id: String,
}

impl Daemon {
    /// The engine that `DOCKER_HOST` names, or else the one at the usual socket.
    pub fn from_env(name: Option<RefName>, place: String) -> Result<Self, StoreError> {
        Ok(Daemon { engine: Engine::from_env()?, name, place })
    }
}

impl Destination for Daemon {
    fn publish(&self, publication: &Publication<'_>) -> Result<Published, StoreError> {
        let image = docker_image(publication.artifact, &self.place)?;
        let names = names(self.name.as_ref(), publication.names, &self.place)?;
        let entries = Entries::new(publication.artifact, &names, Flavour::Oci, &self.place)?;
        self.engine.load(&entries, image, &names)?;
        let digest = publication.artifact.document().descriptor.digest;
        Ok(Published { digest, names: names.iter().map(Named::text).collect() })
    }
}

impl Engine {
    /// The engine that `DOCKER_HOST` names, or else the one at the usual socket.
    pub fn from_env() -> Result<Self, StoreError> {
        let var = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let host = var("DOCKER_HOST").unwrap_or_else(|| DEFAULT_HOST.into());
        let certificates = var("DOCKER_CERT_PATH").map(PathBuf::from);
        let home = std::env::home_dir().map(|home| home.join(".docker"));
        let tls = var("DOCKER_TLS_VERIFY").and(certificates.or(home));
        Engine::new(host, tls.as_deref())
    }

    /// The engine at an address; with a directory of `ca.pem`, `cert.pem` and `key.pem`, over TLS.
    fn new(address: String, tls: Option<&Path>) -> Result<Self, StoreError> {
        let wrong = |reason: String| StoreError::DaemonAddress { address: address.clone(), reason };
        // Some provider must be the process's; one that was chosen before stays.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut builder = Client::builder().connect_timeout(CONNECT).no_proxy();
        let (scheme, rest) = address.split_once("://").unwrap_or(("", &address));
        let base = match scheme {
            "unix" => {
                builder = builder.unix_socket(PathBuf::from(rest));
                "http://docker".into()
            }
            "tcp" | "http" | "https" => {
                if let Some(dir) = tls {
                    builder = with_certificates(builder, dir).map_err(|reason| wrong(reason.to_string()))?;
                }
                let scheme = if tls.is_some() || scheme == "https" { "https" } else { "http" };
                format!("{scheme}://{rest}")
            }
            "ssh" => return Err(wrong("is reached by ssh, which is not supported".into())),
            _ => return Err(wrong("is not of the form unix://… or tcp://…".into())),
        };
        let mut base: Url = base.parse().map_err(|_| wrong("is no URL".into()))?;
        if scheme == "tcp" && base.port().is_none() {
            let _ = base.set_port(Some(if tls.is_some() { 2376 } else { 2375 }));
        }
        let client = builder.build().map_err(|error| wrong(format!("cannot be used: {error}")))?;
        Ok(Engine { address, base, client })
    }

    /// Has the engine load an archive, and checks that it now has the image.
    fn load(&self, entries: &Entries<'_>, image: &Image, names: &[Named]) -> Result<(), StoreError> {
        let (mut sink, mut parts) = Parts::new();
        let body = futures_util::stream::poll_fn(move |context| parts.poll_recv(context));
        let request = self.client.post(self.url("images/load", &[("quiet", "1")])?);
        let request = request.header("content-type", "application/x-tar").body(Body::wrap_stream(body));
        // Own threads, so that the caller may be within an async runtime or not.
        let (written, answer) = thread::scope(|scope| {
            let writer = scope.spawn(move || {
                match entries.write(&mut sink) {
                    Ok(()) => Ok(()),
                    Err(CopyError::Store(error)) => {
                        sink.break_off(io::ErrorKind::UnexpectedEof.into());
                        Err(error)
                    }
                    // The engine hung up: its answer says why.
                    Err(CopyError::Write(_)) => Ok(()),
                }
            });
            let answer = scope.spawn(|| self.run(self.answer(request, None)));
            (join(writer), join(answer))
        });
        written?;
        let answer = answer?;
        let mut loaded = vec![];
        for line in serde_json::Deserializer::from_slice(&answer).into_iter::<Progress>() {
            let Ok(Progress { stream, error }) = line else { break };
            if let Some(message) = error {
                return Err(self.refused(message));
            }
            loaded.extend(stream);
        }
        let id = names.iter().find_map(|name| name.full.as_ref()).map(ToString::to_string);
        let id = id.unwrap_or_else(|| image.config.descriptor.digest.to_string());
        let found = self.image_id(&id)?;
        // An engine that keeps images in containerd calls them by their manifest.
        let expected: [Digest; 2] = [image.config.descriptor.digest, image.manifest.descriptor.digest];
        if expected.iter().any(|digest| digest.to_string() == found) {
            return Ok(());
        }
        Err(StoreError::Mismatch {
            subject: format!("{id} in the engine"),
            expected: expected[0].to_string(),
            found,
        })
    }

    fn image_id(&self, name: &str) -> Result<String, StoreError> {
        let url = self.url(&format!("images/{name}/json"), &[])?;
        let answer = thread::scope(|scope| {
            join(scope.spawn(|| self.run(self.answer(self.client.get(url), Some(name)))))
        })?;
        let inspected: Result<Inspected, _> = serde_json::from_slice(&answer);
        inspected
            .map(|image| image.id)
            .map_err(|error| self.refused(format!("something that is no image: {error}")))
    }

    /// Writes the archive of an image, as `docker save` would, to `out`.
    pub fn save(&self, name: &str, out: &mut (dyn Write + Send)) -> Result<(), StoreError> {
        let request = self.client.get(self.url(&format!("images/{name}/get"), &[])?);
        let copy = async {
            let mut stream = self.accepted(request, Some(name)).await?.bytes_stream();
            while let Some(part) = stream.next().await {
                let part = part.map_err(|error| self.unreachable(error))?;
                out.write_all(&part).map_err(|error| self.unreachable(error))?;
            }
            Ok(())
        };
        thread::scope(|scope| join(scope.spawn(|| self.run(copy))))
    }

    fn url(&self, path: &str, query: &[(&str, &str)]) -> Result<Url, StoreError> {
        let wrong = |_| self.refused(format!("nothing, as `{path}` is no path"));
        let mut url = self.base.join(path).map_err(wrong)?;
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        Ok(url)
    }

    fn run<T>(&self, work: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.map_err(|error| self.unreachable(error))?.block_on(work)
    }

    /// The whole answer to a request, if it is a good one. `image` is what the request is about.
    async fn answer(&self, request: RequestBuilder, image: Option<&str>) -> Result<Vec<u8>, StoreError> {
        let response = self.accepted(request, image).await?;
        self.read(response).await
    }

    async fn accepted(&self, request: RequestBuilder, image: Option<&str>) -> Result<Response, StoreError> {
        let response = request.send().await.map_err(|error| self.unreachable(error))?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        if let Some(image) = image.filter(|_| status == StatusCode::NOT_FOUND) {
            let place = format!("the Docker engine at {}", self.address);
            return Err(StoreError::NoImage { place, wanted: image.into(), known: vec![] });
        }
        let answer = self.read(response).await?;
        let message = serde_json::from_slice::<Refusal>(&answer).map(|refusal| refusal.message);
        Err(self.refused(message.unwrap_or_else(|_| status.to_string())))
    }

    async fn read(&self, response: Response) -> Result<Vec<u8>, StoreError> {
        let mut answer = vec![];
        let mut stream = response.bytes_stream();
        while let Some(part) = stream.next().await {
            answer.extend_from_slice(&part.map_err(|error| self.unreachable(error))?);
            if answer.len() > MAX_ANSWER {
                return Err(self.refused(format!("more than {MAX_ANSWER} bytes")));
            }
        }
        Ok(answer)
    }

    fn unreachable(&self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> StoreError {
        StoreError::DaemonUnreachable { address: self.address.clone(), source: source.into() }
    }

    fn refused(&self, message: String) -> StoreError {
        StoreError::Daemon { address: self.address.clone(), message }
    }
}

fn with_certificates(
    builder: reqwest::ClientBuilder,
    dir: &Path,
) -> Result<reqwest::ClientBuilder, Box<dyn std::error::Error>> {
    let read = |name: &str| {
        let path = dir.join(name);
        std::fs::read(&path).map_err(|error| format!("needs {}: {error}", path.display()))
    };
    let roots = Certificate::from_pem_bundle(&read("ca.pem")?)?;
    let identity = Identity::from_pem(&[read("key.pem")?, read("cert.pem")?].concat())?;
    Ok(builder.tls_certs_only(roots).identity(identity))
}

fn join<T>(handle: thread::ScopedJoinHandle<'_, T>) -> T {
    handle.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

#[cfg(test)]
mod tests;
