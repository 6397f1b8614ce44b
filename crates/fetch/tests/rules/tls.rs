//! Who the server is, and the way to it. The key in `tls/` is of a server for `localhost`, and of these tests only.

use crate::server::{Answer, Server, head};
use crate::{BODY, Recorder, client, download, options};
use fetch::{Client, Expect, FetchError, Logins, Options};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned};
use std::fs;
use std::net::TcpListener;
use std::process::Command;
use std::sync::Arc;
use std::thread;

/// Answers every request over TLS; gives its port.
fn tls_server(answer: Answer) -> u16 {
    serve(answer, config(false))
}

/// The server's side of TLS; it may want to know the client.
fn config(knows_clients: bool) -> ServerConfig {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let chain = vec![CertificateDer::from_pem_slice(include_bytes!("tls/server.pem")).unwrap()];
    let key = PrivateKeyDer::from_pem_slice(include_bytes!("tls/server.key")).unwrap();
    let builder = ServerConfig::builder();
    let builder = if knows_clients {
        let mut clients = RootCertStore::empty();
        clients.add(CertificateDer::from_pem_slice(include_bytes!("tls/client.cert")).unwrap()).unwrap();
        builder.with_client_cert_verifier(WebPkiClientVerifier::builder(clients.into()).build().unwrap())
    } else {
        builder.with_no_client_auth()
    };
    builder.with_single_cert(chain, key).unwrap()
}

fn serve(answer: Answer, config: ServerConfig) -> u16 {
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
            let mut stream = StreamOwned::new(connection, stream.unwrap());
            if !head(&mut stream).is_empty() {
                let _ = answer.write(&mut stream);
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
fn a_host_that_is_called_insecure_is_believed_and_no_other() {
    let [one, other] = [(); 2].map(|()| tls_server(Answer::ok(BODY)));
    let expect = Expect::at_most(100);
    for (insecure, trusted) in
        [(format!("localhost:{one}"), [true, false]), ("localhost".into(), [true, true])]
    {
        let client =
            Client::new(Options { insecure: vec![insecure], ..options(&Arc::<Recorder>::default()) });
        for (port, trusted) in [one, other].into_iter().zip(trusted) {
            let found = download(&client, &format!("https://localhost:{port}/x"), &expect);
            assert_eq!(found.is_ok(), trusted, "{found:?}");
            assert!(download(&client, &format!("https://127.0.0.1:{port}/x"), &expect).is_err());
        }
    }
    // Nor does a redirect take its luck with it.
    let here = tls_server(Answer::redirect(&format!("https://localhost:{other}/x")));
    let insecure = vec![format!("localhost:{here}")];
    let client = Client::new(Options { insecure, ..options(&Arc::<Recorder>::default()) });
    let error = download(&client, &format!("https://localhost:{here}/x"), &expect).unwrap_err();
    assert!(matches!(error, FetchError::Tls { .. }), "{error:?}");
}

#[test]
fn what_a_directory_says_of_a_host_is_for_it_alone() {
    let dirs = [(); 3].map(|()| tempfile::tempdir().unwrap());
    let (known, unknown) = (serve(Answer::ok(BODY), config(true)), serve(Answer::ok(BODY), config(true)));
    let write = |dir: usize, port: u16, name: &str, text: &str| {
        let dir = dirs[dir].path().join(format!("localhost:{port}"));
        fs::create_dir_all(&dir).unwrap();
        fs::write(dir.join(name), text).unwrap();
    };
    write(0, known, "ca.crt", include_str!("tls/ca.pem"));
    write(0, known, "README", "not read");
    write(1, known, "me.cert", include_str!("tls/client.cert"));
    write(1, known, "me.key", include_str!("tls/client.key"));
    write(0, unknown, "ca.crt", include_str!("tls/ca.pem"));
    let certs_dirs: Vec<_> = dirs.iter().map(|dir| dir.path().to_path_buf()).collect();
    let client = || {
        let certs_dirs = certs_dirs.clone();
        Client::new(Options { certs_dirs, ..options(&Arc::<Recorder>::default()) })
    };
    let get = |port: u16| download(&client(), &format!("https://localhost:{port}/x"), &Expect::at_most(100));
    assert_eq!(get(known).unwrap(), BODY);
    assert!(get(unknown).is_err());
    // A certificate without its key is a mistake to be told.
    write(2, unknown, "me.cert", include_str!("tls/client.cert"));
    assert!(get(unknown).unwrap_err().to_string().ends_with("me.key"), "{:?}", get(unknown));
    write(2, unknown, "me.key", "no key");
    assert!(get(unknown).unwrap_err().to_string().contains("are no certificate with a key"));
}

#[test]
fn who_speaks_no_tls_is_told_apart() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = std::io::Write::write_all(&mut stream, b"HTTP/1.0 400 Bad Request\r\n\r\n");
        }
    });
    let error = download(&client(), &format!("https://localhost:{port}/x"), &Expect::at_most(1)).unwrap_err();
    assert!(matches!(error, FetchError::NotTls { .. }), "{error:?}");
}

#[test]
fn http_2_is_spoken_with_who_knows_it() {
    let mut config = config(false);
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let spoken = thread::spawn(move || {
        let mut connection = ServerConnection::new(config).unwrap();
        let mut stream = listener.accept().unwrap().0;
        while connection.is_handshaking() {
            connection.complete_io(&mut stream).unwrap();
        }
        connection.alpn_protocol().map(<[u8]>::to_vec)
    });
    let (_dir, trusting) = trusting(include_str!("tls/ca.pem"));
    let client = trusting.clone();
    thread::spawn(move || download(&client, &format!("https://localhost:{port}/x"), &Expect::at_most(1)));
    assert_eq!(spoken.join().unwrap(), Some(b"h2".to_vec()));
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
