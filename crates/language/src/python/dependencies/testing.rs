//! Wheels and interpreters made in tests.

use super::record::{self, Record, Row};
use crate::{
    BuildRoot, BuildTools, LanguageError, Workshop,
    python::interpreter::{Interpreter, Libc},
};
use ::fetch::Client;
use cache::Cache;
use plan::spec::Architecture;
use source::NoMemory;
use std::{
    io::{Cursor, Write as _},
    num::NonZeroUsize,
    path::Path,
};
use tree::{Sha256Digest, TreePath};
use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

/// Python 3.13 of Debian trixie, on amd64.
pub(crate) fn interpreter() -> Interpreter {
    let path = |text: &str| TreePath::parse(text).unwrap_or_else(|_| TreePath::root());
    Interpreter {
        version: (3, 13),
        program: path("/usr/bin/python3.13"),
        stdlib: path("/usr/lib/python3.13"),
        site: path("/usr/local/lib/python3.13/dist-packages"),
        scripts: path("/usr/local/bin"),
        libc: Libc::Glibc(41),
        architecture: Architecture::Amd64,
    }
}

/// What languages work with, offline.
pub(crate) fn with_workshop<T>(dir: &Path, work: impl FnOnce(&Workshop<'_>) -> T) -> T {
    let cache = Cache::new(dir.join("dist/cache"));
    work(&Workshop {
        cache: &cache,
        client: &Client::offline(),
        memory: &NoMemory,
        offline: true,
        locked: false,
        jobs: NonZeroUsize::MIN,
        builder: Architecture::Amd64,
        tools: &NoTools,
        notice: &|_| {},
    })
}

/// No build tools.
pub(crate) struct NoTools;

impl BuildTools for NoTools {
    fn root(&self, _: &[String], _: Architecture) -> Result<BuildRoot<'_>, LanguageError> {
        Err(LanguageError::NoTool { tool: "none".into(), purpose: "a test".into() })
    }
}

/// A wheel that is being made.
#[derive(Clone)]
pub(crate) struct Made {
    info: String,
    layout: String,
    files: Vec<(String, String, u32)>,
    record: Record,
    tag: String,
}

impl Made {
    /// A wheel with nothing but its description.
    pub fn new(name: &str, version: &str) -> Self {
        let info = format!("{name}-{version}.dist-info");
        let metadata = format!("Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n");
        let made = Made {
            info: info.clone(),
            layout: "1.0".into(),
            files: vec![],
            record: Record::new(),
            tag: "py3-none-any".into(),
        };
        made.file(&format!("{info}/METADATA"), &metadata)
    }

    /// Its name as a file.
    pub fn file_name(&self) -> String {
        format!("{}-{}.whl", self.info.trim_end_matches(".dist-info"), self.tag)
    }

    pub fn tag(mut self, tag: &str) -> Self {
        self.tag = tag.into();
        self
    }

    pub fn layout(mut self, version: &str) -> Self {
        self.layout = version.into();
        self
    }

    pub fn file(self, path: &str, text: &str) -> Self {
        self.recorded(path, text).unrecorded(path, text)
    }

    pub fn entry_points(self, text: &str) -> Self {
        let path = format!("{}/entry_points.txt", self.info);
        self.file(&path, text)
    }

    pub fn executable(mut self, path: &str, text: &str) -> Self {
        self.files.push((path.into(), text.into(), 0o100_755));
        self.recorded(path, text)
    }

    pub fn link(mut self, path: &str, target: &str) -> Self {
        self.files.push((path.into(), target.into(), 0o120_777));
        self.recorded(path, target)
    }

    pub fn unrecorded(mut self, path: &str, text: &str) -> Self {
        self.files.push((path.into(), text.into(), 0o100_644));
        self
    }

    pub fn recorded(mut self, path: &str, text: &str) -> Self {
        self.record.insert(path.into(), Row::of(&Sha256Digest::of(text.as_bytes()), text.len() as u64));
        self
    }

    pub fn misrecorded(self, path: &str, text: &str, other: &str) -> Self {
        self.unrecorded(path, text).recorded(path, other)
    }

    /// The file.
    pub fn bytes(&self) -> Vec<u8> {
        let text = format!(
            "Wheel-Version: {}\nGenerator: test\nRoot-Is-Purelib: true\nTag: {}\n",
            self.layout, self.tag
        );
        let mut whole = self.clone().file(&format!("{}/WHEEL", self.info), &text);
        let own = format!("{}/RECORD", self.info);
        whole.record.insert(own.clone(), Row { digest: String::new(), size: None });
        let listed = String::from_utf8_lossy(&record::write(&whole.record)).into_owned();
        whole.files.push((own, listed, 0o100_644));
        let mut zip = ZipWriter::new(Cursor::new(vec![]));
        for (path, text, mode) in &whole.files {
            let method =
                if text.len() < 100 { CompressionMethod::Stored } else { CompressionMethod::Deflated };
            let options = SimpleFileOptions::default().compression_method(method);
            if mode & 0o170_000 == 0o120_000 {
                zip.add_symlink(path.as_str(), text.as_str(), options).unwrap();
            } else {
                zip.start_file(path.as_str(), options.unix_permissions(*mode)).unwrap();
                zip.write_all(text.as_bytes()).unwrap();
            }
        }
        zip.finish().unwrap().into_inner()
    }
}
