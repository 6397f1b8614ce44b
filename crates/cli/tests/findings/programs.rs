//! Findings as objects, and as annotations of GitHub Actions.

use crate::folder::{Folder, faulty, said};
use serde_json::{Value, json};

fn objects(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn a_finding_is_an_object_with_its_place_and_what_to_do() {
    let (exit, out, _) = faulty().bantam(&["check", "--json"]);
    assert_eq!(exit, 1);
    let secret = json!({
        "code": "B0501", "name": "secret", "severity": "error", "path": "/app/web/.env", "line": 10,
        "platform": "linux/amd64",
        "message": "/app/web/.env looks like a secret: the environment of a process, with its passwords",
        "fixes": ["leave it out with exclude or ignore-file", "in [policy]: allow = [\"secrets:/app/web/.env\"]"],
        "actions": [
            {"kind": "do", "text": "leave it out with exclude or ignore-file"},
            {"kind": "set", "table": "policy", "line": "allow = [\"secrets:/app/web/.env\"]"},
        ],
    });
    let found = objects(&out);
    assert_eq!(found[0], secret);
    assert_eq!(found[1]["code"], "B0601");
    assert_eq!((&found[1]["path"], &found[1]["line"]), (&Value::Null, &json!(16)));
    let keys = |object: &Value| object.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert!(found.iter().all(|object| keys(object) == keys(&secret)), "{out}");
}

#[test]
fn mistakes_in_a_spec_are_objects_too() {
    let folder = Folder::new();
    folder.file("bantam.toml", "nme = 'x'\n[config]\nentrypoint = 'ü'\n".as_bytes());
    let (exit, out, words) = folder.bantam(&["check", "--json"]);
    assert_eq!(exit, 3);
    assert!(words.contains("error: the spec bantam.toml has 2 errors\n"), "{words}");
    assert_eq!(
        objects(&out)[0],
        json!({
            "code": "spec/unknown-key", "name": "unknown-key", "severity": "error", "path": null, "line": 1,
            "column": 1, "platform": null, "message": "unknown key `nme` at the top level",
            "fixes": ["did you mean `name`?"], "actions": [],
        })
    );
}

#[test]
fn annotations_have_a_title_and_stand_at_the_line_in_the_workspace() {
    let folder = faulty();
    folder.file("bad.toml", b"nme = 'x'\n");
    let annotations = |arguments: &[&str]| {
        let mut command = folder.command(arguments);
        command.env("GITHUB_ACTIONS", "true").env("GITHUB_WORKSPACE", folder.path("").parent().unwrap());
        let (_, _, words) = said(&mut command);
        words.lines().filter(|line| line.starts_with("::")).map(String::from).collect::<Vec<_>>()
    };
    let name = folder.path("").file_name().unwrap().to_str().unwrap().to_owned();
    for command in [&["check"][..], &["build", "-o", "oci:out"]] {
        let shown = annotations(command);
        let at =
            format!("::error file={name}/bantam.toml,line=10,title=B0501 secret::/app/web/.env looks like");
        assert!(shown[0].starts_with(&at) && shown[0].contains("passwords%0Afix: leave it out"), "{shown:?}");
        let warning = format!("::warning file={name}/bantam.toml,line=13,title=B0307 volume-not-writable::");
        assert!(shown.iter().any(|line| line.starts_with(&warning)), "{shown:?}");
    }
    let shown = annotations(&["check", "bad.toml"]);
    let want = format!(
        "::error file={name}/bad.toml,line=1,col=1,title=spec/unknown-key::unknown key `nme` at the top \
         level%0Ahelp: did you mean `name`?"
    );
    assert_eq!(shown, [want, "::error::the spec bad.toml has 1 error".to_owned()]);
}
