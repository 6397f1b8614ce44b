//! The body of a request, as something to write to.

use std::io::{self, Write};
use tokio::sync::mpsc;

/// Parts of a body on their way to the server.
const IN_FLIGHT: usize = 4;
/// The size of such a part, in bytes.
const PART: usize = 256 << 10;

/// Passes what is written on to the body of a request, in parts. Writing waits until the server has taken some of them,
/// and fails when nobody takes them any more. What is written last goes out with a flush.
pub struct Parts {
    sender: mpsc::Sender<io::Result<Vec<u8>>>,
    part: Vec<u8>,
}

impl Parts {
    /// One, with the end at which the parts come out.
    pub fn new() -> (Self, mpsc::Receiver<io::Result<Vec<u8>>>) {
        let (sender, parts) = mpsc::channel(IN_FLIGHT);
        (Parts { sender, part: Vec::with_capacity(PART) }, parts)
    }

    /// Ends it with an error: the server must not take what broke off for a whole body.
    pub fn break_off(self, error: io::Error) {
        let _ = self.sender.blocking_send(Err(error));
    }
}

impl Write for Parts {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.part.extend_from_slice(buf);
        if self.part.len() >= PART {
            self.flush()?;
        }
        Ok(buf.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.part.is_empty() {
            return Ok(());
        }
        let part = std::mem::replace(&mut self.part, Vec::with_capacity(PART));
        self.sender.blocking_send(Ok(part)).map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
}
