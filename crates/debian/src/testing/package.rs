//! A package to be.

use super::deb;
use std::collections::BTreeMap;

/// A package, made up in a test.
#[derive(Debug, Clone)]
pub struct TestPackage {
    name: String,
    pub(super) version: String,
    pub(super) architecture: String,
    pub(super) component: String,
    section: String,
    /// Fields of its control data besides name, version, architecture and section, in order.
    fields: Vec<(String, String)>,
    pub(super) files: BTreeMap<String, TestEntry>,
    pub(super) scripts: BTreeMap<String, String>,
    pub(super) conffiles: Vec<String>,
    pub(super) control_packing: Packing,
    pub(super) data_packing: Packing,
    /// A data archive as it stands, with the name of its member.
    pub(super) data: Option<(String, Vec<u8>)>,
    /// A whole `.deb` as it stands.
    raw: Option<Vec<u8>>,
}

/// A file of a package, by what it is.
#[derive(Debug, Clone)]
pub(super) enum TestEntry {
    Directory { mode: u32 },
    File { bytes: Vec<u8>, mode: u32 },
    Link(String),
    HardLink(String),
}

/// How a part of a `.deb` is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Packing {
    /// Not at all: `data.tar`.
    Plain,
    /// `data.tar.gz`.
    Gzip,
    /// `data.tar.xz`.
    Xz,
    /// `data.tar.zst`.
    Zstd,
}

impl TestPackage {
    /// Version 1.0 of a package for amd64 in `main`, with nothing in it.
    pub fn new(name: &str) -> Self {
        TestPackage {
            name: name.into(),
            version: "1.0".into(),
            architecture: "amd64".into(),
            component: "main".into(),
            section: "libs".into(),
            fields: vec![
                ("Maintainer".into(), "Nobody <nobody@example.com>".into()),
                ("Description".into(), "a package for tests".into()),
            ],
            files: BTreeMap::new(),
            scripts: BTreeMap::new(),
            conffiles: vec![],
            control_packing: Packing::Xz,
            data_packing: Packing::Xz,
            data: None,
            raw: None,
        }
    }

    /// The same of another version.
    pub fn version(self, version: &str) -> Self {
        TestPackage { version: version.into(), ..self }
    }

    /// The same for another architecture, or `all`.
    pub fn architecture(self, architecture: &str) -> Self {
        TestPackage { architecture: architecture.into(), ..self }
    }

    /// The same in another component.
    pub fn component(self, component: &str) -> Self {
        TestPackage { component: component.into(), ..self }
    }

    /// The same in another section; it is `libs` else.
    pub fn section(self, section: &str) -> Self {
        TestPackage { section: section.into(), ..self }
    }

    /// The same with a field of control data; one of the same name makes way.
    pub fn field(mut self, name: &str, value: &str) -> Self {
        self.fields.retain(|(other, _)| other != name);
        self.fields.push((name.into(), value.into()));
        self
    }

    /// The same with `Depends`, as the field has it: `libc6 (>= 2.36), libbar1 | libbaz1`.
    pub fn depends(self, relations: &str) -> Self {
        self.field("Depends", relations)
    }

    /// The same with `Pre-Depends`.
    pub fn pre_depends(self, relations: &str) -> Self {
        self.field("Pre-Depends", relations)
    }

    /// The same with `Recommends`.
    pub fn recommends(self, relations: &str) -> Self {
        self.field("Recommends", relations)
    }

    /// The same with `Provides`.
    pub fn provides(self, relations: &str) -> Self {
        self.field("Provides", relations)
    }

    /// The same with `Conflicts`.
    pub fn conflicts(self, relations: &str) -> Self {
        self.field("Conflicts", relations)
    }

    /// The same with `Breaks`.
    pub fn breaks(self, relations: &str) -> Self {
        self.field("Breaks", relations)
    }

    /// The same with `Multi-Arch`: `same`, `foreign` or `allowed`.
    pub fn multi_arch(self, value: &str) -> Self {
        self.field("Multi-Arch", value)
    }

    /// The same, essential.
    pub fn essential(self) -> Self {
        self.field("Essential", "yes")
    }

    /// The same with a file of mode 0644. The directories above it come along.
    pub fn file(self, path: &str, bytes: impl Into<Vec<u8>>) -> Self {
        self.file_with_mode(path, 0o644, bytes)
    }

    /// The same with a file of mode 0755.
    pub fn program(self, path: &str, bytes: impl Into<Vec<u8>>) -> Self {
        self.file_with_mode(path, 0o755, bytes)
    }

    /// The same with a file of any mode.
    pub fn file_with_mode(self, path: &str, mode: u32, bytes: impl Into<Vec<u8>>) -> Self {
        self.entry(path, TestEntry::File { bytes: bytes.into(), mode })
    }

    /// The same with a symbolic link to `target`, as written.
    pub fn link(self, path: &str, target: &str) -> Self {
        self.entry(path, TestEntry::Link(target.into()))
    }

    /// The same with another name for the file at the absolute path `target`, which should come before in the order
    /// of paths.
    pub fn hard_link(self, path: &str, target: &str) -> Self {
        self.entry(path, TestEntry::HardLink(target.trim_start_matches('/').into()))
    }

    /// The same with a directory of mode 0755.
    pub fn dir(self, path: &str) -> Self {
        self.dir_with_mode(path, 0o755)
    }

    /// The same with a directory of any mode.
    pub fn dir_with_mode(self, path: &str, mode: u32) -> Self {
        self.entry(path, TestEntry::Directory { mode })
    }

    /// The same with a maintainer script, or any other file of its control archive: `postinst`, `triggers`.
    pub fn script(mut self, name: &str, text: &str) -> Self {
        self.scripts.insert(name.into(), text.into());
        self
    }

    /// The same with a file at an absolute path that is a configuration file.
    pub fn conffile(mut self, path: &str, bytes: impl Into<Vec<u8>>) -> Self {
        self.conffiles.push(path.into());
        self.file(path, bytes)
    }

    /// The same with its control archive compressed otherwise than by xz.
    pub fn control_packing(self, packing: Packing) -> Self {
        TestPackage { control_packing: packing, ..self }
    }

    /// The same with its data archive compressed otherwise than by xz.
    pub fn data_packing(self, packing: Packing) -> Self {
        TestPackage { data_packing: packing, ..self }
    }

    /// The same with another data archive, under the name of its member: `data.tar.gz`.
    pub fn data(self, member: &str, bytes: impl Into<Vec<u8>>) -> Self {
        TestPackage { data: Some((member.into(), bytes.into())), ..self }
    }

    /// The same with something else for its `.deb`.
    pub fn raw(self, deb: impl Into<Vec<u8>>) -> Self {
        TestPackage { raw: Some(deb.into()), ..self }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The bytes of its `.deb`: the same for the same package.
    pub fn deb(&self) -> Vec<u8> {
        self.raw.clone().unwrap_or_else(|| deb::write(self))
    }

    /// Its control data.
    pub fn control(&self) -> String {
        let TestPackage { name, version, architecture, .. } = self;
        let section = self.qualified_section();
        let mut text = format!(
            "Package: {name}\nVersion: {version}\nArchitecture: {architecture}\nSection: {section}\n"
        );
        for (name, value) in &self.fields {
            text.push_str(&format!("{name}: {value}\n"));
        }
        text
    }

    /// The name of its `.deb`, without the epoch.
    pub(super) fn deb_name(&self) -> String {
        let version = self.version.split_once(':').map_or(&*self.version, |(_, version)| version);
        format!("{}_{version}_{}.deb", self.name, self.architecture)
    }

    /// `libs`, `non-free/libs`.
    pub(super) fn qualified_section(&self) -> String {
        match &*self.component {
            "main" => self.section.clone(),
            component => format!("{component}/{}", self.section),
        }
    }

    fn entry(mut self, path: &str, entry: TestEntry) -> Self {
        let path = path.strip_prefix('/').expect("paths of packages are absolute").trim_end_matches('/');
        for (at, _) in path.match_indices('/') {
            let parent = self.files.entry(path[..at].into());
            parent.or_insert(TestEntry::Directory { mode: 0o755 });
        }
        self.files.insert(path.into(), entry);
        self
    }
}
