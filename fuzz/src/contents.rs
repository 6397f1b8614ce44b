//! Lists of which package has which file, as archives have them and as the cache does.

use debian::contents::{Contents, libraries};
use tree::TreePath;

/// Reads them in both forms; what was read and written is the same when it is read again.
pub fn run(bytes: &[u8]) {
    let kept = Contents::from_bytes(bytes).ok();
    let read = Contents::read(bytes).ok();
    for contents in kept.into_iter().chain(read) {
        let bytes = contents.to_bytes();
        let again = Contents::from_bytes(&bytes).map(|again| again.to_bytes());
        assert!(again.is_ok_and(|again| again == bytes), "what is kept is what was read");
        let found = libraries([&contents], "libfoo.so.1");
        assert!(found.iter().all(|candidate| !candidate.package.is_empty()));
        if let Ok(path) = TreePath::parse("/usr/lib/x86_64-linux-gnu/libfoo.so.1") {
            let _ = contents.owners(&path);
        }
    }
}

/// Lists with everything that real ones have.
pub fn seeds() -> Vec<Vec<u8>> {
    let text = b"FILE                                   LOCATION\n\
        bin/sh                                 shells/dash\n\
        usr/lib/x86_64-linux-gnu/libfoo.so.1   libs/libfoo1,non-free/libs/libfoo1-nonfree\n\
        usr/lib/x86_64-linux-gnu/libfoo.so.1.2 libs/libfoo1\n\
        usr/lib/a b/libfoo.so.1                universe/libs/libfoo1\n\
        usr/bin/python3                        python/python3-minimal\n";
    let kept = Contents::read(&text[..]).map(|contents| contents.to_bytes()).ok();
    [text.to_vec()].into_iter().chain(kept).collect()
}
