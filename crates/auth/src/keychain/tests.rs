#![allow(clippy::unwrap_used)]

use super::*;
use crate::environment::Environment;
use crate::settings::Login;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;
use tempfile::TempDir;

/// A home, with files, helpers and variables.
struct World {
    dir: TempDir,
    variables: Vec<(String, String)>,
    authfile: Option<PathBuf>,
    login: Option<Login>,
}

impl World {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = format!("{}:/usr/bin:/bin", dir.path().join("bin").display());
        let variables =
            vec![("HOME".into(), dir.path().join("home").display().to_string()), ("PATH".into(), path)];
        World { dir, variables, authfile: None, login: None }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn file(self, name: &str, text: &str) -> Self {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        self
    }

    fn helper(self, name: &str, script: &str) -> Self {
        let name = format!("bin/docker-credential-{name}");
        let this = self.file(&name, &format!("#!/bin/sh\n{script}\n"));
        fs::set_permissions(this.path(&name), fs::Permissions::from_mode(0o755)).unwrap();
        this
    }

    /// `@` in a value stands for the directory of this world.
    fn set(mut self, name: &str, value: &str) -> Self {
        let value = value.replace('@', &self.dir.path().display().to_string());
        self.variables.push((name.into(), value));
        self
    }

    fn find(&self, registry: &str, repository: &str) -> Found {
        let environment: Environment = self.variables.iter().cloned().collect();
        let patience = Duration::from_secs(20);
        let (login, authfile) = (self.login.clone(), self.authfile.clone());
        let settings = Settings { login, authfile, environment, patience };
        Keychain::new(settings).find(registry, repository)
    }

    /// What is found for a repository of ghcr.io, in a word.
    fn found(&self) -> String {
        word(&self.find("ghcr.io", "acme/shop"))
    }

    /// The trace, with `@` for the directory of this world.
    fn trace(&self, found: &Found) -> Vec<String> {
        let dir = self.dir.path().display().to_string();
        found.trace.iter().map(|looked| looked.to_string().replace(&dir, "@")).collect()
    }
}

fn word(found: &Found) -> String {
    match &found.credential {
        None => "nobody".into(),
        Some(Credential::Basic { user, password }) => format!("{user}:{password}"),
        Some(Credential::Identity(token)) => format!("identity {token}"),
        Some(Credential::Bearer(token)) => format!("bearer {token}"),
    }
}

/// A credential file with an `auth` for each key.
fn auths(entries: &[(&str, &str)]) -> String {
    let entry =
        |(key, login): &(&str, &str)| format!("\"{key}\": {{\"auth\": \"{}\"}}", STANDARD.encode(login));
    let entries: Vec<String> = entries.iter().map(entry).collect();
    format!("{{\"auths\": {{{}}}}}", entries.join(","))
}

fn ghcr(login: &str) -> String {
    auths(&[("ghcr.io", login)])
}

const DOCKER: &str = "home/.docker/config.json";

#[test]
fn the_order_of_places() {
    // Each place alone, and before all that follow.
    let mut world = World::new();
    assert_eq!(world.found(), "nobody");
    for (file, variable, want) in [
        ("home/.config/containers/auth.json", None, "podman"),
        ("run/containers/auth.json", Some(("XDG_RUNTIME_DIR", "@/run")), "runtime"),
        (DOCKER, None, "docker"),
        ("other/config.json", Some(("DOCKER_CONFIG", "@/other")), "named"),
        ("auth.json", Some(("REGISTRY_AUTH_FILE", "@/auth.json")), "file"),
        ("inline.json", Some(("DOCKER_AUTH_CONFIG", "@/inline.json")), "inline"),
    ] {
        world = world.file(file, &ghcr(&format!("{want}:x")));
        if let Some((name, value)) = variable {
            world = world.set(name, value);
        }
        assert_eq!(world.found(), format!("{want}:x"));
    }
    world = world.set("BANTAM_AUTH_GHCR_IO_USERNAME", "variable").set("BANTAM_AUTH_GHCR_IO_PASSWORD", "x");
    assert_eq!(world.found(), "variable:x");
    world = world.file("given.json", &ghcr("given:x"));
    world.authfile = Some(world.path("given.json"));
    assert_eq!(world.found(), "given:x");
    let credential = Credential::Basic { user: "flag".into(), password: "x".into() };
    world.login = Some(Login { registry: "ghcr.io".into(), credential, flag: "--username" });
    assert_eq!(world.found(), "flag:x");
    // What flags say is for one registry only.
    assert_eq!(word(&world.find("quay.io", "acme/shop")), "nobody");
}

#[test]
fn files_that_have_nothing_for_the_registry_do_not_end_the_search() {
    for (file, variable) in [
        ("empty/nothing", Some(("DOCKER_CONFIG", "@/empty"))),
        ("other/config.json", Some(("DOCKER_CONFIG", "@/other"))),
        ("x", Some(("REGISTRY_AUTH_FILE", "@/absent.json"))),
        ("x", Some(("REGISTRY_AUTH_FILE", ""))),
        ("x", Some(("DOCKER_AUTH_CONFIG", ""))),
        ("x", Some(("DOCKER_AUTH_CONFIG", "{}"))),
        (DOCKER, None),
    ] {
        for text in
            ["{}", "", " \n", r#"{"auths": {}}"#, r#"{"auths": {"ghcr.io": {}}}"#, r#"{"auths": null}"#]
        {
            let mut world = World::new().file(file, text);
            world = world.file("home/.config/containers/auth.json", &ghcr("podman:x"));
            if let Some((name, value)) = variable {
                world = world.set(name, value);
            }
            assert_eq!(world.found(), "podman:x", "{file} {text} {variable:?}");
        }
    }
}

#[test]
fn docker_config_may_be_a_directory_a_file_or_a_secret_of_kubernetes() {
    for (file, value) in [
        ("d/config.json", "@/d"),
        ("d/config.json", "@/d/"),
        ("d/.dockerconfigjson", "@/d"),
        ("d/.dockerconfigjson", "@/d/.dockerconfigjson"),
        ("d/my.json", "@/d/my.json"),
    ] {
        let world = World::new().file(file, &ghcr("bot:x")).set("DOCKER_CONFIG", value);
        assert_eq!(world.found(), "bot:x", "{file} {value}");
    }
}

#[test]
fn keys_of_registries() {
    for (key, registry, repository, found) in [
        ("ghcr.io", "ghcr.io", "acme/shop", true),
        ("https://ghcr.io", "ghcr.io", "acme/shop", true),
        ("https://ghcr.io/v1/", "ghcr.io", "acme/shop", true),
        ("https://ghcr.io/v2/", "ghcr.io", "acme/shop", true),
        ("ghcr.io/acme", "ghcr.io", "acme/shop", true),
        ("ghcr.io/acme/shop", "ghcr.io", "acme/shop", true),
        ("ghcr.io/acme/shop", "ghcr.io", "acme/shops", false),
        ("ghcr.io/acme/shop", "ghcr.io", "acme", false),
        ("GHCR.io", "ghcr.io", "acme/shop", true),
        ("ghcr.io.evil.example", "ghcr.io", "acme/shop", false),
        ("ghcr.io:443", "ghcr.io", "acme/shop", false),
        ("localhost:5000", "localhost:5000", "a", true),
        ("localhost", "localhost:5000", "a", false),
        ("https://index.docker.io/v1/", "docker.io", "library/debian", true),
        ("https://index.docker.io/v1/", "registry-1.docker.io", "library/debian", true),
        ("docker.io", "index.docker.io", "library/debian", true),
        ("docker.io/acme", "registry-1.docker.io", "acme/x", true),
    ] {
        let world = World::new().file(DOCKER, &auths(&[(key, "bot:x")]));
        let want = if found { "bot:x" } else { "nobody" };
        assert_eq!(word(&world.find(registry, repository)), want, "{key} {registry} {repository}");
    }
    let all = auths(&[("ghcr.io", "a:x"), ("ghcr.io/acme", "b:x"), ("ghcr.io/acme/shop", "c:x")]);
    let world = World::new().file(DOCKER, &all);
    for (repository, want) in [("acme/shop", "c:x"), ("acme/other", "b:x"), ("other", "a:x"), ("", "a:x")] {
        assert_eq!(word(&world.find("ghcr.io", repository)), want, "{repository}");
    }
}

#[test]
fn entries() {
    let basic = |text: &str| format!(r#"{{"auth": "{}"}}"#, STANDARD.encode(text));
    for (entry, want) in [
        (basic("bot:pass:word"), "bot:pass:word"),
        (basic("robot$acme+ci:x$y"), "robot$acme+ci:x$y"),
        (basic("bot:x\n"), "bot:x"),
        (basic("bot:x\0\0"), "bot:x"),
        (basic("bot:"), "nobody"),
        (basic(":"), "nobody"),
        (format!(r#"{{"auth": "{}\n"}}"#, STANDARD.encode("bot:x")), "bot:x"),
        (format!(r#"{{"auth": " {} "}}"#, STANDARD_NO_PAD.encode("bott:xyz")), "bott:xyz"),
        (r#"{"username": "bot", "password": "x"}"#.into(), "bot:x"),
        (r#"{"username": "bot", "password": ""}"#.into(), "nobody"),
        (r#"{"username": "bot", "password": "x", "auth": ""}"#.into(), "bot:x"),
        (
            format!(r#"{{"username": "old", "password": "old", "auth": "{}"}}"#, STANDARD.encode("new:x")),
            "new:x",
        ),
        (r#"{"identitytoken": "abc"}"#.into(), "identity abc"),
        (format!(r#"{{"auth": "{}", "identitytoken": "abc"}}"#, STANDARD.encode("0-0:")), "identity abc"),
        (r#"{"registrytoken": "abc"}"#.into(), "bearer abc"),
        (r#"{"email": "x@example.com", "unknown": [1]}"#.into(), "nobody"),
        ("null".into(), "nobody"),
        (r#"{"auth": "***"}"#.into(), "nobody"),
        (basic("no colon"), "nobody"),
    ] {
        let world = World::new().file(DOCKER, &format!(r#"{{"auths": {{"ghcr.io": {entry}}}}}"#));
        assert_eq!(world.found(), want, "{entry}");
    }
}

#[test]
fn damaged_files_are_told_with_their_line_and_nothing_of_their_text() {
    for (text, want) in [
        ("{\n  \"auths\": {,}\n}", "line 2, column 13"),
        ("{\"auths\": \"geheim\"}", "line 1, column 18"),
        ("geheim", "line 1, column 1"),
        ("{\"auths\": {\"ghcr.io\": {\"auth\": 5}}}", "line 1, column 32"),
    ] {
        let world = World::new().file(DOCKER, text);
        let world = world.file("home/.config/containers/auth.json", &ghcr("podman:x"));
        let found = world.find("ghcr.io", "acme/shop");
        assert_eq!(word(&found), "nobody", "{text}");
        let want = format!("@/home/.docker/config.json is no credential file: mistake in {want}");
        assert_eq!(world.trace(&found).last(), Some(&want), "{text}");
        assert_eq!(found.problem(), found.trace.last());
    }
    // As a variable, it is the same.
    let world = World::new().set("DOCKER_AUTH_CONFIG", "{\"auths\": }").file(DOCKER, &ghcr("bot:x"));
    let found = world.find("ghcr.io", "acme/shop");
    let want = "DOCKER_AUTH_CONFIG is no credential file: mistake in line 1, column 11";
    assert_eq!(world.trace(&found).last().map(|line| &**line), Some(want));
}

#[test]
fn the_trace_has_every_place_in_order() {
    let config = r#"{"credsStore": "store", "auths": {"ghcr.io": {}}}"#;
    let world = World::new()
        .set("DOCKER_AUTH_CONFIG", "")
        .set("BANTAM_AUTH_GHCR_IO_USERNAME", "bot")
        .set("BANTAM_AUTH_GHCR_IO_PASSWORD", "")
        .set("REGISTRY_AUTH_FILE", "@/none.json")
        .set("XDG_RUNTIME_DIR", "@/run")
        .file(DOCKER, config)
        .helper("store", "echo credentials not found in native keychain; exit 1")
        .file("run/containers/auth.json", &auths(&[("quay.io", "a:b")]))
        .file("home/.config/containers/auth.json", &ghcr("bot:geheim"));
    let found = world.find("ghcr.io", "acme/shop");
    assert_eq!(
        world.trace(&found),
        [
            "BANTAM_AUTH_GHCR_IO_PASSWORD is set but empty",
            "DOCKER_AUTH_CONFIG is set but empty",
            "@/none.json (REGISTRY_AUTH_FILE) is not there",
            "docker-credential-store (named in @/home/.docker/config.json) has no entry for ghcr.io",
            "@/run/containers/auth.json has no entry for ghcr.io",
            "@/home/.config/containers/auth.json has `auth` of user bot",
        ]
    );
    assert_eq!(found.place(), Some(&found.trace[5].place));
}

#[test]
fn helpers() {
    const GIVES: &str = r#"[ "$1" = get ] && [ "$(cat)" = ghcr.io ] && echo '{"ServerURL":"","Username":"bot","Secret":"x"}'"#;
    for (config, script, want) in [
        (r#"{"credsStore": "h"}"#, GIVES, "bot:x"),
        (r#"{"credHelpers": {"ghcr.io": "h"}}"#, GIVES, "bot:x"),
        (r#"{"credHelpers": {"https://ghcr.io": "h"}, "credsStore": "absent"}"#, GIVES, "bot:x"),
        (r#"{"credHelpers": {"quay.io": "h"}}"#, GIVES, "nobody"),
        (r#"{"credHelpers": {"ghcr.io": ""}, "credsStore": "h"}"#, GIVES, "bot:x"),
        (r#"{"credsStore": ""}"#, GIVES, "nobody"),
        (r#"{"credsStore": "h", "auths": {"ghcr.io": {"auth": "b2xkOng="}}}"#, GIVES, "bot:x"),
        (
            r#"{"credsStore": "h", "auths": {"ghcr.io": {"auth": "b2xkOng="}}}"#,
            "cat > /dev/null; echo credentials not found in native keychain; exit 1",
            "old:x",
        ),
        (r#"{"credsStore": "h"}"#, r#"echo '{"Username":"<token>","Secret":"abc"}'"#, "identity abc"),
        (r#"{"credsStore": "h"}"#, r#"echo '{"Username":"","Secret":""}'"#, "nobody"),
        // Logins of old are kept under URLs.
        (
            r#"{"credsStore": "h", "auths": {"https://ghcr.io": {}}}"#,
            r#"[ "$(cat)" = https://ghcr.io ] && echo '{"Username":"url","Secret":"x"}' || { echo credentials not found; exit 1; }"#,
            "url:x",
        ),
    ] {
        let world = World::new().file(DOCKER, config).helper("h", script);
        let found = world.find("ghcr.io", "acme/shop");
        assert_eq!(word(&found), want, "{config} {script}");
        assert_eq!(found.problem(), None, "{config} {script}");
    }
    let world = World::new().file(DOCKER, r#"{"credsStore": "h"}"#).helper(
        "h",
        r#"[ "$(cat)" = https://index.docker.io/v1/ ] && echo '{"Username":"hub","Secret":"x"}'"#,
    );
    assert_eq!(word(&world.find("docker.io", "library/debian")), "hub:x");
}

#[test]
fn a_helper_that_fails_is_an_error_where_it_should_know_the_registry() {
    let fails = "echo 'no dbus session' >&2; exit 1";
    for (config, script, reason, expected) in [
        (r#"{"credHelpers": {"ghcr.io": "gone"}}"#, fails, "there is no such program", true),
        (r#"{"credsStore": "gone", "auths": {"ghcr.io": {}}}"#, fails, "there is no such program", true),
        (r#"{"credsStore": "gone", "auths": {"quay.io": {}}}"#, fails, "there is no such program", false),
        (r#"{"credHelpers": {"ghcr.io": "h"}}"#, fails, "no dbus session", true),
        (r#"{"credHelpers": {"ghcr.io": "h"}}"#, "exit 3", "it failed without a word", true),
        (
            r#"{"credHelpers": {"ghcr.io": "h"}}"#,
            "echo '{\"Secret\": 5, \"x\": \"geheim\"}'",
            "what it says is not the JSON of a user and a secret",
            true,
        ),
        (r#"{"credHelpers": {"ghcr.io": "../h"}}"#, fails, "its name is no name of a program", true),
    ] {
        let world = World::new().file(DOCKER, config).helper("h", script);
        let found = world.find("ghcr.io", "acme/shop");
        assert_eq!((word(&found), found.problem().is_some()), ("nobody".into(), expected), "{config}");
        let trace = world.trace(&found).join("\n");
        assert!(trace.contains(&format!(": {reason}")), "{trace}");
        // It is none where another place has something.
        let world = world.file("home/.config/containers/auth.json", &ghcr("podman:x"));
        let found = world.find("ghcr.io", "acme/shop");
        assert_eq!((word(&found), found.problem()), ("podman:x".into(), None), "{config}");
    }
}

#[test]
fn a_helper_that_says_nothing_is_given_up() {
    let world = World::new().file(DOCKER, r#"{"credsStore": "h", "auths": {"ghcr.io": {}}}"#);
    let world = world.helper("h", "exec sleep 60");
    let environment = world.variables.iter().cloned().collect();
    let patience = Duration::from_millis(50);
    let keychain = Keychain::new(Settings { environment, patience, ..Settings::default() });
    let found = keychain.find("ghcr.io", "acme/shop");
    let problem = found.problem().unwrap().to_string();
    assert!(problem.ends_with("cannot be used: no answer in 0.05 seconds"), "{problem}");
}

#[test]
fn ci_services() {
    let github = [("GITHUB_ACTIONS", "true"), ("GITHUB_TOKEN", "x"), ("GITHUB_ACTOR", "octocat")];
    let gitlab = [
        ("CI_REGISTRY", "registry.gitlab.example"),
        ("CI_REGISTRY_USER", "ci"),
        ("CI_REGISTRY_PASSWORD", "x"),
    ];
    let job =
        [("CI_REGISTRY", "registry.gitlab.example:443"), ("CI_REGISTRY_PASSWORD", ""), ("CI_JOB_TOKEN", "j")];
    for (variables, registry, want, last) in [
        (&github[..], "ghcr.io", "octocat:x", "GITHUB_TOKEN has a password of user octocat"),
        (&github, "quay.io", "nobody", "@/home/.config/containers/auth.json is not there"),
        (&github[..1], "ghcr.io", "nobody", "GITHUB_TOKEN is not set"),
        (&github[1..], "ghcr.io", "nobody", "@/home/.config/containers/auth.json is not there"),
        (&gitlab, "registry.gitlab.example", "ci:x", "CI_REGISTRY_PASSWORD has a password of user ci"),
        (&gitlab, "ghcr.io", "nobody", "@/home/.config/containers/auth.json is not there"),
        (
            &job,
            "registry.gitlab.example:443",
            "gitlab-ci-token:j",
            "CI_JOB_TOKEN has a password of user gitlab-ci-token",
        ),
        (&job[..2], "registry.gitlab.example:443", "nobody", "CI_JOB_TOKEN is not set"),
    ] {
        let mut world = World::new();
        for (name, value) in variables {
            world = world.set(name, value);
        }
        let found = world.find(registry, "acme/shop");
        assert_eq!(
            (word(&found), &**world.trace(&found).last().unwrap()),
            (want.into(), last),
            "{registry} {want}"
        );
        // What a file says goes first.
        let world = world.file(DOCKER, &auths(&[(registry, "file:x")]));
        assert_eq!(word(&world.find(registry, "acme/shop")), "file:x");
    }
}

#[test]
fn an_authfile_that_is_not_there_is_a_mistake() {
    let mut world = World::new().file(DOCKER, &ghcr("bot:x"));
    world.authfile = Some(world.path("none.json"));
    let found = world.find("ghcr.io", "acme/shop");
    assert_eq!(world.trace(&found), ["@/none.json (--authfile) cannot be used: it is not there"]);
    assert!(found.problem().is_some());
}

#[test]
fn a_file_that_is_too_large_or_not_to_be_read_is_told() {
    let world = World::new().file(DOCKER, &" ".repeat((4 << 20) + 1));
    let found = world.find("ghcr.io", "acme/shop");
    let problem = found.problem().unwrap().to_string();
    assert!(problem.ends_with("config.json cannot be used: it has more than 4194304 bytes"), "{problem}");
}
