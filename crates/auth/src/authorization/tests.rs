#![allow(clippy::unwrap_used, clippy::panic)]

use super::*;
use crate::scope::Action;
use crate::settings::{Login, Settings};
use crate::testing::{Answer, Clock, Request, Server, client};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A registry that asks for tokens.
const REGISTRY: &str = "registry.example.com";

fn scope(repository: &str, action: Action) -> Scope {
    Scope { repository: repository.into(), action }
}

fn pull() -> Vec<Scope> {
    vec![scope("acme/shop", Action::Pull)]
}

fn bot() -> Option<Credential> {
    Some(Credential::Basic { user: "bot".into(), password: "geheim".into() })
}

fn auth_at(registry: &str, clock: &Arc<Clock>, credential: Option<Credential>) -> Auth {
    let flag = "--username";
    let login = credential.map(|credential| Login { registry: registry.into(), credential, flag });
    // The token servers of these tests are without TLS.
    Auth::new(client(clock, &[REGISTRY]), Keychain::new(Settings { login, ..Settings::default() }))
}

fn auth(credential: Option<Credential>) -> Auth {
    auth_at(REGISTRY, &Arc::default(), credential)
}

fn bearer_of(server: &Server) -> Vec<String> {
    vec![format!("Bearer realm=\"{}\",service=\"the registry\"", server.url("/token?x=1"))]
}

/// Gives `token-1`, `token-2`, …
fn counting() -> Server {
    let count = AtomicUsize::new(0);
    Server::new(move |_| {
        (200, format!("{{\"token\": \"token-{}\"}}", count.fetch_add(1, Ordering::SeqCst) + 1))
    })
}

fn answer(auth: &Auth, challenges: &[String], scopes: &[Scope]) -> Result<String, AuthError> {
    answer_to(auth, challenges, scopes, None)
}

fn answer_to(
    auth: &Auth,
    challenges: &[String],
    scopes: &[Scope],
    sent: Option<&str>,
) -> Result<String, AuthError> {
    let sent = sent.map(|sent| HeaderValue::from_str(sent).unwrap());
    let work = auth.answer(REGISTRY, challenges, scopes, sent.as_ref());
    auth.0.client.wait(work).unwrap().map(|header| header.to_str().unwrap().to_owned())
}

fn known(auth: &Auth, scopes: &[Scope]) -> Option<String> {
    auth.known(REGISTRY, scopes).map(|header| header.to_str().unwrap().to_owned())
}

#[test]
fn a_token_is_asked_for_with_a_password() {
    let server = counting();
    let auth = auth(bot());
    assert_eq!(known(&auth, &pull()), None);
    let scopes = [scope("acme/shop", Action::PullPush), scope("acme/base", Action::Pull)];
    assert_eq!(answer(&auth, &bearer_of(&server), &scopes).unwrap(), "Bearer token-1");
    let [request] = &server.requests()[..] else { panic!() };
    assert_eq!((&*request.method, request.header("authorization")), ("GET", Some("Basic Ym90OmdlaGVpbQ==")));
    let fields: Vec<String> =
        request.fields().into_iter().map(|(name, value)| format!("{name}={value}")).collect();
    assert_eq!(
        fields,
        [
            "x=1",
            "service=the registry",
            "scope=repository:acme/shop:pull,push",
            "scope=repository:acme/base:pull",
            "account=bot"
        ]
    );
    // It is good for all that it covers, and for nothing else.
    for (scopes, want) in [
        (vec![scope("acme/shop", Action::PullPush)], true),
        (vec![scope("acme/shop", Action::Pull)], true),
        (vec![scope("acme/shop", Action::Pull), scope("acme/base", Action::Pull)], true),
        (vec![scope("acme/shop", Action::Pull), scope("acme/base", Action::PullPush)], false),
        (vec![scope("acme/base", Action::Pull)], false),
        (vec![], false),
    ] {
        let found = known(&auth, &scopes);
        assert_eq!(found.as_deref(), want.then_some("Bearer token-1"), "{scopes:?}");
    }
    // Another registry has nothing of it; a clone has.
    assert_eq!(auth.known("ghcr.io", &scopes), None);
    assert!(known(&auth.clone(), &scopes).is_some());
}

#[test]
fn who_has_no_credentials_asks_for_a_token_without() {
    let server = Server::new(|_| (200, r#"{"access_token": "t", "token": ""}"#.into()));
    assert_eq!(answer(&auth(None), &bearer_of(&server), &pull()).unwrap(), "Bearer t");
    let [request] = &server.requests()[..] else { panic!() };
    assert_eq!((request.header("authorization"), request.field("account")), (None, None));
}

#[test]
fn an_identity_token_is_posted_or_is_a_password_where_that_is_not_known() {
    for (refusal, requests) in [(200, 1), (404, 2), (405, 2)] {
        let server = Server::new(move |request: &Request| match (&*request.method, refusal) {
            ("POST", 200) => (200, r#"{"access_token": "t"}"#.into()),
            ("POST", status) => (status, String::new()),
            _ => (200, r#"{"token": "t"}"#.into()),
        });
        let auth = auth(Some(Credential::Identity("i d".into())));
        let scopes = [scope("acme/shop", Action::PullPush), scope("acme/base", Action::Pull)];
        assert_eq!(answer(&auth, &bearer_of(&server), &scopes).unwrap(), "Bearer t");
        let heard = server.requests();
        assert_eq!(heard.len(), requests);
        let both = "repository:acme/shop:pull,push repository:acme/base:pull";
        for (name, want) in [
            ("grant_type", "refresh_token"),
            ("refresh_token", "i d"),
            ("service", "the registry"),
            ("scope", both),
            ("client_id", "bantam"),
        ] {
            assert_eq!(heard[0].field(name).as_deref(), Some(want), "{name}");
        }
        if let Some(request) = heard.get(1) {
            let want = format!("Basic {}", STANDARD.encode(":i d"));
            assert_eq!(request.header("authorization"), Some(&*want));
        }
    }
}

#[test]
fn eight_at_once_ask_once() {
    let server = counting();
    let auth = auth(bot());
    let (challenges, scopes) = (bearer_of(&server), pull());
    std::thread::scope(|threads| {
        let ask = || threads.spawn(|| answer(&auth, &challenges, &scopes).unwrap());
        let asked: Vec<_> = (0..8).map(|_| ask()).collect();
        for one in asked {
            assert_eq!(one.join().unwrap(), "Bearer token-1");
        }
    });
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn tokens_are_renewed_before_they_end() {
    for (expires, good, bad) in [
        ("", 44, 46),
        (r#", "expires_in": 300"#, 269, 271),
        (r#", "expires_in": 3600.5"#, 3569, 3571),
        (r#", "expires_in": 0"#, 44, 46),
        (r#", "expires_in": -5"#, 44, 46),
        (r#", "expires_in": 1e300"#, 44, 46),
        (r#", "expires_in": 1e9"#, 86_369, 86_371),
        (r#", "expires_in": 20"#, 14, 16),
    ] {
        let server = Server::new(move |_| (200, format!("{{\"token\": \"t\"{expires}}}")));
        let clock = Arc::default();
        let auth = auth_at(REGISTRY, &clock, bot());
        answer(&auth, &bearer_of(&server), &pull()).unwrap();
        clock.pass(good);
        assert!(known(&auth, &pull()).is_some(), "{expires}");
        clock.pass(bad - good);
        assert_eq!(known(&auth, &pull()), None, "{expires}");
        answer(&auth, &bearer_of(&server), &pull()).unwrap();
        assert_eq!(server.requests().len(), 2);
    }
}

#[test]
fn a_token_that_was_refused_is_asked_for_anew_once() {
    let server = counting();
    let auth = auth(bot());
    let challenges = bearer_of(&server);
    assert_eq!(answer(&auth, &challenges, &pull()).unwrap(), "Bearer token-1");
    assert_eq!(answer_to(&auth, &challenges, &pull(), Some("Bearer token-1")).unwrap(), "Bearer token-2");
    // Another request that had the first one is given the second.
    assert_eq!(answer_to(&auth, &challenges, &pull(), Some("Bearer token-1")).unwrap(), "Bearer token-2");
    let challenge = format!("{},error=\"invalid_token\"", challenges[0]);
    let error = answer_to(&auth, &[challenge], &pull(), Some("Bearer token-2")).unwrap_err();
    assert_eq!(
        error.to_string(),
        "registry.example.com does not accept user bot of --username: invalid_token"
    );
    assert_eq!((server.requests().len(), known(&auth, &pull())), (2, None));
}

#[test]
fn a_token_that_has_been_good_is_asked_for_anew_each_time() {
    let server = Server::new({
        let count = AtomicUsize::new(0);
        move |_| {
            let number = count.fetch_add(1, Ordering::SeqCst) + 1;
            (200, format!("{{\"token\": \"token-{number}\", \"expires_in\": 3600}}"))
        }
    });
    let clock = Arc::default();
    let auth = auth_at(REGISTRY, &clock, bot());
    let challenges = bearer_of(&server);
    answer(&auth, &challenges, &pull()).unwrap();
    for number in 1..4 {
        clock.pass(60);
        let sent = format!("Bearer token-{number}");
        let next = answer_to(&auth, &challenges, &pull(), Some(&sent)).unwrap();
        assert_eq!(next, format!("Bearer token-{}", number + 1));
    }
    assert!(answer_to(&auth, &challenges, &pull(), Some("Bearer token-4")).is_err());
}

#[test]
fn who_a_helper_says_that_one_is_may_change() {
    let dir = tempfile::tempdir().unwrap();
    let program = dir.path().join("docker-credential-h");
    let script = "#!/bin/sh\ncat > /dev/null\necho \"{\\\"Username\\\": \\\"bot\\\", \\\"Secret\\\": \\\"$(cat $HOME/secret)\\\"}\"\n";
    std::fs::write(&program, script).unwrap();
    std::fs::set_permissions(&program, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let authfile = dir.path().join("auth.json");
    std::fs::write(&authfile, r#"{"credsStore": "h"}"#).unwrap();
    let own = dir.path().display().to_string();
    let variables = [("HOME", own.clone()), ("PATH", format!("{own}:/usr/bin:/bin"))];
    let environment = variables.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    let settings = Settings { authfile: Some(authfile), environment, ..Settings::default() };
    let auth = Auth::new(client(&Arc::default(), &[REGISTRY]), Keychain::new(settings));
    let keep = |secret: &str| std::fs::write(dir.path().join("secret"), secret).unwrap();
    let header = |secret: &str| format!("Basic {}", STANDARD.encode(format!("bot:{secret}")));
    let asked = [String::from("Basic realm=x")];
    keep("old");
    assert_eq!(answer(&auth, &asked, &pull()).unwrap(), header("old"));
    keep("new");
    assert_eq!(answer_to(&auth, &asked, &pull(), Some(&header("old"))).unwrap(), header("new"));
    assert!(answer_to(&auth, &asked, &pull(), Some(&header("new"))).is_err());
    // A token server that does not know who asks is asked once more, too.
    let good = header("newer");
    let server = Server::new(move |request| match request.header("authorization") == Some(&*good) {
        true => (200, r#"{"token": "t"}"#.into()),
        false => (401, String::new()),
    });
    let challenges = bearer_of(&server);
    assert!(answer(&auth, &challenges, &pull()).is_err());
    keep("newer");
    assert_eq!(answer(&auth, &challenges, &pull()).unwrap(), "Bearer t");
}

#[test]
fn a_token_server_that_is_not_well_says_nothing_of_who_asks() {
    for status in [429, 500, 503] {
        let server = Server::new(move |_| (status, String::new()));
        let error = answer(&auth(bot()), &bearer_of(&server), &pull()).unwrap_err();
        assert!(matches!(error, AuthError::Unwell { .. }) && !error.is_refusal(), "{error}");
    }
}

#[test]
fn passwords_go_to_registries_that_ask_for_them() {
    let basic = [String::from("Basic realm=\"x\"")];
    let auth = auth(bot());
    let header = answer(&auth, &basic, &pull()).unwrap();
    assert_eq!(header, "Basic Ym90OmdlaGVpbQ==");
    assert_eq!(known(&auth, &pull()).as_deref(), Some(&*header));
    // Not to another repository before it is asked for there, and not to another registry at all.
    assert_eq!(known(&auth, &[scope("other", Action::Pull)]), None);
    assert_eq!(auth.known("ghcr.io", &pull()), None);
    let error = answer_to(&auth, &basic, &pull(), Some(&header)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "registry.example.com does not accept user bot of --username: 401 Unauthorized"
    );
}

#[test]
fn a_registry_token_is_given_as_it_is() {
    for asked in ["Bearer realm=\"https://x.example/\"", "Basic realm=x"] {
        let auth = auth(Some(Credential::Bearer("abc".into())));
        assert_eq!(answer(&auth, &[asked.into()], &pull()).unwrap(), "Bearer abc");
        assert!(answer_to(&auth, &[asked.into()], &pull(), Some("Bearer abc")).is_err());
    }
    assert!(answer(&auth(Some(Credential::Bearer("a\nb".into()))), &["Basic".into()], &pull()).is_err());
}

#[test]
fn what_cannot_be_answered() {
    let identity = || Some(Credential::Identity("geheim".into()));
    for (credential, challenge, want) in [
        (bot(), "Negotiate", "asks for credentials in a way that is not known: Negotiate"),
        (bot(), "", "asks for credentials in a way that is not known: "),
        (None, "Basic realm=x", "there are no credentials for registry.example.com"),
        (identity(), "Basic realm=x", "takes a password only, and --username has an identity token"),
        (bot(), "Bearer service=x", "which is not asked: it is no URL"),
        (bot(), "Bearer realm=/token", "which is not asked: it is no URL"),
        (bot(), "Bearer realm=ftp://x.example/", "which is not asked: its scheme is neither https nor http"),
        (bot(), "Bearer realm=https://a:b@x.example/", "which is not asked: it has a user in it"),
    ] {
        let error = answer(&auth(credential), &[challenge.into()], &pull()).unwrap_err();
        assert!(error.to_string().ends_with(want), "{error}");
        assert!(error.is_refusal());
    }
}

#[test]
fn a_password_is_sent_without_tls_to_no_token_server_of_a_registry_with_it() {
    let server = counting();
    let clock = Arc::default();
    for (registry, plain) in [
        ("ghcr.io", false),
        (REGISTRY, true),
        ("localhost:5000", true),
        ("127.0.0.1:5000", true),
        ("[::1]:5000", true),
        ("127.0.0.1.example.com", false),
    ] {
        let auth = auth_at(registry, &clock, bot());
        let challenges = bearer_of(&server);
        let asked = auth.0.client.wait(auth.answer(registry, &challenges, &[], None)).unwrap();
        match asked {
            Ok(_) => assert!(plain, "{registry}"),
            Err(error) => {
                assert!(!plain, "{registry}");
                assert!(error.to_string().ends_with("it has no TLS, and the registry has"), "{error}");
            }
        }
    }
    assert_eq!(server.requests().len(), 4);
}

#[test]
fn token_servers_that_do_not_do_it() {
    let long = "x".repeat((1 << 20) + 1);
    for (answered, want) in [
        (
            (401, r#"{"errors": [{"code": "UNAUTHORIZED", "message": "wrong geheim"}]}"#.into()),
            "does not accept user bot of --username: wrong *** (401)",
        ),
        ((403, r#"{"details": "no"}"#.into()), "does not accept user bot of --username: no (403)"),
        ((401, "<html>".into()), "does not accept user bot of --username: 401 Unauthorized"),
        ((400, r#"{"error": "invalid_scope"}"#.into()), ": invalid_scope (400)"),
        ((404, String::new()), ": 404 Not Found"),
        ((200, String::new()), ": its answer is no JSON of a token"),
        ((200, "{}".into()), ": its answer has no token"),
        ((200, r#"{"token": "a\nb"}"#.into()), ": no header can have its token"),
        ((200, r#"{"token": 5}"#.into()), ": its answer is no JSON of a token"),
        ((307, "http://127.0.0.2/x".into()), ": it leads to 127.0.0.2, which is not followed"),
        ((200, long), "no token for registry.example.com"),
    ] {
        let answered: Answer = answered;
        let server = Server::new(move |_| answered.clone());
        let error = answer(&auth(bot()), &bearer_of(&server), &pull()).unwrap_err();
        assert!(error.to_string().ends_with(want), "{error}");
        assert_eq!(server.requests().len(), 1);
    }
}

#[test]
fn a_secret_is_not_sent_where_a_token_server_leads_to() {
    let other = counting();
    let there = other.url("/token");
    let server = Server::new(move |_| (307, there.clone()));
    for credential in [bot(), Some(Credential::Identity("geheim".into()))] {
        assert!(answer(&auth(credential), &bearer_of(&server), &pull()).is_err());
    }
    assert!(other.requests().is_empty());
}

#[test]
fn a_place_that_cannot_be_looked_at_is_told_rather_than_that_there_is_nothing() {
    let server = counting();
    let settings = Settings { authfile: Some("/nonexistent/auth.json".into()), ..Settings::default() };
    let auth = Auth::new(client(&Arc::default(), &[REGISTRY]), Keychain::new(settings));
    let error = answer(&auth, &bearer_of(&server), &pull()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "no credentials for registry.example.com: /nonexistent/auth.json (--authfile) cannot be used: it is not there"
    );
    assert_eq!(error.trace().len(), 1);
    assert!(server.requests().is_empty());
}

#[test]
fn scopes_that_nobody_gave_are_those_of_the_registry() {
    let server = counting();
    let challenge = format!("{},scope=\"registry:catalog:* a:b:c\"", bearer_of(&server)[0]);
    answer(&auth(bot()), &[challenge], &[]).unwrap();
    let fields = server.requests()[0].fields();
    let scopes: Vec<&str> =
        fields.iter().filter(|(name, _)| name == "scope").map(|(_, value)| &**value).collect();
    assert_eq!(scopes, ["registry:catalog:*", "a:b:c"]);
}

#[test]
fn who_one_is() {
    let auth = auth(bot());
    let found = auth.0.client.wait(auth.who(REGISTRY, "acme/shop")).unwrap();
    assert_eq!(found.credential, bot());
}
