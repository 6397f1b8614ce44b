//! `bantam login`, `logout` and `auth check`, with a registry of this machine.

#![allow(clippy::unwrap_used)]

mod registry;

use registry::{Asks, Registry};
use serde_json::{Value, json};
use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// A home.
struct Home(TempDir);

impl Home {
    fn new() -> Self {
        Home(tempfile::tempdir().unwrap())
    }

    fn config(&self) -> PathBuf {
        self.0.path().join(".docker/config.json")
    }

    /// The credential file; null, if there is none.
    fn kept(&self) -> Value {
        let text = fs::read_to_string(self.config()).unwrap_or_else(|_| "null".into());
        serde_json::from_str(&text).unwrap()
    }

    fn keep(&self, document: &Value) {
        fs::create_dir_all(self.config().parent().unwrap()).unwrap();
        fs::write(self.config(), document.to_string()).unwrap();
    }

    /// Exit code, stdout and stderr, with `@` for the home.
    fn bantam(&self, arguments: &[&str], stdin: &str) -> (i32, String, String) {
        let own = self.0.path().display().to_string();
        let mut command = Command::new(env!("CARGO_BIN_EXE_bantam"));
        command.args(arguments).env_clear().env("HOME", &own).env("PATH", format!("{own}:/usr/bin:/bin"));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        // One that reads nothing may be gone by now.
        let _ = child.stdin.take().unwrap().write_all(stdin.as_bytes());
        let output = child.wait_with_output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap().replace(&own, "@");
        (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
    }
}

#[test]
fn a_login_is_kept_if_the_registry_knows_it_until_the_logout() {
    for asks in [Asks::Password, Asks::Token] {
        let (home, registry) = (Home::new(), Registry::new(asks));
        let host = &*registry.host;
        home.keep(&json!({"psFormat": "table", "auths": {"quay.io": {"auth": "YTpi"}}}));
        let (code, out, err) = home.bantam(&["login", host, "-u", "bot", "--password-stdin"], "geheim\n");
        let want = format!("logged in to {host} as bot; kept in @/.docker/config.json, unencrypted\n");
        assert_eq!((code, &*out, &*err), (0, "", &*want));
        let auth = json!({"auth": "Ym90OmdlaGVpbQ=="});
        assert_eq!(
            home.kept(),
            json!({"psFormat": "table", "auths": {"quay.io": {"auth": "YTpi"}, host: auth}})
        );
        assert_eq!(fs::metadata(home.config()).unwrap().permissions().mode() & 0o777, 0o600);

        let reference = format!("{host}/acme/shop:1.0");
        let (code, out, err) = home.bantam(&["auth", "check", &reference, "--push"], "");
        assert_eq!((code, &*err), (0, ""), "{out}");
        let user = "user        bot, with a password, of @/.docker/config.json\n";
        assert!(out.starts_with(&format!("repository  {host}/acme/shop\n{user}pull        granted\npush        granted\nlooked at   BANTAM_AUTH_127_0_0_1_")), "{out}");
        assert!(out.ends_with("            @/.docker/config.json has `auth` of user bot\n"), "{out}");
        assert!(!out.contains("geheim") && !out.contains("Ym90"), "{out}");
        // The upload that it began is given up.
        assert_eq!(registry.heard().last().map(|line| &**line), Some("DELETE /upload/1"));

        let (code, _, err) = home.bantam(&["logout", host], "");
        assert_eq!((code, &*err), (0, &*format!("logged out of {host}, of @/.docker/config.json\n")));
        assert_eq!(home.kept(), json!({"psFormat": "table", "auths": {"quay.io": {"auth": "YTpi"}}}));
        let (code, _, err) = home.bantam(&["logout", host], "");
        assert_eq!((code, &*err), (0, &*format!("@/.docker/config.json has no login for {host}\n")));
    }
}

#[test]
fn a_login_that_the_registry_does_not_know_is_not_kept() {
    for (asks, said) in
        [(Asks::Password, "401 Unauthorized"), (Asks::Token, "incorrect username or password (401)")]
    {
        let (home, registry) = (Home::new(), Registry::new(asks));
        let host = &*registry.host;
        let (code, out, err) = home.bantam(&["login", host, "-u", "bot", "--password-stdin"], "marker-12");
        assert_eq!((code, &*out), (6, ""));
        assert!(
            err.starts_with(&format!("error: {host} does not accept user bot of this login: {said}\n")),
            "{err}"
        );
        assert!(!err.contains("marker-12"), "{err}");
        assert_eq!(home.kept(), Value::Null);
    }
}

#[test]
fn a_login_where_nobody_is_asked_says_so() {
    let (home, registry) = (Home::new(), Registry::new(Asks::Nothing));
    let (code, _, err) = home.bantam(&["login", &registry.host, "-u", "bot", "--password-stdin"], "x");
    assert_eq!(code, 0);
    assert!(err.contains("asked for no credentials: whether these are right is not known\n"), "{err}");
    let reference = format!("{}/acme/none", registry.host);
    let (code, out, _) = home.bantam(&["auth", "check", &reference, "--json"], "");
    let found: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, &found["asked"], &found["pull"]["access"]), (0, &json!(false), &json!("absent")));
}

#[test]
fn a_helper_keeps_it_where_docker_says_so() {
    let (home, registry) = (Home::new(), Registry::new(Asks::Password));
    let host = &*registry.host;
    home.keep(&json!({"credsStore": "h"}));
    let path = home.0.path().join("docker-credential-h");
    let script = "#!/bin/sh\ncase $1 in store) cat > $HOME/kept;; get) cat > /dev/null; cat $HOME/kept;; erase) rm $HOME/kept;; esac\n";
    fs::write(&path, script).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    let (code, _, err) = home.bantam(&["login", host, "-u", "bot", "--password-stdin"], "geheim");
    assert_eq!((code, &*err), (0, &*format!("logged in to {host} as bot; kept in docker-credential-h\n")));
    assert_eq!(home.kept(), json!({"credsStore": "h", "auths": {host: {}}}));
    let reference = format!("{host}/acme/shop:1.0");
    let (code, out, _) = home.bantam(&["auth", "check", &reference, "--json"], "");
    let found: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(code, 0);
    assert_eq!(found["source"], "docker-credential-h (named in @/.docker/config.json)");
    assert_eq!((&found["user"], &found["kind"]), (&json!("bot"), &json!("a password")));
    let (code, ..) = home.bantam(&["logout", host], "");
    assert_eq!((code, home.0.path().join("kept").exists()), (0, false));
}

#[test]
fn who_is_not_let_in_is_told_where_was_looked() {
    let (home, registry) = (Home::new(), Registry::new(Asks::Token));
    let host = &*registry.host;
    let closed = format!("{host}/acme/closed");
    let (code, out, _) = home.bantam(&["auth", "check", &closed], "");
    assert_eq!(code, 6);
    assert!(out.contains("user        nobody: there are no credentials\npull        refused: "), "{out}");
    assert!(out.contains("incorrect username or password (401)\n"), "{out}");
    let arguments = ["auth", "check", &closed, "--push", "--json", "-u", "bot", "--password-stdin"];
    let (code, out, _) = home.bantam(&arguments, "geheim");
    let found: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, &found["pull"]["access"]), (6, &json!("absent")));
    assert_eq!(found["push"], json!({"access": "refused", "said": "read only (403)"}));
    assert_eq!(
        found["trace"],
        json!([{"place": "--username", "outcome": "--username has a password of user bot", "used": true}])
    );
    // A file that is damaged is not passed over.
    home.keep(&json!({"auths": "geheim"}));
    let (code, out, _) = home.bantam(&["auth", "check", &closed], "");
    assert_eq!(code, 6);
    assert!(
        out.contains("@/.docker/config.json is no credential file: mistake in line 1, column 17"),
        "{out}"
    );
    assert!(!out.contains("geheim"), "{out}");
}

#[test]
fn a_password_is_for_the_registry_and_not_for_where_it_leads_to() {
    let (home, thief) = (Home::new(), Registry::new(Asks::Nothing));
    let realm = format!("Bearer realm=\"http://{}/token\",service=\"x\"", thief.host);
    let other = Registry::saying(401, &format!("WWW-Authenticate: {realm}\r\n"));
    let registry = Registry::saying(307, &format!("Location: http://{}/v2/\r\n", other.host));
    let host = &*registry.host;
    let (code, _, err) = home.bantam(&["login", host, "-u", "bot", "--password-stdin"], "geheim");
    assert_eq!(code, 7, "{err}");
    let reference = format!("{host}/acme/shop");
    home.bantam(&["auth", "check", &reference, "--push", "-u", "bot", "--password-stdin"], "geheim");
    assert!(!other.heard().is_empty() && thief.heard().is_empty(), "{:?}", thief.heard());
}

#[test]
fn a_registry_that_is_not_well_is_no_matter_of_credentials() {
    for status in [429, 503] {
        let (home, registry) = (Home::new(), Registry::saying(status, ""));
        let host = &*registry.host;
        let (code, _, err) = home.bantam(&["login", host, "-u", "bot", "--password-stdin"], "geheim");
        assert_eq!(code, 5, "{err}");
        assert!(err.contains(&format!("the registry {host} does not work: {status} ")), "{err}");
        let (code, _, err) = home.bantam(&["auth", "check", &format!("{host}/acme/shop")], "");
        assert_eq!(code, 5, "{err}");
    }
}

#[test]
fn what_makes_no_sense_on_the_command_line() {
    let home = Home::new();
    for (arguments, stdin, want) in [
        (
            &["login", "localhost:1", "-u", "a", "--password", "marker"][..],
            "",
            "a password on the command line is seen",
        ),
        (
            &["login", "localhost:1", "-u", "a", "--password=marker"],
            "",
            "a password on the command line is seen",
        ),
        (&["login", "localhost:1", "-u", "a", "-p", "marker"], "", "a password on the command line is seen"),
        (&["login", "localhost:1", "-u", "a"], "x", "there is no terminal to ask for the password"),
        (&["login", "localhost:1", "-u", "a", "--password-stdin"], "\n", "the password on stdin is empty"),
        (&["login", "localhost:1", "--password-stdin"], "x", "--password-stdin goes with --username"),
        (&["login", "", "-u", "a", "--password-stdin"], "x", "`` is no host of a registry"),
        (
            &["login", "ghcr.io/acme", "-u", "a", "--password-stdin"],
            "x",
            "`ghcr.io/acme` is no host of a registry",
        ),
        (&["login", "https://ghcr.io", "-u", "a", "--password-stdin"], "x", "`https://ghcr.io` is no host"),
        (&["logout", "ghcr"], "", "`ghcr` is no host of a registry"),
        (&["auth", "check", "oci:dir"], "", "`oci:dir` is in no registry"),
        (&["auth", "check", "localhost:1/x", "-u", "a"], "", "--username goes with --password-stdin"),
    ] {
        let (code, out, err) = home.bantam(arguments, stdin);
        assert_eq!((code, &*out), (2, ""), "{arguments:?}: {err}");
        assert!(err.contains(want) && !err.contains("marker"), "{arguments:?}: {err}");
    }
    assert_eq!(home.kept(), Value::Null);
}

#[test]
fn a_registry_that_is_not_there_is_no_matter_of_credentials() {
    let home = Home::new();
    let (code, _, err) = home.bantam(&["login", "127.0.0.1:1", "-u", "a", "--password-stdin"], "x");
    assert_eq!(code, 5, "{err}");
    assert!(err.starts_with("error: cannot reach the registry 127.0.0.1:1\n"), "{err}");
    let (code, _, err) = home.bantam(&["--offline", "auth", "check", "127.0.0.1:1/x"], "");
    assert_eq!(code, 5);
    assert!(err.contains("offline"), "{err}");
}
