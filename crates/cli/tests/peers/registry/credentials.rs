//! Who is let in, and what is said to those who are not.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::certificates::Authority;
use super::clients::{alone, bantam, crane, digest, image};
use super::server::{Access, Registry, Software};
use super::token::{Asked, IDENTITY_TOKEN, PASSWORD, PUBLIC, READER, TokenServer, USER};
use crate::workshop::{Image, Workshop, assert_has, at_hand, ok};

/// Writes what `docker login` would have written.
pub fn know(workshop: &Workshop, address: &str, user: &str, password: &str) -> PathBuf {
    let auth = STANDARD.encode(format!("{user}:{password}"));
    workshop.write("docker/config.json", json!({"auths": {address: {"auth": auth}}}).to_string())
}

/// Runs a command, with `typed` at its standard input; gives its code and all that it says, in which no secret is.
fn said(command: &mut Command, typed: &str) -> (Option<i32>, String) {
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(typed.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap()).concat();
    let encoded = STANDARD.encode(format!("{USER}:{PASSWORD}"));
    for secret in [PASSWORD, IDENTITY_TOKEN, &encoded, "eyJ"] {
        assert!(!text.contains(secret), "a secret is in: {text}");
    }
    (output.status.code(), text)
}

/// A command that must end with this code; gives all that it says.
fn ends(command: &mut Command, code: i32) -> String {
    let (found, text) = said(command, "");
    assert_eq!(found, Some(code), "{command:?}: {text}");
    text
}

/// What these tests share: an image, and a registry that asks for a password over TLS.
struct Locked {
    workshop: Workshop,
    image: Image,
    registry: Registry,
    authority: Authority,
}

impl Locked {
    fn new(software: Software) -> Option<Self> {
        if !at_hand(&[software.program(), "crane", "htpasswd", "openssl"]) {
            return None;
        }
        let (workshop, authority) = (Workshop::new(), Authority::new());
        let image = image(&workshop, "locked");
        let registry = software.start_with(Access::Password, Some(&authority));
        Some(Self { workshop, image, registry, authority })
    }

    fn name(&self) -> String {
        self.registry.name("acme/locked:1")
    }

    fn ca(&self) -> String {
        self.authority.certificate().display().to_string()
    }

    fn push(&self, options: &[&str]) -> Command {
        let mut push = bantam(&self.workshop);
        push.args(["push", &self.image.oci(), &self.name()]).args(options);
        push
    }

    fn know(&self, password: &str) -> PathBuf {
        know(&self.workshop, &self.registry.address, USER, password)
    }

    /// What crane finds, with the same credentials.
    fn assert_pushed(&self) {
        let mut validate = crane(&["validate", "--remote", &self.name()]);
        alone(&self.workshop, &mut validate);
        ok(validate.env("SSL_CERT_FILE", self.ca()));
        let mut digest = crane(&["digest", &self.name()]);
        alone(&self.workshop, &mut digest);
        assert_eq!(ok(digest.env("SSL_CERT_FILE", self.ca())), self.image.digest());
    }
}

fn a_password_over_tls(software: Software) {
    let Some(locked) = Locked::new(software) else { return };
    let (ca, address) = (locked.ca(), locked.registry.address.clone());

    let file = locked.know(PASSWORD);
    let unknown = ends(&mut locked.push(&[]), 5);
    assert_has(&unknown, &[&address, "certificate"]);

    assert_eq!(digest(&ok(&mut locked.push(&["--ca-file", &ca]))), locked.image.digest());
    locked.assert_pushed();
    ok(locked.push(&[]).env("SSL_CERT_FILE", &ca));
    ok(&mut locked.push(&["--insecure", &address]));

    locked.know("wrong");
    assert_has(&ends(&mut locked.push(&["--ca-file", &ca]), 6), &[&address, USER, "config.json"]);
    let mut pull = bantam(&locked.workshop);
    pull.args(["pull", &locked.name(), "oci:pulled:1", "--ca-file", &ca]);
    assert_has(&ends(&mut pull, 6), &[&address, USER]);
    assert!(!locked.workshop.path("pulled").exists());

    let elsewhere = locked.workshop.path("elsewhere.json");
    locked.know(PASSWORD);
    fs::rename(&file, &elsewhere).unwrap();
    let nobody = ends(&mut locked.push(&["--ca-file", &ca]), 6);
    assert_has(&nobody, &[&address, file.to_str().unwrap()]);
    let authfile = elsewhere.to_str().unwrap();
    ok(&mut locked.push(&["--ca-file", &ca, "--authfile", authfile]));
}

#[test]
fn a_password_of_docker_registry() {
    a_password_over_tls(Software::DockerRegistry);
}

#[test]
fn a_password_of_distribution() {
    a_password_over_tls(Software::Distribution);
}

#[test]
fn login_and_logout() {
    let Some(locked) = Locked::new(Software::DockerRegistry) else { return };
    let (ca, address) = (locked.ca(), locked.registry.address.clone());
    let file = locked.workshop.write("docker/config.json", r#"{"auths": {}, "psFormat": "kept"}"#);
    let before = fs::read_to_string(&file).unwrap();
    let login = |password: &str| {
        let mut login = bantam(&locked.workshop);
        login.args(["login", &address, "-u", USER, "--password-stdin", "--ca-file", &ca]);
        said(&mut login, password)
    };
    let check = |options: &[&str]| {
        let mut check = bantam(&locked.workshop);
        check.args(["auth", "check", &locked.name(), "--ca-file", &ca]).args(options);
        check
    };

    let (code, text) = login("wrong");
    assert_eq!(code, Some(6), "{text}");
    assert_eq!(fs::read_to_string(&file).unwrap(), before);
    assert_has(&ends(&mut check(&[]), 6), &[&address, "config.json"]);

    // As `echo` writes it.
    let (code, text) = login(&format!("{PASSWORD}\n"));
    assert_eq!(code, Some(0), "{text}");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let written: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    assert_eq!(written["psFormat"], "kept");
    assert_eq!(written["auths"][&address]["auth"], STANDARD.encode(format!("{USER}:{PASSWORD}")));

    assert_has(&ends(&mut check(&[]), 0), &[USER, "config.json"]);
    let json = ends(&mut check(&["--push", "--json"]), 0);
    let json: Value = serde_json::from_str(&json).unwrap_or_else(|error| panic!("{error}: {json}"));
    assert!(json.is_object(), "{json}");
    ok(&mut locked.push(&["--ca-file", &ca]));
    locked.assert_pushed();

    ends(bantam(&locked.workshop).args(["logout", &address]), 0);
    let left: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    assert_eq!(left, json!({"auths": {}, "psFormat": "kept"}));
    ends(&mut check(&[]), 6);
    ends(&mut locked.push(&["--ca-file", &ca]), 6);
}

fn tokens(software: Software) {
    if !at_hand(&[software.program(), "openssl"]) {
        return;
    }
    let (workshop, tokens) = (Workshop::new(), TokenServer::start());
    let image = image(&workshop, "tokens");
    let registry = software.start_with(Access::Token(&tokens), None);
    let push = |name: &str| {
        let mut push = bantam(&workshop);
        push.args(["push", &image.oci(), &registry.name(name)]);
        push
    };
    let pull = |name: &str| {
        workshop.remove("pulled");
        let mut pull = bantam(&workshop);
        pull.args(["pull", &registry.name(name), "oci:pulled:1"]);
        pull
    };
    let public = format!("{PUBLIC}tokens:1");

    // Nobody in particular.
    assert_has(&ends(&mut push("acme/tokens:1"), 6), &[&registry.address, "config.json"]);

    know(&workshop, &registry.address, USER, PASSWORD);
    let before = tokens.asked().len();
    assert_eq!(digest(&ok(&mut push("acme/tokens:1"))), image.digest());
    let asked = &tokens.asked()[before..];
    let scopes = vec!["repository:acme/tokens:pull,push".to_owned()];
    assert!(asked.contains(&Asked { account: USER.into(), scopes }), "{asked:?}");
    // However many requests go on at a time.
    assert!(asked.len() <= 2, "{asked:?}");
    ok(&mut push(&public));

    know(&workshop, &registry.address, READER, PASSWORD);
    assert_eq!(digest(&ok(&mut pull("acme/tokens:1"))), image.digest());
    assert_has(&ends(&mut push("acme/tokens:2"), 6), &["acme/tokens", READER]);

    know(&workshop, &registry.address, USER, "wrong");
    assert_has(&ends(&mut push("acme/tokens:1"), 6), &[USER, "config.json"]);

    let identity = json!({"auths": {&registry.address: {"identitytoken": IDENTITY_TOKEN}}});
    workshop.write("docker/config.json", identity.to_string());
    ok(&mut push("acme/tokens:3"));

    workshop.remove("docker/config.json");
    assert_eq!(digest(&ok(&mut pull(&public))), image.digest());
    assert_has(&ends(&mut pull("acme/tokens:1"), 6), &["acme/tokens"]);
}

#[test]
fn tokens_of_docker_registry() {
    tokens(Software::DockerRegistry);
}

#[test]
fn tokens_of_distribution() {
    tokens(Software::Distribution);
}
