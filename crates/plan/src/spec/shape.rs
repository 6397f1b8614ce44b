//! The first look at a document: keys that no spec has, and values of the wrong type. Whatever is
//! wrong is reported and taken out, so that the rest can be read.

use super::{
    error::{Problems, SpecErrorCode, Wrong},
    teach,
};
use serde_json::Value;
use std::ops::Range;
use toml::{
    Spanned,
    de::{DeArray, DeTable, DeValue},
};

/// Reports and removes all of `table` that does not fit the schema.
pub(super) fn prune(table: &mut Spanned<DeTable<'_>>, schema: &Value, problems: &mut Problems<'_>) {
    let span = table.span();
    Walk { problems, path: vec![] }.table(table.get_mut(), &span, schema);
}

struct Walk<'p, 'a> {
    problems: &'p mut Problems<'a>,
    /// The keys that lead here, without places in arrays.
    path: Vec<String>,
}

impl Walk<'_, '_> {
    fn table(&mut self, table: &mut DeTable<'_>, span: &Range<usize>, schema: &Value) {
        for key in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            if !table.contains_key(key) {
                let message = format!("{} needs `{key}`", teach::heading(&self.path));
                self.problems.add(span, SpecErrorCode::MissingKey, Wrong::new(message));
            }
        }
        self.one_of(table, span, schema);
        for (key, mut value) in std::mem::take(table) {
            let name = key.get_ref().as_ref();
            let known = &schema["properties"][name];
            let inner = if known.is_null() { &schema["additionalProperties"] } else { known };
            if !inner.is_object() {
                let wrong = teach::unknown_key(&self.path, name);
                self.problems.add(&key.span(), SpecErrorCode::UnknownKey, wrong);
                continue;
            }
            self.path.push(name.into());
            if self.value(&mut value, inner) {
                table.insert(key, value);
            }
            self.path.pop();
        }
    }

    /// Of some keys, a table has just one.
    fn one_of(&mut self, table: &DeTable<'_>, span: &Range<usize>, schema: &Value) {
        let keys: Vec<&str> = schema["oneOf"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|way| way["required"][0].as_str())
            .collect();
        let given: Vec<_> = keys.iter().filter_map(|key| table.get_key_value(*key)).collect();
        let heading = teach::heading(&self.path);
        if given.is_empty() && !keys.is_empty() {
            let message = format!("{heading} needs `{}`", keys.join("` or `"));
            self.problems.add(span, SpecErrorCode::MissingKey, Wrong::new(message));
        }
        if let [(first, _), (second, _)] = given[..] {
            let later = if first.span().start < second.span().start { second } else { first };
            let message = format!("{heading} takes `{}`, and here are both", keys.join("` or `"));
            self.problems.add(&later.span(), SpecErrorCode::Conflict, Wrong::new(message));
        }
    }

    /// Checks a value, and what it holds; says whether it may stay.
    fn value(&mut self, value: &mut Spanned<DeValue<'_>>, schema: &Value) -> bool {
        let span = value.span();
        let fits = match &schema["type"] {
            Value::Array(kinds) => kinds.iter().any(|kind| kind == kind_of(value.get_ref())),
            kind => kind == kind_of(value.get_ref()),
        };
        if !fits {
            let source = self.problems.source(&span);
            let wrong = teach::wrong_type(&self.path, schema, value.get_ref(), source);
            self.problems.add(&span, SpecErrorCode::WrongType, wrong);
            return false;
        }
        let wrong = match value.get_mut() {
            DeValue::Table(table) => {
                self.table(table, &span, schema);
                None
            }
            DeValue::Array(array) if array.is_empty() && schema["minItems"] == 1 => {
                let wrong = Wrong::new(format!("`{}` is empty", self.path.join(".")));
                Some(wrong.help("leave it out to have the default"))
            }
            DeValue::Array(array) => {
                let items = std::mem::replace(array, DeArray::new());
                for mut item in items {
                    if self.value(&mut item, &schema["items"]) {
                        array.push(item);
                    }
                }
                None
            }
            DeValue::Integer(number) => {
                let number = i64::from_str_radix(number.as_str(), number.radix()).ok();
                out_of_range(number, schema)
                    .map(|range| Wrong::new(format!("`{}` takes {range}", self.path.join("."))))
            }
            DeValue::String(text) => match schema["enum"].as_array() {
                Some(known) if !known.iter().any(|known| known == text.as_ref()) => {
                    Some(teach::unknown_word(&self.path, text, known.iter().filter_map(Value::as_str)))
                }
                _ => None,
            },
            DeValue::Float(_) | DeValue::Boolean(_) | DeValue::Datetime(_) => None,
        };
        let Some(wrong) = wrong else { return true };
        self.problems.add(&span, SpecErrorCode::BadValue, wrong);
        false
    }
}

/// The name that JSON Schema has for the type of a value; TOML's dates have none.
fn kind_of(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "string",
        DeValue::Integer(_) => "integer",
        DeValue::Float(_) => "number",
        DeValue::Boolean(_) => "boolean",
        DeValue::Datetime(_) => "date",
        DeValue::Array(_) => "array",
        DeValue::Table(_) => "object",
    }
}

/// What is wrong with the size of a number; none is one that does not fit into 64 bits.
fn out_of_range(number: Option<i64>, schema: &Value) -> Option<String> {
    let least = schema["minimum"].as_i64().unwrap_or(i64::MIN);
    let greatest = schema["maximum"].as_i64().unwrap_or(i64::MAX);
    match number {
        Some(number) if (least..=greatest).contains(&number) => None,
        _ if greatest == i64::MAX => Some(format!("{least} or more")),
        _ => Some(format!("{least} to {greatest}")),
    }
}
