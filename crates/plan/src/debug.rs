//! The debug variant: busybox in a layer of its own, on top of what the release has.

use crate::{
    draft::{Draft, Origin},
    error::PlanError,
    finding::Problem,
    reason::Reason,
    spec::{Config, Line},
};
use tree::{Content, Entry, TreePath, View};

/// The layer that busybox is in.
pub const DEBUG: &str = "debug";
/// The directory of the shell and its tools, which PATH ends with.
pub const BUSYBOX_DIR: &str = "/busybox";
/// The Debian package that has it.
pub const BUSYBOX_PACKAGE: &str = "busybox-static";

/// Where distributions have a busybox that needs no library.
const PLACES: &[&str] = &["/usr/bin/busybox", "/bin/busybox", "/usr/lib/busybox/busybox"];
/// Larger than any busybox.
const MAX_BUSYBOX: u64 = 64 << 20;
/// How many tools one has at most.
const MAX_APPLETS: usize = 1024;

/// Puts busybox, and a link for each of its tools, into the image.
///
/// # Errors
/// When the source cannot be read.
pub(crate) fn put(draft: &mut Draft, source: &dyn View, line: Line) -> Result<(), PlanError> {
    let mut found = None;
    for place in PLACES.iter().filter_map(|place| TreePath::parse(place).ok()) {
        found = found.or(source.follow(&place)?.entry.filter(|entry| entry.is_executable()));
    }
    let Ok(dir) = TreePath::parse(BUSYBOX_DIR) else { return Ok(()) };
    let Some(entry) = found else {
        draft.report(Problem::NoBusybox { line });
        // What leads there says nothing more.
        let reason = Reason::Listed { line };
        return Ok(draft.put(&dir, Entry::directory(0o755), Origin::Generated, DEBUG, reason)?);
    };
    let busybox = dir.child("busybox");
    let tools = entry.content().map(applets).transpose()?.unwrap_or_default();
    let reason = || Reason::Listed { line };
    draft.put(&busybox, Entry { meta: tree::Meta::root(0o755), ..entry }, Origin::Source, DEBUG, reason())?;
    for tool in tools.iter().filter(|tool| *tool != "busybox") {
        let link = Entry::symlink(busybox.as_str());
        draft.put(&dir.child(tool), link, Origin::Generated, DEBUG, reason())?;
    }
    Ok(())
}

/// The process of the debug variant: a shell where there is no other, and the tools on its PATH.
pub(crate) fn config(config: &Config, path: &str) -> Config {
    let mut config = config.clone();
    config.env.insert("PATH".into(), format!("{path}:{BUSYBOX_DIR}"));
    if config.entrypoint.is_empty() && config.cmd.is_empty() {
        config.entrypoint = vec![format!("{BUSYBOX_DIR}/sh")];
    }
    config
}

/// The names of the tools that a busybox has: it holds them as one sorted table, `[`, `[[`, `acpid`, …, each ended
/// by a NUL (`applet_names` of its source).
fn applets(busybox: &Content) -> Result<Vec<String>, tree::ReadError> {
    let bytes = busybox.read(MAX_BUSYBOX)?;
    let start = memchr::memmem::find_iter(&bytes, b"\0[\0[[\0").map(|at| at + 1);
    let tables = start.map(|start| table(&bytes[start..]));
    let longest = tables.max_by_key(Vec::len).unwrap_or_default();
    if !longest.is_empty() {
        return Ok(longest);
    }
    // Some are built without `[`; a shell there is always.
    Ok(vec!["sh".into()])
}

fn table(bytes: &[u8]) -> Vec<String> {
    let mut names: Vec<String> = vec![];
    for name in bytes.split(|byte| *byte == 0).take(MAX_APPLETS) {
        let good = |byte: &u8| byte.is_ascii_alphanumeric() || b"_-[.+".contains(byte);
        let name = match std::str::from_utf8(name) {
            Ok(name) if !name.is_empty() && name.len() < 32 && name.bytes().all(|byte| good(&byte)) => name,
            _ => break,
        };
        if names.last().is_some_and(|last| last.as_str() >= name) {
            break;
        }
        names.push(name.into());
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tools_are_read_from_the_table_in_busybox() {
        let busybox = |bytes: &[u8]| applets(&Content::bytes(bytes, "a test")).ok();
        let some = |names: &[&str]| Some(names.iter().map(ToString::to_string).collect::<Vec<_>>());
        assert_eq!(
            busybox(b"\x7fELF..\0[\0[[\0ash\0sh\0yes\0zcat\0\x01junk\0"),
            some(&["[", "[[", "ash", "sh", "yes", "zcat"])
        );
        assert_eq!(busybox(b"..\0[\0[[\0ash\0../evil\0zz\0"), some(&["[", "[[", "ash"]));
        assert_eq!(busybox(b"none"), some(&["sh"]));
    }
}
