//! What to write instead of a key that is unknown or a value that has the wrong type.

use super::{
    error::{Wrong, shown, toml_list, toml_text},
    schema::{Table, tables},
    words,
};
use crate::nearest::nearest;
use serde_json::Value;
use toml::de::DeValue;

/// What other tools call the keys of a spec.
const SYNONYMS: &[(&str, &str)] = &[
    ("annotation", "annotations"),
    ("architecture", "platforms"),
    ("args", "cmd"),
    ("capabilities", "caps"),
    ("chmod", "mode"),
    ("chown", "owner"),
    ("command", "cmd"),
    ("copy", "files"),
    ("dependencies", "packages"),
    ("dest", "to"),
    ("destination", "to"),
    ("directories", "dirs"),
    ("dst", "to"),
    ("environment", "env"),
    ("expose", "ports"),
    ("exposed-ports", "ports"),
    ("ignore", "exclude"),
    ("image", "name"),
    ("include", "keep"),
    ("label", "labels"),
    ("libraries", "dlopen"),
    ("perm", "mode"),
    ("permissions", "mode"),
    ("platform", "platforms"),
    ("repository", "name"),
    ("source-image", "base"),
    ("src", "from"),
    ("symlinks", "links"),
    ("tag", "tags"),
    ("target", "to"),
    ("volume", "volumes"),
    ("working-dir", "workdir"),
    ("working-directory", "workdir"),
];

/// How a table is written: `[config]`, `[[files]]`.
pub(super) fn heading(path: &[String]) -> String {
    let name = path.join(".");
    match tables().find(|table| table.name == name) {
        Some(table) => title(table),
        None => format!("[{name}]"),
    }
}

/// A key that the table at `path` has not.
pub(super) fn unknown_key(path: &[String], key: &str) -> Wrong {
    let here = path.join(".");
    let place = if path.is_empty() { "at the top level".into() } else { format!("in {}", heading(path)) };
    let wrong = Wrong::new(format!("unknown key {} {place}", shown(key)));
    let Some(own) = tables().find(|table| table.name == here) else { return wrong };
    let others = || tables().filter(|table| table.name != here);

    let homes: Vec<String> = others().filter(|table| table.keys.contains_key(key)).map(title).collect();
    if !homes.is_empty() {
        return wrong.help(format!("this key belongs to {}", homes.join(" or ")));
    }
    if let Some(near) = nearest(key, own.names()).or_else(|| synonym(key, &own)) {
        return wrong.help(format!("did you mean `{near}`?"));
    }
    let elsewhere = others().find_map(|table| {
        Some((nearest(key, table.names()).or_else(|| synonym(key, &table))?, title(table)))
    });
    if let Some((near, title)) = elsewhere {
        return wrong.help(format!("did you mean `{near}` of {title}?"));
    }
    wrong.help(format!("the keys {place} are {}", list(own.names())))
}

/// A word that is none of the few that the key takes.
pub(super) fn unknown_word<'a>(
    path: &[String],
    word: &str,
    known: impl Iterator<Item = &'a str> + Clone,
) -> Wrong {
    let key = path.join(".");
    let wrong = Wrong::new(format!("{} is no value of `{key}`", shown(word)));
    match nearest(word, known.clone()) {
        Some(near) => wrong.help(format!("did you mean {}?", toml_text(near))),
        None => wrong.help(format!("it is one of {}", list(known))),
    }
}

/// A value that has another type than the schema of its key says. `source` is the value as written.
pub(super) fn wrong_type(path: &[String], schema: &Value, value: &DeValue<'_>, source: &str) -> Wrong {
    let wanted = schema["type"].as_str().unwrap_or_default();
    let key = path.join(".");
    let message = format!("`{key}` takes {}, and this is {}", wanted_in_words(schema), kind_in_words(value));
    let wrong = Wrong::new(message);
    let last = path.last().map_or("", String::as_str);
    match (wanted, value) {
        ("array", DeValue::String(text)) if key == "config.entrypoint" || key == "config.cmd" => {
            command_line(last, text)
        }
        ("array", DeValue::Table(_)) if path.len() == 1 => {
            wrong.help(format!("write `[[{key}]]`, in doubled brackets: one such table for each"))
        }
        ("array", DeValue::String(text)) => wrong.help(format!("write `{last} = {}`", toml_list(&[text]))),
        ("object", DeValue::Array(array)) if array.iter().all(|item| item.get_ref().is_table()) => {
            wrong.help(format!("write `[{key}]`, in single brackets: there is only one"))
        }
        ("object", DeValue::Array(array)) => {
            let pairs =
                array.iter().map(|item| Some(pair(item.get_ref().as_str()?))).collect::<Option<Vec<_>>>();
            match pairs {
                Some(pairs) => wrong.help(format!("write `{last} = {{ {} }}`", pairs.join(", "))),
                None => wrong,
            }
        }
        ("string", DeValue::Integer(number)) => match last {
            "mode" => wrong.help(format!("write `mode = {}`, in quotes", toml_text(&octal(source)))),
            "ports" => wrong.help(format!("write {}", toml_text(&format!("{source}/tcp")))),
            "user" | "owner" => {
                wrong.help(format!("write `{last} = {}`", toml_text(&format!("{number}:{number}"))))
            }
            _ => wrong.help(format!("write {}, in quotes", toml_text(source))),
        },
        ("string", DeValue::Float(_) | DeValue::Boolean(_) | DeValue::Datetime(_)) => {
            wrong.help(format!("write {}, in quotes", toml_text(source)))
        }
        ("integer", DeValue::String(text)) if text.parse::<i64>().is_ok() => {
            wrong.help(format!("write `{last} = {text}`, without quotes"))
        }
        ("boolean", DeValue::String(text)) if matches!(text.as_ref(), "true" | "false") => {
            wrong.help(format!("write `{last} = {text}`, without quotes"))
        }
        _ => wrong,
    }
}

/// An entrypoint that is written as for a shell.
fn command_line(key: &str, text: &str) -> Wrong {
    let wrong = Wrong::new(format!("`{key}` is an array: no shell takes a string apart"));
    let words = match words::split(text) {
        Ok(words) if !words.is_empty() => words,
        Ok(_) => return wrong.help(format!("write `{key} = [\"/app/program\", \"argument\"]`")),
        Err(error) => return wrong.help(format!("{error}; write each argument as a string of its own")),
    };
    let array = toml_list(&words);
    match words::shell_syntax(text) {
        Some(sign) => wrong.help(format!(
            "write `{key} = {array}` if that is what the program is to see; no shell runs, so that `{sign}` means nothing special"
        )),
        None => wrong.help(format!("write `{key} = {array}`")),
    }
}

fn synonym<'a>(key: &str, table: &Table<'a>) -> Option<&'a str> {
    let key = key.to_ascii_lowercase().replace('_', "-");
    let (_, ours) = SYNONYMS.iter().find(|(theirs, _)| *theirs == key)?;
    table.keys.get_key_value(*ours).map(|(ours, _)| ours.as_str())
}

fn title(table: Table<'_>) -> String {
    match table {
        Table { name: "", .. } => "the top level, above all tables".into(),
        Table { name, many: true, .. } => format!("[[{name}]]"),
        Table { name, .. } => format!("[{name}]"),
    }
}

fn list<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    words.into_iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}

/// `A=b` as a pair of an inline table.
fn pair(text: &str) -> String {
    let (name, value) = text.split_once('=').unwrap_or((text, ""));
    let bare = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'));
    let name = if bare { name.into() } else { toml_text(name) };
    format!("{name} = {}", toml_text(value))
}

/// A mode as somebody wrote it in digits: `755` and `0o755` are both `0755`.
fn octal(source: &str) -> String {
    format!("{:0>4}", source.trim_start_matches("0o"))
}

fn wanted_in_words(schema: &Value) -> &'static str {
    match (schema["type"].as_str(), schema["items"]["type"].as_str()) {
        (Some("array"), Some("object")) => "an array of tables",
        (Some("array"), _) => "an array of strings",
        (Some("string"), _) => "a string",
        (Some("integer"), _) => "an integer",
        (Some("boolean"), _) => "a boolean",
        (Some("object"), _) => "a table",
        _ => "an integer or a string",
    }
}

fn kind_in_words(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "an integer",
        DeValue::Float(_) => "a float",
        DeValue::Boolean(_) => "a boolean",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "an array",
        DeValue::Table(_) => "a table",
    }
}
