//! How a client is set up.

use crate::credentials::Logins;
use crate::pace::{LeastPace, Pace, Retry, SystemPace};
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// The port of a host that is written without one.
const HTTPS_PORT: &str = "443";

/// How a client is set up.
#[derive(Clone)]
pub struct Options {
    /// May it use no network? Files of this machine can be read all the same.
    pub offline: bool,
    /// Files of certificates in PEM that are trusted beside the system's. The system's are those that `SSL_CERT_FILE`
    /// and `SSL_CERT_DIR` name, where they are set, as OpenSSL has it.
    pub ca_files: Vec<PathBuf>,
    /// Hosts, as `host` or `host:port`, of which certificates are not checked, and which may do without TLS where the
    /// caller can.
    pub insecure: Vec<String>,
    /// Directories with one for each host, `HOST[:PORT]`, of what TLS with it needs: authorities in `*.crt`, and who
    /// the client is in `*.cert` with `*.key`. Docker's is `/etc/docker/certs.d`.
    pub certs_dirs: Vec<PathBuf>,
    /// Does it go through the proxies that `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY` name?
    pub proxies: bool,
    /// Who asks, for hosts that want to know. A user in a URL goes first.
    pub logins: Logins,
    /// The longest time until a server accepts a connection.
    pub connect: Duration,
    /// The longest time in which nothing arrives. There is no limit for a whole download, but see `least`.
    pub idle: Duration,
    /// The longest time that a server may take to answer when it has got all of a body: it may have to store it.
    pub settle: Duration,
    /// How much must arrive at least.
    pub least: LeastPace,
    /// The longest time for an answer that is read as a whole, see [`Reply::read`](crate::Reply::read).
    pub document: Duration,
    /// The most redirects that are followed for one request.
    pub redirects: usize,
    /// How often it is tried.
    pub retry: Retry,
    /// The clock for the waits between tries.
    pub pace: Arc<dyn Pace>,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            offline: false,
            ca_files: vec![],
            insecure: vec![],
            certs_dirs: vec![],
            proxies: true,
            logins: Logins::default(),
            connect: Duration::from_secs(20),
            idle: Duration::from_secs(30),
            settle: Duration::from_secs(300),
            least: LeastPace::default(),
            document: Duration::from_secs(120),
            redirects: 10,
            retry: Retry::default(),
            pace: Arc::new(SystemPace),
        }
    }
}

impl Options {
    /// The directories in which podman and Docker keep what TLS with a host needs, the user's own first: for
    /// [`certs_dirs`](Self::certs_dirs).
    pub fn certs_dirs_of_user() -> Vec<PathBuf> {
        let home = std::env::home_dir().map(|home| home.join(".config"));
        let own = ["containers", "docker"].map(|tool| Some(home.as_ref()?.join(tool).join("certs.d")));
        let common = ["/etc/containers/certs.d", "/etc/docker/certs.d"].map(PathBuf::from);
        own.into_iter().flatten().chain(common).collect()
    }

    /// Is this host, as `host` or `host:port`, one whose certificates are not checked? One that is called so without a port
    /// is it at all of them.
    pub(crate) fn is_insecure(&self, host: &str) -> bool {
        let (name, port) = split_port(host);
        self.insecure.iter().map(|insecure| split_port(insecure)).any(|(insecure, at)| {
            insecure.eq_ignore_ascii_case(name) && at.is_none_or(|at| at == port.unwrap_or(HTTPS_PORT))
        })
    }
}

/// A host and its port, where that is written.
fn split_port(host: &str) -> (&str, Option<&str>) {
    let is_port = |port: &str| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    match host.rsplit_once(':').filter(|(_, port)| is_port(port)) {
        Some((name, port)) => (name, Some(port)),
        None => (host, None),
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("offline", &self.offline)
            .field("ca_files", &self.ca_files)
            .field("insecure", &self.insecure)
            .field("certs_dirs", &self.certs_dirs)
            .field("proxies", &self.proxies)
            .field("connect", &self.connect)
            .field("idle", &self.idle)
            .field("redirects", &self.redirects)
            .field("retry", &self.retry)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_insecure() {
        for (insecure, host, expected) in [
            ("myhost", "myhost:5000", true),
            ("myhost", "myhost", true),
            ("MyHost", "myhost:443", true),
            ("myhost:5000", "MYHOST:5000", true),
            ("myhost:5000", "myhost:443", false),
            ("myhost:5000", "myhost", false),
            ("myhost:443", "myhost", true),
            ("[::1]", "[::1]:5000", true),
            ("[::1]:5000", "[::1]", false),
            ("myhost", "myhost.example.com", false),
            ("", "myhost", false),
        ] {
            let options = Options { insecure: vec![insecure.into()], ..Options::default() };
            assert_eq!(options.is_insecure(host), expected, "{insecure} {host}");
        }
    }
}
