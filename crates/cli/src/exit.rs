//! Exit codes, and hints for operational errors: the one place that knows what to advise.

use crate::show;
use auth::{AuthError, Looked, Outcome, Place};
use bantam::Error;
use debian::archive::{ArchiveError, MirrorError, Said};
use fetch::FetchError;
use language::LanguageError;
use std::path::Path;
use std::process::ExitCode;
use store::{ReferenceError, StoreError};

/// Findings, differences, something missing.
pub const FINDINGS: u8 = 1;
/// Words on the command line that make no sense.
pub const USAGE: u8 = 2;
const SPEC: u8 = 3;
const REFUSED: u8 = 4;
const SOURCE: u8 = 5;
/// Not let in.
pub const CREDENTIALS: u8 = 6;
const REGISTRY: u8 = 7;
const BUG: u8 = 70;

const OF_GITHUB: &str =
    "a job of GitHub needs `permissions: packages: write`, and a package must be linked to its repository";

/// A panic is a bug of bantam, and says so.
pub fn catch_bugs() {
    std::panic::set_hook(Box::new(|panic| {
        let text = format!("bantam has a bug: {panic}\nPlease report it, with the command and the spec.");
        show::stderr(&text);
        std::process::exit(i32::from(BUG));
    }));
}

/// Shows an error with its causes and a hint, and gives its exit code.
pub fn fail(error: &Error) -> ExitCode {
    ExitCode::from(tell(error))
}

/// As [`fail`], where more is to be done before the end.
pub fn tell(error: &Error) -> u8 {
    show::error(error, hint(error).as_deref());
    code(error)
}

fn code(error: &Error) -> u8 {
    match error {
        Error::NoTarget { .. }
        | Error::SpecThere { .. }
        | Error::NoProject { .. }
        | Error::OneImage { .. }
        | Error::OnePlatform { .. }
        | Error::Usage(_)
        | Error::ZstdBase { .. }
        | Error::UnknownBase { .. }
        | Error::MovedBase { .. }
        | Error::OtherBase { .. }
        | Error::SourceDateEpoch { .. }
        | Error::Reference(_)
        | Error::SharedPlace(_) => USAGE,
        Error::Spec { .. }
        | Error::SpecErrors { .. }
        | Error::Lock { .. }
        | Error::LockMisfit { .. }
        | Error::LockPackages { .. }
        | Error::LockAbsent { .. }
        | Error::LockChanged { .. }
        | Error::Solve(_)
        | Error::SpecReference { .. }
        | Error::UnknownSuite { .. } => SPEC,
        Error::Refused { .. } => REFUSED,
        Error::Language { source, .. } => match &**source {
            LanguageError::Misfit { .. }
            | LanguageError::NotLocked { .. }
            | LanguageError::Refused { .. }
            | LanguageError::Input { .. } => SPEC,
            LanguageError::Fetch { source, .. } if matches!(**source, FetchError::Unauthorized { .. }) => {
                CREDENTIALS
            }
            source => of_tools(source).map_or(SOURCE, code),
        },
        Error::Auth(error) if error.is_refusal() => CREDENTIALS,
        Error::NoRegistry { .. } => REGISTRY,
        Error::Archive(error) if error.said().iter().any(|said| said.wants_credentials()) => CREDENTIALS,
        Error::Store(error) => match error.kind() {
            store::ErrorKind::Usage => USAGE,
            store::ErrorKind::Credentials => CREDENTIALS,
            store::ErrorKind::Refused | store::ErrorKind::NotFound => REGISTRY,
            _ => SOURCE,
        },
        _ => SOURCE,
    }
}

/// What kept build tools that are packages from a language.
fn of_tools(error: &LanguageError) -> Option<&Error> {
    match error {
        LanguageError::Tools(error) => error.downcast_ref(),
        _ => None,
    }
}

fn of_language(error: &LanguageError) -> Option<String> {
    if let Some(error) = of_tools(error) {
        return hint(error);
    }
    let text = match error {
        LanguageError::Misfit { .. } => "`bantam update` resolves anew, and says what changes",
        LanguageError::NotLocked { .. } => "build once without --locked, and keep the lock that it writes",
        LanguageError::NoTool { tool, .. } if tool == "uv" => {
            "install it: `pip install uv`, `pipx install uv` or the distribution's package"
        }
        LanguageError::OldTool { tool, .. } if tool == "uv" => {
            "`uv self update`, or `pip install --upgrade uv`"
        }
        LanguageError::NoTool { tool, .. } if tool == "npm" => "install Node.js with npm 11 or newer",
        LanguageError::OldTool { tool, .. } if tool == "npm" => "`npm install --global npm@11`",
        LanguageError::NoTool { tool, .. } | LanguageError::OldTool { tool, .. } if tool == "pnpm" => {
            "`npm install --global pnpm@latest`"
        }
        LanguageError::OtherTool { .. } => {
            "`bantam update` moves packages to one version; a JDK of this machine must be of the image's version"
        }
        LanguageError::Offline { .. } => "build once with the network; the cache keeps what was fetched",
        _ => return None,
    };
    Some(text.into())
}

/// What is wrong with credentials, if that is what an error is about.
pub fn of_auth(error: &Error) -> Option<&AuthError> {
    if let Error::Auth(error) = error {
        return Some(error);
    }
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        // Large errors have it in a box, which is a type of its own.
        let boxed = error.downcast_ref::<Box<AuthError>>().map(|error| &**error);
        if let Some(error) = error.downcast_ref().or(boxed) {
            return Some(error);
        }
        cause = error.source();
    }
    None
}

/// Where credentials were looked for, if an error is about them.
pub fn trace(error: &Error) -> &[Looked] {
    match error {
        Error::Store(error) => error.trace(),
        error => of_auth(error).map(AuthError::trace).unwrap_or_default(),
    }
}

fn hint(error: &Error) -> Option<String> {
    if let Some(error) = of_auth(error) {
        return of_credentials(error);
    }
    if let Error::Store(StoreError::Denied { trace, .. }) = error {
        return Some(of_denied(trace).into());
    }
    if is_about_tls(error) {
        let text = "--ca-file or a certs.d directory has a registry's own certificates; --insecure HOST is for one without";
        return Some(text.into());
    }
    let text = match error {
        Error::NoTarget { .. } => {
            "name a spec (bantam.toml, a folder that has one, any *.toml) or a program that is built"
        }
        Error::Spec { source, .. } if source.kind() == std::io::ErrorKind::NotFound => {
            "`bantam init` writes one; a program is built without: `bantam build ./program`"
        }
        Error::SpecThere { .. } => "--stdout prints what would be written",
        Error::NoProject { why, .. } if !why.is_empty() => {
            "`bantam build PROGRAM` and a bantam.toml of your own need no project: write what starts as entrypoint"
        }
        Error::NoProject { .. } => {
            "it is known by go.mod, Cargo.toml, CMakeLists.txt, meson.build, Makefile, requirements.txt, \
             pyproject.toml, package.json, pom.xml, build.gradle, or a program that is there"
        }
        Error::Mirror(MirrorError::Unknown { .. }) => {
            "name mirrors in [runtime] of the spec, or in BANTAM_MIRROR"
        }
        Error::Mirror(MirrorError::NoSnapshots { .. }) => {
            "name a mirror of a snapshot archive, with ${timestamp} in its URL, as one of the mirrors"
        }
        Error::Mirror(MirrorError::OnlySnapshots { .. }) => {
            "name the moment behind the suite: source = \"debian:SUITE@20260801T000000Z\""
        }
        Error::Archive(error) => return of_archive(error).map(String::from),
        Error::Language { source, .. } => return of_language(source),
        Error::LockMisfit { .. }
        | Error::LockPackages { .. }
        | Error::Lock { .. }
        | Error::UnknownSuite { .. } => "`bantam update` writes it anew",
        Error::UnknownBase { .. } | Error::MovedBase { .. } | Error::OtherBase { .. } => {
            "--from names the image that it was built upon"
        }
        Error::LockAbsent { .. } => "`bantam lock` writes it; then commit it beside the spec",
        Error::LockChanged { .. } => "`bantam update` accepts the changes",
        Error::OneImage { .. } => "an oci: layout takes several images",
        Error::OnePlatform { .. } => "--platform chooses one; an oci: layout takes several",
        Error::NoEngine { .. } => "start docker, or install podman; `bantam build -o oci:DIR` needs neither",
        Error::Reference(ReferenceError::NoHost(text)) if Path::new(text).is_file() => {
            "a file is docker-archive:FILE, as `docker save` writes it, or oci-archive:FILE"
        }
        Error::Write { source, .. } if source.kind() == std::io::ErrorKind::PermissionDenied => {
            "BANTAM_CACHE_DIR names a folder that may be written"
        }
        _ => return None,
    };
    Some(text.into())
}

/// What to do where a registry knows who asks, and does not let them.
fn of_denied(trace: &[Looked]) -> &'static str {
    let has = trace.iter().find(|looked| matches!(looked.outcome, Outcome::Has { .. }));
    match has.map(|looked| &looked.place) {
        None => "`bantam login HOST` keeps a user and a password for a registry",
        Some(Place::Variable(name)) if name == "GITHUB_TOKEN" => OF_GITHUB,
        Some(_) => {
            "`bantam auth check REF` tells where credentials were looked for, and what they are good for"
        }
    }
}

/// Is it that TLS did not come about?
fn is_about_tls(error: &Error) -> bool {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = cause {
        let boxed = error.downcast_ref::<Box<FetchError>>().map(|error| &**error);
        if matches!(boxed.or(error.downcast_ref()), Some(FetchError::Tls { .. } | FetchError::NotTls { .. }))
        {
            return true;
        }
        cause = error.source();
    }
    false
}

/// What to do where a registry does not let one in.
fn of_credentials(error: &AuthError) -> Option<String> {
    let text = match error {
        AuthError::None { registry, .. } => {
            return Some(format!("`bantam login {registry}` keeps a user and a password for it"));
        }
        AuthError::Refused { place: Some(place), .. }
            if **place == Place::Variable("GITHUB_TOKEN".into()) =>
        {
            OF_GITHUB
        }
        AuthError::Refused { place: None, registry, .. } => {
            return Some(format!("`bantam login {registry}` keeps a user and a password for it"));
        }
        AuthError::Refused { .. } | AuthError::TokenServer { .. } => {
            "`bantam auth check REF` tells where credentials were looked for, and what they are good for"
        }
        AuthError::Realm { .. } => "--insecure HOST is for a registry without TLS",
        AuthError::NoPassword { .. } => "`bantam login HOST` keeps a user and a password",
        AuthError::NoFile => "--authfile names a file",
        _ => return None,
    };
    Some(text.into())
}

/// What to do where an archive gives not what is wanted.
fn of_archive(error: &ArchiveError) -> Option<&'static str> {
    let said = error.said();
    let any = |what: fn(&Said) -> bool| said.iter().any(|said| what(said));
    if any(Said::is_offline) {
        Some("build once without --offline, or from a folder that `bantam vendor` writes")
    } else if any(Said::wants_credentials) {
        Some("a netrc file or apt's auth.conf has names and passwords for archives")
    } else if any(Said::is_of_others) {
        Some("`keyring` in [runtime] or [[repositories]] names a file of the keys that may sign it")
    } else if any(Said::is_outdated) {
        Some("take a mirror that is up to date, and look at the clock of this machine")
    } else if matches!(error, ArchiveError::Package { .. } | ArchiveError::Several { .. })
        && said.iter().all(|said| said.is_not_there())
    {
        Some("archives drop a version when they have a newer one: `bantam update` moves the pins")
    } else {
        None
    }
}
