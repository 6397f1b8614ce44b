//! A builder in memory: a payload, a runtime source, and what a plan makes of them.

#![allow(dead_code, reason = "each test file uses a part of it")]

use elf::testing::Elf;
use plan::{
    Base, BaseConfig, Brought, CaSource, Memo, PackageAccounts, Plan, Selection, Sources, Taken,
    expand::Vars, explain::Record, finding::Problem, lock::LockedImage, spec,
};
use std::{fmt::Write as _, sync::Arc};
use tree::{Content, Entry, Sha256Digest, Tree, TreePath, View};

const LIB: &str = "/usr/lib/x86_64-linux-gnu";
const LOADER: &str = "/lib64/ld-linux-x86-64.so.2";

pub struct World {
    source: Tree,
    base: Option<Base>,
    payload: Tree,
    known: Vec<Problem>,
    pub brought: Brought,
    pub accounts: PackageAccounts,
}

/// A file of a world: text, a script, or an ELF file.
pub struct File {
    bytes: Vec<u8>,
    mode: u32,
}

impl From<&str> for File {
    fn from(text: &str) -> Self {
        File { bytes: text.into(), mode: 0o644 }
    }
}

/// A program of glibc that needs these libraries, and the C library.
pub fn program(needs: &[&str]) -> File {
    let needs: Vec<&str> = needs.iter().copied().chain(["libc.so.6"]).collect();
    File { bytes: Elf::program().needs(&needs).build(), mode: 0o755 }
}

pub fn library(soname: &str, needs: &[&str]) -> File {
    File { bytes: Elf::library(soname).needs(needs).build(), mode: 0o644 }
}

pub fn bytes(bytes: &[u8], mode: u32) -> File {
    File { bytes: bytes.into(), mode }
}

pub fn script(line: &str) -> File {
    File { bytes: format!("{line}\necho\n").into_bytes(), mode: 0o755 }
}

/// A source with a merged /usr, the C library and its loader.
pub fn glibc() -> Tree {
    let mut tree = Tree::new();
    let dirs = ["/lib/x86_64-linux-gnu/", "/usr/lib/x86_64-linux-gnu/", "/lib/", "/usr/lib/"];
    for top in ["bin", "sbin", "lib", "lib64"] {
        tree.insert(path(&format!("/{top}")), Entry::symlink(format!("usr/{top}")));
    }
    let loader = Elf::glibc_loader("ld-linux-x86-64.so.2", &dirs).build();
    put(&mut tree, &format!("{LIB}/ld-linux-x86-64.so.2"), File { bytes: loader, mode: 0o755 });
    tree.insert(
        path(&format!("/usr{LOADER}")),
        Entry::symlink(format!("{LIB}/ld-linux-x86-64.so.2").replace("/usr", "")),
    );
    let libc =
        Elf::library("libc.so.6").needs(&["ld-linux-x86-64.so.2"]).defines(&["GLIBC_2.2.5", "GLIBC_2.34"]);
    put(&mut tree, &format!("{LIB}/libc.so.6"), File { bytes: libc.build(), mode: 0o755 });
    put(&mut tree, &format!("{LIB}/libgcc_s.so.1"), library("libgcc_s.so.1", &["libc.so.6"]));
    put(&mut tree, "/usr/bin/app", program(&[]));
    put(&mut tree, "/usr/bin/env", program(&[]));
    put(&mut tree, "/etc/services", "http 80/tcp\n".into());
    put(&mut tree, "/usr/lib/os-release", "ID=test\n".into());
    tree.insert(path("/etc/os-release"), Entry::symlink("../usr/lib/os-release"));
    put(&mut tree, "/etc/ssl/certs/ca-certificates.crt", "certificates\n".into());
    tree.add_parents();
    tree
}

impl World {
    pub fn new(source: Tree) -> Self {
        World {
            source,
            base: None,
            payload: Tree::new(),
            known: vec![],
            brought: Brought::default(),
            accounts: PackageAccounts::default(),
        }
    }

    /// Builds upon an image with this tree, all of it in one layer.
    pub fn upon(mut self, tree: Tree, config: BaseConfig) -> Self {
        let layers = tree.iter().map(|(path, _)| (path.clone(), 0)).collect();
        let digest = |byte| Sha256Digest([byte; 32]);
        let pin = LockedImage { digest: digest(1), manifest: digest(2) };
        let reference = "oci:./base".into();
        self.base = Some(Base { reference, tree: Arc::new(tree), layers: Arc::new(layers), config, pin });
        self
    }

    pub fn payload(mut self, at: &str, file: impl Into<File>) -> Self {
        put(&mut self.payload, &format!("/{at}"), file.into());
        self
    }

    pub fn payload_link(mut self, at: &str, target: &str) -> Self {
        self.payload.insert(path(&format!("/{at}")), Entry::symlink(target));
        self
    }

    pub fn source(mut self, at: &str, file: impl Into<File>) -> Self {
        put(&mut self.source, at, file.into());
        self
    }

    /// What the source is known to lack.
    pub fn knowing(mut self, problem: Problem) -> Self {
        self.known.push(problem);
        self
    }

    /// What languages bring.
    pub fn bringing(mut self, brought: Brought) -> Self {
        self.brought.add(brought);
        self
    }

    pub fn source_dir(mut self, at: &str) -> Self {
        self.source.insert(path(at), Entry::directory(0o755));
        self.source.add_parents();
        self
    }

    pub fn source_link(mut self, at: &str, target: &str) -> Self {
        self.source.insert(path(at), Entry::symlink(target));
        self.source.add_parents();
        self
    }

    /// A device, socket or fifo of the payload, in words.
    pub fn payload_special(mut self, at: &str, word: &'static str) -> Self {
        let entry = Entry { kind: tree::Kind::Special(word), meta: tree::Meta::root(0o644) };
        self.payload.insert(path(&format!("/{at}")), entry);
        self.payload.add_parents();
        self
    }

    pub fn without_source(mut self, at: &str) -> Self {
        self.source.remove(&path(at)).unwrap();
        self
    }

    pub fn source_mode(mut self, at: &str, mode: u32) -> Self {
        self.source.get_mut(&path(at)).unwrap().meta.mode = mode;
        self
    }

    pub fn plan(&self, text: &str) -> Image {
        let spec = spec::parse(text)
            .unwrap_or_else(|errors| panic!("{}", spec::render(&errors, "test", text, false)));
        let platform = "linux/amd64".parse().unwrap();
        let payload: Vec<Taken> =
            spec.files.iter().map(|files| self.take(files, &Vars::release(platform))).collect();
        let has_source = spec.runtime.source != spec::RuntimeSource::None;
        let runtime = has_source.then_some(&self.source as &dyn View);
        let memo = Memo::default();
        let ca = spec.runtime.ca.iter().map(|file| CaSource {
            path: file.path.clone(),
            line: file.line,
            content: self.payload.get(&path(&format!("/{}", file.path))).unwrap().content().unwrap().clone(),
        });
        let ca: Vec<CaSource> = ca.collect();
        let sources = Sources {
            runtime,
            base: self.base.as_ref(),
            source_image: None,
            payload: &payload,
            ca: &ca,
            brought: &self.brought,
            known: &self.known,
            pinned: vec![],
            accounts: &self.accounts,
            memo: &memo,
        };
        let plan = plan::plan(&spec, platform, &sources).unwrap();
        Image(plan, spec)
    }

    fn take(&self, files: &spec::Files, vars: &Vars<'_>) -> Taken {
        let Some(selection) = Selection::new(files, vars, None).unwrap() else { return Taken::default() };
        let start = TreePath::root().join(&selection.start).unwrap();
        let below = |path: &TreePath| path.below(&start).map(String::from);
        let items = self.payload.iter().filter_map(|(path, entry)| Some((below(path)?, entry.clone())));
        Taken { items: items.filter(|(path, _)| selection.takes(path)).collect() }
    }
}

pub struct Image(pub Plan, pub spec::Spec);

impl Image {
    /// One line a path and layer, parents that only hold something aside.
    pub fn listing(&self) -> String {
        self.listing_below("/")
    }

    pub fn listing_below(&self, dir: &str) -> String {
        let mut text = String::new();
        for layer in &self.0.layers {
            let _ = writeln!(text, "[{}]", layer.name);
            for line in layer.tree.dump().unwrap().lines() {
                let at = line.split(' ').find(|word| word.starts_with('/')).unwrap();
                if path(at).is_within(&path(dir)) && !line.starts_with("d0755 0:0 ") {
                    // Sizes and digests of hand-made files say nothing.
                    let words: Vec<&str> = line.split(' ').collect();
                    let rest = words.iter().position(|word| word.starts_with('/')).unwrap();
                    let _ = writeln!(text, "{} {} {}", words[0], words[1], words[rest..].join(" "));
                }
            }
        }
        text
    }

    pub fn findings(&self) -> String {
        let mut text = String::new();
        for finding in &self.0.findings {
            let _ =
                writeln!(text, "{} {}: {}", finding.severity.word(), finding.problem.code(), finding.problem);
            for fix in finding.fixes() {
                let _ = writeln!(text, "    {fix}");
            }
        }
        text
    }

    /// The code of each finding, with the line of the spec that it is about.
    pub fn lines(&self) -> Vec<(&'static str, usize)> {
        self.0.findings.iter().map(|finding| (finding.problem.code(), finding.line)).collect()
    }

    pub fn why(&self, at: &str) -> String {
        let chain = self.0.reasons.chain(&path(at));
        chain.iter().map(|(path, reason)| format!("{path}: {reason}\n")).collect()
    }

    /// Every reason of a path, a line each.
    pub fn reasons(&self, at: &str) -> String {
        let reasons = self.0.reasons.of(&path(at));
        reasons.iter().map(|reason| format!("{reason}\n")).collect()
    }

    /// All that is recorded of the image.
    pub fn record(&self) -> Record {
        Record::of(&self.0, &self.1, "example.com/shop", Some("bantam.toml"))
    }

    /// The image as a file tree.
    pub fn tree(&self) -> &Tree {
        &self.0.tree
    }

    pub fn process(&self) -> String {
        let process = &self.0.process;
        format!("{}:{} in {}\n{}", process.uid, process.gid, process.workdir, process.env.join("\n"))
    }

    pub fn text(&self, at: &str) -> String {
        let entry = self.0.tree.entry(&path(at)).unwrap().unwrap_or_else(|| panic!("no {at}"));
        String::from_utf8(entry.content().unwrap().read(1 << 20).unwrap()).unwrap()
    }
}

fn path(text: &str) -> TreePath {
    TreePath::parse(text).unwrap()
}

pub fn put(tree: &mut Tree, at: &str, file: File) {
    tree.insert(path(at), Entry::file(Content::bytes(file.bytes, "the test"), file.mode));
    tree.add_parents();
}
