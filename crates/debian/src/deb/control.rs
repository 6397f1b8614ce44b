//! What `control.tar` says of a package: deb-control(5), deb-conffiles(5), deb-postinst(5), deb-triggers(5).

use super::data::{plain_tar, tar_error};
use super::error::DebError;
use super::limits::Limits;
use oci::EntryKind;
use std::io::Read;

/// The files of `control.tar` that say what a package is and does.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ControlFiles {
    /// `control`: one paragraph.
    pub control: String,
    /// `conffiles`: paths, one a line.
    pub conffiles: String,
    /// `md5sums`: checksums and paths without their leading slash, one a line.
    pub md5sums: String,
    /// What dpkg would run.
    pub scripts: Scripts,
}

/// The maintainer scripts of a package, and its triggers. A script may be a program: it is bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Scripts {
    pub preinst: Option<Vec<u8>>,
    pub postinst: Option<Vec<u8>>,
    pub prerm: Option<Vec<u8>>,
    pub postrm: Option<Vec<u8>>,
    pub triggers: Option<Vec<u8>>,
}

impl ControlFiles {
    /// Reads a plain `control.tar`, called `member`.
    pub(super) fn read(
        reader: impl Read,
        (package, member): (&str, &str),
        limits: &Limits,
    ) -> Result<Self, DebError> {
        let mut tar = plain_tar(reader);
        let mut files = ControlFiles::default();
        let mut found = false;
        let mut count = 0;
        while let Some(entry) = tar.next_entry().map_err(tar_error(package, member))? {
            count += 1;
            if count > limits.entries {
                let limit = limits.entries as u64;
                return Err(DebError::TooMuch { package: package.into(), what: "control files", limit });
            }
            let EntryKind::File { size, .. } = entry.kind else { continue };
            let name = entry.path.relative();
            if !is_known(name) {
                continue;
            }
            if size > limits.control_file {
                let limit = limits.control_file;
                let what = "bytes in a control file";
                return Err(DebError::TooMuch { package: package.into(), what, limit });
            }
            let mut bytes = vec![];
            let mut content = Content(&mut tar, size);
            content.read_to_end(&mut bytes).map_err(|source| DebError::Decompress {
                package: package.into(),
                member: member.into(),
                source,
            })?;
            let lossy = |bytes: Vec<u8>| match String::from_utf8(bytes) {
                Ok(text) => text,
                Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
            };
            match name {
                "control" => {
                    found = true;
                    files.control = String::from_utf8(bytes).map_err(|_| DebError::Control {
                        package: package.into(),
                        what: "is not UTF-8".into(),
                    })?;
                }
                "conffiles" => files.conffiles = lossy(bytes),
                "md5sums" => files.md5sums = lossy(bytes),
                "preinst" => files.scripts.preinst = Some(bytes),
                "postinst" => files.scripts.postinst = Some(bytes),
                "prerm" => files.scripts.prerm = Some(bytes),
                "postrm" => files.scripts.postrm = Some(bytes),
                _ => files.scripts.triggers = Some(bytes),
            }
        }
        let wrong = |what: String| DebError::Control { package: package.into(), what };
        if !found {
            return Err(wrong("is missing".into()));
        }
        files.check().map_err(wrong)?;
        Ok(files)
    }

    /// Has the paragraph what everything else relies on?
    pub(crate) fn check(&self) -> Result<(), String> {
        if self.control.trim_end().contains("\n\n") || self.control.contains('\0') {
            return Err("has more than a paragraph".into());
        }
        let check = |key: &str, is_right: fn(&str) -> bool| match field(&self.control, key) {
            None => Err(format!("has no field {key}")),
            Some(value) if !is_right(value) => Err(format!("has the {key} {value:?}")),
            Some(_) => Ok(()),
        };
        check("Package", is_name)?;
        check("Version", is_version)?;
        check("Architecture", is_architecture)
    }
}

/// The first line of a field's value, without blanks around it. Names of fields are told apart without regard
/// to case: deb822(5).
pub(crate) fn field<'a>(paragraph: &'a str, key: &str) -> Option<&'a str> {
    paragraph.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case(key).then(|| value.trim())
    })
}

fn is_known(name: &str) -> bool {
    ["control", "conffiles", "md5sums", "preinst", "postinst", "prerm", "postrm", "triggers"].contains(&name)
}

/// Policy 5.6.1.
fn is_name(text: &str) -> bool {
    text.len() >= 2
        && text.starts_with(|first: char| first.is_ascii_alphanumeric())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
}

/// Policy 5.6.12.
fn is_version(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".+-:~".contains(&byte))
}

fn is_architecture(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

/// The content of the entry that came last.
struct Content<'a, R>(&'a mut oci::TarReader<R>, u64);

impl<R: oci::Skip> Read for Content<'_, R> {
    fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
        if self.1 == 0 {
            return Ok(0);
        }
        let got = self.0.read_content(buf)?;
        self.1 = self.1.saturating_sub(got as u64);
        Ok(got)
    }
}
