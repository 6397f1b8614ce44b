use super::*;
use crate::spec::{Architecture, FORMAT};
use proptest::prelude::*;

fn file(path: &str, content: &str, package: Option<&str>) -> LockedFile {
    let path = TreePath::parse(path).unwrap();
    let mode = if content.len().is_multiple_of(2) { 0o644 } else { 0o755 };
    LockedFile {
        path,
        sha256: Sha256Digest::of(content.as_bytes()),
        mode,
        package: package.map(str::to_owned),
    }
}

fn lock(files: &[LockedFile]) -> Lock {
    let images = BTreeMap::from([(Platform::linux(Architecture::Amd64), files.to_vec())]);
    let (base, sources, packages, languages, tools) = Default::default();
    Lock { format: FORMAT, source: "host".into(), base, sources, images, packages, languages, tools }
}

#[test]
fn a_line_for_each_file() {
    let mut lock = lock(&[file("/usr/lib/b.so", "b", None), file("/usr/lib/a.so", "a", Some("liba1 1.0-2"))]);
    lock.images.insert(Platform::linux(Architecture::ArmV7), vec![]);
    insta::assert_snapshot!(lock.to_text(), @r#"
    # Written by bantam; keep it with the spec. `bantam update` brings it up to date.
    # After a merge conflict, take either side and build again.
    version = 1
    format = 1

    [runtime]
    source = "host"

    [files."linux/amd64"]
    "/usr/lib/a.so" = { sha256 = "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb", mode = "0755", package = "liba1 1.0-2" }
    "/usr/lib/b.so" = { sha256 = "3e23e8160039594a33894f6564e1b1348bbd7a0088d42c4acb73eeaed59c009d", mode = "0755" }

    [files."linux/arm/v7"]
    "#);
}

#[test]
fn a_damaged_lock_says_where() {
    let good = lock(&[file("/a", "", None)]).to_text();
    let said = |from: &str, to: &str| {
        assert!(good.contains(from), "{from}");
        Lock::parse(&good.replace(from, to)).unwrap_err().to_string()
    };
    let digest = Sha256Digest::of(b"").hex();
    insta::assert_snapshot!(
        [
            said("version = 1", "version = 2"),
            said("version = 1", "version = \"1\""),
            said("version = 1\n", ""),
            said("format = 1", "format = 9"),
            said("format = 1", "format = -1"),
            said("[runtime]", "<<<<<<< ours\n[runtime]"),
            said("source", "sources"),
            said("linux/amd64", "linux/x86_64"),
            said("linux/amd64", "linux/amd64/v1"),
            said("\"/a\"", "\"a\""),
            said("\"/a\"", "\"/a/../b\""),
            said(&digest, &digest.to_uppercase()),
            said(&digest, "ü"),
            said("sha256 =", "size = 1, sha256 ="),
            said("\n\"/a\"", "\n\"/a\" = {}\n\"/a\""),
            said(" }", ""),
        ]
        .join("\n"),
        @r#"
    the lock has version 2, and the newest that this bantam reads is 1
    line 3 of the lock: invalid type: string "1", expected u32
    line 1 of the lock: missing field `version`
    line 4 of the lock: `format = 9` is not known; this bantam knows format 1
    line 4 of the lock: invalid value: integer `-1`, expected u32
    line 6 of the lock is the mark of a merge conflict
    line 7 of the lock: unknown field `sources`, expected `source` or `images`
    line 9 of the lock: `linux/x86_64` is no platform that bantam builds for; known are linux/amd64, linux/arm64, linux/arm/v7, linux/arm/v6, linux/arm/v5, linux/386, linux/ppc64le, linux/riscv64, linux/s390x, linux/mips64le, linux/loong64
    line 9 of the lock: `linux/amd64/v1` is written `linux/amd64` in a lock
    line 10 of the lock: `a` is not an absolute path
    line 10 of the lock: `/a/../b` is written `/b` in a lock
    line 10 of the lock: `E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855` is no SHA-256 digest: 64 digits 0-9, a-f
    line 10 of the lock: `ü` is no SHA-256 digest: 64 digits 0-9, a-f
    line 10 of the lock: unknown field `size`, expected one of `sha256`, `mode`, `package`
    line 11 of the lock: duplicate key
    line 10 of the lock: unclosed inline table, expected `}`
    "#
    );
    assert!(Lock::parse("").is_err());
}

#[test]
fn changes_are_shown_a_line_each() {
    let old = lock(&[
        file("/same", "x", Some("a 1")),
        file("/gone", "x", Some("a 1")),
        file("/content", "x", Some("a 1")),
        file("/package", "x", Some("a 1")),
    ]);
    let mut new = lock(&[
        file("/same", "x", Some("a 1")),
        file("/new", "x", None),
        file("/content", "y", Some("a 1")),
        file("/package", "y", Some("a 2")),
    ]);
    new.source = "rootfs:./sysroot".into();
    insta::assert_snapshot!(diff(&old, &new), @r#"
~ source host → rootfs:./sysroot
~ linux/amd64 /content (a 1)
- linux/amd64 /gone (a 1)
+ linux/amd64 /new
~ linux/amd64 /package (a 1 → a 2)
"#);
    assert!(diff(&old, &old).is_empty());
    assert!(!diff(&old, &new).is_empty());
}

fn any_lock() -> impl Strategy<Value = Lock> {
    let path = "(/[^/\u{0}]{1,8}){1,3}"
        .prop_filter_map("normal", |text| TreePath::parse(&text).ok().filter(|path| path.as_str() == text));
    let record = (any::<[u8; 32]>(), 0..=0o7777_u32, prop::option::of(any::<String>()));
    let files = prop::collection::btree_map(path, record, 0..4).prop_map(|files| {
        let file = |(path, (digest, mode, package))| LockedFile {
            path,
            sha256: Sha256Digest(digest),
            mode,
            package,
        };
        files.into_iter().map(file).collect::<Vec<_>>()
    });
    let platform = prop::sample::select(Architecture::all().map(Platform::linux).collect::<Vec<_>>());
    let images = prop::collection::btree_map(platform, files, 0..4);
    let platform = prop::sample::select(Architecture::all().map(Platform::linux).collect::<Vec<_>>());
    let packages = prop::collection::btree_map(platform, any_packages(), 0..3);
    let platform = prop::sample::select(Architecture::all().map(Platform::linux).collect::<Vec<_>>());
    let tools = prop::collection::btree_map(platform, any_packages(), 0..2);
    let platform = prop::sample::select(Architecture::all().map(Platform::linux).collect::<Vec<_>>());
    let languages = prop::collection::btree_map(platform, any_language(), 0..3);
    let base = prop::option::of((any::<String>(), any_images()));
    let base = base.prop_map(|base| base.map(|(reference, images)| LockedBase { reference, images }));
    (any::<String>(), base, any_images(), images, packages, languages, tools).prop_map(
        |(source, base, sources, images, packages, languages, tools)| Lock {
            format: FORMAT,
            source,
            base,
            sources,
            images,
            packages,
            languages,
            tools,
        },
    )
}

fn any_images() -> impl Strategy<Value = BTreeMap<Platform, LockedImage>> {
    let platform = prop::sample::select(Architecture::all().map(Platform::linux).collect::<Vec<_>>());
    let image = (any::<[u8; 32]>(), any::<[u8; 32]>()).prop_map(|(digest, manifest)| LockedImage {
        digest: Sha256Digest(digest),
        manifest: Sha256Digest(manifest),
    });
    prop::collection::btree_map(platform, image, 0..3)
}

fn any_language() -> impl Strategy<Value = LockedLanguage> {
    let kind = prop::sample::select(vec![ArtifactKind::Wheel, ArtifactKind::Npm, ArtifactKind::Modules]);
    let texts = (any::<String>(), any::<String>(), prop::option::of(any::<String>()));
    let numbers = (any::<[u8; 32]>(), 0..u64::from(u32::MAX), any::<i64>());
    let artifact = |(file, (kind, (name, version, url), (digest, size, date)))| LockedArtifact {
        kind,
        name,
        version,
        file,
        sha256: Sha256Digest(digest),
        size,
        date,
        url,
    };
    let artifacts = prop::collection::btree_map("[a-z0-9._-]{1,8}[a-z]", (kind, texts, numbers), 0..3);
    let inputs = prop::collection::btree_map(any::<String>(), any::<[u8; 32]>().prop_map(Sha256Digest), 0..3);
    let path = "(/[a-z0-9._-]{1,6}[a-z]){1,3}".prop_map(|text| TreePath::parse(&text).unwrap());
    let runtime = prop::collection::btree_map(path, any::<[u8; 32]>().prop_map(Sha256Digest), 0..3);
    // A language that brought nothing is in no lock.
    let all = (inputs, runtime, artifacts).prop_map(move |(inputs, runtime, artifacts)| LockedLanguage {
        inputs,
        runtime,
        artifacts: artifacts.into_iter().map(artifact).collect(),
    });
    all.prop_filter("empty", |language| !language.is_empty())
}

#[test]
fn a_line_for_each_package_of_a_language() {
    let wheel = |version: &str| LockedArtifact {
        kind: ArtifactKind::Wheel,
        name: "flask".into(),
        version: version.into(),
        file: format!("flask-{version}-py3-none-any.whl"),
        sha256: Sha256Digest::of(version.as_bytes()),
        size: 103_308,
        date: 1_747_142_400,
        url: None,
    };
    let with = |version: &str| {
        let inputs = BTreeMap::from([("requirements.txt".to_owned(), Sha256Digest::of(version.as_bytes()))]);
        let library = TreePath::parse("/usr/lib/python3.11").unwrap();
        let runtime = BTreeMap::from([(library, Sha256Digest::of(version.as_bytes()))]);
        let language = LockedLanguage { inputs, runtime, artifacts: vec![wheel(version)] };
        Lock { languages: [(Platform::linux(Architecture::Arm64), language)].into(), ..lock(&[]) }
    };
    let text = with("3.1.1").to_text();
    insta::assert_snapshot!(text.split_once("[languages").unwrap().1, @r#"
    ."linux/arm64".inputs]
    "requirements.txt" = "11b66d3032607cb6df8b0a8470a6856bdcb631ef3fafd9397b6bc8db6b6d19b2"

    [languages."linux/arm64".runtime]
    "/usr/lib/python3.11" = "11b66d3032607cb6df8b0a8470a6856bdcb631ef3fafd9397b6bc8db6b6d19b2"

    [languages."linux/arm64".artifacts]
    "flask-3.1.1-py3-none-any.whl" = { kind = "wheel", name = "flask", version = "3.1.1", sha256 = "11b66d3032607cb6df8b0a8470a6856bdcb631ef3fafd9397b6bc8db6b6d19b2", size = 103308, date = 1747142400 }
    "#);
    assert_eq!(Lock::parse(&text), Ok(with("3.1.1")));
    insta::assert_snapshot!(diff(&with("3.1.1"), &with("3.1.2")).to_string(), @"
    ~ linux/arm64 flask 3.1.1 → 3.1.2
    ~ linux/arm64 what requirements.txt asks for
    ~ linux/arm64 what the runtime takes of /usr/lib/python3.11
    ");
    for (from, to) in [
        ("wheel", "egg"),
        ("flask-3.1.1-py3-none-any.whl", "../x.whl"),
        ("/usr/lib/python3.11", "usr/lib/python3.11"),
        ("/usr/lib/python3.11", "/usr/lib/../python3.11"),
    ] {
        assert!(Lock::parse(&text.replace(from, to)).is_err(), "{to}");
    }
}

#[test]
fn no_change_of_packages_with_one_name_is_lost() {
    let artifact = |kind, file: &str| LockedArtifact {
        kind,
        name: "shop".into(),
        version: "1".into(),
        file: file.into(),
        sha256: Sha256Digest::of(file.as_bytes()),
        size: 1,
        date: 0,
        url: None,
    };
    let with = |files: &[(ArtifactKind, &str)]| {
        let artifacts = files.iter().map(|(kind, file)| artifact(*kind, file)).collect();
        let language = LockedLanguage { artifacts, ..LockedLanguage::default() };
        Lock { languages: [(Platform::linux(Architecture::Arm64), language)].into(), ..lock(&[]) }
    };
    let (wheel, modules) = (ArtifactKind::Wheel, ArtifactKind::Modules);
    let both = with(&[(wheel, "a.whl"), (modules, "node_modules")]);
    let said = |old: &Lock, new: &Lock| diff(old, new).to_string();
    assert_eq!(said(&both, &with(&[(modules, "node_modules")])), "- linux/arm64 shop 1\n");
    assert_eq!(
        said(&both, &with(&[(wheel, "b.whl"), (modules, "other")])),
        "~ linux/arm64 shop 1: another wheel of that version\n~ linux/arm64 shop 1: another modules of that version\n"
    );
    let two = with(&[(wheel, "a.whl"), (wheel, "b.whl")]);
    assert_eq!(said(&two, &with(&[(wheel, "b.whl")])), "- linux/arm64 shop 1\n");
    assert_eq!(said(&two, &with(&[(wheel, "c.whl"), (wheel, "b.whl")])).lines().count(), 2);
}

#[test]
fn a_line_for_each_image_that_is_built_upon() {
    let digest = |byte| Sha256Digest([byte; 32]);
    let image = |manifest| LockedImage { digest: digest(1), manifest: digest(manifest) };
    let platforms = [Architecture::Amd64, Architecture::Arm64].map(Platform::linux);
    let with = |manifest| Lock {
        base: Some(LockedBase {
            reference: "ghcr.io/acme/base:1".into(),
            images: platforms.into_iter().zip([image(2), image(manifest)]).collect(),
        }),
        sources: BTreeMap::from([(platforms[0], image(4))]),
        source: "image:oci:./parts".into(),
        ..lock(&[])
    };
    let text = with(3).to_text();
    let of_images: Vec<&str> = text.split("\n[").skip(1).take(4).collect();
    insta::assert_snapshot!(of_images.join("\n["), @r#"
    runtime]
    source = "image:oci:./parts"

    [runtime.images]
    "linux/amd64" = { digest = "0101010101010101010101010101010101010101010101010101010101010101", manifest = "0404040404040404040404040404040404040404040404040404040404040404" }

    [base]
    reference = "ghcr.io/acme/base:1"

    [base.images]
    "linux/amd64" = { digest = "0101010101010101010101010101010101010101010101010101010101010101", manifest = "0202020202020202020202020202020202020202020202020202020202020202" }
    "linux/arm64" = { digest = "0101010101010101010101010101010101010101010101010101010101010101", manifest = "0303030303030303030303030303030303030303030303030303030303030303" }
    "#);
    assert_eq!(Lock::parse(&text), Ok(with(3)));
    let said = diff(&with(3), &with(5)).to_string();
    assert_eq!(said, format!("~ linux/arm64 base {} → {}\n", digest(3), digest(5)));
}

fn any_packages() -> impl Strategy<Value = Vec<LockedPackage>> {
    let why = prop_oneof![
        Just(LockedWhy::Spec),
        "[a-z0-9]{1,8}".prop_map(LockedWhy::Provides),
        "[a-z0-9. ]{1,8}".prop_map(LockedWhy::Library),
        "/[a-z/]{1,8}".prop_map(LockedWhy::Path),
        "[a-z]{1,8}".prop_map(LockedWhy::Program),
        "[a-z]{1,8}".prop_map(LockedWhy::Depends),
    ];
    let texts = (any::<String>(), any::<String>(), any::<String>());
    let numbers = (any::<[u8; 32]>(), 0..u64::from(u32::MAX), any::<i64>());
    let path = "[a-z0-9]{1,4}(/[a-z0-9~+._]{1,6}[a-z]){0,2}";
    let record = (texts, numbers, path, prop::collection::btree_set(why, 0..3));
    let package = |(name, record)| {
        let ((version, architecture, suite), (digest, size, date), path, why) = record;
        let sha256 = Sha256Digest(digest);
        LockedPackage { name, version, architecture, sha256, size, date, suite, path, why }
    };
    prop::collection::btree_map(any::<String>(), record, 0..3)
        .prop_map(move |records| records.into_iter().map(package).collect())
}

#[test]
fn a_line_for_each_package() {
    let package = |name: &str, version: &str, why: &[LockedWhy]| LockedPackage {
        name: name.into(),
        version: version.into(),
        architecture: "amd64".into(),
        sha256: Sha256Digest::of(version.as_bytes()),
        size: 78,
        date: 1_754_006_400,
        suite: "bookworm-security".into(),
        path: format!("pool/main/{name}_{version}_amd64.deb"),
        why: why.iter().cloned().collect(),
    };
    let with = |packages: Vec<LockedPackage>| {
        let packages = BTreeMap::from([(Platform::linux(Architecture::Amd64), packages)]);
        let (base, sources, images, languages, tools) = Default::default();
        let source = "debian:bookworm".into();
        Lock { format: FORMAT, source, base, sources, images, packages, languages, tools }
    };
    let openssl = [LockedWhy::Library("libssl.so.3".into()), LockedWhy::Depends("shop".into())];
    let old = with(vec![
        package("libssl3", "3.0.15-1", &openssl),
        package("tzdata", "2026a-0", &[LockedWhy::Spec]),
    ]);
    insta::assert_snapshot!(old.to_text(), @r#"
# Written by bantam; keep it with the spec. `bantam update` brings it up to date.
# After a merge conflict, take either side and build again.
version = 1
format = 1

[runtime]
source = "debian:bookworm"

[packages."linux/amd64"]
"libssl3" = { version = "3.0.15-1", architecture = "amd64", sha256 = "8caf599f59da77f0a513d3a9b315b887604aaa9f61b8dbae748e577dbcb88238", size = 78, date = 1754006400, suite = "bookworm-security", path = "pool/main/libssl3_3.0.15-1_amd64.deb", why = ["library libssl.so.3", "depends shop"] }
"tzdata" = { version = "2026a-0", architecture = "amd64", sha256 = "d16459de10664536d65e3bd48c8414921c806a5ac7286e0825b0569628efca13", size = 78, date = 1754006400, suite = "bookworm-security", path = "pool/main/tzdata_2026a-0_amd64.deb", why = ["spec"] }
"#);
    let new = with(vec![package("libssl3", "3.0.16-1", &openssl), package("zlib1g", "1:1.2.13", &[])]);
    insta::assert_snapshot!(diff(&old, &new), @r#"
~ linux/amd64 libssl3 3.0.15-1 → 3.0.16-1
- linux/amd64 tzdata 2026a-0
+ linux/amd64 zlib1g 1:1.2.13
"#);
    let said = |from: &str, to: &str| {
        assert!(old.to_text().contains(from), "{from}");
        Lock::parse(&old.to_text().replace(from, to)).unwrap_err().to_string()
    };
    insta::assert_snapshot!(
        [
            said("pool/main/libssl3", "pool/../libssl3"),
            said("pool/main/libssl3", "/pool/main/libssl3"),
            said("\"spec\"", "\"because\""),
            said("\"spec\"", "\"library\""),
            said("size = 78", "size = -1"),
            said(", architecture = \"amd64\"", ""),
        ]
        .join("\n"),
        @r#"
line 10 of the lock: `pool/../libssl3_3.0.15-1_amd64.deb` is no path in an archive
line 10 of the lock: `/pool/main/libssl3_3.0.15-1_amd64.deb` is no path in an archive
line 11 of the lock: `because` is no reason of a lock
line 11 of the lock: `library` is no reason of a lock
line 10 of the lock: invalid value: integer `-1`, expected u64
line 10 of the lock: missing field `architecture`
"#
    );
}

proptest! {
    #[test]
    fn written_then_read_is_the_same(lock in any_lock()) {
        prop_assert_eq!(Lock::parse(&lock.to_text()), Ok(lock));
    }

    #[test]
    fn a_file_is_a_line(lock in any_lock()) {
        let files: usize = lock.images.values().map(Vec::len).sum();
        let text = lock.to_text();
        prop_assert_eq!(text.lines().filter(|line| line.contains(" = { sha256 = ")).count(), files);
    }

    #[test]
    fn no_text_panics(lock in any_lock(), at in any::<prop::sample::Index>(), put in "[\"=\\[{}a0\n\u{7f}ü]{0,3}") {
        let text = lock.to_text();
        let at = text.floor_char_boundary(at.index(text.len()));
        let _ = Lock::parse(&format!("{}{put}{}", &text[..at], &text[at..]));
    }
}
