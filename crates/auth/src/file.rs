//! Credential files, as docker, podman and Kubernetes have them.

use crate::credential::Credential;
use crate::registry::{Wanted, normal};
use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// The largest file that is read, in bytes.
const MAX_FILE: u64 = 4 << 20;

/// Base64 as people paste it: with padding or without.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// A credential file.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(crate) struct ConfigFile {
    auths: Option<BTreeMap<String, Option<Entry>>>,
    #[serde(rename = "credHelpers")]
    cred_helpers: Option<BTreeMap<String, String>>,
    #[serde(rename = "credsStore")]
    creds_store: Option<String>,
}

/// What it has for a registry.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Entry {
    auth: Option<String>,
    username: Option<String>,
    password: Option<String>,
    identitytoken: Option<String>,
    registrytoken: Option<String>,
}

/// What an entry holds.
pub(crate) enum Held {
    /// A credential, and the field that it is of.
    Credential(Credential, &'static str, Option<String>),
    /// No secret.
    Nothing { key: String },
    /// Something that cannot be understood.
    Wrong { reason: String },
}

/// Where in a text it is wrong. What is wrong is not told: the text around it may be a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mistake {
    pub line: usize,
    pub column: usize,
}

impl ConfigFile {
    pub fn parse(text: &[u8]) -> Result<Self, Mistake> {
        // An empty file is what an interrupted program leaves, and docker takes it for one without entries.
        if text.trim_ascii().is_empty() {
            return Ok(ConfigFile::default());
        }
        serde_json::from_slice(text).map_err(|error| Mistake::of(&error))
    }

    /// The helper that a registry is mapped to, the suffix of its program's name.
    pub fn helper_of(&self, wanted: &Wanted) -> Option<&str> {
        let helpers = self.cred_helpers.as_ref()?;
        let (_, helper) = of_keys(helpers, &wanted.keys).into_iter().next()?;
        Some(&**helper).filter(|helper| !helper.is_empty())
    }

    /// The helper for all registries.
    pub fn store(&self) -> Option<&str> {
        self.creds_store.as_deref().filter(|store| !store.is_empty())
    }

    /// The key that a registry has an entry under, even one without a secret.
    pub fn key_of(&self, wanted: &Wanted) -> Option<&str> {
        let host = std::slice::from_ref(&wanted.host);
        of_keys(self.auths.as_ref()?, host).into_iter().next().map(|(key, _)| key)
    }

    /// What the entries for a registry hold, the most special first.
    pub fn entries(&self, wanted: &Wanted) -> Vec<Held> {
        let entries = self.auths.iter().flat_map(|auths| of_keys(auths, &wanted.keys));
        entries.map(|(key, entry)| entry.as_ref().unwrap_or(&Entry::default()).held(key)).collect()
    }
}

impl Mistake {
    pub fn of(error: &serde_json::Error) -> Self {
        Mistake { line: error.line(), column: error.column() }
    }
}

impl Entry {
    fn held(&self, key: &str) -> Held {
        let text = |field: &Option<String>| {
            field.as_deref().map(str::trim).filter(|text| !text.is_empty()).map(String::from)
        };
        let basic = match text(&self.auth) {
            Some(auth) => match decode(&auth) {
                Some(login) => Some((login, "`auth`")),
                None => {
                    let reason = format!("`auth` of {key} is not the base64 of user:password");
                    return Held::Wrong { reason };
                }
            },
            None => self.username.clone().map(|user| {
                let password = self.password.clone().unwrap_or_default();
                ((user, password), "`username` and `password`")
            }),
        };
        let user = || basic.as_ref().map(|((user, _), _)| user.clone()).filter(|user| !user.is_empty());
        if let Some(token) = text(&self.registrytoken) {
            return Held::Credential(Credential::Bearer(token), "`registrytoken`", user());
        }
        if let Some(token) = text(&self.identitytoken) {
            return Held::Credential(Credential::Identity(token), "`identitytoken`", user());
        }
        match basic {
            Some(((user, password), field)) if !password.is_empty() => {
                Held::Credential(Credential::Basic { user: user.clone(), password }, field, Some(user))
            }
            _ => Held::Nothing { key: key.into() },
        }
    }
}

/// Reads a file that is not too large. One that is not there is none.
pub(crate) fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        Err(error) => return Err(error),
    };
    let mut bytes = vec![];
    file.take(MAX_FILE + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_FILE {
        return Err(io::Error::new(
            io::ErrorKind::FileTooLarge,
            format!("it has more than {MAX_FILE} bytes"),
        ));
    }
    Ok(Some(bytes))
}

/// User and password of the base64 of `user:password`.
pub(crate) fn decode(auth: &str) -> Option<(String, String)> {
    let packed: String = auth.chars().filter(|letter| !letter.is_whitespace()).collect();
    let text = String::from_utf8(LENIENT.decode(packed).ok()?).ok()?;
    let (user, password) = text.split_once(':')?;
    // Docker fills up with zeros; and `echo` ends in a line feed.
    Some((user.into(), password.trim_end_matches(['\0', '\r', '\n']).into()))
}

/// What a map has under keys, in the order of those.
fn of_keys<'a, Value>(map: &'a BTreeMap<String, Value>, keys: &[String]) -> Vec<(&'a str, &'a Value)> {
    let of = |wanted: &String| {
        let wanted = wanted.clone();
        map.iter().filter(move |(key, _)| normal(key) == wanted)
    };
    keys.iter().flat_map(of).map(|(key, value)| (&**key, value)).collect()
}
