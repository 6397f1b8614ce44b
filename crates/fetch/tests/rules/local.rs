//! Files of this machine, and a client that has nothing else.

use crate::{BODY, download, sha256};
use fetch::{Client, Expect};
use std::fs;

#[test]
fn files_are_checked_as_downloads_are() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("a b"), BODY).unwrap();
    let exact = Expect::exactly(BODY.len() as u64, sha256(BODY));
    let base = dir.path().display();
    let client = Client::offline();
    for url in [format!("file://{base}/a%20b"), format!("copy:{base}/a%20b"), format!("file:{base}/a b")] {
        assert_eq!(download(&client, &url, &exact).unwrap(), BODY, "{url}");
    }
    let url = format!("file://{base}/a%20b");
    for (url, expect, expected) in [
        (&*url, Expect::exactly(7, sha256(BODY)), "URL has 41 bytes, not 7"),
        (&url, Expect::exactly(41, sha256(b"")), "URL has the digest sha256:"),
        (&url, Expect::at_most(7), "URL is longer than 7 bytes"),
        (&format!("file://{base}/none"), exact, "is not there"),
        (&format!("file://{base}/a%20b/none"), exact, "is not there"),
        (&format!("file://{base}"), exact, "cannot read /"),
        ("file:///dev/zero", exact, "cannot read /dev/zero"),
        ("http://user:pass@example.com/x", exact, "http://***@example.com/x was not fetched: offline"),
        ("ftp://example.com/x", exact, "URL cannot be fetched: its scheme is ftp"),
    ] {
        let error = download(&client, url, &expect).unwrap_err().to_string();
        assert!(error.replace(url, "URL").contains(expected), "{error}\n{expected}");
    }
}
