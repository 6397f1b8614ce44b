//! Keys at the top level, and `[layers]`, `[limits]`, `[policy]`.

use super::{
    super::{
        Allow, Compression, Split,
        raw::{self, Size},
        reference, values,
    },
    *,
};
use crate::{glob::Glob, nearest::nearest};

impl Check<'_, '_> {
    pub(super) fn format(&mut self, format: Option<At<i64>>) -> Option<u32> {
        let format = format?;
        if format.value == i64::from(FORMAT) {
            return Some(FORMAT);
        }
        let wrong = Wrong::new(format!("format {} is not known to this version of bantam", format.value));
        self.bad(&format.span, wrong.help(format!("write `format = {FORMAT}`, or take a newer bantam")));
        None
    }

    pub(super) fn name(&mut self, name: Option<Text>) -> Option<String> {
        let name = name?;
        self.read(&name, reference::check_name)?;
        Some(name.value)
    }

    pub(super) fn tags(&mut self, tags: Option<List>) -> Vec<String> {
        let Some(tags) = tags else { return Spec::default().tags };
        let mut out: Vec<String> = vec![];
        for tag in tags.value {
            if out.contains(&tag.value) {
                self.conflict(&tag.span, format!("the tag {} stands here twice", shown(&tag.value)));
            } else if self.read(&tag, reference::check_tag).is_some() {
                out.push(tag.value);
            }
        }
        out
    }

    pub(super) fn platforms(&mut self, platforms: Option<List>) -> Vec<Platform> {
        let Some(platforms) = platforms else { return vec![] };
        let mut out = vec![];
        for text in platforms.value {
            let Some(platform) = self.read(&text, platform) else { continue };
            if out.contains(&platform) {
                self.conflict(&text.span, format!("the platform `{platform}` stands here twice"));
            } else {
                out.push(platform);
            }
        }
        out
    }

    pub(super) fn layers(&mut self, layers: raw::Layers) -> Layers {
        let compression =
            layers.compression.map_or(Compression::Gzip, |compression| match compression.value {
                raw::Compression::Gzip => Compression::Gzip,
                raw::Compression::Zstd => Compression::Zstd,
                raw::Compression::None => Compression::None,
            });
        let split = layers.split.map_or(Split::Auto, |split| match split.value {
            raw::Split::Auto => Split::Auto,
            raw::Split::Single => Split::Single,
        });
        let (name, greatest) = match compression {
            Compression::Gzip => ("gzip", 9),
            Compression::Zstd => ("zstd", 22),
            Compression::None => ("none", 0),
        };
        let level = layers.level.and_then(|level| {
            let number = u32::try_from(level.value).ok().filter(|number| (1..=greatest).contains(number));
            if number.is_none() {
                let wrong = match greatest {
                    0 => Wrong::new("layers without compression have no level").help("leave `level` out"),
                    _ => Wrong::new(format!("the levels of {name} go from 1 to {greatest}")),
                };
                self.bad(&level.span, wrong);
            }
            number
        });
        Layers { compression, level, split }
    }

    pub(super) fn limits(&mut self, limits: At<raw::Limits>) -> Limits {
        let line = self.line(&limits.span);
        let raw::Limits { compressed, unpacked, files, packages } = limits.value;
        let count = |number: Option<At<i64>>| number.and_then(|number| u64::try_from(number.value).ok());
        Limits {
            compressed: self.size(compressed),
            unpacked: self.size(unpacked),
            files: count(files),
            packages: count(packages),
            line,
        }
    }

    fn size(&mut self, size: Option<At<Size>>) -> Option<u64> {
        let size = size?;
        match size.value {
            Size::Bytes(bytes) => u64::try_from(bytes).ok(),
            Size::Text(text) => self.read(&At { value: text, span: size.span }, values::size),
        }
    }

    pub(super) fn policy(&mut self, policy: raw::Policy) -> Policy {
        let allow = policy.allow.map(|allow| allow.value).unwrap_or_default();
        Policy { allow: allow.iter().filter_map(|text| self.read(text, allowance)).collect() }
    }
}

fn platform(text: &str) -> Result<Platform, Wrong> {
    text.parse().map_err(|error: super::super::PlatformError| {
        let wrong = Wrong::new(format!("{} is no platform that bantam builds for", shown(text)));
        let known: Vec<String> =
            super::super::Architecture::all().map(|a| Platform::linux(a).to_string()).collect();
        // `amd64`, `x86_64` and `linux/x86_64` say enough.
        let processor = text.strip_prefix("linux/").unwrap_or(text);
        let meant = format!("linux/{processor}").parse::<Platform>().ok();
        let meant = meant.or_else(|| super::super::Architecture::from_uname(processor).map(Platform::linux));
        let meant = meant.map(|platform| platform.to_string());
        match meant.as_deref().or_else(|| nearest(&error.text, known.iter().map(String::as_str))) {
            Some(near) => wrong.help(format!("did you mean {}?", toml_text(near))),
            None => wrong.help(format!("known are {}", known.join(", "))),
        }
    })
}

/// Reads one thing that `[policy] allow` names.
fn allowance(text: &str) -> Result<Allow, Wrong> {
    const KNOWN: [&str; 7] =
        ["shell", "setuid", "secrets", "world-writable", "dangling-links", "root-user", "unresolved:SONAME"];
    let compiled = |glob: &str| Glob::new(glob).map_err(|error| Wrong::new(error.to_string()));
    Ok(match text.split_once(':').map_or((text, None), |(name, glob)| (name, Some(glob))) {
        ("shell", None) => Allow::Shell,
        ("setuid", None) => Allow::Setuid,
        ("secrets", None) => Allow::Secrets(None),
        ("world-writable", None) => Allow::WorldWritable,
        ("dangling-links", None) => Allow::DanglingLinks,
        ("root-user", None) => Allow::RootUser,
        ("secrets", Some(glob)) if glob.starts_with('/') => {
            compiled(glob)?;
            Allow::Secrets(Some(glob.into()))
        }
        ("secrets", Some(glob)) => {
            let help = format!("write {}", toml_text(&format!("secrets:/**/{glob}")));
            return Err(Wrong::new("secrets are allowed by their path in the image").help(help));
        }
        ("unresolved", Some(glob)) if !glob.is_empty() && !glob.contains('/') => {
            compiled(glob)?;
            Allow::Unresolved(glob.into())
        }
        ("unresolved", _) => {
            return Err(Wrong::new(format!("{} names no library", shown(text)))
                .help("write the name that is looked for, or a glob: \"unresolved:libcuda.so.1\""));
        }
        (name, glob) => {
            let wrong = Wrong::new(format!("{} is nothing that can be allowed", shown(text)));
            return Err(match nearest(name, KNOWN) {
                Some(near) if glob.is_some() && near == name => {
                    wrong.help(format!("write {}", toml_text(name)))
                }
                Some(near) => wrong.help(format!("did you mean {}?", toml_text(near))),
                None => {
                    wrong.help(format!("it is one of {}", KNOWN.map(|name| format!("`{name}`")).join(", ")))
                }
            });
        }
    })
}
