//! The JSON Schema of a spec, made from the types that read it.

use super::raw::Document;
use schemars::{Schema, generate::SchemaSettings, transform::transform_subschemas};
use serde_json::{Map, Value};
use std::sync::LazyLock;

/// The JSON Schema (draft 2020-12) of `bantam.toml`, indented, with a stable order and a newline
/// at its end.
pub fn schema() -> String {
    let mut text = format!("{:#}", *SCHEMA);
    text.push('\n');
    text
}

/// The schema as a value; every table of the spec stands in place, without references.
pub(super) static SCHEMA: LazyLock<Value> = LazyLock::new(|| {
    let settings = SchemaSettings::draft2020_12()
        .with(|settings| settings.inline_subschemas = true)
        .with_transform(tidy);
    settings.into_generator().into_root_schema_for::<Document>().to_value()
});

/// A table of the spec.
pub(super) struct Table<'a> {
    /// Its name; empty for the top level.
    pub(super) name: &'a str,
    /// Does it stand in doubled brackets?
    pub(super) many: bool,
    pub(super) keys: &'a Map<String, Value>,
}

impl<'a> Table<'a> {
    /// The names of its keys, in their alphabetic order.
    pub(super) fn names(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        self.keys.keys().map(String::as_str)
    }
}

/// Every table that has keys of its own, the top level first.
pub(super) fn tables() -> impl Iterator<Item = Table<'static>> {
    let top = SCHEMA["properties"].as_object();
    let named = top.into_iter().flatten().filter_map(|(name, schema)| {
        let (many, table) =
            if schema["items"].is_null() { (false, schema) } else { (true, &schema["items"]) };
        Some(Table { name, many, keys: table["properties"].as_object()? })
    });
    top.map(|keys| Table { name: "", many: false, keys }).into_iter().chain(named)
}

/// Takes out what says nothing about a spec: TOML has no null, so that a key that may be left out is
/// only not required; how wide a number is in memory and where a comment wraps is our own affair.
fn tidy(schema: &mut Schema) {
    if let Some(map) = schema.as_object_mut() {
        if let Some(Value::Array(types)) = map.get_mut("type") {
            types.retain(|kind| kind != "null");
            if let [only] = &types[..] {
                let only = only.clone();
                map.insert("type".into(), only);
            }
        }
        if let Some(Value::Array(values)) = map.get_mut("enum") {
            values.retain(|value| !value.is_null());
        }
        map.remove("format");
        if let Some(Value::String(text)) = map.get_mut("description") {
            *text = text.replace('\n', " ");
        }
    }
    transform_subschemas(&mut tidy, schema);
}
