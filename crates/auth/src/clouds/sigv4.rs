//! Signatures of requests to AWS ([Signature Version 4]).
//!
//! [Signature Version 4]: https://docs.aws.amazon.com/IAM/latest/UserGuide/create-signed-request.html

use ring::{digest, hmac};
use std::time::{SystemTime, UNIX_EPOCH};

/// Keys of an AWS account.
#[derive(Clone)]
pub(super) struct Keys {
    pub id: String,
    pub secret: String,
    /// Those that end have it.
    pub session: Option<String>,
}

/// A request that is to be signed: its query is empty.
pub(super) struct Request<'a> {
    pub method: &'a str,
    pub path: &'a str,
    /// Names in lower case with values, `host` among them.
    pub headers: &'a [(&'a str, &'a str)],
    pub body: &'a [u8],
}

/// Signs a request for a service of a region: the headers that it must have beside its own.
pub(super) fn sign(
    keys: &Keys,
    region: &str,
    service: &str,
    request: &Request<'_>,
    now: SystemTime,
) -> Vec<(&'static str, String)> {
    let time = stamp(now);
    let day = time.split('T').next().unwrap_or_default();
    let mut signed: Vec<(&str, &str)> = request.headers.to_vec();
    signed.push(("x-amz-date", &time));
    signed.extend(keys.session.as_deref().map(|session| ("x-amz-security-token", session)));
    signed.sort_unstable();
    let names = signed.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(";");
    let lines: String = signed.iter().map(|(name, value)| format!("{name}:{}\n", value.trim())).collect();
    let Request { method, path, body, .. } = request;
    let canonical = format!("{method}\n{path}\n\n{lines}\n{names}\n{}", sha256(body));
    let scope = format!("{day}/{region}/{service}/aws4_request");
    let text = format!("AWS4-HMAC-SHA256\n{time}\n{scope}\n{}", sha256(canonical.as_bytes()));
    let mut key = format!("AWS4{}", keys.secret).into_bytes();
    for part in [day, region, service, "aws4_request"] {
        key = mac(&key, part).as_ref().to_vec();
    }
    let signature = hex(mac(&key, &text).as_ref());
    let id = &keys.id;
    let header =
        format!("AWS4-HMAC-SHA256 Credential={id}/{scope}, SignedHeaders={names}, Signature={signature}");
    let mut headers = vec![("authorization", header), ("x-amz-date", time.clone())];
    headers.extend(keys.session.clone().map(|session| ("x-amz-security-token", session)));
    headers
}

fn mac(key: &[u8], text: &str) -> hmac::Tag {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text.as_bytes())
}

fn sha256(bytes: &[u8]) -> String {
    hex(digest::digest(&digest::SHA256, bytes).as_ref())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A time as `20150830T123600Z`.
fn stamp(time: SystemTime) -> String {
    let seconds = time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    let (year, month, day) = civil(days);
    format!("{year:04}{month:02}{day:02}T{:02}{:02}{:02}Z", rest / 3600, rest / 60 % 60, rest % 60)
}

/// Year, month and day of a number of days since 1970. Years are counted from March, so that leap days end them
/// (<https://howardhinnant.github.io/date_algorithms.html#civil_from_days>).
fn civil(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (era * 400 + year + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    /// The keys and the time of AWS's test suite.
    const ID: &str = "AKIDEXAMPLE";
    const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
    const TIME: u64 = 1_440_938_160;

    #[test]
    fn aws_own_examples() {
        let host = ("host", "example.amazonaws.com");
        let form = ("content-type", "application/x-www-form-urlencoded");
        for (method, headers, body, want) in [
            ("GET", &[host][..], "", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
            ("POST", &[host], "", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
            (
                "POST",
                &[host, form],
                "Param1=value1",
                "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
            ),
        ] {
            let keys = Keys { id: ID.into(), secret: SECRET.into(), session: None };
            let request = Request { method, path: "/", headers, body: body.as_bytes() };
            let now = UNIX_EPOCH + Duration::from_secs(TIME);
            let signed = sign(&keys, "us-east-1", "service", &request, now);
            let (_, header) = &signed[0];
            assert_eq!(header.rsplit('=').next(), Some(want), "{method} {headers:?}");
            assert!(header.contains("Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request,"));
            assert_eq!(signed[1], ("x-amz-date", "20150830T123600Z".into()));
        }
    }

    #[test]
    fn days() {
        for (days, want) in [
            (0, (1970, 1, 1)),
            (58, (1970, 2, 28)),
            (11_016, (2000, 2, 29)),
            (11_017, (2000, 3, 1)),
            (19_722, (2023, 12, 31)),
            (47_541, (2100, 3, 1)),
        ] {
            assert_eq!(civil(days), want, "{days}");
        }
    }
}
