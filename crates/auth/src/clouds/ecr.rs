//! Amazon's registries ([GetAuthorizationToken]).
//!
//! [GetAuthorizationToken]: https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_GetAuthorizationToken.html

use super::sigv4::{Request, sign};
use super::{Asking, aws, done, field};
use crate::credential::Credential;
use crate::file::decode;
use crate::trace::{Looked, Outcome};
use crate::web::headers;

const ECR: &str = "Amazon ECR";
const KIND: &str = "application/x-amz-json-1.1";

/// A registry of Amazon's.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Registry {
    region: String,
    /// The domain of the part of AWS where it is.
    domain: &'static str,
    kind: Kind,
}

#[derive(Debug, PartialEq, Eq)]
enum Kind {
    Private,
    Fips,
    Public,
}

impl Registry {
    /// The one of a host: `ACCOUNT.dkr.ecr.REGION.amazonaws.com` and its kin.
    pub fn of(host: &str) -> Option<Self> {
        const DOMAIN: &str = "amazonaws.com";
        if host == "public.ecr.aws" {
            return Some(Registry { region: "us-east-1".into(), domain: DOMAIN, kind: Kind::Public });
        }
        let (account, rest) = host.split_once('.')?;
        if account.is_empty() || !account.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let (rest, kind) = if let Some(rest) = rest.strip_prefix("dkr.ecr.").or(rest.strip_prefix("dkr-ecr."))
        {
            (rest, Kind::Private)
        } else {
            let fips = rest.strip_prefix("dkr.ecr-fips.").or(rest.strip_prefix("dkr-ecr-fips."));
            (fips?, Kind::Fips)
        };
        let ends =
            [(".amazonaws.com", DOMAIN), (".amazonaws.com.cn", "amazonaws.com.cn"), (".on.aws", DOMAIN)];
        let (region, domain) =
            ends.iter().find_map(|(end, domain)| Some((rest.strip_suffix(end)?, *domain)))?;
        let is_region = region.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        (is_region && !region.is_empty()).then(|| Registry { region: region.into(), domain, kind })
    }
}

/// A password for a registry; the user is `AWS`.
pub(super) async fn find(asking: &mut Asking<'_>, registry: &Registry) -> Option<Credential> {
    let found = ask(asking, registry).await;
    if found.is_none() && registry.kind == Kind::Public {
        // Everybody may read there; keys that are of no use must not be in the way.
        for Looked { outcome, .. } in &mut asking.trace {
            if let Outcome::Failed { reason } = outcome {
                *outcome = Outcome::Passed { reason: std::mem::take(reason) };
            }
        }
    }
    found
}

async fn ask(asking: &mut Asking<'_>, registry: &Registry) -> Option<Credential> {
    let keys = aws::keys(asking, &registry.region, registry.domain).await?;
    // What was found so far are keys for the one who gives the password.
    for Looked { outcome, .. } in &mut asking.trace {
        if let Outcome::Has { .. } = outcome {
            *outcome = Outcome::Passed { reason: "but keys, with which a password was asked for".into() };
        }
    }
    match password(asking, registry, &keys).await {
        Ok((user, password)) => {
            asking.tell(ECR, Outcome::Has { what: "a password", user: Some(user.clone()) });
            Some(Credential::Basic { user, password })
        }
        Err(reason) => {
            asking.failed(ECR, reason);
            None
        }
    }
}

async fn password(
    asking: &Asking<'_>,
    registry: &Registry,
    keys: &super::sigv4::Keys,
) -> Result<(String, String), String> {
    let Registry { region, domain, kind } = registry;
    let (name, service, target, host, token) = match kind {
        Kind::Public => (
            "ECR_PUBLIC",
            "ecr-public",
            "SpencerFrontendService.GetAuthorizationToken",
            format!("api.ecr-public.{region}.{domain}"),
            "/authorizationData/authorizationToken",
        ),
        Kind::Private | Kind::Fips => (
            "ECR",
            "ecr",
            "AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken",
            match kind {
                Kind::Fips => format!("ecr-fips.{region}.{domain}"),
                _ => format!("api.ecr.{region}.{domain}"),
            },
            "/authorizationData/0/authorizationToken",
        ),
    };
    let url = aws::endpoint(asking.environment, name, || format!("https://{host}"))?;
    let host = match (url.host_str().unwrap_or_default(), url.port()) {
        (host, Some(port)) => format!("{host}:{port}"),
        (host, None) => host.to_owned(),
    };
    let own = [("content-type", KIND), ("host", &*host), ("x-amz-target", target)];
    let body = b"{}";
    let request = Request { method: "POST", path: url.path(), headers: &own, body };
    let signed = sign(keys, region, service, &request, asking.web.pace().now());
    let mut fields = vec![("content-type", KIND), ("x-amz-target", target)];
    fields.extend(signed.iter().map(|(name, value)| (*name, &**value)));
    let said = done(asking.web.post(url.as_str(), headers(&fields), body.to_vec()).await, &keys.secret)?;
    let token = field(&said, token)?;
    decode(&token).ok_or_else(|| "its token is not the base64 of user:password".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts() {
        let registry = |region: &str, domain, kind| Some(Registry { region: region.into(), domain, kind });
        for (host, want) in [
            (
                "123456789012.dkr.ecr.eu-west-1.amazonaws.com",
                registry("eu-west-1", "amazonaws.com", Kind::Private),
            ),
            (
                "1.dkr.ecr-fips.us-gov-west-1.amazonaws.com",
                registry("us-gov-west-1", "amazonaws.com", Kind::Fips),
            ),
            (
                "1.dkr.ecr.cn-north-1.amazonaws.com.cn",
                registry("cn-north-1", "amazonaws.com.cn", Kind::Private),
            ),
            ("1.dkr-ecr.eu-west-1.on.aws", registry("eu-west-1", "amazonaws.com", Kind::Private)),
            ("public.ecr.aws", registry("us-east-1", "amazonaws.com", Kind::Public)),
            ("x.dkr.ecr.eu-west-1.amazonaws.com", None),
            ("1.dkr.ecr.eu-west-1.amazonaws.com.evil.example", None),
            ("1.dkr.ecr.evil.example/.amazonaws.com", None),
            ("1.dkr.ecr.a.b.amazonaws.com", None),
            ("1.dkr.ecr..amazonaws.com", None),
            ("amazonaws.com", None),
        ] {
            assert_eq!(Registry::of(host), want, "{host}");
        }
    }
}
