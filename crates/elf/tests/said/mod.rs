//! What glibc's loader says when it is asked to trace a program and to bind all of its symbols.

/// The symbols that it does not find: name, version, and the object that needs it.
pub fn undefined(text: &str) -> impl Iterator<Item = (String, Option<String>, &str)> {
    text.lines().filter_map(|line| {
        let (_, rest) = line.split_once("undefined symbol: ")?;
        let (symbol, object) = rest.trim_end().strip_suffix(')')?.split_once("\t(")?;
        let (symbol, version) = match symbol.split_once(", version ") {
            Some((symbol, version)) => (symbol, Some(version.into())),
            None => (symbol, None),
        };
        Some((symbol.into(), version, object))
    })
}
