//! Files of this machine, taken as downloads are.

use crate::address::masked;
use crate::error::FetchError;
use crate::sink::Sink;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::Path;

/// How much is read at once, in bytes.
const STEP: usize = 256 << 10;

/// Takes the file at `path`, which `url` names.
pub(crate) async fn take(url: &str, path: &Path, sink: &mut Sink<'_>) -> Result<(), FetchError> {
    let failed = |source: io::Error| match source.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => {
            FetchError::NotFound { url: masked(url), status: None }
        }
        _ => FetchError::Read { path: path.into(), source },
    };
    let meta = fs::metadata(path).map_err(failed)?;
    if !meta.is_file() {
        return Err(failed(io::Error::other("it is no regular file")));
    }
    let mut file = File::open(path).map_err(failed)?;
    sink.admit(meta.len())?;
    let mut block = vec![0; STEP];
    loop {
        let got = match file.read(&mut block) {
            Ok(0) => break,
            Ok(got) => got,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(failed(error)),
        };
        sink.take(block.get(..got).unwrap_or_default())?;
        // Others of the same runtime want to go on meanwhile.
        tokio::task::yield_now().await;
    }
    sink.check()
}
