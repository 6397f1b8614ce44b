//! Google's registries: access tokens of service accounts, of users, of other clouds' identities and of machines
//! ([Application Default Credentials]).
//!
//! [Application Default Credentials]: https://cloud.google.com/docs/authentication/application-default-credentials

mod account;

use super::{Asking, done, field, read};
use crate::credential::Credential;
use crate::trace::Outcome;
use crate::web::headers;
use account::Account;
use std::path::PathBuf;

const FILE: &str = "Google credentials (GOOGLE_APPLICATION_CREDENTIALS)";
const GCLOUD: &str = "Google credentials of gcloud";
const METADATA: &str = "Google metadata server";
/// The user that goes with an access token.
const USER: &str = "oauth2accesstoken";
/// The name that machines know their metadata server by.
const METADATA_HOST: &str = "metadata.google.internal";

/// Is it a registry of Google's?
pub(super) fn is_registry(host: &str) -> bool {
    host == "gcr.io" || host.ends_with(".gcr.io") || host.ends_with(".pkg.dev")
}

/// An access token.
pub(super) async fn find(asking: &mut Asking<'_>) -> Option<Credential> {
    let environment = asking.environment;
    let named = environment.path("GOOGLE_APPLICATION_CREDENTIALS");
    let explicit = named.is_some();
    let gcloud = || -> Option<PathBuf> {
        let dir = environment.path("CLOUDSDK_CONFIG");
        let dir = dir.or_else(|| Some(environment.home()?.join(".config/gcloud")))?;
        Some(dir.join("application_default_credentials.json")).filter(|path| path.exists())
    };
    let file = named.map(|path| (FILE, path)).or_else(|| gcloud().map(|path| (GCLOUD, path)));
    let found = match file {
        None => {
            asking.tell(FILE, Outcome::Absent);
            None
        }
        Some((place, path)) => Some((place, of_file(asking, &path).await)),
    };
    let (place, token) = match found {
        Some((place, Err(reason))) if explicit => {
            asking.failed(place, reason);
            return None;
        }
        Some((place, Ok(token))) => (place, Ok(token)),
        other => {
            if let Some((place, Err(reason))) = other {
                asking.passed(place, reason);
            }
            (METADATA, metadata(asking).await)
        }
    };
    match token {
        Ok(password) => {
            asking.tell(place, Outcome::Has { what: "an access token", user: Some(USER.into()) });
            Some(Credential::Basic { user: USER.into(), password })
        }
        Err(reason) => {
            asking.passed(place, reason);
            None
        }
    }
}

async fn of_file(asking: &Asking<'_>, path: &std::path::Path) -> Result<String, String> {
    Account::parse(&read(path)?)?.token(asking.web).await
}

/// The token of the service account that a machine has.
async fn metadata(asking: &Asking<'_>) -> Result<String, String> {
    let host = asking.environment.get("GCE_METADATA_HOST").unwrap_or(METADATA_HOST);
    let url = format!("http://{host}/computeMetadata/v1/instance/service-accounts/default/token");
    let said = asking.web.near().get(&url, headers(&[("metadata-flavor", "Google")])).await;
    field(&done(said, "")?, "/access_token")
}
