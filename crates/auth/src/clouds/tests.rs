#![allow(clippy::unwrap_used, clippy::panic)]

use super::*;
use crate::testing::{Clock, Request, Server, client};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use std::fs;
use std::sync::Arc;
use tempfile::TempDir;

/// A key that is used for nothing else.
const KEY: &str = include_str!("testdata/service-account.key");
const ECR: &str = "123456789012.dkr.ecr.eu-west-1.amazonaws.com";

/// What is found in an environment, in a word; and the trace.
fn found(registry: &str, variables: &[(&str, String)]) -> (String, Vec<String>) {
    let environment = variables.iter().cloned().collect();
    let client = client(&Arc::<Clock>::default(), &[]);
    let web = Web::new(&client);
    let (credential, trace) = client.wait(find(&web, &environment, registry)).unwrap();
    (word(credential), trace.iter().map(ToString::to_string).collect())
}

fn word(credential: Option<Credential>) -> String {
    match credential {
        None => "nobody".into(),
        Some(Credential::Basic { user, password }) => format!("{user}:{password}"),
        Some(Credential::Identity(token)) => format!("identity {token}"),
        Some(Credential::Bearer(token)) => format!("bearer {token}"),
    }
}

/// Where nothing listens.
fn nobody() -> String {
    "http://127.0.0.1:1".into()
}

fn ecr_answer(request: &Request) -> (u16, String) {
    let token = STANDARD.encode(format!("AWS:{}", request.header("x-amz-security-token").unwrap_or("none")));
    let data = json!({ "authorizationToken": token, "expiresAt": 1.4e9 });
    match request.header("x-amz-target") {
        Some("SpencerFrontendService.GetAuthorizationToken") => {
            (200, json!({ "authorizationData": data }).to_string())
        }
        Some("AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken") => {
            (200, json!({ "authorizationData": [data] }).to_string())
        }
        _ => (404, String::new()),
    }
}

fn env(pairs: &[(&'static str, &str)]) -> Vec<(&'static str, String)> {
    pairs.iter().map(|(name, value)| (*name, (*value).to_owned())).collect()
}

#[test]
fn only_registries_of_clouds_are_asked_for() {
    for registry in ["ghcr.io", "docker.io", "quay.io", "localhost:5000", "gcr.io.example.com", "azurecr.io"]
    {
        assert_eq!(found(registry, &[]), ("nobody".into(), vec![]), "{registry}");
    }
}

#[test]
fn amazon_with_keys_of_the_environment() {
    let server = Server::new(ecr_answer);
    for (registry, service) in [(ECR, "eu-west-1/ecr"), ("public.ecr.aws", "us-east-1/ecr-public")] {
        let mut variables = env(&[("AWS_ACCESS_KEY_ID", "AKID"), ("AWS_SECRET_ACCESS_KEY", "geheim")]);
        variables.push(("AWS_ENDPOINT_URL", server.url("/")));
        variables.push(("AWS_SESSION_TOKEN", "session".into()));
        let (word, trace) = found(registry, &variables);
        assert_eq!(word, "AWS:session");
        assert_eq!(
            trace,
            [
                "AWS keys of the environment has nothing: but keys, with which a password was asked for",
                "Amazon ECR has a password of user AWS"
            ]
        );
        let request = server.requests().pop().unwrap();
        let signed = request.header("authorization").unwrap();
        let want = format!(
            "AWS4-HMAC-SHA256 Credential=AKID/20150830/{service}/aws4_request, SignedHeaders=content-type;host;x-amz-date;x-amz-security-token;x-amz-target, Signature="
        );
        assert!(signed.starts_with(&want), "{signed}");
        assert_eq!((request.header("host"), &*request.body), (Some(&*server.host), "{}"));
    }
}

#[test]
fn amazon_with_profiles() {
    let server = Server::new(ecr_answer);
    let home = tempfile::tempdir().unwrap();
    fs::create_dir(home.path().join(".aws")).unwrap();
    let keys = |name: &str, session: &str| {
        format!("[{name}]\naws_access_key_id = A\naws_secret_access_key = B\naws_session_token={session}\n")
    };
    let credentials = keys("default", "one") + &keys("ci", "two");
    fs::write(home.path().join(".aws/credentials"), credentials).unwrap();
    fs::write(home.path().join(".aws/config"), keys("profile dev", "three") + "[profile sso]\nx = y\n")
        .unwrap();
    for (profile, want) in
        [("", "AWS:one"), ("ci", "AWS:two"), ("dev", "AWS:three"), ("sso", "nobody"), ("gone", "nobody")]
    {
        let mut variables = env(&[("AWS_PROFILE", profile), ("AWS_EC2_METADATA_DISABLED", "true")]);
        variables.push(("HOME", home.path().display().to_string()));
        variables.push(("AWS_ENDPOINT_URL_ECR", server.url("")));
        let (word, trace) = found(ECR, &variables);
        assert_eq!(word, want, "{profile}: {trace:?}");
        if want == "nobody" {
            let line = format!("AWS profile cannot be used: the profile {profile} has no keys of its own");
            assert!(trace.contains(&line), "{trace:?}");
        }
    }
}

#[test]
fn amazon_with_a_web_identity() {
    let server = Server::new(|request: &Request| match request.field("Action").as_deref() {
        Some("AssumeRoleWithWebIdentity") => {
            let want = ("arn:aws:iam::1:role/x", "token of the cluster");
            let (role, token) =
                (request.field("RoleArn").unwrap(), request.field("WebIdentityToken").unwrap());
            if (&*role, &*token) != want {
                return (403, String::new());
            }
            (200, "<R><Credentials><AccessKeyId>A</AccessKeyId><SecretAccessKey>B</SecretAccessKey><SessionToken>S</SessionToken></Credentials></R>".into())
        }
        _ => ecr_answer(request),
    });
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("token");
    fs::write(&file, "token of the cluster\n").unwrap();
    let mut variables =
        env(&[("AWS_ROLE_ARN", "arn:aws:iam::1:role/x"), ("AWS_EC2_METADATA_DISABLED", "true")]);
    variables.push(("AWS_WEB_IDENTITY_TOKEN_FILE", file.display().to_string()));
    variables.push(("AWS_ENDPOINT_URL", server.url("")));
    assert_eq!(found(ECR, &variables).0, "AWS:S");
    fs::write(&file, "another").unwrap();
    let (word, trace) = found(ECR, &variables);
    assert_eq!(word, "nobody");
    assert!(trace.contains(&"AWS web identity cannot be used: 403 Forbidden".into()), "{trace:?}");
}

#[test]
fn amazon_in_containers_and_instances() {
    let keys = json!({"AccessKeyId": "A", "SecretAccessKey": "B", "Token": "T"}).to_string();
    let server = Server::new(move |request: &Request| match (&*request.method, &*request.path) {
        ("GET", "/creds") if request.header("authorization") == Some("vouch") => (200, keys.clone()),
        ("PUT", "/latest/api/token") => (200, "v2".into()),
        ("GET", path) if request.header("x-aws-ec2-metadata-token") == Some("v2") => match path {
            "/latest/meta-data/iam/security-credentials/" => (200, "role\n".into()),
            "/latest/meta-data/iam/security-credentials/role" => (200, keys.clone()),
            _ => (404, String::new()),
        },
        ("POST", _) => ecr_answer(request),
        _ => (401, String::new()),
    });
    let url = |path| server.url(path);
    for (variables, want) in [
        (
            vec![
                ("AWS_CONTAINER_CREDENTIALS_FULL_URI", url("/creds")),
                ("AWS_CONTAINER_AUTHORIZATION_TOKEN", "vouch".into()),
            ],
            "AWS:T",
        ),
        (vec![("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://example.com/creds".into())], "nobody"),
        (vec![("AWS_EC2_METADATA_SERVICE_ENDPOINT", url("/"))], "AWS:T"),
        (vec![("AWS_EC2_METADATA_SERVICE_ENDPOINT", nobody())], "nobody"),
    ] {
        let mut all = vec![("AWS_ENDPOINT_URL_ECR", url("/"))];
        if !variables.iter().any(|(name, _)| name.contains("EC2")) {
            all.push(("AWS_EC2_METADATA_DISABLED", "true".into()));
        }
        all.extend(variables);
        let (word, trace) = found(ECR, &all);
        assert_eq!(word, want, "{trace:?}");
    }
}

#[test]
fn amazon_says_no() {
    let server = Server::new(|_| {
        (400, r#"{"__type": "UnrecognizedClientException", "message": "geheim is invalid"}"#.into())
    });
    let mut variables = env(&[("AWS_ACCESS_KEY_ID", "AKID"), ("AWS_SECRET_ACCESS_KEY", "geheim")]);
    variables.push(("AWS_ENDPOINT_URL", server.url("/")));
    let (word, trace) = found(ECR, &variables);
    assert_eq!(
        (&*word, &**trace.last().unwrap()),
        ("nobody", "Amazon ECR cannot be used: *** is invalid (400)")
    );
    // The public registry can be read by everybody.
    let (_, trace) = found("public.ecr.aws", &variables);
    assert_eq!(trace.last().unwrap(), "Amazon ECR has nothing: *** is invalid (400)");
}

/// A server for Google's tokens, and a file of credentials.
fn google(file: impl Fn(&Server) -> Value) -> (Server, TempDir, Vec<(&'static str, String)>) {
    let server = Server::new(|request: &Request| match &*request.path {
        "/token" => (200, json!({"access_token": "t", "expires_in": 3599}).to_string()),
        "/sts" if request.field("subject_token").as_deref() == Some("subject") => {
            (200, json!({"access_token": "sts"}).to_string())
        }
        "/impersonate" if request.header("authorization") == Some("Bearer sts") => {
            (200, json!({"accessToken": "of the account"}).to_string())
        }
        "/subject" if request.header("x-vouch") == Some("yes") => {
            (200, json!({"value": "subject"}).to_string())
        }
        "/computeMetadata/v1/instance/service-accounts/default/token"
            if request.header("metadata-flavor") == Some("Google") =>
        {
            (200, json!({"access_token": "m"}).to_string())
        }
        _ => (403, json!({"error": "denied", "error_description": "no"}).to_string()),
    });
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("credentials.json");
    fs::write(&path, file(&server).to_string()).unwrap();
    let variables = vec![
        ("GOOGLE_APPLICATION_CREDENTIALS", path.display().to_string()),
        ("GCE_METADATA_HOST", server.host.clone()),
    ];
    (server, dir, variables)
}

#[test]
fn google_with_a_service_account() {
    let (server, _dir, variables) = google(
        |server| json!({"type": "service_account", "client_email": "bot@x.example", "private_key": KEY, "private_key_id": "7", "token_uri": server.url("/token")}),
    );
    for registry in ["gcr.io", "eu.gcr.io", "europe-docker.pkg.dev"] {
        assert_eq!(found(registry, &variables).0, "oauth2accesstoken:t", "{registry}");
    }
    let request = server.requests().remove(0);
    assert_eq!(request.field("grant_type").as_deref(), Some("urn:ietf:params:oauth:grant-type:jwt-bearer"));
    let assertion = request.field("assertion").unwrap();
    let (text, signature) = assertion.rsplit_once('.').unwrap();
    let (head, claims) = text.split_once('.').unwrap();
    let json =
        |part: &str| -> Value { serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap() };
    assert_eq!(json(head), json!({"alg": "RS256", "typ": "JWT", "kid": "7"}));
    let since = 1_440_938_160;
    assert_eq!(
        json(claims),
        json!({"iss": "bot@x.example", "aud": server.url("/token"), "iat": since, "exp": since + 3600, "scope": "https://www.googleapis.com/auth/cloud-platform"})
    );
    use rustls_pki_types::pem::PemObject;
    let der = rustls_pki_types::PrivatePkcs8KeyDer::from_pem_slice(KEY.as_bytes()).unwrap();
    let key = ring::signature::RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()).unwrap();
    let public = ring::signature::UnparsedPublicKey::new(
        &ring::signature::RSA_PKCS1_2048_8192_SHA256,
        key.public().as_ref().to_vec(),
    );
    public.verify(text.as_bytes(), &URL_SAFE_NO_PAD.decode(signature).unwrap()).unwrap();
}

#[test]
fn google_with_other_files() {
    let user = |server: &Server| json!({"type": "authorized_user", "client_id": "a", "client_secret": "b", "refresh_token": "c", "token_uri": server.url("/token")});
    let source = |server: &Server| json!({"url": server.url("/subject"), "headers": {"x-vouch": "yes"}, "format": {"type": "json", "subject_token_field_name": "value"}});
    let external = |server: &Server| json!({"type": "external_account", "audience": "x", "subject_token_type": "y", "token_url": server.url("/sts"), "credential_source": source(server)});
    let (server, _dir, variables) = google(user);
    assert_eq!(found("gcr.io", &variables).0, "oauth2accesstoken:t");
    assert_eq!(server.requests()[0].field("refresh_token").as_deref(), Some("c"));

    let (_server, _dir, variables) = google(external);
    assert_eq!(found("gcr.io", &variables).0, "oauth2accesstoken:sts");

    let (_server, dir, variables) = google(|server| {
        let mut file = external(server);
        file["service_account_impersonation_url"] = server.url("/impersonate").into();
        file["credential_source"] = json!({ "file": "/nonexistent" });
        file
    });
    let (word, trace) = found("gcr.io", &variables);
    assert_eq!(word, "nobody");
    assert!(trace[0].ends_with("cannot be used: /nonexistent is not there"), "{trace:?}");
    let path = dir.path().join("credentials.json");
    let mut file: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    fs::write(dir.path().join("subject"), "subject\n").unwrap();
    file["credential_source"] = json!({ "file": dir.path().join("subject") });
    fs::write(&path, file.to_string()).unwrap();
    assert_eq!(found("gcr.io", &variables).0, "oauth2accesstoken:of the account");
}

#[test]
fn google_machines_and_files_that_are_wrong() {
    let (server, _dir, mut variables) = google(|_| json!({"type": "geheim"}));
    let (word, trace) = found("gcr.io", &variables);
    assert_eq!((&*word, trace.len()), ("nobody", 1));
    assert!(trace[0].contains("mistake in line 1, column ") && !trace[0].contains("geheim"), "{trace:?}");
    variables.remove(0);
    assert_eq!(found("gcr.io", &variables).0, "oauth2accesstoken:m");
    assert_eq!(server.requests().len(), 1);
    let (word, trace) = found("gcr.io", &[("GCE_METADATA_HOST", "127.0.0.1:1".into())]);
    assert_eq!((&*word, trace.len()), ("nobody", 2));
    let uri = "http://example.com/token";
    let (_server, _dir, variables) = google(
        |_| json!({"type": "service_account", "client_email": "x", "private_key": KEY, "token_uri": uri}),
    );
    assert!(found("gcr.io", &variables).1[0].ends_with("http://example.com/token has no TLS"));
    let (_server, _dir, variables) = google(
        |server| json!({"type": "service_account", "client_email": "x", "private_key": "geheim", "token_uri": server.url("/token")}),
    );
    assert!(found("gcr.io", &variables).1[0].ends_with("its private_key is no RSA key in PKCS #8"));
}

#[test]
fn azure_exchanges_a_token_of_entra() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("token");
    fs::write(&file, "vouch").unwrap();
    let server = Server::new(|request: &Request| {
        match &*request.path {
        "/tenant-1/oauth2/v2.0/token" => {
            let by = [request.field("client_assertion"), request.field("client_secret")];
            match by.map(|field| field.unwrap_or_default()) {
                [assertion, _] if assertion == "vouch" => (200, r#"{"access_token": "federated"}"#.into()),
                [_, secret] if secret == "secret" => (200, r#"{"access_token": "secret's"}"#.into()),
                _ => (401, r#"{"error_description": "wrong secret geheim"}"#.into()),
            }
        }
        "/oauth2/exchange" => {
            let field = |name| request.field(name).unwrap_or_default();
            (200, json!({ "refresh_token": format!("{} {}", field("access_token"), field("service")) }).to_string())
        }
        path if path.starts_with("/metadata/identity/oauth2/token?") && request.header("metadata") == Some("true") => {
            (200, json!({ "access_token": format!("machine {}", request.field("client_id").unwrap_or_default()) }).to_string())
        }
        _ => (404, String::new()),
    }
    });
    let client_and_tenant = env(&[("AZURE_CLIENT_ID", "client"), ("AZURE_TENANT_ID", "tenant-1")]);
    let file = file.display().to_string();
    for (variables, want) in [
        (vec![("AZURE_FEDERATED_TOKEN_FILE", file.clone())], "identity federated x.azurecr.io"),
        (vec![("AZURE_CLIENT_SECRET", "secret".into())], "identity secret's x.azurecr.io"),
        (vec![], "identity machine client x.azurecr.io"),
    ] {
        let mut all = client_and_tenant.clone();
        all.push(("AZURE_AUTHORITY_HOST", server.url("/")));
        all.push(("AZURE_POD_IDENTITY_AUTHORITY_HOST", server.url("")));
        all.extend(variables);
        let environment = all.into_iter().collect();
        let client = client(&Arc::<Clock>::default(), &[]);
        let web = Web::new(&client);
        let mut asking = Asking { web: &web, environment: &environment, trace: vec![] };
        let base = server.url("");
        let work = azure::find(&mut asking, &base, "x.azurecr.io");
        assert_eq!(word(client.wait(work).unwrap()), want);
    }
    // A secret that is wrong is told, and nothing else is tried in silence.
    let mut all = client_and_tenant;
    all.push(("AZURE_AUTHORITY_HOST", server.url("/")));
    all.push(("AZURE_POD_IDENTITY_AUTHORITY_HOST", nobody()));
    all.push(("AZURE_CLIENT_SECRET", "geheim".into()));
    let (word, trace) = found("x.azurecr.io", &all);
    assert_eq!(word, "nobody");
    assert!(
        trace.contains(&"Azure client secret cannot be used: wrong secret *** (401)".into()),
        "{trace:?}"
    );
}
