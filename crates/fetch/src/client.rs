//! What downloads.

use crate::address::{Address, masked};
use crate::digest::Expect;
use crate::download::download;
use crate::error::FetchError;
use crate::exchange::{Exchange, Reply, exchange};
use crate::local;
use crate::options::Options;
use crate::pace::Pace;
use crate::sink::{Sink, Store};
use crate::transport::Transport;
use std::fs::File;
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::Duration;
use tokio::runtime::{Builder, Handle, Runtime};

/// What downloads. Clones of it share its connections.
///
/// It starts nothing before it must: one that reads files only needs no threads and no certificates. The functions that
/// wait may be called within an async runtime or outside of any; those that are async go on wherever they are polled.
#[derive(Clone)]
pub struct Client(Arc<Inner>);

struct Inner {
    options: Options,
    transport: OnceLock<Transport>,
    runtime: OnceLock<Running>,
}

/// A runtime that may be dropped within another.
struct Running(Option<Runtime>);

impl Client {
    /// A client.
    pub fn new(options: Options) -> Self {
        Client(Arc::new(Inner { options, transport: OnceLock::new(), runtime: OnceLock::new() }))
    }

    /// A client that reads files of this machine only.
    pub fn offline() -> Self {
        Client::new(Options { offline: true, ..Options::default() })
    }

    /// Does it read files of this machine only?
    pub fn is_offline(&self) -> bool {
        self.0.options.offline
    }

    /// Another client, set up as this one but for some options. It has connections of its own.
    #[must_use]
    pub fn varied(&self, change: impl FnOnce(&mut Options)) -> Self {
        let mut options = self.0.options.clone();
        change(&mut options);
        Client::new(options)
    }

    /// The clock that it goes by.
    pub fn pace(&self) -> &dyn Pace {
        &*self.0.options.pace
    }

    /// Downloads what a URL (`http:`, `https:`, `file:`, `copy:`) names, into a file, and waits for it.
    ///
    /// The file is emptied first, and written from its start; the place where it is read next does not move. `progress`
    /// hears how many bytes are there, and that may become fewer. After an error the file has anything.
    ///
    /// # Errors
    /// When it is not there, is not what is expected, or cannot be fetched or written.
    pub fn download(
        &self,
        url: &str,
        into: &File,
        expect: &Expect,
        progress: &(dyn Fn(u64) + Sync),
    ) -> Result<(), FetchError> {
        self.wait(self.download_async(url, into, expect, progress))?
    }

    /// As [`download`](Self::download).
    ///
    /// # Errors
    /// As there.
    pub async fn download_async(
        &self,
        url: &str,
        into: &File,
        expect: &Expect,
        progress: &(dyn Fn(u64) + Sync),
    ) -> Result<(), FetchError> {
        let mut store = into;
        self.fetch(url, &mut store, expect, progress).await
    }

    /// Downloads something into memory, and waits for it.
    ///
    /// # Errors
    /// As those of [`download`](Self::download).
    pub fn read(&self, url: &str, expect: &Expect) -> Result<Vec<u8>, FetchError> {
        self.wait(self.read_async(url, expect))?
    }

    /// As [`read`](Self::read).
    ///
    /// # Errors
    /// As there.
    pub async fn read_async(&self, url: &str, expect: &Expect) -> Result<Vec<u8>, FetchError> {
        let mut bytes = vec![];
        self.fetch(url, &mut bytes, expect, &|_| {}).await?;
        Ok(bytes)
    }

    /// Makes a request, and gives the answer whatever its status is.
    ///
    /// # Errors
    /// When there is no answer; when the client is offline.
    pub async fn exchange(&self, request: &Exchange<'_>) -> Result<Reply, FetchError> {
        if self.is_offline() {
            return Err(FetchError::Offline { url: masked(request.url) });
        }
        exchange(self.transport()?, &self.0.options, request).await
    }

    /// Is this host, as `host` or `host:port`, one that its options call insecure?
    pub fn is_insecure(&self, host: &str) -> bool {
        self.0.options.is_insecure(host)
    }

    /// How often something is tried, for whoever tries it himself.
    pub fn tries(&self) -> u32 {
        self.0.options.retry.tries
    }

    /// Waits as between two tries, after a number of failed ones in a row, when the server asked for some wait or for
    /// none.
    pub async fn pause(&self, failed: u32, asked: Option<Duration>) {
        let Options { retry, pace, .. } = &self.0.options;
        pace.wait(retry.wait(failed, asked, &**pace)).await;
    }

    /// Starts work that goes on by itself.
    ///
    /// # Errors
    /// When the runtime cannot be started.
    pub fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) -> Result<(), FetchError> {
        self.runtime()?.spawn(work);
        Ok(())
    }

    /// Waits for work of this client's, or anybody's, on its own runtime.
    ///
    /// # Errors
    /// When that cannot be started.
    pub fn wait<T: Send>(&self, work: impl Future<Output = T> + Send) -> Result<T, FetchError> {
        let runtime = self.runtime()?;
        if Handle::try_current().is_err() {
            return Ok(runtime.block_on(work));
        }
        // A thread of a runtime must not wait for another.
        thread::scope(|scope| match scope.spawn(|| runtime.block_on(work)).join() {
            Ok(done) => Ok(done),
            Err(panic) => std::panic::resume_unwind(panic),
        })
    }

    async fn fetch(
        &self,
        url: &str,
        store: &mut dyn Store,
        expect: &Expect,
        progress: &(dyn Fn(u64) + Sync),
    ) -> Result<(), FetchError> {
        let address = Address::parse(url)?;
        let mut sink = Sink::new(url, expect, store, progress)?;
        match address {
            Address::File(path) => local::take(url, &path, &mut sink).await,
            Address::Web(_) if self.is_offline() => Err(FetchError::Offline { url: masked(url) }),
            Address::Web(url) => download(self.transport()?, &self.0.options, &url, &mut sink).await,
        }
    }

    fn transport(&self) -> Result<&Transport, FetchError> {
        if let Some(transport) = self.0.transport.get() {
            return Ok(transport);
        }
        let made = Transport::new(&self.0.options)?;
        Ok(self.0.transport.get_or_init(|| made))
    }

    fn runtime(&self) -> Result<&Runtime, FetchError> {
        let failed = |source: std::io::Error| FetchError::Setup {
            reason: "the async runtime does not start".into(),
            source: source.into(),
        };
        if self.0.runtime.get().is_none() {
            // Connections live on its one thread, whoever waits meanwhile.
            let made =
                Builder::new_multi_thread().worker_threads(1).thread_name("fetch").enable_all().build();
            let made = Running(Some(made.map_err(failed)?));
            self.0.runtime.get_or_init(|| made);
        }
        let running = self.0.runtime.get().and_then(|running| running.0.as_ref());
        running.ok_or_else(|| failed(std::io::ErrorKind::NotFound.into()))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}
