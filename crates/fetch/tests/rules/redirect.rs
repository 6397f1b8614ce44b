//! Redirects, and who is told what.

use crate::server::{Answer, Server};
use crate::{BODY, Recorder, client, download, options};
use fetch::{Client, Expect, Logins, Options};
use std::sync::Arc;

/// `user:pass`, as it is sent.
const SENT: &str = "Basic dXNlcjpwYXNz";

fn with_logins(text: &str) -> Client {
    Client::new(Options { logins: Logins::parse(text), ..options(&Arc::<Recorder>::default()) })
}

#[test]
fn credentials_stay_with_their_host() {
    let expect = Expect::at_most(100);
    // Another port is another host.
    let there = || Server::new(vec![Answer::ok(BODY)]);
    for by_url in [true, false] {
        let (other, sent) = (there(), Some(SENT.to_owned()));
        let here = Server::new(vec![Answer::redirect("/same"), Answer::redirect(&other.url("/other"))]);
        let (client, url) = if by_url {
            (client(), here.url("/x").replace("//", "//user:pass@"))
        } else {
            let login = format!("machine 127.0.0.1:{} login user password pass", here.port());
            (with_logins(&login), here.url("/x"))
        };
        assert_eq!(download(&client, &url, &expect).unwrap(), BODY);
        assert_eq!(here.sent("authorization"), [sent.clone(), sent]);
        assert_eq!(other.sent("authorization"), [None]);
        assert!(other.requests()[0].starts_with("GET /other HTTP"));
        assert_eq!(other.sent("referer"), [None]);
    }
    // The other host's own login is for it.
    let other = there();
    let here = Server::new(vec![Answer::redirect(&other.url("/other"))]);
    let login = format!("machine 127.0.0.1:{} login user password pass", other.port());
    download(&with_logins(&login), &here.url("/x"), &expect).unwrap();
    assert_eq!(
        (here.sent("authorization"), other.sent("authorization")),
        (vec![None], vec![Some(SENT.into())])
    );
}

#[test]
fn credentials_that_are_refused() {
    let server = Server::new(vec![Answer::new("401 Who")]);
    let url = server.url("/x").replace("//", "//user:pass@");
    let error = download(&client(), &url, &Expect::at_most(1)).unwrap_err().to_string();
    assert!(error.ends_with("needs credentials: those given were refused (401)"), "{error}");
    assert!(!error.contains("pass@"), "{error}");
}

#[test]
fn redirects_that_are_not_followed() {
    let circle = vec![Answer::redirect("/x"); 20];
    for (script, expected, requests) in [
        (circle, "not followed: more than 10 redirects", 11),
        (vec![Answer::redirect("file:///etc/passwd")], "not followed: its scheme is file", 1),
        (vec![Answer::redirect("ftp://example.com/")], "not followed: its scheme is ftp", 1),
        (vec![Answer::redirect("http://")], "redirects to http://, which is not followed: it is no URL", 1),
        (vec![Answer::new("302 Found")], "redirects to nowhere, which is not followed: it is no URL", 1),
    ] {
        let server = Server::new(script);
        let error = download(&client(), &server.url("/x"), &Expect::at_most(1)).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}\n{expected}");
        assert_eq!(server.requests().len(), requests, "{expected}");
    }
}

#[test]
fn a_part_is_asked_for_where_the_whole_was() {
    let other = Server::new(vec![Answer::ok(BODY).cut(4), Answer::rest(BODY, 4)]);
    let to = other.url("/other?signature=secret");
    let here = Server::new(vec![Answer::redirect(&to), Answer::redirect(&to)]);
    let expect = Expect { size: Some(BODY.len() as u64), ..Expect::at_most(100) };
    assert_eq!(download(&client(), &here.url("/x"), &expect).unwrap(), BODY);
    assert_eq!(other.sent("range"), [None, Some("bytes=4-".into())]);
}
