//! Requests of any method, with bodies, and what becomes of their answers.

use crate::server::{Answer, Server};
use crate::{BODY, Recorder, client, download, options};
use fetch::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use fetch::{Body, Client, Exchange, Expect, FetchError, LeastPace, Options, Reply, Retry};
use std::io;
use std::sync::Arc;
use std::time::Duration;

fn send(client: &Client, method: Method, url: &str, body: Body, again: bool) -> Result<Reply, FetchError> {
    let headers = HeaderMap::from_iter([(header::AUTHORIZATION, HeaderValue::from_static("Bearer x"))]);
    let request = Exchange { method, url, headers, body, again };
    client.wait(client.exchange(&request)).unwrap()
}

/// A body that is longer than what is sent of it at a time.
fn large() -> (Vec<u8>, Body) {
    let bytes = BODY.repeat(20_000);
    let (len, written) = (bytes.len() as u64, bytes.clone());
    (bytes, Body::Stream { len, write: Arc::new(move |out| out.write_all(&written)) })
}

#[test]
fn a_body_is_sent_and_sent_again() {
    let busy = Answer::new("503 Busy").with("Retry-After", "7").with("Content-Length", "0");
    let server =
        Server::new(vec![busy.clone(), Answer::new("201 Created").with("Content-Length", "0"), busy]);
    let pace = Arc::<Recorder>::default();
    let client = Client::new(options(&pace));
    let (bytes, body) = large();
    let reply = send(&client, Method::PUT, &server.url("/x"), body.clone(), true).unwrap();
    assert_eq!(reply.status(), StatusCode::CREATED);
    assert_eq!(*pace.waits.lock().unwrap(), [7000]);
    let reply = send(&client, Method::PUT, &server.url("/x"), body, false).unwrap();
    assert_eq!((reply.status().as_u16(), reply.retry_after()), (503, Some(Duration::from_secs(7))));
    assert_eq!(server.bodies(), [&bytes[..]; 3]);
    assert_eq!(server.sent("content-length"), vec![Some(bytes.len().to_string()); 3]);
    client.wait(client.pause(2, reply.retry_after())).unwrap();
    assert_eq!(*pace.waits.lock().unwrap(), [7000, 7000]);
}

#[test]
fn a_body_that_cannot_be_written_is_no_body() {
    let server = Server::new(vec![Answer::ok(b""), Answer::ok(b"")]);
    let write = |out: &mut dyn io::Write| {
        out.write_all(&BODY.repeat(10_000))?;
        Err(io::ErrorKind::InvalidData.into())
    };
    let body = Body::Stream { len: (BODY.len() * 20_000) as u64, write: Arc::new(write) };
    let sent = send(&client(), Method::PUT, &server.url("/x"), body, false);
    assert!(sent.is_err() || server.bodies().iter().all(|body| body.len() < BODY.len() * 20_000));
}

#[test]
fn authorization_stays_with_its_host_and_a_body_goes_along() {
    let other = Server::new(vec![Answer::ok(b"")]);
    let to = Answer::redirect(&other.url("/there"));
    let here = Server::new(vec![to]);
    let (bytes, body) = large();
    send(&client(), Method::PUT, &here.url("/x"), body, false).unwrap();
    assert_eq!(here.sent("authorization"), [Some("Bearer x".into())]);
    assert_eq!(other.sent("authorization"), [None]);
    assert!(other.requests()[0].starts_with("PUT /there"));
    assert_eq!(other.bodies(), [bytes]);
}

#[test]
fn a_document_has_its_limits() {
    let server = Server::new(vec![Answer::ok(BODY), Answer::ok(BODY), Answer::ok(BODY).dripping()]);
    let document = Duration::from_millis(200);
    let client = Client::new(Options { document, ..options(&Arc::default()) });
    let read = |limit: usize| {
        let reply = send(&client, Method::GET, &server.url("/x"), Body::Empty, true).unwrap();
        client.wait(reply.read(limit as u64)).unwrap()
    };
    assert_eq!(read(BODY.len()).unwrap(), BODY);
    assert!(matches!(read(BODY.len() - 1), Err(FetchError::TooLarge { .. })));
    let error = read(BODY.len()).unwrap_err().to_string();
    assert!(error.ends_with("the answer took too long"), "{error}");
}

#[test]
fn what_drips_has_broken_off() {
    let server = Server::new(vec![Answer::ok(BODY).dripping(); 3]);
    let least = LeastPace { bytes: 1000, window: Duration::from_millis(200) };
    let retry = Retry { tries: 2, ..Retry::default() };
    let client = Client::new(Options { least, retry, ..options(&Arc::default()) });
    let error = download(&client, &server.url("/x"), &Expect::at_most(100)).unwrap_err().to_string();
    assert!(error.contains("it came too slowly: ") && server.requests().len() == 2, "{error}");
    let mut reply = send(&client, Method::GET, &server.url("/x"), Body::Empty, true).unwrap();
    let parts = client.wait(async {
        while reply.part().await?.is_some() {}
        Ok(())
    });
    assert!(matches!(parts.unwrap(), Err(FetchError::GaveUp { .. })));
}
