//! `[[files]]`, `[[dirs]]` and `[[links]]`.

use super::{
    super::{
        Dir, Files, From, Link, LinkPolicy, UserRef,
        raw::{self},
        values,
    },
    *,
};
use crate::{
    caps::{CapsError, FileCaps},
    glob::Glob,
    ignore::Ignore,
};

/// Layers that bantam alone fills.
const OWN_LAYERS: [&str; 3] = ["base", "libs", "debug"];

/// What stands at a path by the spec alone, and where the table begins that says so.
type Taken = BTreeMap<TreePath, (&'static str, usize)>;

impl Check<'_, '_> {
    /// The payload, as the part of a spec that it is.
    pub(super) fn payload(
        &mut self,
        files: Option<Vec<At<raw::Files>>>,
        dirs: Option<Vec<At<raw::Dir>>>,
        links: Option<Vec<At<raw::Link>>>,
    ) -> Spec {
        let mut taken = Taken::new();
        let files =
            files.unwrap_or_default().into_iter().filter_map(|files| self.files(files, &mut taken)).collect();
        let dirs = dirs.unwrap_or_default().into_iter().filter_map(|dir| self.dir(dir, &mut taken)).collect();
        let links =
            links.unwrap_or_default().into_iter().filter_map(|link| self.link(link, &mut taken)).collect();
        Spec { files, dirs, links, ..Spec::default() }
    }

    fn files(&mut self, files: At<raw::Files>, taken: &mut Taken) -> Option<Files> {
        let line = self.line(&files.span);
        let raw::Files { from, to, content, exclude, ignore_file, owner, mode, caps, links, layer } =
            files.value;
        if content.is_some() {
            self.no_sense_for_content("exclude", exclude.as_ref().map(|exclude| &exclude.span));
            self.no_sense_for_content("ignore-file", ignore_file.as_ref().map(|file| &file.span));
            self.no_sense_for_content("links", links.as_ref().map(|links| &links.span));
        }
        let to = to.and_then(|to| self.destination(to, content.is_some(), &files.span, taken));
        let from = match (from, content) {
            (_, Some(content)) => Some(From::Content(content.value)),
            (Some(from), None) => self.origin(from).map(From::Path),
            (None, None) => None,
        };
        let exclude = self.exclude(exclude);
        let ignore_file = ignore_file.and_then(|file| {
            self.read(&file, |text| {
                not_expanded(text)?;
                named_file(text)
            })?;
            Some(file.value)
        });
        let owner = self.owner(owner);
        let mode = mode.map(|mode| self.read(&mode, values::mode));
        let caps = self.caps(caps);
        let layer =
            layer.map_or(Some("app".into()), |layer| self.read(&layer, own_layer).map(|()| layer.value));
        Some(Files {
            from: from?,
            to: to?,
            exclude,
            ignore_file,
            owner,
            mode: mode.flatten(),
            caps,
            links: links.map_or(LinkPolicy::Keep, |links| match links.value {
                raw::Links::Keep => LinkPolicy::Keep,
                raw::Links::Follow => LinkPolicy::Follow,
                raw::Links::Error => LinkPolicy::Error,
            }),
            layer: layer?,
            line,
        })
    }

    fn no_sense_for_content(&mut self, key: &str, span: Option<&Range<usize>>) {
        if let Some(span) = span {
            self.conflict(span, format!("`{key}` has no meaning beside `content`"));
        }
    }

    /// Checks `from`: a path or glob, with variables.
    fn origin(&mut self, from: Text) -> Option<String> {
        let expanded = self.expanded(&from, &from.value)?;
        for text in expanded {
            self.read(&At { value: text, span: from.span.clone() }, |text| {
                named_file(text)?;
                Glob::new(text).map(|_| ()).map_err(|error| {
                    Wrong::new(error.to_string())
                        .help("a `\\` before a sign takes its meaning away: `\\\\[` in quotes")
                })
            })?;
        }
        Some(from.value)
    }

    /// Checks `to`: an absolute path, with variables.
    fn destination(
        &mut self,
        to: Text,
        content: bool,
        table: &Range<usize>,
        taken: &mut Taken,
    ) -> Option<String> {
        let mut good = true;
        for text in self.expanded(&to, &to.value)? {
            let text = At { value: text, span: to.span.clone() };
            let path = self.read(&text, absolute)?;
            if content && (text.value.ends_with('/') || path.is_root()) {
                let wrong = Wrong::new("`content` is that of one file, and `to` is a directory");
                let named = format!("{}/NAME", path.as_str().trim_end_matches('/'));
                self.bad(&to.span, wrong.help(format!("give the file a name: {}", toml_text(&named))));
                return None;
            }
            if content {
                good &= self.take(path, "a file with `content`", &to.span, table, taken);
            }
        }
        good.then_some(to.value)
    }

    /// Notes what stands at a path; says whether nothing else does. `table` is the place of the table
    /// that says so.
    fn take(
        &mut self,
        path: TreePath,
        what: &'static str,
        span: &Range<usize>,
        table: &Range<usize>,
        taken: &mut Taken,
    ) -> bool {
        match taken.get(&path) {
            Some((other, start)) if *start != table.start => {
                let line = self.line(&(*start..*start));
                let message = if what == *other {
                    format!("`{path}` is named twice: here, and in line {line}")
                } else {
                    format!("`{path}` is {what} here, and {other} in line {line}")
                };
                self.conflict(span, message);
                false
            }
            _ => {
                taken.insert(path, (what, table.start));
                true
            }
        }
    }

    fn exclude(&mut self, exclude: Option<List>) -> Vec<String> {
        let mut out = vec![];
        for text in exclude.map(|exclude| exclude.value).unwrap_or_default() {
            let read = self.read(&text, |pattern| match Ignore::from_patterns(&[pattern]) {
                Ok(_) if pattern.trim().is_empty() => Err(Wrong::new("an ignore pattern is empty")),
                Ok(_) => Ok(()),
                Err(errors) => {
                    Err(Wrong::new(errors.into_iter().map(|error| error.to_string()).collect::<String>()))
                }
            });
            out.extend(read.map(|()| text.value));
        }
        out
    }

    fn caps(&mut self, caps: Option<List>) -> Vec<String> {
        let Some(caps) = caps else { return vec![] };
        let texts: Vec<&str> = caps.value.iter().map(|text| text.value.as_str()).collect();
        let alone: Vec<bool> = caps
            .value
            .iter()
            .map(|text| self.read(text, |text| FileCaps::parse(&[text]).map_err(capability)).is_some())
            .collect();
        // Each may be good and the sum not: a file has one effective bit for all.
        if alone.iter().all(|good| *good)
            && !texts.is_empty()
            && let Err(error) = FileCaps::parse(&texts)
        {
            self.bad(&caps.span, capability(error));
        }
        caps.value.into_iter().map(|text| text.value).collect()
    }

    fn owner(&mut self, owner: Option<Text>) -> UserRef {
        owner.and_then(|owner| self.read(&owner, values::user)).unwrap_or_else(UserRef::root)
    }

    fn dir(&mut self, dir: At<raw::Dir>, taken: &mut Taken) -> Option<Dir> {
        let line = self.line(&dir.span);
        let raw::Dir { path, owner, mode, volume } = dir.value;
        let owner = self.owner(owner);
        let mode = mode.map_or(Some(0o755), |mode| self.read(&mode, values::mode));
        let text = path?;
        let path = self.absolute(&text)?;
        let free = self.take(path.clone(), "a directory", &text.span, &dir.span, taken);
        let volume = volume.is_some_and(|volume| volume.value);
        let mode = mode?;
        free.then_some(Dir { path, owner, mode, volume, line })
    }

    fn link(&mut self, link: At<raw::Link>, taken: &mut Taken) -> Option<Link> {
        let line = self.line(&link.span);
        let raw::Link { path, to } = link.value;
        let to = to.and_then(|to| self.read(&to, link_target).map(|()| to.value));
        let text = path?;
        let path = self.absolute(&text)?;
        if text.value.ends_with('/') {
            let wrong = Wrong::new(format!("{} is a directory, and a link needs a name", shown(&text.value)));
            self.bad(&text.span, wrong);
            return None;
        }
        let free = self.take(path.clone(), "a link", &text.span, &link.span, taken);
        let to = to?;
        free.then_some(Link { path, to, line })
    }
}

/// A path on the builder: there is one.
pub(super) fn named_file(text: &str) -> Result<(), Wrong> {
    without_nul(text)?;
    if text.trim().is_empty() {
        return Err(Wrong::new("the path is empty").help("the folder of the spec itself is `.`"));
    }
    Ok(())
}

fn link_target(text: &str) -> Result<(), Wrong> {
    without_nul(text)?;
    not_expanded(text)?;
    if text.is_empty() { Err(Wrong::new("the target of a link is empty")) } else { Ok(()) }
}

fn own_layer(name: &str) -> Result<(), Wrong> {
    let wrong = Wrong::new(format!("{} is no name for a layer", shown(name)));
    if OWN_LAYERS.contains(&name) {
        return Err(wrong.help(format!("bantam fills the layer `{name}` itself; take another name")));
    }
    let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if !name.is_empty() && name.chars().all(good) {
        return Ok(());
    }
    let mended: String = name.to_lowercase().chars().map(|c| if good(c) { c } else { '-' }).collect();
    Err(match mended.is_empty() {
        true => wrong.help("leave `layer` out to have \"app\""),
        false => wrong.help(format!("a name has a-z, 0-9 and `-`, as {}", toml_text(&mended))),
    })
}

fn capability(error: CapsError) -> Wrong {
    let wrong = Wrong::new(error.to_string());
    match &error {
        CapsError::Unknown { nearest: Some(near), .. } => wrong.help(format!("did you mean `{near}`?")),
        CapsError::NoAction { clause } => {
            let prefix = if clause.to_ascii_lowercase().starts_with("cap_") { "" } else { "cap_" };
            wrong.help(format!("write {}", toml_text(&format!("{prefix}{clause}=ep"))))
        }
        CapsError::Set { .. } => {
            wrong.help("p is what the program gets, i what it may inherit, e puts that into force: `=ep` is what most need")
        }
        CapsError::NoNames { .. } => wrong.help("name capabilities before the sign, as \"cap_net_bind_service+ep\""),
        _ => wrong,
    }
}
