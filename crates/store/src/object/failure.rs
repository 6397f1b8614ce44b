//! What an object store's refusal means, in words that repeat nothing of the request.

use super::url::ObjectUrl;
use crate::error::{ErrorKind, StoreError};
use object_store::Error;

/// The most that is shown of what a store says, in characters.
const MAX_SAID: usize = 300;

/// Where a machine in a cloud would get its credentials from.
const METADATA: [&str; 2] = ["169.254.169.254", "metadata.google.internal"];

/// What a store said.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub(super) struct Said {
    text: String,
    /// The status of its answer, if it answered.
    pub status: Option<u16>,
    /// Its own name for the error.
    pub code: Option<String>,
}

/// What it means that something could not be done.
pub(super) fn failure(action: &'static str, object: String, error: &Error) -> StoreError {
    let said = said(error);
    let kind = kind(error, &said);
    StoreError::Object { action, object, kind, source: said.into() }
}

/// What it means that a store cannot be used at all.
pub(super) fn unusable(url: &ObjectUrl, error: &Error) -> StoreError {
    let source = said(error).into();
    StoreError::Object { action: "use", object: url.to_string(), kind: ErrorKind::Usage, source }
}

fn kind(error: &Error, said: &Said) -> ErrorKind {
    match error {
        Error::Unauthenticated { .. } | Error::PermissionDenied { .. } => ErrorKind::Credentials,
        Error::NotFound { .. } => ErrorKind::NotFound,
        Error::AlreadyExists { .. }
        | Error::Precondition { .. }
        | Error::NotModified { .. }
        | Error::NotSupported { .. }
        | Error::NotImplemented { .. } => ErrorKind::Refused,
        Error::InvalidPath { .. } | Error::UnknownConfigurationKey { .. } => ErrorKind::Usage,
        _ if said.code.as_deref() == Some(NO_CREDENTIALS) => ErrorKind::Credentials,
        _ => match said.status {
            Some(400..=499) => ErrorKind::Refused,
            _ => ErrorKind::Place,
        },
    }
}

const NO_CREDENTIALS: &str = "NoCredentials";

/// What a store said, out of an error that tells much more: the address with its query, what was signed and how.
pub(super) fn said(error: &Error) -> Said {
    let mut root: &dyn std::error::Error = error;
    while let Some(cause) = root.source() {
        root = cause;
    }
    if let Error::NotImplemented { operation, .. } = error {
        return Said { text: format!("it does not do this: {operation}"), status: None, code: None };
    }
    read(&error.to_string(), &root.to_string())
}

/// Reads the text of an error, and that of its innermost cause.
fn read(text: &str, root: &str) -> Said {
    if METADATA.iter().any(|host| text.contains(host)) {
        let text = "no credentials are in the environment, and this machine has none of its own".into();
        return Said { text, status: None, code: Some(NO_CREDENTIALS.into()) };
    }
    let Some((_, answer)) = text.split_once("status code: ") else {
        let text = match text.split_once("Server returned error response: ") {
            Some((_, body)) => element(body, "Message").unwrap_or("it answered with an error").to_owned(),
            None => root.to_owned(),
        };
        return Said { text: shortened(&text), status: None, code: None };
    };
    let (status, body) = answer.split_once(": ").unwrap_or((answer.trim_end_matches(':'), ""));
    let (code, message) = (element(body, "Code"), element(body, "Message"));
    let mut text = format!("the server answered {status}");
    if let Some(message) = message.and_then(|message| message.lines().next()) {
        text = format!("{text}: {message}");
    }
    if let Some(code) = code {
        text = format!("{text} ({code})");
    }
    let number = status.split(' ').next().and_then(|number| number.parse().ok());
    Said { text: shortened(&text), status: number, code: code.map(str::to_owned) }
}

/// The text of an element of XML.
fn element<'a>(xml: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = xml.split_once(&format!("<{name}>"))?;
    rest.split_once(&format!("</{name}>")).map(|(text, _)| text.trim()).filter(|text| !text.is_empty())
}

fn shortened(text: &str) -> String {
    text.chars().take(MAX_SAID).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_store_said_is_told_and_nothing_of_the_request() {
        let of = |text: &str, root: &str| {
            let said = read(text, root);
            (said.text, said.status, said.code)
        };
        let forbidden = "The operation lacked the necessary privileges to complete for path x: Error performing GET \
            http://127.0.0.1/b/x?sig=secret in 3ms - Server returned non-2xx status code: 403 Forbidden: \
            <Error><Code>SignatureDoesNotMatch</Code><Message>It does not match.\nRequestId: 7</Message>\
            <StringToSign>secret</StringToSign></Error>";
        let text = "the server answered 403 Forbidden: It does not match. (SignatureDoesNotMatch)";
        assert_eq!(of(forbidden, "-"), (text.into(), Some(403), Some("SignatureDoesNotMatch".into())));
        let bare = "Error performing HEAD http://127.0.0.1/b/x in 3ms - Server returned non-2xx status code: 404 Not Found: ";
        assert_eq!(of(bare, "-"), ("the server answered 404 Not Found".into(), Some(404), None));
        let unreachable = "Generic S3 error: Error performing GET http://127.0.0.1:1/b/x in 1s, after 2 retries - HTTP \
            error: error sending request";
        let refused = "Connection refused (os error 111)";
        assert_eq!(of(unreachable, refused), (refused.into(), None, None));
        let metadata = "Generic S3 error: Error performing PUT http://169.254.169.254/latest/api/token in 2s - HTTP error";
        assert_eq!(of(metadata, "x").2.as_deref(), Some(NO_CREDENTIALS));
        let late = "Error - Server returned error response: <Error><Code>SlowDown</Code><Message>Slow.</Message></Error>";
        assert_eq!(of(late, "-").0, "Slow.");
    }

    #[test]
    fn kinds_are_those_of_exit_codes() {
        let source = || "x".into();
        let path = || "x".to_owned();
        for (error, expected) in [
            (Error::PermissionDenied { path: path(), source: source() }, ErrorKind::Credentials),
            (Error::Unauthenticated { path: path(), source: source() }, ErrorKind::Credentials),
            (Error::NotFound { path: path(), source: source() }, ErrorKind::NotFound),
            (Error::Precondition { path: path(), source: source() }, ErrorKind::Refused),
            (
                Error::Generic { store: "S3", source: "status code: 400 Bad Request: x".into() },
                ErrorKind::Refused,
            ),
            (
                Error::Generic { store: "S3", source: "status code: 503 Slow Down: x".into() },
                ErrorKind::Place,
            ),
            (
                Error::Generic { store: "S3", source: "http://169.254.169.254/".into() },
                ErrorKind::Credentials,
            ),
            (Error::Generic { store: "S3", source: "connection refused".into() }, ErrorKind::Place),
        ] {
            assert_eq!(failure("read", "s3://b/x".into(), &error).kind(), expected, "{error}");
        }
    }
}
