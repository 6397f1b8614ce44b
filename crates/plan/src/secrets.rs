//! What in a payload looks like a secret.

use crate::spec::Allow;
use tree::{Content, ReadError, TreePath};

/// The most that is read of a file to look for a key in it; real ones are far smaller.
const LOOKED_AT: usize = 64 * 1024;

/// Keys are small: larger files are not looked into.
const SMALL: u64 = 16 * 1024;

/// Files that stand in every folder of a dependency, by the thousand: not worth a look.
const MANIFESTS: &[&str] = &["package.json", "tsconfig.json", "composer.json"];

/// Names that give a secret away: a suffix or whole of the path's last components, and why.
const NAMES: &[(&str, &str)] = &[
    (".git", "the history of a repository, with its configuration"),
    (".hg", "the history of a repository, with its configuration"),
    (".svn", "the history of a repository, with its configuration"),
    (".netrc", "passwords for servers"),
    (".pypirc", "passwords for package registries"),
    (".git-credentials", "passwords for repositories"),
    (".pgpass", "passwords for databases"),
    (".htpasswd", "passwords of users"),
    (".vault-token", "a token"),
    ("id_rsa", "a private key"),
    ("id_dsa", "a private key"),
    ("id_ecdsa", "a private key"),
    ("id_ed25519", "a private key"),
    (".aws/credentials", "credentials of a cloud"),
    (".azure/accessTokens.json", "credentials of a cloud"),
    (".azure/msal_token_cache.json", "credentials of a cloud"),
    ("application_default_credentials.json", "credentials of a cloud"),
    (".config/gcloud/credentials.db", "credentials of a cloud"),
    (".docker/config.json", "credentials for registries"),
    (".dockerconfigjson", "credentials for registries"),
    (".kube/config", "credentials of a cluster"),
    ("terraform.tfstate", "the state of an infrastructure, with its secrets"),
];

/// `.env` files that are there to be shown.
const SAMPLES: &[&str] = &["example", "sample", "template", "dist", "defaults", "schema"];

/// Text inside a file that is a secret, and why.
const TEXTS: &[(&[u8], &str)] = &[
    (b"-----BEGIN OPENSSH PRIVATE KEY-----", "a private key"),
    (b"-----BEGIN PGP PRIVATE KEY BLOCK-----", "a private key"),
    (b"-----BEGIN PRIVATE KEY-----", "a private key"),
    (b"-----BEGIN ENCRYPTED PRIVATE KEY-----", "a private key"),
    (b"-----BEGIN RSA PRIVATE KEY-----", "a private key"),
    (b"-----BEGIN DSA PRIVATE KEY-----", "a private key"),
    (b"-----BEGIN EC PRIVATE KEY-----", "a private key"),
];

/// Why the name of something of a payload looks like a secret, if it does.
pub fn by_name(path: &TreePath) -> Option<&'static str> {
    let name = path.name();
    if name == ".env" || name.strip_prefix(".env.").is_some_and(|kind| !SAMPLES.contains(&kind)) {
        return Some("the environment of a process, with its passwords");
    }
    if name.starts_with("gha-creds-") && name.ends_with(".json") {
        return Some("credentials of a cloud, left by a CI job");
    }
    let ends = |with: &str| path.as_str().strip_suffix(with).is_some_and(|before| before.ends_with('/'));
    NAMES.iter().find(|(with, _)| ends(with)).map(|(_, why)| *why)
}

/// Why the content of a payload file looks like a secret, if it does. Programs and libraries are not
/// looked into: they may well carry such a text to recognise it.
///
/// # Errors
/// When the content cannot be read.
pub fn by_content(path: &TreePath, content: &Content) -> Result<Option<&'static str>, ReadError> {
    let name = path.name();
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    match extension {
        // Where keys are kept.
        "pem" | "key" | "p8" | "ppk" | "asc" => Ok(text(&content.head(LOOKED_AT)?)),
        "json" if content.size() < SMALL && !MANIFESTS.contains(&name) => {
            let head = content.head(LOOKED_AT)?;
            let has = |text: &[u8]| find(&head, text);
            let key = has(b"\"private_key\"") && has(b"PRIVATE KEY-----");
            Ok(key.then_some("the key of a service account"))
        }
        "npmrc" => {
            let head = content.head(LOOKED_AT)?;
            // A reference to the environment is how it should be.
            let literal = |line: &[u8]| find(line, b"_authToken=") && !find(line, b"_authToken=${");
            Ok(head.split(|byte| *byte == b'\n').any(literal).then_some("a token for a package registry"))
        }
        // A key without an extension, as ssh-keygen and cloud tools write them.
        _ if content.size() < SMALL && !name.contains('.') => Ok(text(&content.head(64)?)),
        _ => Ok(None),
    }
}

/// Does the policy allow this secret?
pub fn allowed(path: &TreePath, allow: &[Allow]) -> bool {
    allow.iter().any(|allow| match allow {
        Allow::Secrets(None) => true,
        Allow::Secrets(Some(glob)) => crate::glob::Glob::new(glob).is_ok_and(|glob| {
            glob.matches(path.as_str()) || glob.matches(path.relative()) || glob.matches(path.name())
        }),
        _ => false,
    })
}

fn text(bytes: &[u8]) -> Option<&'static str> {
    TEXTS.iter().find(|(text, _)| find(bytes, text)).map(|(_, why)| *why)
}

fn find(bytes: &[u8], text: &[u8]) -> bool {
    bytes.windows(text.len()).any(|window| window == text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn p(text: &str) -> TreePath {
        TreePath::parse(text).unwrap()
    }

    #[test]
    fn names() {
        for path in [
            "/app/.git",
            "/app/.env",
            "/app/.env.production",
            "/app/gha-creds-0a1b.json",
            "/root/.aws/credentials",
            "/app/id_ed25519",
            "/app/.docker/config.json",
        ] {
            assert!(by_name(&p(path)).is_some(), "{path}");
        }
        for path in [
            "/app/.env.example",
            "/app/.gitignore",
            "/app/credentials",
            "/app/id_rsa.pub",
            "/app/env",
            "/x.git",
        ] {
            assert_eq!(by_name(&p(path)), None, "{path}");
        }
    }

    #[test]
    fn contents() {
        let look = |path: &str, text: &str| {
            by_content(&p(path), &Content::bytes(text, "the test")).unwrap().is_some()
        };
        let key = "-----BEGIN RSA PRIVATE KEY-----\nMII";
        assert!(look("/app/tls.key", key));
        assert!(look("/app/chain.pem", &format!("-----BEGIN CERTIFICATE-----\n{key}")));
        assert!(!look("/app/chain.pem", "-----BEGIN CERTIFICATE-----\nMII"));
        assert!(look("/app/deploy_key", key));
        assert!(!look("/app/pem.py", key), "source code may name such texts");
        assert!(look("/app/sa.json", r#"{"private_key": "-----BEGIN PRIVATE KEY-----\nMII"}"#));
        assert!(look("/app/.npmrc", "//r/:_authToken=npm_abc\n"));
        assert!(!look("/app/.npmrc", "//r/:_authToken=${NPM_TOKEN}\n"));
    }

    #[test]
    fn the_policy_allows_by_glob() {
        let path = p("/app/tests/server.key");
        for (allow, want) in [
            (vec![], false),
            (vec![Allow::Secrets(None)], true),
            (vec![Allow::Secrets(Some("/app/tests/*.key".into()))], true),
            (vec![Allow::Secrets(Some("*.key".into()))], true),
            (vec![Allow::Secrets(Some("/srv/**".into()))], false),
        ] {
            assert_eq!(allowed(&path, &allow), want, "{allow:?}");
        }
    }
}
