//! `[runtime]`.

use super::{
    super::{CaFile, Distribution, Pattern, Profile, Runtime, RuntimeSource, Soname, Variant, raw},
    payload::named_file,
    *,
};
use crate::{
    expand::{ExpandError, Vars, expand},
    glob::Glob,
    nearest::nearest,
};

impl Check<'_, '_> {
    pub(super) fn runtime(&mut self, runtime: Option<At<raw::Runtime>>) -> Runtime {
        let default = Runtime::default();
        let Some(runtime) = runtime else { return default };
        let line = self.line(&runtime.span);
        let runtime = runtime.value;
        let source = runtime.source.as_ref().and_then(|text| self.source(text));
        let wrong = source.is_none() && runtime.source.is_some();
        let source = source.unwrap_or(default.source);
        if !wrong {
            self.fits_source(&runtime, &source);
        }
        Runtime {
            source,
            profile: runtime.profile.map_or(default.profile, |profile| profile_of(profile.value)),
            packages: self.packages(runtime.packages),
            whole_packages: runtime.whole_packages.is_some_and(|whole| whole.value),
            dlopen: self.sonames(runtime.dlopen),
            keep: self.patterns(runtime.keep),
            drop: self.patterns(runtime.drop),
            mirrors: self.mirrors(runtime.mirrors),
            keyring: runtime.keyring.and_then(|file| self.read(&file, named_file).map(|()| file.value)),
            ca: self.ca(runtime.ca),
            variant: match runtime.variant.map(|variant| variant.value) {
                Some(raw::Variant::Debug) => Variant::Debug,
                _ => Variant::Release,
            },
            line,
        }
    }

    fn source(&mut self, text: &Text) -> Option<RuntimeSource> {
        let (kind, rest) =
            text.value.split_once(':').map_or((text.value.as_str(), None), |(kind, rest)| (kind, Some(rest)));
        match (kind, rest) {
            ("host", None) => Some(RuntimeSource::Host),
            ("none", None) => Some(RuntimeSource::None),
            ("rootfs", Some(dir)) if !dir.is_empty() => {
                self.expanded(text, dir)?;
                Some(RuntimeSource::Rootfs(dir.into()))
            }
            ("debian", Some(rest)) => self.release(text, Distribution::Debian, rest),
            ("ubuntu", Some(rest)) => self.release(text, Distribution::Ubuntu, rest),
            ("image", Some(reference)) => {
                self.image_reference(text, reference).map(|()| RuntimeSource::Image(reference.into()))
            }
            _ => {
                self.bad(&text.span, no_source(&text.value, kind));
                None
            }
        }
    }

    /// Checks what can be known of a reference without a look at places: it is there, and its variables are.
    pub(super) fn image_reference(&mut self, text: &Text, reference: &str) -> Option<()> {
        if reference.trim().is_empty() || reference.contains('\0') {
            let wrong = Wrong::new(format!("{} names no image", shown(&text.value)));
            self.bad(&text.span, wrong.help("write its reference, as \"oci:./base\""));
            return None;
        }
        self.expanded(text, reference).map(|_| ())
    }

    /// Files with certificates.
    fn ca(&mut self, files: Option<List>) -> Vec<CaFile> {
        let mut out = vec![];
        for text in files.map(|files| files.value).unwrap_or_default() {
            if self.expanded(&text, &text.value).is_some() && self.read(&text, named_file).is_some() {
                out.push(CaFile { line: self.line(&text.span), path: text.value });
            }
        }
        out
    }

    fn sonames(&mut self, names: Option<List>) -> Vec<Soname> {
        let mut out = vec![];
        for text in names.map(|names| names.value).unwrap_or_default() {
            if self.read(&text, soname).is_some() {
                out.push(Soname { line: self.line(&text.span), name: text.value });
            }
        }
        out
    }

    /// Globs over paths of the image.
    fn patterns(&mut self, globs: Option<List>) -> Vec<Pattern> {
        let mut out = vec![];
        for text in globs.map(|globs| globs.value).unwrap_or_default() {
            if self.read(&text, pattern).is_some() {
                out.push(Pattern { line: self.line(&text.span), glob: text.value });
            }
        }
        out
    }

    /// What a text is with its variables expanded, once for each platform.
    pub(super) fn expanded(&mut self, place: &Text, text: &str) -> Option<Vec<String>> {
        let any = Platform::linux(super::super::Architecture::Amd64);
        let platforms = if self.platforms.is_empty() { &[any][..] } else { &self.platforms };
        let each = platforms.iter().map(|platform| expand(text, &Vars::release(*platform)));
        match each.collect::<Result<Vec<_>, _>>() {
            Ok(texts) => Some(texts),
            Err(error) => {
                self.bad(&place.span, variable(&error));
                None
            }
        }
    }
}

fn profile_of(profile: raw::Profile) -> Profile {
    match profile {
        raw::Profile::Auto => Profile::Auto,
        raw::Profile::None => Profile::None,
        raw::Profile::Static => Profile::Static,
        raw::Profile::BaseNossl => Profile::BaseNossl,
        raw::Profile::Base => Profile::Base,
        raw::Profile::Cc => Profile::Cc,
        raw::Profile::Python => Profile::Python,
        raw::Profile::Node => Profile::Node,
        raw::Profile::Java => Profile::Java,
    }
}

fn variable(error: &ExpandError) -> Wrong {
    match error {
        ExpandError::Unknown { name } => {
            let wrong = Wrong::new(format!("`${{{name}}}` is no variable"));
            match nearest(name, VARIABLES) {
                Some(near) => wrong.help(format!("did you mean `${{{near}}}`?")),
                None => wrong
                    .help(format!("known are {}", VARIABLES.map(|name| format!("`${{{name}}}`")).join(", "))),
            }
        }
        ExpandError::Unclosed { .. } => Wrong::new(error.to_string()),
    }
}

fn no_source(text: &str, kind: &str) -> Wrong {
    let wrong = Wrong::new(format!("{} is no source of libraries", shown(text)));
    if text == "rootfs" || text == "rootfs:" {
        return wrong.help("name the directory: \"rootfs:./sysroot\"");
    }
    if text == "image" || text == "image:" {
        return wrong.help("name the image: \"image:oci:./base\"");
    }
    if text.starts_with(['/', '.']) {
        return wrong.help(format!("write {}", toml_text(&format!("rootfs:{text}"))));
    }
    if matches!(text, "debian" | "ubuntu") {
        return wrong.help(format!("name the suite: \"{text}:SUITE\""));
    }
    match nearest(kind, ["host", "none", "rootfs:DIR", "image:REF", "debian:SUITE", "ubuntu:SUITE"]) {
        Some(near) => wrong.help(format!("did you mean {}?", toml_text(near))),
        None => wrong
            .help("it is one of `host`, `debian:SUITE`, `ubuntu:SUITE`, `rootfs:DIR`, `image:REF`, `none`"),
    }
}

/// Checks the name of a library as a program gives it to `dlopen`.
fn soname(name: &str) -> Result<(), Wrong> {
    let wrong = Wrong::new(format!("{} is no name of a library", shown(name)));
    if let Some((_, last)) = name.rsplit_once('/') {
        let help = format!(
            "only the name stands here, as the loader looks for it: {}; a file is kept by its path in `keep`",
            toml_text(last)
        );
        return Err(wrong.help(help));
    }
    if name.contains(crate::glob::WILDCARDS) {
        return Err(wrong.help("globs are for `keep`; here stands each name"));
    }
    let looks_right = name.ends_with(".so") || name.contains(".so.");
    if !looks_right || name.contains(char::is_whitespace) || name.contains('\0') {
        let stem = name.strip_prefix("lib").unwrap_or(name);
        let example =
            if stem.chars().all(|c| c.is_ascii_alphanumeric()) && !stem.is_empty() { stem } else { "gomp" };
        return Err(wrong.help(format!("write the whole name, as \"lib{example}.so.1\"")));
    }
    Ok(())
}

/// Checks a glob over paths of the image.
fn pattern(glob: &str) -> Result<(), Wrong> {
    not_expanded(glob)?;
    if !glob.starts_with('/') {
        let wrong = Wrong::new(format!("{} does not begin with `/`", shown(glob)));
        let anchored = glob.starts_with("**") || (glob.contains('/') && !glob.starts_with('*'));
        let rooted = if anchored { format!("/{glob}") } else { format!("/**/{glob}") };
        return Err(
            wrong.help(format!("a glob is held against whole paths of the image, as {}", toml_text(&rooted)))
        );
    }
    match Glob::new(glob) {
        Ok(_) if glob.ends_with('/') => {
            let all = format!("{glob}**");
            Err(Wrong::new(format!("{} ends in a slash, and no path does", shown(glob)))
                .help(format!("for all that is in there, write {}", toml_text(&all))))
        }
        Ok(_) => Ok(()),
        Err(error @ crate::glob::GlobError::Recursive { .. }) => Err(Wrong::new(error.to_string())
            .help("write `**/*` for names at any depth, `*` for a part of one name")),
        Err(error) => Err(Wrong::new(error.to_string())),
    }
}
