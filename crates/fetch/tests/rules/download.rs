//! Answers, good and bad, and what becomes of them.

use crate::server::{Answer, Server};
use crate::{BODY, Recorder, client, download, impatient, options, sha256, sha512};
use fetch::{Client, Digest, Expect, FetchError, Options};
use std::sync::{Arc, Mutex};

fn exactly(bytes: &[u8]) -> Expect {
    Expect::exactly(bytes.len() as u64, sha256(bytes))
}

/// What it is about; the answers; the ranges that are asked for; the waits in between, in milliseconds.
type Case<'a> = (&'a str, Vec<Answer>, &'a [&'a str], &'a [u64]);

#[test]
fn what_comes_in_the_end() {
    let other = b"another file that has the same length, so";
    let etag = |answer: Answer| answer.with("ETag", "\"one\"");
    let close = |body: &[u8]| Answer::new("200 OK").sending(body);
    let wrong_range =
        Answer::new("206 Partial Content").with("Content-Range", "bytes 3-40/41").sending(&BODY[3..]);
    let cases: Vec<Case> = vec![
        ("a whole answer", vec![Answer::ok(BODY)], &[""], &[]),
        ("chunks", vec![Answer::chunked(&[&BODY[..9], &BODY[9..]], true)], &[""], &[]),
        ("an end without a length", vec![close(BODY)], &[""], &[]),
        (
            "cut, then the rest",
            vec![etag(Answer::ok(BODY)).cut(7), Answer::rest(BODY, 7)],
            &["", "bytes=7-"],
            &[1000],
        ),
        (
            "cut twice",
            vec![Answer::ok(BODY).cut(7), Answer::rest(BODY, 7).cut(3), Answer::rest(BODY, 10)],
            &["", "bytes=7-", "bytes=10-"],
            &[1000, 2000],
        ),
        (
            "chunks that break off",
            vec![Answer::chunked(&[&BODY[..9]], false), Answer::rest(BODY, 9)],
            &["", "bytes=9-"],
            &[1000],
        ),
        (
            "an early end without a length",
            vec![close(&BODY[..9]), Answer::rest(BODY, 9)],
            &["", "bytes=9-"],
            &[1000],
        ),
        ("cut, then all of it", vec![Answer::ok(BODY).cut(7), Answer::ok(BODY)], &["", "bytes=7-"], &[1000]),
        (
            "cut, then no such part",
            vec![Answer::ok(BODY).cut(7), Answer::new("416 Range Not Satisfiable"), Answer::ok(BODY)],
            &["", "bytes=7-", ""],
            &[1000, 2000],
        ),
        (
            "cut, then another part",
            vec![Answer::ok(BODY).cut(7), wrong_range, Answer::ok(BODY)],
            &["", "bytes=7-", ""],
            &[1000, 2000],
        ),
        (
            "parts of two files",
            vec![Answer::ok(other).cut(7), Answer::rest(BODY, 7), Answer::ok(BODY)],
            &["", "bytes=7-", ""],
            &[1000, 2000],
        ),
        (
            "too many requests",
            vec![Answer::new("429 Too Many").with("Retry-After", "7"), Answer::ok(BODY)],
            &["", ""],
            &[7000],
        ),
        (
            "come back at a time",
            vec![
                Answer::new("503 Busy").with("Retry-After", "Sun, 06 Nov 1994 08:49:37 GMT"),
                Answer::ok(BODY),
            ],
            &["", ""],
            &[7000],
        ),
        (
            "come back next year",
            vec![Answer::new("429 Too Many").with("Retry-After", "9999999"), Answer::ok(BODY)],
            &["", ""],
            &[60000],
        ),
        (
            "busy three times",
            vec![
                Answer::new("503 Busy"),
                Answer::new("502 Bad"),
                Answer::new("500 Broken"),
                Answer::ok(BODY),
            ],
            &["", "", "", ""],
            &[1000, 2000, 4000],
        ),
    ];
    in_the_end(cases, options);
}

#[test]
fn servers_that_say_nothing() {
    let cases: Vec<Case> = vec![
        (
            "a stall",
            vec![Answer::ok(BODY).cut(5).stalling(), Answer::rest(BODY, 5)],
            &["", "bytes=5-"],
            &[1000],
        ),
        ("no answer in time", vec![Answer::new("").stalling(), Answer::ok(BODY)], &["", ""], &[1000]),
    ];
    in_the_end(cases, impatient);
}

fn in_the_end(cases: Vec<Case>, options: fn(&Arc<Recorder>) -> Options) {
    for (case, script, ranges, waits) in cases {
        let server = Server::new(script);
        let pace = Arc::new(Recorder::default());
        let client = Client::new(options(&pace));
        let found = download(&client, &server.url("/x"), &exactly(BODY));
        assert_eq!(found.as_deref().ok(), Some(BODY), "{case}: {found:?}");
        let asked: Vec<String> = server.sent("range").into_iter().map(Option::unwrap_or_default).collect();
        assert_eq!(asked, ranges, "{case}");
        assert_eq!(*pace.waits.lock().unwrap(), waits, "{case}");
    }
}

#[test]
fn a_part_is_asked_for_of_the_same_file_only() {
    for (header, expected) in [
        (("ETag", "\"one\""), Some("\"one\"")),
        (("ETag", "W/\"one\""), None),
        (("Last-Modified", "Sun, 06 Nov 1994 08:49:37 GMT"), Some("Sun, 06 Nov 1994 08:49:37 GMT")),
        (("X-Other", "x"), None),
    ] {
        let first = Answer::ok(BODY).with(header.0, header.1).cut(7);
        let server = Server::new(vec![first, Answer::rest(BODY, 7)]);
        download(&client(), &server.url("/x"), &exactly(BODY)).unwrap();
        assert_eq!(server.sent("if-range"), [None, expected.map(String::from)]);
        assert_eq!(server.sent("accept-encoding")[0].as_deref(), Some("identity"));
        assert!(server.sent("user-agent")[0].as_deref().unwrap().starts_with("bantam/"));
    }
}

#[test]
fn caches_on_the_way_are_asked_to_look_if_nothing_else_tells() {
    let server = Server::new(vec![Answer::ok(BODY); 2]);
    for expect in [exactly(BODY), Expect::at_most(100)] {
        download(&client(), &server.url("/x"), &expect).unwrap();
    }
    assert_eq!(server.sent("cache-control"), [None, Some("max-age=0".into())]);
}

#[test]
fn what_is_not_tried_again() {
    let wrong = Expect { size: None, digest: Some(sha512(b"other")), limit: 1000 };
    let right = Expect { size: None, digest: Some(sha512(BODY)), limit: 1000 };
    let (exact, small) = (exactly(BODY), Expect::at_most(10));
    let close = |body: &[u8]| Answer::new("200 OK").sending(body);
    let longer = [BODY, b"x"].concat();
    for (answer, expect, expected) in [
        (Answer::new("404 Not Found"), &exact, "URL is not there (404)"),
        (Answer::new("410 Gone"), &exact, "URL is not there (410)"),
        (Answer::new("401 Who"), &exact, "URL needs credentials: none were given (401)"),
        (Answer::new("403 No"), &exact, "URL is forbidden (403)"),
        (Answer::new("400 What"), &exact, "URL: the server answered 400"),
        (Answer::new("501 Never"), &exact, "URL: the server answered 501"),
        (Answer::ok(&BODY[1..]), &exact, "URL has 40 bytes, not 41"),
        (Answer::ok(&longer), &exact, "URL has 42 bytes, not 41"),
        (close(&longer), &exact, "URL has 42 bytes, not 41"),
        (Answer::ok(b"the bytes of a file that is somewhat lonG"), &exact, "URL has the digest sha256:"),
        (close(BODY), &wrong, "URL has the digest sha512:"),
        (Answer::ok(BODY), &small, "URL is longer than 10 bytes"),
        (close(b"more and more").repeating(), &small, "URL is longer than 10 bytes"),
        (Answer::chunked(&[BODY], true), &small, "URL is longer than 10 bytes"),
    ] {
        let server = Server::new(vec![answer]);
        let url = server.url("/x");
        let error = download(&client(), &url, expect).unwrap_err().to_string();
        assert!(error.replace(&url, "URL").starts_with(expected), "{error}\n{expected}");
        assert_eq!(server.requests().len(), 1, "{expected}");
    }
    let server = Server::new(vec![Answer::chunked(&[BODY], true)]);
    assert_eq!(download(&client(), &server.url("/x"), &right).unwrap(), BODY);
}

#[test]
fn who_gives_up_tells_the_whole_story() {
    let busy = Answer::new("503 Busy");
    let script = vec![Answer::ok(BODY).cut(7), busy.clone(), busy, Answer::rest(BODY, 7).cut(2).stalling()];
    let server = Server::new(script);
    let url = server.url("/x?token=secret").replace("//", "//user:pass@");
    let client = Client::new(impatient(&Arc::default()));
    let error = download(&client, &url, &exactly(BODY)).unwrap_err();
    let told = error.to_string();
    assert!(told.contains("***@127.0.0.1") && told.contains("?token=***"), "{told}");
    assert!(!told.contains("pass") && !told.contains("secret"), "{told}");
    let (_, story) = told.split_once(" could not be fetched in 4 tries: ").unwrap();
    let (first, rest) = story.split_once("; ").unwrap();
    assert!(first.starts_with("the connection broke: ") && first.ends_with(" (after 7 bytes)"), "{first}");
    assert_eq!(
        rest,
        "2 times the server answered 503 Service Unavailable (after 7 bytes); \
         nothing arrived for too long (after 9 bytes)"
    );
    let FetchError::GaveUp { tries, .. } = error else { panic!("{error:?}") };
    let statuses: Vec<_> = tries.iter().map(|one| one.status).collect();
    assert_eq!(statuses, [None, Some(503), Some(503), None]);
}

#[test]
fn nobody_there() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let pace = Arc::new(Recorder::default());
    let url = format!("http://127.0.0.1:{port}/x");
    let error = download(&Client::new(options(&pace)), &url, &Expect::at_most(9)).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "{url} could not be fetched in 4 tries: 4 times no connection: Connection refused (os error 111)"
        )
    );
    assert_eq!(*pace.waits.lock().unwrap(), [1000, 2000, 4000]);
}

#[test]
fn long_files_may_break_off_often() {
    let part = 1 << 20;
    let body: Vec<u8> = (0..6 * part).map(|byte| (byte % 251) as u8).collect();
    let rest = |number: usize| Answer::rest(&body, number * part).cut(part);
    let server = Server::new(
        (0..6).map(|number| if number == 0 { Answer::ok(&body).cut(part) } else { rest(number) }).collect(),
    );
    let heard = Mutex::new(vec![]);
    let file = tempfile::tempfile().unwrap();
    let progress = |bytes| heard.lock().unwrap().push(bytes);
    client().download(&server.url("/x"), &file, &exactly(&body), &progress).unwrap();
    let heard = heard.into_inner().unwrap();
    assert!(heard.is_sorted());
    assert_eq!(heard.last(), Some(&(body.len() as u64)));
}

#[test]
fn within_a_runtime_and_outside() {
    let server = Server::new(vec![Answer::ok(BODY); 3]);
    let url = server.url("/x");
    let expect = exactly(BODY);
    assert_eq!(client().read(&url, &expect).unwrap(), BODY);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let client = client();
        assert_eq!(client.read(&url, &expect).unwrap(), BODY);
        assert_eq!(client.read_async(&url, &expect).await.unwrap(), BODY);
    });
}

#[test]
fn digests_show_as_the_field_writes_them() {
    assert_eq!(Digest::Sha256([0xab; 32]).to_string(), format!("sha256:{}", "ab".repeat(32)));
    assert_eq!(Digest::Sha512([0x01; 64]).to_string(), format!("sha512:{}", "01".repeat(64)));
}
