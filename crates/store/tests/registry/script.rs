//! A server that says what no registry would.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;

/// A place whose answer does not end. Without a text, it is in parts whose length is not told before.
pub fn endless(text: &str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let chunk =
        if text.is_empty() { b"4\r\nabcd\r\n".repeat(1000) } else { text.repeat(10_000).into_bytes() };
    let coding = if text.is_empty() { "Transfer-Encoding: chunked\r\n" } else { "" };
    let head = format!("HTTP/1.1 200 OK\r\nConnection: close\r\n{coding}\r\n");
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(head.as_bytes());
            while stream.write_all(&chunk).is_ok() {}
        }
    });
    format!("http://127.0.0.1:{port}/blob")
}
