//! TLS that is one host's own: whom it trusts, who one is there, and whether that is checked at all.
//!
//! Docker and podman keep such things in directories `certs.d/HOST[:PORT]`: `*.crt` are authorities, `NAME.cert` with
//! `NAME.key` is what the client shows.

use crate::error::FetchError;
use crate::options::Options;
use reqwest::{Certificate, Client, ClientBuilder, Identity, Url};
use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

/// The HTTP clients: one for everybody, and those of the hosts that need another.
pub(crate) struct Clients {
    options: Options,
    authorities: Vec<Certificate>,
    common: Client,
    own: Mutex<HashMap<String, Option<Client>>>,
}

/// What TLS is like with one host.
#[derive(Default)]
struct HostTls {
    authorities: Vec<Certificate>,
    identity: Option<Identity>,
    is_insecure: bool,
}

impl Clients {
    pub fn new(options: &Options) -> Result<Self, FetchError> {
        // Some provider must be the process's; one that was chosen before stays.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let authorities = options.ca_files.iter().map(|path| certificates(path));
        let authorities: Vec<Certificate> = authorities.collect::<Result<Vec<_>, _>>()?.concat();
        let common = build(options, &authorities, |builder| builder)?;
        Ok(Clients { options: options.clone(), authorities, common, own: Mutex::default() })
    }

    /// The client for requests to a host.
    pub fn of(&self, url: &Url) -> Result<Client, FetchError> {
        let (Some(host), Some(port), "https") = (url.host_str(), url.port_or_known_default(), url.scheme())
        else {
            return Ok(self.common.clone());
        };
        let mut own = self.own.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let key = format!("{host}:{port}");
        if let Some(client) = own.get(&key) {
            return Ok(client.as_ref().unwrap_or(&self.common).clone());
        }
        let client = HostTls::of(host, port, &self.options)?
            .map(|tls| {
                let authorities = [&self.authorities[..], &tls.authorities].concat();
                build(&self.options, &authorities, |builder| tls.apply(builder))
            })
            .transpose()?;
        own.insert(key, client.clone());
        Ok(client.unwrap_or_else(|| self.common.clone()))
    }
}

impl HostTls {
    /// What a host has of its own; none, if that is nothing.
    fn of(host: &str, port: u16, options: &Options) -> Result<Option<Self>, FetchError> {
        let mut tls =
            HostTls { is_insecure: options.is_insecure(&format!("{host}:{port}")), ..HostTls::default() };
        // A name that is none of a directory would lead elsewhere.
        let names = [Some(format!("{host}:{port}")), (port == 443).then(|| host.to_owned())];
        let names = names.into_iter().flatten().filter(|name| !name.starts_with('.'));
        for dir in names.flat_map(|name| options.certs_dirs.iter().map(move |dir| dir.join(&name))) {
            tls.read(&dir)?;
        }
        let nothing = tls.authorities.is_empty() && tls.identity.is_none() && !tls.is_insecure;
        Ok(if nothing { None } else { Some(tls) })
    }

    fn read(&mut self, dir: &Path) -> Result<(), FetchError> {
        let failed = |source| FetchError::Read { path: dir.into(), source };
        let entries = match fs::read_dir(dir) {
            Ok(entries) => entries,
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                return Ok(());
            }
            Err(error) if is_for_others(&error) => return Ok(()),
            Err(error) => return Err(failed(error)),
        };
        let paths = entries.map(|entry| entry.map(|entry| entry.path()));
        let mut paths: Vec<PathBuf> = paths.collect::<Result<_, _>>().map_err(failed)?;
        paths.sort();
        for path in paths {
            match path.extension().and_then(|extension| extension.to_str()) {
                Some("crt") => self.authorities.extend(ours(certificates(&path))?.unwrap_or_default()),
                Some("cert") if self.identity.is_none() => self.identity = ours(identity(&path))?,
                _ => {}
            }
        }
        Ok(())
    }

    fn apply(&self, builder: ClientBuilder) -> ClientBuilder {
        let builder = builder.tls_danger_accept_invalid_certs(self.is_insecure);
        match &self.identity {
            Some(identity) => builder.identity(identity.clone()),
            None => builder,
        }
    }
}

/// What was read; none, if it is for others.
fn ours<T>(read: Result<T, FetchError>) -> Result<Option<T>, FetchError> {
    match read {
        Err(FetchError::Read { source, .. }) if is_for_others(&source) => Ok(None),
        other => other.map(Some),
    }
}

/// What is for others is not for us: Docker's own certificates and keys may be root's alone.
fn is_for_others(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::PermissionDenied
}

/// Reads a file of certificates.
fn certificates(path: &Path) -> Result<Vec<Certificate>, FetchError> {
    let pem = fs::read(path).map_err(|source| FetchError::Read { path: path.into(), source })?;
    let read = Certificate::from_pem_bundle(&pem).map_err(|error| FetchError::Setup {
        reason: format!("{} is no file of certificates", path.display()),
        source: error.into(),
    })?;
    if read.is_empty() {
        let source = io::Error::new(io::ErrorKind::InvalidData, "it has no certificate");
        return Err(FetchError::Read { path: path.into(), source });
    }
    Ok(read)
}

/// Reads a certificate with the key beside it.
fn identity(path: &Path) -> Result<Identity, FetchError> {
    let mut pem = vec![];
    for path in [path, &path.with_extension("key")] {
        let read = fs::read(path).map_err(|source| FetchError::Read { path: path.into(), source })?;
        pem.extend(read);
        pem.push(b'\n');
    }
    Identity::from_pem(&pem).map_err(|error| FetchError::Setup {
        reason: format!("{} and its key are no certificate with a key", path.display()),
        source: error.into(),
    })
}

fn build(
    options: &Options,
    authorities: &[Certificate],
    change: impl Fn(ClientBuilder) -> ClientBuilder,
) -> Result<Client, FetchError> {
    let builder = || {
        let builder = Client::builder()
            .user_agent(crate::transport::USER_AGENT)
            .connect_timeout(options.connect)
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never());
        if options.proxies { builder } else { builder.no_proxy() }
    };
    let client = change(builder()).tls_certs_merge(authorities.to_vec()).build();
    // A machine may have no certificates at all, and mirrors that need none.
    let client = client.or_else(|_| change(builder()).tls_certs_only(authorities.to_vec()).build());
    client.map_err(|error| FetchError::Setup {
        reason: "the HTTP client does not start".into(),
        source: error.into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_for_others_is_passed_over() {
        let failed =
            |kind: io::ErrorKind| FetchError::Read { path: "client.key".into(), source: kind.into() };
        assert_eq!(ours(Ok(1)).unwrap(), Some(1));
        assert_eq!(ours::<u8>(Err(failed(io::ErrorKind::PermissionDenied))).unwrap(), None);
        assert!(ours::<u8>(Err(failed(io::ErrorKind::NotFound))).is_err());
    }
}
