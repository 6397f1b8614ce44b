//! How a client is set up.

use crate::credentials::Logins;
use crate::pace::{Pace, Retry, SystemPace};
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// How a client is set up.
#[derive(Clone)]
pub struct Options {
    /// May it use no network? Files of this machine can be read all the same.
    pub offline: bool,
    /// Files of certificates in PEM that are trusted beside the system's. The system's are those that `SSL_CERT_FILE`
    /// and `SSL_CERT_DIR` name, where they are set, as OpenSSL has it.
    pub ca_files: Vec<PathBuf>,
    /// Does it go through the proxies that `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY` name?
    pub proxies: bool,
    /// Who asks, for hosts that want to know. A user in a URL goes first.
    pub logins: Logins,
    /// The longest time until a server accepts a connection.
    pub connect: Duration,
    /// The longest time in which nothing arrives. There is no limit for a whole download.
    pub idle: Duration,
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
            proxies: true,
            logins: Logins::default(),
            connect: Duration::from_secs(20),
            idle: Duration::from_secs(30),
            redirects: 10,
            retry: Retry::default(),
            pace: Arc::new(SystemPace),
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("offline", &self.offline)
            .field("ca_files", &self.ca_files)
            .field("proxies", &self.proxies)
            .field("connect", &self.connect)
            .field("idle", &self.idle)
            .field("redirects", &self.redirects)
            .field("retry", &self.retry)
            .finish_non_exhaustive()
    }
}
