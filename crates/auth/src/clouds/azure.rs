//! Azure's registries: a token of Entra ID is exchanged for one of the registry ([authentication]).
//!
//! [authentication]: https://github.com/Azure/acr/blob/main/docs/AAD-OAuth.md

use super::{Asking, done, field, read};
use crate::credential::Credential;
use crate::trace::Outcome;
use crate::web::{headers, is_safe};
use fetch::http::Url;

const WORKLOAD: &str = "Azure workload identity";
const SECRET: &str = "Azure client secret";
const MACHINE: &str = "Azure managed identity";
const EXCHANGE: &str = "Azure Container Registry";

/// What a token of Entra ID is for.
const RESOURCE: &str = "https://containerregistry.azure.net";
/// Who gives them.
const AUTHORITY: &str = "https://login.microsoftonline.com";
/// Where machines ask.
const MACHINE_HOST: &str = "http://169.254.169.254";

/// Is it a registry of Azure's?
pub(super) fn is_registry(host: &str) -> bool {
    [".azurecr.io", ".azurecr.cn", ".azurecr.us"].iter().any(|end| host.ends_with(end))
}

/// A refresh token of the registry `service`, which is asked below `base`.
pub(super) async fn find(asking: &mut Asking<'_>, base: &str, service: &str) -> Option<Credential> {
    let (place, token) = entra(asking).await?;
    asking.passed(place, "but a token, with which the registry's was asked for");
    match exchange(asking, base, service, &token).await {
        Ok(token) => {
            asking.has(EXCHANGE, "an identity token");
            Some(Credential::Identity(token))
        }
        Err(reason) => {
            asking.failed(EXCHANGE, reason);
            None
        }
    }
}

/// A token of Entra ID, and where it is from.
async fn entra(asking: &mut Asking<'_>) -> Option<(&'static str, String)> {
    let environment = asking.environment;
    let client = environment.get("AZURE_CLIENT_ID");
    let tenant = environment.get("AZURE_TENANT_ID");
    for (place, variable) in [(WORKLOAD, "AZURE_FEDERATED_TOKEN_FILE"), (SECRET, "AZURE_CLIENT_SECRET")] {
        let (Some(value), Some(client), Some(tenant)) = (environment.get(variable), client, tenant) else {
            asking.tell(place, Outcome::Absent);
            continue;
        };
        match of_client(asking, client, tenant, (place == WORKLOAD, value)).await {
            Ok(token) => return Some((place, token)),
            Err(reason) => asking.failed(place, reason),
        }
    }
    match of_machine(asking, client).await {
        Ok(token) => Some((MACHINE, token)),
        Err(reason) => {
            asking.passed(MACHINE, reason);
            None
        }
    }
}

async fn of_client(
    asking: &Asking<'_>,
    client: &str,
    tenant: &str,
    (federated, value): (bool, &str),
) -> Result<String, String> {
    let authority = asking.environment.get("AZURE_AUTHORITY_HOST").unwrap_or(AUTHORITY);
    let authority = authority.trim_end_matches('/');
    if !is_safe(authority) {
        return Err("AZURE_AUTHORITY_HOST has no TLS".into());
    }
    if !tenant.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-.".contains(&byte)) {
        return Err("AZURE_TENANT_ID is no tenant".into());
    }
    let scope = format!("{RESOURCE}/.default");
    let mut fields = vec![("grant_type", "client_credentials"), ("client_id", client), ("scope", &*scope)];
    let secret = if federated { read(value.as_ref())?.trim().to_owned() } else { value.to_owned() };
    if federated {
        let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
        fields.extend([("client_assertion_type", kind), ("client_assertion", &*secret)]);
    } else {
        fields.push(("client_secret", &secret));
    }
    let said = asking.web.form(&format!("{authority}/{tenant}/oauth2/v2.0/token"), &fields).await;
    field(&done(said, &secret)?, "/access_token")
}

/// The token of the identity that a machine has.
async fn of_machine(asking: &Asking<'_>, client: Option<&str>) -> Result<String, String> {
    let host = asking.environment.get("AZURE_POD_IDENTITY_AUTHORITY_HOST").unwrap_or(MACHINE_HOST);
    let text = format!("{}/metadata/identity/oauth2/token", host.trim_end_matches('/'));
    let mut url = Url::parse(&text).map_err(|_| "AZURE_POD_IDENTITY_AUTHORITY_HOST is no URL")?;
    url.query_pairs_mut().append_pair("api-version", "2018-02-01").append_pair("resource", RESOURCE);
    if let Some(client) = client {
        url.query_pairs_mut().append_pair("client_id", client);
    }
    let said = asking.web.near().get(url.as_str(), headers(&[("metadata", "true")])).await;
    field(&done(said, "")?, "/access_token")
}

async fn exchange(asking: &Asking<'_>, base: &str, service: &str, token: &str) -> Result<String, String> {
    let mut fields = vec![("grant_type", "access_token"), ("service", service), ("access_token", token)];
    fields.extend(asking.environment.get("AZURE_TENANT_ID").map(|tenant| ("tenant", tenant)));
    let said = asking.web.form(&format!("{base}/oauth2/exchange"), &fields).await;
    field(&done(said, token)?, "/refresh_token")
}
