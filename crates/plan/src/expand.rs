//! The variables of a spec: `${arch}` and its like.

use crate::spec::{Platform, Variant};

/// The variables that [`expand`] knows, in the order in which messages list them.
pub const VARIABLES: [&str; 6] = ["arch", "uname", "target", "os", "platform", "variant"];

/// What the variables stand for while one platform is planned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Vars<'a> {
    /// The platform: gives `${arch}`, `${uname}`, `${target}`, `${os}` and `${platform}`.
    pub platform: Platform,
    /// The variant: gives `${variant}`.
    pub variant: &'a str,
}

/// A text holds a `${…}` that stands for nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ExpandError {
    /// The name between the braces is no variable.
    #[error("`${{{name}}}` is no variable; known are {known}", known = known())]
    Unknown {
        /// The name.
        name: String,
    },
    /// A `${` has no `}`.
    #[error("a `${{` in `{text}` has no `}}`")]
    Unclosed {
        /// The whole text.
        text: String,
    },
}

impl Vars<'_> {
    /// The variables of the release variant of a platform.
    pub fn release(platform: Platform) -> Self {
        Vars::of(platform, Variant::Release)
    }

    /// The variables of a variant of a platform.
    pub fn of(platform: Platform, variant: Variant) -> Self {
        Vars { platform, variant: variant.name() }
    }

    fn value(&self, name: &str) -> Option<String> {
        let architecture = self.platform.architecture;
        Some(match name {
            "arch" => architecture.oci().into(),
            "uname" => architecture.uname().into(),
            "target" => architecture.target().into(),
            "os" => self.platform.os().into(),
            "platform" => self.platform.to_string(),
            "variant" => self.variant.into(),
            _ => return None,
        })
    }
}

/// Replaces every `${name}`. A `$` without a brace stands for itself.
///
/// # Errors
/// At the first `${…}` that is no variable or does not end.
pub fn expand(text: &str, vars: &Vars<'_>) -> Result<String, ExpandError> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        let (name, after) =
            after.split_once('}').ok_or_else(|| ExpandError::Unclosed { text: text.into() })?;
        out.push_str(before);
        out.push_str(&vars.value(name).ok_or_else(|| ExpandError::Unknown { name: name.into() })?);
        rest = after;
    }
    out.push_str(rest);
    Ok(out)
}

fn known() -> String {
    VARIABLES.map(|name| format!("${{{name}}}")).join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn on(platform: &str, text: &str) -> Result<String, String> {
        let vars = Vars::release(platform.parse().unwrap());
        expand(text, &vars).map_err(|error| error.to_string())
    }

    #[test]
    fn every_variable_has_a_value() {
        let vars = Vars::release("linux/amd64".parse().unwrap());
        for name in VARIABLES {
            assert!(vars.value(name).is_some(), "{name}");
        }
    }

    #[test]
    fn variables_are_replaced() {
        for (platform, text, want) in [
            ("linux/amd64", "dist/${arch}/", "dist/amd64/"),
            ("linux/arm/v7", "${arch}-${uname}-${target}", "arm-armv7l-armv7-unknown-linux-gnueabihf"),
            ("linux/arm/v7", "${os}:${platform}", "linux:linux/arm/v7"),
            ("linux/s390x", "${variant}", "release"),
            ("linux/amd64", "a$b $ {c} $$ }", "a$b $ {c} $$ }"),
            ("linux/amd64", "", ""),
        ] {
            assert_eq!(on(platform, text).unwrap(), want, "{text}");
        }
    }

    #[test]
    fn what_is_no_variable_is_refused() {
        for (text, want) in [
            (
                "a/${HOME}",
                "`${HOME}` is no variable; known are ${arch}, ${uname}, ${target}, ${os}, ${platform}, ${variant}",
            ),
            ("a/${arch", "a `${` in `a/${arch` has no `}`"),
            (
                "${${arch}}",
                "`${${arch}` is no variable; known are ${arch}, ${uname}, ${target}, ${os}, ${platform}, ${variant}",
            ),
        ] {
            assert_eq!(on("linux/amd64", text).unwrap_err(), want);
        }
    }
}
