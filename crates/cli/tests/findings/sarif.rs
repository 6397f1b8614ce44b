//! SARIF: its shape, by the rules of the standard for the parts that are used, and what is in it.

use crate::folder::{Folder, SPEC, Said, faulty};
use serde_json::{Value, json};

/// The shape of a document, as strict as it can be: nothing may be there that is not known here.
fn shape() -> Value {
    let object = |required: &[&str], properties: Value| json!({"type": "object", "required": required, "properties": properties, "additionalProperties": false});
    let text = json!({"type": "string", "minLength": 1});
    let texts = json!({"type": "array", "items": text, "uniqueItems": true});
    let positive = json!({"type": "integer", "minimum": 1});
    let level = json!({"enum": ["error", "warning", "note"]});
    let message = object(&["text"], json!({"text": text, "markdown": text}));
    let rule = object(
        &["id", "name", "shortDescription", "help", "defaultConfiguration"],
        json!({
            "id": text,
            "name": {"type": "string", "pattern": "^([A-Z][a-z]*)+$"},
            "shortDescription": object(&["text"], json!({"text": {"type": "string", "pattern": "[.]$"}})),
            "help": message,
            "defaultConfiguration": object(&["level"], json!({"level": level})),
            "properties": object(&["tags"], json!({"tags": texts, "precision": {"enum": ["very-high", "medium"]}})),
        }),
    );
    let artifact = object(
        &["uri"],
        // A reference of RFC 3986: nothing that would have to be escaped.
        json!({"uri": {"type": "string", "pattern": "^([-A-Za-z0-9._~/:]|%[0-9A-F]{2})+$"}, "uriBaseId": {"const": "%SRCROOT%"}}),
    );
    let region = object(
        &["startLine"],
        json!({"startLine": positive, "startColumn": positive, "endColumn": positive}),
    );
    let logical = object(
        &["name", "fullyQualifiedName", "kind"],
        json!({"name": text, "fullyQualifiedName": text, "kind": {"const": "resource"}}),
    );
    let location = object(
        &["physicalLocation"],
        json!({
            "physicalLocation": object(&["artifactLocation"], json!({"artifactLocation": artifact, "region": region})),
            "logicalLocations": {"type": "array", "items": logical, "minItems": 1},
        }),
    );
    let result = object(
        &["ruleId", "ruleIndex", "level", "message", "locations", "partialFingerprints"],
        json!({
            "ruleId": text,
            "ruleIndex": {"type": "integer", "minimum": 0},
            "level": level,
            "message": object(&["text"], json!({"text": text})),
            "locations": {"type": "array", "items": location, "minItems": 1, "maxItems": 1},
            "partialFingerprints": object(&["bantam/v1"], json!({"bantam/v1": {"type": "string", "pattern": "^[0-9a-f]{64}$"}})),
            "properties": object(&["platform", "fixes", "actions"], json!({"platform": text, "path": {"type": ["string", "null"]}, "fixes": texts, "actions": {"type": "array"}})),
        }),
    );
    let notification = object(
        &["level", "message"],
        json!({"level": level, "message": object(&["text"], json!({"text": text}))}),
    );
    let invocation = object(
        &["executionSuccessful"],
        json!({"executionSuccessful": {"type": "boolean"}, "toolExecutionNotifications": {"type": "array", "items": notification}}),
    );
    let driver = object(
        &["name", "version", "rules"],
        json!({"name": {"const": "bantam"}, "version": text, "semanticVersion": text, "rules": {"type": "array", "items": rule, "uniqueItems": true}}),
    );
    let run = object(
        &["tool", "results", "columnKind", "automationDetails", "invocations"],
        json!({
            "tool": object(&["driver"], json!({"driver": driver})),
            "automationDetails": object(&["id"], json!({"id": {"type": "string", "pattern": "^bantam/.*[^/]/$"}})),
            "columnKind": {"const": "unicodeCodePoints"},
            "originalUriBaseIds": object(&["%SRCROOT%"], json!({"%SRCROOT%": object(&["description"], json!({"description": message}))})),
            "invocations": {"type": "array", "items": invocation, "minItems": 1, "maxItems": 1},
            "results": {"type": "array", "items": result},
        }),
    );
    object(
        &["version", "runs"],
        json!({"$schema": text, "version": {"const": "2.1.0"}, "runs": {"type": "array", "items": run, "minItems": 1, "maxItems": 1}}),
    )
}

/// The one run of a document that is as it should be; and the exit code.
fn checked((exit, out, words): Said) -> (i32, Value) {
    let document: Value =
        serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}\n{words}"));
    let validator = jsonschema::validator_for(&shape()).unwrap();
    let errors: Vec<String> =
        validator.iter_errors(&document).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(errors.is_empty(), "{errors:#?}");
    let run = document["runs"][0].clone();
    for result in run["results"].as_array().unwrap() {
        let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(run["tool"]["driver"]["rules"][index]["id"], result["ruleId"]);
    }
    (exit, run)
}

fn fingerprints(run: &Value) -> Vec<String> {
    let results = run["results"].as_array().unwrap();
    results.iter().map(|result| result["partialFingerprints"]["bantam/v1"].as_str().unwrap().into()).collect()
}

#[test]
fn findings_are_results_at_their_line() {
    let folder = faulty();
    let (exit, run) = checked(folder.bantam(&["check", "--sarif"]));
    assert_eq!(exit, 1);
    assert_eq!(run["invocations"][0]["executionSuccessful"], true);
    assert_eq!(run["automationDetails"]["id"], "bantam/bantam.toml/");
    let secret = &run["results"][0];
    assert_eq!((&secret["ruleId"], &secret["level"]), (&json!("B0501"), &json!("error")));
    assert_eq!(
        secret["locations"],
        json!([{
            "physicalLocation": {
                "artifactLocation": {"uri": "bantam.toml", "uriBaseId": "%SRCROOT%"},
                "region": {"startLine": 10},
            },
            "logicalLocations": [
                {"name": ".env", "fullyQualifiedName": "linux/amd64:/app/web/.env", "kind": "resource"},
            ],
        }])
    );
    let message = secret["message"]["text"].as_str().unwrap();
    assert!(
        message.starts_with("/app/web/.env looks like a secret: ") && message.contains("\nfix: "),
        "{message}"
    );
    let rule = &run["tool"]["driver"]["rules"][0];
    assert_eq!((&rule["name"], &rule["properties"]["tags"]), (&json!("Secret"), &json!(["policy"])));
    assert!(rule["help"]["markdown"].as_str().unwrap().starts_with("# B0501: secret\n"));
    assert!(rule["help"]["text"].as_str().unwrap().starts_with("B0501: secret\n"));
    let warning =
        run["results"].as_array().unwrap().iter().find(|result| result["ruleId"] == "B0307").unwrap();
    assert_eq!(warning["level"], "warning");
}

#[test]
fn fingerprints_stay_when_lines_move_and_others_are_mended() {
    let folder = faulty();
    let (_, before) = checked(folder.bantam(&["check", "--sarif"]));
    folder.file("bantam.toml", format!("# one\n# two\n{}", SPEC.replace("files = 1\n", "")).as_bytes());
    let (_, after) = checked(folder.bantam(&["check", "--sarif"]));
    let (before, after) = (fingerprints(&before), fingerprints(&after));
    assert_eq!(before.len(), 3);
    assert_eq!(after, [before[0].clone(), before[2].clone()]);
}

#[test]
fn each_platform_has_results_of_its_own() {
    let folder = faulty();
    folder.file("a b/ü.toml", SPEC.replace("\"linux/amd64\"", "\"linux/amd64\", \"linux/s390x\"").as_bytes());
    for file in ["a b/web/.env", "a b/target/release/shop"] {
        folder.file(file, b"x");
    }
    let (_, run) = checked(folder.bantam(&["check", "--sarif", "a b/ü.toml"]));
    let mut all = fingerprints(&run);
    let count = all.len();
    all.sort();
    all.dedup();
    assert_eq!(all.len(), count);
    let uri = &run["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"];
    assert_eq!(uri, "a%20b/%C3%BC.toml");
    // A spec elsewhere is named by its whole path.
    let elsewhere = folder.path("bantam.toml");
    let (_, run) = checked(Folder::new().bantam(&["check", "--sarif", elsewhere.to_str().unwrap()]));
    let artifact = &run["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"];
    assert_eq!(*artifact, json!({"uri": format!("file://{}", elsewhere.display())}));
}

#[test]
fn mistakes_in_a_spec_are_results_too() {
    let folder = Folder::new();
    folder.file("bantam.toml", "[config]\nenv = { A = 'ü', y = 1 }\n".as_bytes());
    let (exit, run) = checked(folder.bantam(&["check", "--sarif"]));
    assert_eq!((exit, &run["invocations"][0]["executionSuccessful"]), (3, &json!(true)));
    let result = &run["results"][0];
    assert_eq!(result["ruleId"], "spec/wrong-type");
    let region = &result["locations"][0]["physicalLocation"]["region"];
    assert_eq!(*region, json!({"startLine": 2, "startColumn": 22, "endColumn": 23}));
}

#[test]
fn what_stops_a_check_is_in_the_document() {
    let folder = Folder::new();
    let (exit, run) = checked(folder.bantam(&["check", "--sarif", "none.toml"]));
    assert_eq!((exit, &run["results"]), (3, &json!([])));
    let invocation = &run["invocations"][0];
    assert_eq!(invocation["executionSuccessful"], false);
    let text = invocation["toolExecutionNotifications"][0]["message"]["text"].as_str().unwrap();
    assert!(text.starts_with("cannot read the spec none.toml\nbecause: No such file"), "{text}");

    folder.file(
        "good.toml",
        b"platforms = ['linux/amd64']\nconfig.entrypoint = ['/a']\nruntime.source = 'none'\n\
          [[files]]\nfrom = 'target/release/shop'\nto = '/a'\n",
    );
    let (exit, run) = checked(folder.bantam(&["check", "--sarif", "good.toml"]));
    assert_eq!((exit, &run["results"], &run["tool"]["driver"]["rules"]), (0, &json!([]), &json!([])));
    let (exit, run) = checked(folder.bantam(&["check", "--sarif", "good.toml", "--locked"]));
    assert_eq!((exit, &run["invocations"][0]["executionSuccessful"]), (3, &json!(false)));
}

#[test]
fn a_program_without_a_spec_is_the_place_itself() {
    let folder = Folder::new();
    folder.file("app", &elf::testing::Elf::program().needs(&["libnowhere.so.9"]).build());
    let (exit, run) = checked(folder.bantam(&["check", "--sarif", "app"]));
    assert_eq!(exit, 1);
    let place = &run["results"][0]["locations"][0]["physicalLocation"];
    assert_eq!(*place, json!({"artifactLocation": {"uri": "app", "uriBaseId": "%SRCROOT%"}}));
}
