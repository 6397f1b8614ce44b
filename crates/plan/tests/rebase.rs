//! Images upon newer bases: what would not start there any more is an error, what never did is none.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail")]

mod world;

use plan::{Base, BaseConfig, Memo, Plan, Rebase, finding::Severity, lock::LockedImage};
use std::{collections::BTreeMap, fmt::Write as _, sync::Arc};
use tree::{Sha256Digest, Tree, TreePath};
use world::{File, glibc, library, program, put, script};

const LIB: &str = "/usr/lib/x86_64-linux-gnu";

/// An image upon a base: the base's files, its own, and how both are run.
#[derive(Clone)]
struct Image {
    base: Tree,
    tree: Tree,
    own: Vec<TreePath>,
    below: BaseConfig,
    config: BaseConfig,
}

impl Image {
    fn upon(base: Tree) -> Self {
        let config = BaseConfig { user: "65532:65532".into(), ..BaseConfig::default() };
        Image { tree: base.clone(), base, own: vec![], below: BaseConfig::default(), config }
    }

    fn own(mut self, at: &str, file: impl Into<File>) -> Self {
        put(&mut self.tree, at, file.into());
        self.own.push(TreePath::parse(at).unwrap());
        self
    }

    fn run(mut self, program: &str) -> Self {
        self.config.entrypoint = vec![program.into()];
        self
    }

    fn judged(&self, old: &Image) -> Plan {
        let layers: BTreeMap<TreePath, usize> =
            self.tree.iter().map(|(path, _)| (path.clone(), usize::from(self.own.contains(path)))).collect();
        let pin = LockedImage { digest: Sha256Digest([1; 32]), manifest: Sha256Digest([2; 32]) };
        let base = Base {
            reference: "oci:base".into(),
            tree: Arc::new(self.base.clone()),
            layers: Arc::new(layers.clone()),
            config: self.below.clone(),
            pin,
        };
        let image = Rebase {
            old: &old.below,
            old_tree: &old.tree,
            base: &base,
            image: &old.config,
            tree: &self.tree,
            layers: &layers,
            base_layers: 1,
            history: &[],
        };
        plan::rebase(&image, "linux/amd64".parse().unwrap(), &Memo::default()).unwrap()
    }

    /// What is said when it goes upon another base.
    fn moved(&self, base: Tree, below: BaseConfig) -> (Plan, String) {
        let mut new = Image { base: base.clone(), tree: base, below, ..self.clone() };
        for path in &self.own {
            new.tree.insert(path.clone(), self.tree.get(path).unwrap().clone());
        }
        new.tree.add_parents();
        let mut plan = new.judged(self);
        plan.forgive(&self.judged(self));
        let mut text = String::new();
        for finding in plan.findings.iter().filter(|finding| finding.severity != Severity::Notice) {
            let severity = if finding.severity == Severity::Error { "error" } else { "warning" };
            writeln!(text, "{severity} {}: {}", finding.problem.code(), finding.problem).unwrap();
        }
        (plan, text)
    }

    fn said(&self, base: Tree) -> String {
        self.moved(base, self.below.clone()).1
    }
}

fn with(mut tree: Tree, at: &str, file: impl Into<File>) -> Tree {
    put(&mut tree, at, file.into());
    tree
}

fn a_and_b() -> Tree {
    let tree = with(glibc(), &format!("{LIB}/liba.so.1"), library("liba.so.1", &["libb.so.1"]));
    with(tree, &format!("{LIB}/libb.so.1"), library("libb.so.1", &[]))
}

fn only_a() -> Tree {
    with(glibc(), &format!("{LIB}/liba.so.1"), library("liba.so.1", &["libb.so.1"]))
}

#[test]
fn libraries_that_a_program_reaches_through_the_base_are_its_own_need() {
    let image = Image::upon(a_and_b()).own("/app/shop", program(&["liba.so.1"])).run("/app/shop");
    insta::assert_snapshot!(image.said(a_and_b()), @"");
    insta::assert_snapshot!(image.said(only_a()), @"error B0101: libb.so.1 is not to be found; /usr/lib/x86_64-linux-gnu/liba.so.1 needs it");
    // The same library of the base that nothing of the image reaches.
    let image = Image::upon(a_and_b()).own("/app/shop", program(&[])).run("/app/shop");
    insta::assert_snapshot!(image.said(only_a()), @"warning B0101: libb.so.1 is not to be found; /usr/lib/x86_64-linux-gnu/liba.so.1 needs it");
}

#[test]
fn what_the_process_runs_of_the_base_is_its_own_need() {
    let base = with(a_and_b(), "/usr/bin/tool", program(&["liba.so.1"]));
    let image = Image::upon(base.clone()).own("/app/data", "data").run("/usr/bin/tool");
    insta::assert_snapshot!(image.said(base), @"");
    insta::assert_snapshot!(image.said(with(only_a(), "/usr/bin/tool", program(&["liba.so.1"]))), @"error B0101: libb.so.1 is not to be found; /usr/lib/x86_64-linux-gnu/liba.so.1 needs it");
}

#[test]
fn interpreters_of_the_base_are_the_need_of_scripts() {
    let base = |tree: Tree| with(tree, "/usr/bin/run", script("#!/usr/bin/inner"));
    let old = with(base(glibc()), "/usr/bin/inner", program(&[]));
    let image = Image::upon(old.clone()).own("/app/shop", script("#!/usr/bin/run")).run("/app/shop");
    insta::assert_snapshot!(image.said(old), @"");
    insta::assert_snapshot!(image.said(base(glibc())), @"error B0201: /usr/bin/run starts with #!/usr/bin/inner, which is not in the image");
}

#[test]
fn what_was_wrong_before_is_forgiven_and_nothing_else() {
    let shop = || program(&["libnone.so.1"]);
    let image = Image::upon(glibc()).own("/app/shop", shop()).run("/app/shop");
    insta::assert_snapshot!(image.said(glibc()), @"warning B0101: libnone.so.1 is not to be found; /app/shop needs it");
    // A program of the old base had it, which nothing of the image needed; now the image needs it.
    let base = with(glibc(), "/usr/bin/tool", program(&["libb.so.1"]));
    let old = with(base, &format!("{LIB}/liba.so.1"), library("liba.so.1", &[]));
    let image = Image::upon(old).own("/app/shop", program(&["liba.so.1"])).run("/app/shop");
    insta::assert_snapshot!(image.said(only_a()), @"error B0101: libb.so.1 is not to be found; /usr/lib/x86_64-linux-gnu/liba.so.1 needs it");
    // One of its own programs had it, and now another has it as well.
    let old = with(glibc(), &format!("{LIB}/liba.so.1"), library("liba.so.1", &[]));
    let image = Image::upon(old)
        .own("/app/shop", program(&["liba.so.1"]))
        .own("/app/tool", program(&["libb.so.1"]))
        .run("/app/shop");
    insta::assert_snapshot!(image.said(only_a()), @"error B0101: libb.so.1 is not to be found; /app/tool, /usr/lib/x86_64-linux-gnu/liba.so.1 need it");
}

#[test]
fn users_are_those_of_the_old_base() {
    let base =
        |uid: u32| with(glibc(), "/etc/passwd", &*format!("root:x:0:0::/:/x\nweb:x:{uid}:{uid}::/:/x\n"));
    let web = BaseConfig { user: "web".into(), ..BaseConfig::default() };
    let user = |image: &str, below: &BaseConfig| {
        let mut old = Image::upon(base(33)).own("/app/shop", program(&[])).run("/app/shop");
        (old.config.user, old.below) = (image.into(), below.clone());
        let (plan, said) = old.moved(base(44), below.clone());
        format!("{}:{} {said}", plan.process.uid, plan.process.gid)
    };
    let root = BaseConfig::default();
    for (image, below, want) in [
        ("33:33", &web, "44:44 "),
        ("44:44", &web, "44:44 "),
        ("7:7", &web, "7:7 "),
        ("0:0", &web, "0:0 "),
        ("", &root, "0:0 "),
        ("65532:65532", &root, "65532:65532 "),
    ] {
        assert_eq!(user(image, below), want, "{image}");
    }
    let who = user("who", &root);
    assert!(who.contains("error") && who.contains("who"), "{who}");
}
