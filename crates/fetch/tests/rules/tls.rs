//! Who the server is, and the way to it. The key in `tls/` is of a server for `localhost`, and of these tests only.

use crate::server::{Answer, Server, head};
use crate::{BODY, Recorder, client, download, options};
use fetch::{Client, Expect, FetchError, Logins, Options};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use std::fs;
use std::net::TcpListener;
use std::process::Command;
use std::sync::Arc;
use std::thread;

/// Answers every request over TLS; gives its port.
fn tls_server(answer: Answer) -> u16 {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let chain = vec![CertificateDer::from_pem_slice(include_bytes!("tls/server.pem")).unwrap()];
    let key = PrivateKeyDer::from_pem_slice(include_bytes!("tls/server.key")).unwrap();
    let config = ServerConfig::builder().with_no_client_auth().with_single_cert(chain, key).unwrap();
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
            let mut stream = StreamOwned::new(connection, stream.unwrap());
            if !head(&mut stream).is_empty() {
                answer.write(&mut stream).unwrap();
                stream.conn.send_close_notify();
                let _ = stream.conn.write_tls(&mut stream.sock);
            }
        }
    });
    port
}

fn trusting(pem: &str) -> (tempfile::TempDir, Client) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ca.pem");
    fs::write(&path, pem).unwrap();
    let client = Client::new(Options { ca_files: vec![path], ..options(&Arc::<Recorder>::default()) });
    (dir, client)
}

#[test]
fn a_certificate_of_ones_own() {
    let port = tls_server(Answer::ok(BODY));
    let expect = Expect::at_most(100);
    let (_dir, trusting) = trusting(include_str!("tls/ca.pem"));
    for host in ["localhost", "127.0.0.1"] {
        assert_eq!(download(&trusting, &format!("https://{host}:{port}/x"), &expect).unwrap(), BODY);
    }
    // Neither an unknown authority nor another name is tried again.
    for (client, host) in [(client(), "localhost"), (trusting, "[::ffff:127.0.0.1]")] {
        let error = download(&client, &format!("https://{host}:{port}/x"), &expect).unwrap_err();
        assert!(matches!(error, FetchError::Tls { .. }), "{error:?}");
    }
}

#[test]
fn files_of_certificates_that_are_none() {
    for (pem, expected) in [("", "cannot read "), ("-----BEGIN CERTIFICATE-----\nAAAA\n", "cannot ")] {
        let (_dir, client) = trusting(pem);
        let error = download(&client, "https://127.0.0.1:1/x", &Expect::at_most(1)).unwrap_err().to_string();
        assert!(error.starts_with(expected) && error.contains("ca.pem"), "{error}");
    }
}

#[test]
fn nothing_leaves_tls() {
    let plain = Server::new(vec![Answer::ok(BODY)]);
    let port = tls_server(Answer::redirect(&plain.url("/plain")));
    let (_dir, client) = trusting(include_str!("tls/ca.pem"));
    let error = download(&client, &format!("https://localhost:{port}/x"), &Expect::at_most(100)).unwrap_err();
    assert!(error.to_string().ends_with("which is not followed: it leaves TLS"), "{error}");
    assert!(plain.requests().is_empty());
}

/// The environment is the process's, so that this test runs itself in another.
#[test]
fn what_the_environment_says() {
    const CHILD: &str = "BANTAM_TEST_CHILD";
    if std::env::var_os(CHILD).is_some() {
        let client = Client::new(Options { proxies: true, ..options(&Arc::<Recorder>::default()) });
        let get = |url: &str| download(&client, url, &Expect::at_most(100));
        assert_eq!(get("http://mirror.example.com/x").unwrap(), BODY);
        let direct = std::env::var("DIRECT").unwrap();
        assert_eq!(get(&direct).unwrap(), BODY);
        let login = Logins::of_user().get("http://mirror.example.com");
        assert_eq!(login.unwrap().password, "of-the-user");
        return;
    }
    let (proxy, direct) = (Server::new(vec![Answer::ok(BODY)]), Server::new(vec![Answer::ok(BODY)]));
    let mut child = Command::new(std::env::current_exe().unwrap());
    let netrc = tempfile::NamedTempFile::new().unwrap();
    fs::write(netrc.path(), "machine mirror.example.com login x password of-the-user").unwrap();
    child.env("NETRC", netrc.path());
    child.args(["--exact", "tls::what_the_environment_says"]).env(CHILD, "1");
    child.env("HTTP_PROXY", proxy.url("")).env_remove("http_proxy").env_remove("no_proxy");
    child.env("NO_PROXY", "127.0.0.1").env("DIRECT", direct.url("/x"));
    let output = child.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    assert!(proxy.requests()[0].starts_with("GET http://mirror.example.com/x HTTP/1.1\r\n"));
    assert!(direct.requests()[0].starts_with("GET /x HTTP/1.1\r\n"));
}
