//! No secret shows: in no error, trace or debug text.

#![allow(clippy::unwrap_used)]

use crate::testing::{Clock, Server, client};
use crate::{Auth, Credential, CredentialFile, Environment, Keychain, Login, Settings};
use std::error::Error;
use std::fmt::Write;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;

const SECRET: &str = "marker-7391";

/// An error with all its causes, in both ways.
fn all(error: &dyn Error) -> String {
    let mut text = format!("{error} {error:?}");
    let mut cause = error.source();
    while let Some(error) = cause {
        write!(text, " {error} {error:?}").unwrap();
        cause = error.source();
    }
    text
}

fn credentials() -> [Credential; 3] {
    let (user, password) = ("bot".into(), SECRET.into());
    [
        Credential::Basic { user, password },
        Credential::Identity(SECRET.into()),
        Credential::Bearer(SECRET.into()),
    ]
}

#[test]
fn in_values() {
    let login = |credential| Login { registry: "ghcr.io".into(), credential, flag: "--password-stdin" };
    for credential in credentials() {
        let environment = Environment::from_iter([("GITHUB_TOKEN", SECRET), ("DOCKER_AUTH_CONFIG", SECRET)]);
        let login = Some(login(credential.clone()));
        let settings = Settings { login, environment, ..Settings::default() };
        let keychain = Keychain::new(settings.clone());
        let auth = Auth::new(fetch::Client::offline(), keychain.clone());
        let found = keychain.find("ghcr.io", "acme/shop");
        let trace: String = found.trace.iter().map(ToString::to_string).collect();
        for text in [
            format!("{credential:?}"),
            format!("{settings:?}"),
            format!("{keychain:?}"),
            format!("{auth:?}"),
            format!("{found:?}"),
            trace,
        ] {
            assert!(!text.contains(SECRET), "{text}");
        }
    }
}

#[test]
fn in_errors_of_registries() {
    for status in [200, 307, 400, 401, 418] {
        for body in [
            format!("{{\"errors\": [{{\"message\": \"{SECRET} is wrong\"}}]}}"),
            format!("{{\"error_description\": \"{SECRET}\"}}"),
            format!("{{\"token\": {{\"x\": \"{SECRET}\"}}}}"),
            format!("{{\"token\": \"{SECRET}\\u0000\"}}"),
            format!("http://{SECRET}@127.0.0.1/?{SECRET}={SECRET}"),
        ] {
            let server = Server::new(move |_| (status, body.clone()));
            for credential in credentials() {
                // Each client reads the certificates of the machine when it connects: not more of them than it takes.
                let realms = [server.url("/"), format!("http://x:{SECRET}@{}/", server.host)];
                for realm in realms {
                    let challenge = format!("Bearer realm=\"{realm}\"");
                    let login = Some(Login {
                        registry: server.host.clone(),
                        credential: credential.clone(),
                        flag: "--username",
                    });
                    let settings = Settings { login, ..Settings::default() };
                    let client = client(&Arc::<Clock>::default(), &[]);
                    let auth = Auth::new(client.clone(), Keychain::new(settings));
                    let ask = auth.answer(&server.host, std::slice::from_ref(&challenge), &[], None);
                    match client.wait(ask).unwrap() {
                        Ok(header) => assert!(!format!("{header:?}").contains(SECRET)),
                        Err(error) => {
                            let text = all(&error);
                            assert!(!text.contains(SECRET), "{status} {challenge}: {text}");
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn in_errors_of_files_and_helpers() {
    let dir = tempfile::tempdir().unwrap();
    let own = dir.path().display().to_string();
    let script = dir.path().join("docker-credential-h");
    fs::write(&script, "#!/bin/sh\ncat\nexit 1\n").unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    let variables = [
        ("HOME", own.clone()),
        ("PATH", format!("{own}:/usr/bin:/bin")),
        ("REGISTRY_AUTH_FILE", format!("{own}/x")),
    ];
    let settings = Settings { environment: variables.into_iter().collect(), ..Settings::default() };
    for text in [
        SECRET.to_owned(),
        format!("{{\"auths\": \"{SECRET}\"}}"),
        format!("{{\"auths\": {{\"ghcr.io\": {{\"auth\": [\"{SECRET}\"]}}}}}}"),
        format!("{{\"auths\": {{\"ghcr.io\": {{\"auth\": \"{SECRET}\"}}}}}}"),
        format!("{{\"auths\": {{\"ghcr.io\": {{\"auth\": \"x\", \"identitytoken\": {SECRET}}}}}}}"),
        "{\"credsStore\": \"h\"}".to_owned(),
    ] {
        fs::write(format!("{own}/x"), &text).unwrap();
        let found = Keychain::new(settings.clone()).find("ghcr.io", "acme/shop");
        assert!(!format!("{found:?}").contains(SECRET), "{found:?}");
        let file = CredentialFile::of(&settings).unwrap();
        for credential in credentials() {
            if let Err(error) = file.save("ghcr.io", &credential) {
                let shown = all(&error);
                assert!(!shown.contains(SECRET), "{text}: {shown}");
            }
            fs::write(format!("{own}/x"), &text).unwrap();
        }
    }
}
