#![allow(clippy::unwrap_used)]

use super::*;
use crate::environment::Environment;
use crate::keychain::Keychain;
use std::os::unix::fs::{PermissionsExt, symlink};
use tempfile::TempDir;

fn basic() -> Credential {
    Credential::Basic { user: "robot$a+b".into(), password: "ge:heim".into() }
}

/// Settings with a home in a directory, where helpers are too.
fn settings(dir: &TempDir, more: &[(&str, &str)]) -> Settings {
    let own = dir.path().display().to_string();
    let path = format!("{own}:/usr/bin:/bin");
    let mut all = vec![("HOME".to_owned(), own.clone()), ("PATH".to_owned(), path)];
    all.extend(more.iter().map(|(name, value)| ((*name).into(), value.replace('@', &own))));
    let environment: Environment = all.into_iter().collect();
    Settings { environment, ..Settings::default() }
}

fn helper(dir: &TempDir, script: &str) {
    let path = dir.path().join("docker-credential-h");
    fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn where_logins_go() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("file.json"), "{}").unwrap();
    for (variables, want) in [
        (&[][..], "@/.docker/config.json"),
        (&[("DOCKER_CONFIG", "@/d")], "@/d/config.json"),
        (&[("DOCKER_CONFIG", "@/file.json")], "@/file.json"),
        (&[("DOCKER_CONFIG", "@/d"), ("REGISTRY_AUTH_FILE", "@/auth.json")], "@/auth.json"),
        (&[("DOCKER_CONFIG", ""), ("REGISTRY_AUTH_FILE", "")], "@/.docker/config.json"),
    ] {
        let settings = settings(&dir, variables);
        let path = CredentialFile::of(&settings).unwrap().path().display().to_string();
        assert_eq!(path.replace(&dir.path().display().to_string(), "@"), want);
    }
    let mut settings = settings(&dir, &[("REGISTRY_AUTH_FILE", "@/auth.json")]);
    settings.authfile = Some("given.json".into());
    assert_eq!(CredentialFile::of(&settings).unwrap().path(), Path::new("given.json"));
    assert!(matches!(CredentialFile::of(&Settings::default()), Err(AuthError::NoFile)));
}

#[test]
fn what_is_kept_is_found_and_what_is_forgotten_is_not() {
    for registry in ["ghcr.io", "localhost:5000", "docker.io"] {
        for credential in
            [basic(), Credential::Identity("geheim".into()), Credential::Bearer("geheim".into())]
        {
            let dir = tempfile::tempdir().unwrap();
            let settings = settings(&dir, &[]);
            let file = CredentialFile::of(&settings).unwrap();
            assert_eq!(file.save(registry, &credential).unwrap(), Kept::File(file.path().into()));
            let mode = fs::metadata(file.path()).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
            let found = || Keychain::new(settings.clone()).find(registry, "acme/shop").credential;
            assert_eq!(found(), Some(credential));
            assert!(file.forget(registry).unwrap());
            assert_eq!(found(), None);
            assert!(!file.forget(registry).unwrap());
        }
    }
}

#[test]
fn all_else_in_the_file_stays() {
    let dir = tempfile::tempdir().unwrap();
    let settings = settings(&dir, &[]);
    let file = CredentialFile::of(&settings).unwrap();
    fs::create_dir(dir.path().join(".docker")).unwrap();
    let before = r#"{"HttpHeaders": {"X": "1"}, "auths": {"quay.io": {"auth": "YTpi", "new": [1, null]}, "https://ghcr.io/v1/": {"auth": "b2xkOng="}, "ghcr.io/acme": {}}, "psFormat": "table", "n": 1.5}"#;
    fs::write(file.path(), before).unwrap();
    file.save("ghcr.io", &basic()).unwrap();
    let text = fs::read_to_string(file.path()).unwrap();
    let mut want: Value = serde_json::from_str(before).unwrap();
    let auths = want["auths"].as_object_mut().unwrap();
    auths.remove("https://ghcr.io/v1/");
    auths.insert("ghcr.io".into(), json!({"auth": STANDARD.encode("robot$a+b:ge:heim")}));
    assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), want);
    assert!(text.starts_with("{\n\t\"HttpHeaders\": {\n") && text.ends_with("}\n"), "{text}");
    // Nothing else is left beside it.
    assert_eq!(fs::read_dir(dir.path().join(".docker")).unwrap().count(), 1);
}

#[test]
fn a_link_to_the_file_stays_a_link() {
    let dir = tempfile::tempdir().unwrap();
    let settings = settings(&dir, &[]);
    let file = CredentialFile::of(&settings).unwrap();
    fs::create_dir(dir.path().join(".docker")).unwrap();
    fs::write(dir.path().join("real.json"), "").unwrap();
    symlink("../real.json", file.path()).unwrap();
    file.save("ghcr.io", &basic()).unwrap();
    assert!(fs::symlink_metadata(file.path()).unwrap().is_symlink());
    assert!(fs::read_to_string(dir.path().join("real.json")).unwrap().contains("ghcr.io"));
}

#[test]
fn a_helper_keeps_what_the_file_says_it_keeps() {
    for config in [r#"{"credsStore": "h"}"#, r#"{"credsStore": "absent", "credHelpers": {"docker.io": "h"}}"#]
    {
        let dir = tempfile::tempdir().unwrap();
        helper(
            &dir,
            r#"cat > "$HOME/$1"; [ "$1" != erase ] || [ -e "$HOME/store" ] || { echo credentials not found; exit 1; }"#,
        );
        let settings = settings(&dir, &[("REGISTRY_AUTH_FILE", "@/auth.json")]);
        let file = CredentialFile::of(&settings).unwrap();
        fs::write(file.path(), config).unwrap();
        assert!(!file.forget("docker.io").unwrap());
        let kept = file.save("docker.io", &basic()).unwrap();
        assert_eq!(kept, Kept::Helper { program: "docker-credential-h".into(), file: file.path().into() });
        let told: Value = serde_json::from_slice(&fs::read(dir.path().join("store")).unwrap()).unwrap();
        let server = "https://index.docker.io/v1/";
        assert_eq!(told, json!({"ServerURL": server, "Username": "robot$a+b", "Secret": "ge:heim"}));
        let text = fs::read_to_string(file.path()).unwrap();
        assert!(text.contains(server) && !text.contains("heim") && !text.contains("\"auth\""), "{text}");
        assert!(file.forget("docker.io").unwrap());
        assert_eq!(fs::read_to_string(dir.path().join("erase")).unwrap(), server);
        assert!(!fs::read_to_string(file.path()).unwrap().contains(server));
    }
}

#[test]
fn what_cannot_be_kept_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    helper(&dir, "cat; exit 1");
    let settings = settings(&dir, &[("REGISTRY_AUTH_FILE", "@/auth.json")]);
    let file = CredentialFile::of(&settings).unwrap();
    let shown = |error: AuthError| error.to_string().replace(&dir.path().display().to_string(), "@");
    for (config, want) in [
        ("[]", "@/auth.json is no credential file: mistake in line 1, column 0"),
        ("{\"auths\": [1]}", "@/auth.json is no credential file: mistake in line 1, column 10"),
        (
            r#"{"credsStore": "h"}"#,
            "docker-credential-h does not keep credentials: {\"ServerURL\":\"ghcr.io\",\"Username\":\"robot$a+b\",\"Secret\":\"***\"}",
        ),
        (
            r#"{"credsStore": "gone"}"#,
            "docker-credential-gone does not keep credentials: there is no such program",
        ),
    ] {
        fs::write(file.path(), config).unwrap();
        assert_eq!(shown(file.save("ghcr.io", &basic()).unwrap_err()), want);
        assert_eq!(fs::read_to_string(file.path()).unwrap(), config);
    }
}

#[test]
fn a_registry_token_is_in_the_file_whatever_a_helper_keeps() {
    let dir = tempfile::tempdir().unwrap();
    let settings = settings(&dir, &[("REGISTRY_AUTH_FILE", "@/auth.json")]);
    let file = CredentialFile::of(&settings).unwrap();
    fs::write(file.path(), r#"{"credsStore": "h"}"#).unwrap();
    helper(
        &dir,
        "case $1 in store) cat > $HOME/kept;; erase) rm -f $HOME/kept;; get) cat $HOME/kept || echo credentials not found; test -e $HOME/kept;; esac 2> /dev/null",
    );
    file.save("ghcr.io", &basic()).unwrap();
    let token = Credential::Bearer("geheim".into());
    assert_eq!(file.save("ghcr.io", &token).unwrap(), Kept::File(file.path().into()));
    assert_eq!(Keychain::new(settings.clone()).find("ghcr.io", "").credential, Some(token));
    assert!(file.forget("ghcr.io").unwrap());
    assert_eq!(Keychain::new(settings.clone()).find("ghcr.io", "").credential, None);
}
