//! What the process does for itself: it ends with all that it started, and opens as many files as it may.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use signal_hook::{
    consts::{SIGHUP, SIGINT, SIGTERM},
    iterator::Signals,
    low_level::emulate_default_handler,
};
use std::thread;

/// More files than any image has packages.
const FILES: u64 = 65_536;

/// Build tools end with the process, however that is ended, and leave nothing in the temporary directory.
pub fn end_with_tools() {
    // Where signals cannot be had, tools end when they are done.
    let Ok(mut signals) = Signals::new([SIGHUP, SIGINT, SIGTERM]) else { return };
    thread::spawn(move || {
        for signal in signals.forever() {
            language::end_tools();
            let _ = emulate_default_handler(signal);
        }
    });
}

/// An image of many packages has a file open for each, which the usual limit may be too small for.
pub fn open_many_files() {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let wanted = maximum.map_or(FILES, |most| most.min(FILES));
    if current.is_some_and(|current| current < wanted) {
        let _ = setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), maximum });
    }
}
