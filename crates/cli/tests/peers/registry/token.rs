//! A server that gives out tokens, as registries of the world have one beside them.

use std::fs;
use std::io;
use std::net::TcpStream;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::certificates::{Authority, Issued};
use super::http::{Head, Listener, answer};
use crate::workshop::{limited, ok};

/// Who may do all, as robots are called.
pub const USER: &str = "robot$ci+push";
pub const PASSWORD: &str = "correct-horse:battery staple";
/// Who may only pull, with the same password.
pub const READER: &str = "robot$reader";
/// What stands for the password of [`USER`] after a login somewhere else.
pub const IDENTITY_TOKEN: &str = "identity-of-the-robot";
/// What everybody may pull, and nobody but [`USER`] may push.
pub const PUBLIC: &str = "public/";
/// Registry and server know each other by this name.
pub const SERVICE: &str = "registry.tests";

/// What somebody asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// Nobody in particular, if empty.
    pub account: String,
    /// `repository:NAME:ACTIONS`, and the actions too, sorted.
    pub scopes: Vec<String>,
}

/// The server.
pub struct TokenServer {
    listener: Listener,
    asked: Arc<Mutex<Vec<Asked>>>,
    trusted: PathBuf,
    // Its folder holds the keys.
    _authority: Authority,
}

impl TokenServer {
    pub fn start() -> Self {
        let authority = Authority::new();
        let issued = authority.issue("tokens");
        let trusted = authority.certificate();
        let asked = Arc::new(Mutex::new(vec![]));
        let log = asked.clone();
        let listener = Listener::start(move |stream| serve(stream, &issued, &log));
        Self { listener, asked, trusted, _authority: authority }
    }

    /// The part of a registry's configuration that sends its clients here.
    pub fn configuration(&self) -> Value {
        let realm = format!("http://{}/token", self.listener.address());
        json!({"token": {"realm": realm, "service": SERVICE, "issuer": SERVICE, "rootcertbundle": self.trusted}})
    }

    /// Everything that was asked for and given so far, in order.
    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

fn serve(mut stream: TcpStream, issued: &Issued, asked: &Mutex<Vec<Asked>>) -> io::Result<()> {
    let head = Head::read(&mut stream)?;
    let body = String::from_utf8_lossy(&head.body(&mut stream)?).into_owned();
    let query = match head.method.as_str() {
        "GET" => head.target.split_once('?').map_or("", |(_, query)| query),
        "POST" => body.as_str(),
        _ => return answer(&mut stream, "405 Method Not Allowed", &[], b""),
    };
    let values = |key: &str| -> Vec<String> {
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        pairs.filter(|(found, _)| *found == key).map(|(_, value)| decoded(value)).collect()
    };
    let account = match head.method.as_str() {
        "POST" if values("grant_type") != ["refresh_token"] => {
            return answer(&mut stream, "405 Method Not Allowed", &[], b"");
        }
        "POST" => (values("refresh_token") == [IDENTITY_TOKEN]).then(|| USER.to_owned()),
        _ => account(head.header("authorization")),
    };
    let Some(account) = account else {
        let refused = br#"{"errors":[{"code":"UNAUTHORIZED","message":"who are you"}]}"#;
        return answer(&mut stream, "401 Unauthorized", &[], refused);
    };
    let mut scopes: Vec<String> =
        values("scope").iter().flat_map(|scope| scope.split(' ')).map(sorted).collect();
    scopes.sort();
    let token = token(&account, &scopes, issued);
    asked.lock().unwrap().push(Asked { account, scopes });
    let given = json!({"token": token, "access_token": token, "expires_in": 300}).to_string();
    answer(&mut stream, "200 OK", &[("content-type", "application/json")], given.as_bytes())
}

/// A scope with its actions in order.
fn sorted(scope: &str) -> String {
    let Some((what, actions)) = scope.rsplit_once(':') else { return scope.to_owned() };
    let mut actions: Vec<&str> = actions.split(',').collect();
    actions.sort_unstable();
    format!("{what}:{}", actions.join(","))
}

/// Who it is: nobody in particular without a header, none with a wrong one.
fn account(header: Option<&str>) -> Option<String> {
    let Some(header) = header else { return Some(String::new()) };
    let decoded = STANDARD.decode(header.strip_prefix("Basic ")?).ok()?;
    let text = String::from_utf8(decoded).ok()?;
    let (account, password) = text.split_once(':')?;
    ([USER, READER].contains(&account) && password == PASSWORD).then(|| account.to_owned())
}

/// A token for what the account may do of what it asks for.
fn token(account: &str, scopes: &[String], issued: &Issued) -> String {
    let access: Vec<Value> = scopes.iter().filter_map(|scope| granted(account, scope)).collect();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let claims = json!({
        "iss": SERVICE, "aud": SERVICE, "sub": account, "access": access,
        "iat": now, "nbf": now - 10, "exp": now + 300, "jti": format!("{now}-{account}"),
    });
    let pem = fs::read_to_string(&issued.certificate).unwrap();
    let certificate: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
    let header = json!({"typ": "JWT", "alg": "RS256", "x5c": [certificate]});
    let [header, claims] = [header, claims].map(|part| URL_SAFE_NO_PAD.encode(part.to_string()));
    let signed = format!("{header}.{claims}");
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature(&signed, issued)))
}

fn granted(account: &str, scope: &str) -> Option<Value> {
    let (kind, rest) = scope.split_once(':')?;
    let (name, actions) = rest.rsplit_once(':')?;
    let may = |action: &&str| match account {
        USER => true,
        READER => *action == "pull",
        _ => *action == "pull" && name.starts_with(PUBLIC),
    };
    let actions: Vec<&str> = actions.split(',').filter(may).collect();
    (!actions.is_empty()).then(|| json!({"type": kind, "name": name, "actions": actions}))
}

fn signature(text: &str, issued: &Issued) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let (from, to) = (folder.path().join("text"), folder.path().join("signature"));
    fs::write(&from, text).unwrap();
    let mut sign = limited("openssl");
    ok(sign.args(["dgst", "-sha256", "-sign"]).arg(&issued.key).arg("-out").arg(&to).arg(&from));
    fs::read(to).unwrap()
}

/// Text of a query or form.
fn decoded(text: &str) -> String {
    let mut parts = text.split('%');
    let mut bytes = parts.next().unwrap_or_default().replace('+', " ").into_bytes();
    for part in parts {
        let (code, rest) = part.split_at_checked(2).unwrap();
        bytes.push(u8::from_str_radix(code, 16).unwrap());
        bytes.extend_from_slice(rest.replace('+', " ").as_bytes());
    }
    String::from_utf8(bytes).unwrap()
}
