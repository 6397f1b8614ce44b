//! Keys of an AWS account, in the order of AWS's own tools.

use super::sigv4::Keys;
use super::{Asking, done, field, ini, read};
use crate::environment::Environment;
use crate::trace::Outcome;
use crate::web::{headers, is_safe};
use fetch::http::{HeaderMap, Url};
use std::path::{Path, PathBuf};

const VARIABLES: &str = "AWS keys of the environment";
const WEB_IDENTITY: &str = "AWS web identity";
const PROFILE: &str = "AWS profile";
const CONTAINER: &str = "AWS container credentials";
const INSTANCE: &str = "AWS instance metadata";

/// Where containers ask without a host.
const CONTAINER_HOST: &str = "http://169.254.170.2";
/// Hosts of AWS that containers ask without TLS.
const CONTAINER_HOSTS: [&str; 3] = ["169.254.170.2", "169.254.170.23", "[fd00:ec2::23]"];
/// Where instances ask.
const INSTANCE_HOST: &str = "http://169.254.169.254";

/// The keys that there are. `domain` is that of AWS where the registry is.
pub(super) async fn keys(asking: &mut Asking<'_>, region: &str, domain: &str) -> Option<Keys> {
    if let Some(keys) = of_variables(asking) {
        return Some(keys);
    }
    for (place, answer) in [
        (WEB_IDENTITY, web_identity(asking, region, domain).await),
        (PROFILE, profile(asking.environment)),
        (CONTAINER, container(asking).await),
    ] {
        match answer {
            Ok(Some(keys)) => {
                asking.has(place, "keys");
                return Some(keys);
            }
            Ok(None) => asking.tell(place, Outcome::Absent),
            Err(reason) => asking.failed(place, reason),
        }
    }
    if asking.environment.get("AWS_EC2_METADATA_DISABLED").is_some_and(|value| value == "true") {
        asking.passed(INSTANCE, "AWS_EC2_METADATA_DISABLED says so");
        return None;
    }
    match instance(asking).await {
        Ok(keys) => {
            asking.has(INSTANCE, "keys");
            Some(keys)
        }
        Err(reason) => {
            asking.passed(INSTANCE, reason);
            None
        }
    }
}

fn of_variables(asking: &mut Asking<'_>) -> Option<Keys> {
    const NAMES: [&str; 2] = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"];
    let environment = asking.environment;
    match NAMES.map(|name| environment.set(name)) {
        [Some(id), Some(secret)] if !id.is_empty() && !secret.is_empty() => {
            let session = environment.get("AWS_SESSION_TOKEN").map(String::from);
            asking.has(VARIABLES, "keys");
            Some(Keys { id: id.into(), secret: secret.into(), session })
        }
        [None, None] => {
            asking.tell(VARIABLES, Outcome::Absent);
            None
        }
        [id, _] => {
            let missing = if id.is_none_or(str::is_empty) { NAMES[0] } else { NAMES[1] };
            asking.passed(VARIABLES, format!("{missing} is empty or not set"));
            None
        }
    }
}

/// Keys for a token that the cluster or CI service vouches with.
async fn web_identity(asking: &Asking<'_>, region: &str, domain: &str) -> Result<Option<Keys>, String> {
    let environment = asking.environment;
    let (Some(file), Some(role)) =
        (environment.path("AWS_WEB_IDENTITY_TOKEN_FILE"), environment.get("AWS_ROLE_ARN"))
    else {
        return Ok(None);
    };
    let token = read(&file)?.trim().to_owned();
    let session = environment.get("AWS_ROLE_SESSION_NAME").unwrap_or("bantam");
    let own = environment.get("AWS_REGION").or_else(|| environment.get("AWS_DEFAULT_REGION"));
    let url = endpoint(environment, "STS", || {
        format!("https://sts.{}.{domain}", own.filter(|_| domain == "amazonaws.com").unwrap_or(region))
    })?;
    let fields = [
        ("Action", "AssumeRoleWithWebIdentity"),
        ("Version", "2011-06-15"),
        ("RoleArn", role),
        ("RoleSessionName", session),
        ("WebIdentityToken", &token),
    ];
    let said = done(asking.web.form(url.as_str(), &fields).await, &token)?;
    let text = String::from_utf8_lossy(&said.body);
    let of = |name| element(&text, name).ok_or_else(|| format!("its answer has no {name}"));
    let (id, secret, session) = (of("AccessKeyId")?, of("SecretAccessKey")?, of("SessionToken")?);
    Ok(Some(Keys { id, secret, session: Some(session) }))
}

/// Keys that stand in the files of the tools.
fn profile(environment: &Environment) -> Result<Option<Keys>, String> {
    let home = environment.home();
    let place = |variable, name: &str| -> Option<PathBuf> {
        environment.path(variable).or_else(|| Some(home.as_ref()?.join(".aws").join(name)))
    };
    let named = environment.get("AWS_PROFILE").or_else(|| environment.get("AWS_DEFAULT_PROFILE"));
    let profile = named.unwrap_or("default");
    let in_config = if profile == "default" { profile.into() } else { format!("profile {profile}") };
    let files = [
        (place("AWS_SHARED_CREDENTIALS_FILE", "credentials"), profile.to_owned()),
        (place("AWS_CONFIG_FILE", "config"), in_config),
    ];
    for (path, section) in files {
        let Some(path) = path.filter(|path| Path::exists(path)) else { continue };
        let text = read(&path)?;
        let value = |key| ini::value(&text, &section, key).map(String::from);
        if let (Some(id), Some(secret)) = (value("aws_access_key_id"), value("aws_secret_access_key")) {
            return Ok(Some(Keys { id, secret, session: value("aws_session_token") }));
        }
    }
    match named {
        Some(named) => Err(format!("the profile {named} has no keys of its own")),
        None => Ok(None),
    }
}

/// Keys that the container's own agent gives.
async fn container(asking: &Asking<'_>) -> Result<Option<Keys>, String> {
    let environment = asking.environment;
    let url = match environment.get("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI") {
        Some(path) => format!("{CONTAINER_HOST}/{}", path.trim_start_matches('/')),
        None => match environment.get("AWS_CONTAINER_CREDENTIALS_FULL_URI") {
            Some(url) => url.to_owned(),
            None => return Ok(None),
        },
    };
    let host = Url::parse(&url).ok().and_then(|url| url.host_str().map(String::from));
    let of_aws = host.as_deref().is_some_and(|host| CONTAINER_HOSTS.contains(&host));
    if !is_safe(&url) && !of_aws {
        return Err("AWS_CONTAINER_CREDENTIALS_FULL_URI has no TLS, and is none of AWS's own hosts".into());
    }
    let token = match environment.path("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE") {
        Some(path) => read(&path)?.trim().to_owned(),
        None => environment.get("AWS_CONTAINER_AUTHORIZATION_TOKEN").unwrap_or_default().to_owned(),
    };
    let carried = if token.is_empty() { headers(&[]) } else { headers(&[("authorization", &token)]) };
    let said = done(asking.web.near().get(&url, carried).await, &token)?;
    of_json(&said).map(Some)
}

/// Keys of the role that an instance has.
async fn instance(asking: &Asking<'_>) -> Result<Keys, String> {
    let near = asking.web.near();
    let host = asking.environment.get("AWS_EC2_METADATA_SERVICE_ENDPOINT").unwrap_or(INSTANCE_HOST);
    let base = format!("{}/latest", host.trim_end_matches('/'));
    let life = headers(&[("x-aws-ec2-metadata-token-ttl-seconds", "300")]);
    let said = done(near.put(&format!("{base}/api/token"), life).await, "")?;
    let token = String::from_utf8_lossy(&said.body).trim().to_owned();
    let carried: HeaderMap = headers(&[("x-aws-ec2-metadata-token", &token)]);
    let roles = format!("{base}/meta-data/iam/security-credentials/");
    let said = done(near.get(&roles, carried.clone()).await, &token)?;
    let text = String::from_utf8_lossy(&said.body);
    let role = text.lines().next().map(str::trim).filter(|role| !role.is_empty());
    let role = role.ok_or("the instance has no role")?;
    of_json(&done(near.get(&format!("{roles}{role}"), carried).await, &token)?)
}

/// Where a service of AWS is asked: as variables say, else `default`.
pub(super) fn endpoint(
    environment: &Environment,
    service: &str,
    default: impl FnOnce() -> String,
) -> Result<Url, String> {
    let named = environment.get(&format!("AWS_ENDPOINT_URL_{service}"));
    let named = named.or_else(|| environment.get("AWS_ENDPOINT_URL"));
    let text = named.map_or_else(default, String::from);
    let url = Url::parse(&text).ok().filter(|_| is_safe(&text));
    url.ok_or_else(|| format!("the endpoint {} has no TLS", fetch::masked(&text)))
}

fn of_json(said: &crate::web::Said) -> Result<Keys, String> {
    let of = |name| field(said, name);
    Ok(Keys { id: of("/AccessKeyId")?, secret: of("/SecretAccessKey")?, session: of("/Token").ok() })
}

/// The text of an element of XML that has no others in it.
fn element(text: &str, name: &str) -> Option<String> {
    let (_, rest) = text.split_once(&format!("<{name}>"))?;
    let (value, _) = rest.split_once(&format!("</{name}>"))?;
    Some(value.trim().to_owned()).filter(|value| !value.is_empty())
}
