use super::*;
use crate::{LayerEntry, read_layer};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use tree::{Content, ContentHandle, Entry, FileId, Kind, Meta, ReadAt};

fn options(compression: Compression, threads: usize) -> LayerOptions {
    LayerOptions { compression, level: None, threads: NonZeroUsize::new(threads).unwrap() }
}

fn write(tree: &Tree, compression: Compression, threads: usize) -> (Layer, Vec<u8>) {
    let mut out = vec![];
    let layer = write_layer(tree, &options(compression, threads), &mut out, &|_| ()).unwrap();
    (layer, out)
}

fn fails(tree: &Tree) -> String {
    let error = write_layer(tree, &options(Compression::Gzip, 2), &mut vec![], &|_| ()).unwrap_err();
    error.to_string()
}

fn p(text: &str) -> TreePath {
    text.parse().unwrap()
}

/// Bytes that look like nothing, the same every time.
fn noise(seed: u64, len: usize) -> Vec<u8> {
    let mut state = seed;
    let next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        // Half of it repeats, so that compressors have work.
        if state >> 63 == 0 { b'a' } else { (state >> 48) as u8 }
    };
    std::iter::repeat_with(next).take(len).collect()
}

/// Everything a layer can hold, of every size that the rules speak of.
fn sample() -> Tree {
    let mut tree = Tree::from_lines(
        "
        755 0:0 /usr/bin/tool = #!/bin/sh\\n
        777 0:0 /bin -> usr/bin
        1777 0:0 /tmp/
        700 65532:65532 /home/nonroot/
        4755 0:0 /usr/bin/su = root
        644 3000000:4294967295 /big-owner = x
        644 0:0 /empty
        777 0:0 /far -> ../../a/target/that/leads/nowhere
        644 0:0 /usr/share/ñandú/ütf-8 = é
        ",
    )
    .unwrap();
    tree.insert(p(&format!("/{}/{}", "d".repeat(120), "f".repeat(200))), Entry::file(text("deep"), 0o600));
    tree.insert(p("/long-link"), Entry::symlink("t".repeat(150)));
    let mut ping = Entry::file(text("ping"), 0o755);
    ping.meta
        .xattrs
        .insert(tree::CAPABILITY_XATTR.into(), vec![1, 0, 0, 2, 0, 0x20, 0, 0, 0, b'\n', b'=', 0]);
    tree.insert(p("/usr/bin/ping"), ping);
    for (number, size) in
        [(1_u64, 511_usize), (2, 512), (3, 300 << 10), (4, 1 << 20), (5, (1 << 20) + 1), (6, (3 << 20) + 77)]
    {
        tree.insert(
            p(&format!("/data/{number}")),
            Entry::file(Content::bytes(noise(number, size), "noise"), 0o644),
        );
    }
    for number in 0..400 {
        let content = Content::bytes(noise(number, 4000 + number as usize), "noise");
        tree.insert(p(&format!("/many/{number}.txt")), Entry::file(content, 0o644));
    }
    tree.add_parents();
    tree
}

fn text(text: &str) -> Content {
    Content::bytes(text, "the test")
}

/// What a layer holds, in the form of [`Tree::dump`].
fn dump(bytes: &[u8], layer: &Layer) -> String {
    let mut dump = "d0755 0:0 /\n".to_string();
    let summary = read_layer(bytes, &layer.descriptor.media_type, |entry| dump += &line(&entry)).unwrap();
    assert_eq!((summary.diff_id, summary.tar_size), (layer.diff_id, layer.tar_size));
    dump
}

fn line(LayerEntry { path, kind, meta }: &LayerEntry) -> String {
    use crate::EntryKind::*;
    let (letter, content, link) = match kind {
        Directory => ('d', String::new(), String::new()),
        File { size, digest, .. } => {
            ('-', format!("{size} {} ", &digest.unwrap().hex()[..12]), String::new())
        }
        Symlink(target) => ('l', String::new(), format!(" -> {target}")),
        HardLink(target) => ('h', String::new(), format!(" = {target}")),
        other => panic!("{path} is {other:?}"),
    };
    let xattrs = meta.xattrs.iter().map(|(name, value)| {
        format!(" {name}={}", value.iter().map(|byte| format!("{byte:02x}")).collect::<String>())
    });
    let xattrs: String = xattrs.collect();
    format!("{letter}{:04o} {}:{} {content}{path}{link}{xattrs}\n", meta.mode, meta.uid, meta.gid)
}

/// Content with an inode, or of another length than it says.
struct Odd {
    told: u64,
    bytes: Vec<u8>,
    inode: Option<u64>,
}

impl ContentHandle for Odd {
    fn size(&self) -> u64 {
        self.told
    }
    fn open(&self) -> io::Result<Box<dyn ReadAt + '_>> {
        Ok(Box::new(&self.bytes[..]))
    }
    fn origin(&self) -> String {
        "/src/odd".into()
    }
    fn file_id(&self) -> Option<FileId> {
        self.inode.map(|inode| FileId { device: 1, inode })
    }
}

fn inode(inode: u64, text: &str) -> Entry {
    Entry::file(Content::new(Odd { told: text.len() as u64, bytes: text.into(), inode: Some(inode) }), 0o644)
}

#[test]
fn what_is_written_is_read_again() {
    let tree = sample();
    let want = tree.dump().unwrap();
    for compression in [Compression::None, Compression::Gzip, Compression::Zstd] {
        let (layer, bytes) = write(&tree, compression, 2);
        assert_eq!(layer.descriptor, Descriptor::of(compression.media_type(), &bytes));
        assert_eq!(dump(&bytes, &layer), want, "{compression:?}");
        let files = tree.iter().filter_map(|(_, entry)| entry.content());
        assert_eq!(layer.unpacked_size, files.map(Content::size).sum::<u64>());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_tree_is_read_again(
        entries in prop::collection::btree_map(
            prop::collection::vec("[a-zé .\\n]{1,3}x|[a-c]{90,110}", 1..4),
            (0..3, 0_u32..0o10000, any::<u32>(), 0_u32..1 << 22, prop::collection::vec(any::<u8>(), 0..2000), "[ -~é]{1,120}"),
            0..12,
        ),
        threads in 1..4_usize,
    ) {
        let mut tree = Tree::new();
        for (names, (kind, mode, uid, gid, content, target)) in entries {
            let path = p(&format!("/{}", names.join("/")));
            let blocked = path.ancestors().any(|dir| tree.get(&dir).is_some_and(|entry| !entry.is_directory()));
            if blocked || tree.range(&path).next().is_some() {
                continue;
            }
            let mut entry = match kind {
                0 => Entry::directory(mode),
                1 => Entry::symlink(target),
                _ => Entry::file(Content::bytes(content.clone(), "chance"), mode),
            };
            if content.len() % 5 == 1 {
                entry.meta.xattrs.insert("security.capability".into(), content);
            }
            tree.insert(path, entry.owned_by(uid, gid));
        }
        tree.add_parents();
        let want = tree.dump().unwrap();
        for compression in [Compression::None, Compression::Gzip, Compression::Zstd] {
            let (layer, bytes) = write(&tree, compression, threads);
            prop_assert_eq!(&dump(&bytes, &layer), &want);
            if compression == Compression::None {
                let mut archive = tar::Archive::new(&bytes[..]);
                let count = archive.entries().unwrap().map(Result::unwrap).count();
                prop_assert_eq!(count + 1, tree.len());
            }
        }
    }
}

#[test]
fn the_bytes_depend_on_neither_threads_nor_chance() {
    let tree = sample();
    for compression in [Compression::Gzip, Compression::Zstd] {
        let first = write(&tree, compression, 1);
        for threads in [1, 2, 8] {
            assert!(write(&tree, compression, threads) == first, "{compression:?} on {threads} threads");
        }
    }
}

/// The bytes of format 1. A change here changes the digest of every image that anybody has built:
/// it is a new format, never an update of these lines.
#[test]
fn the_bytes_are_pinned() {
    let tree = sample();
    let pins = [Compression::None, Compression::Gzip, Compression::Zstd]
        .map(|compression| write(&tree, compression, 2).0.descriptor.digest.to_string());
    insta::assert_debug_snapshot!(pins, @r#"
[
    "sha256:c14596339e8765c1cc0e777d8c59c5145b4ab94cc07b0f9ad6864676d77a081b",
    "sha256:67ef47f191382859c4ab868a0953463bb1300235448c69fdf93d0b9028132a5b",
    "sha256:e2364eb95839dfb33cd449f037857a74bcbdf089e8cacb10fada265c2489e6df",
]
"#);
    let mut empty = vec![];
    write_layer(&Tree::new(), &options(Compression::Gzip, 1), &mut empty, &|_| ()).unwrap();
    insta::assert_debug_snapshot!(empty, @"
[
    31,
    139,
    8,
    0,
    0,
    0,
    0,
    0,
    0,
    255,
    98,
    96,
    24,
    5,
    163,
    96,
    20,
    48,
    140,
    80,
    0,
    0,
    0,
    0,
    255,
    255,
    3,
    0,
    46,
    175,
    181,
    239,
    0,
    4,
    0,
    0,
]
");
}

#[test]
fn the_tar_is_as_the_tar_crate_reads_it() {
    let (_, bytes) = write(&sample(), Compression::None, 1);
    let mut archive = tar::Archive::new(&bytes[..]);
    let mut listing = String::new();
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        let path = String::from_utf8(entry.path_bytes().into_owned()).unwrap();
        if path.starts_with("many/") && path != "many/" {
            continue;
        }
        let link = entry.link_name_bytes().map(|name| String::from_utf8(name.into_owned()).unwrap());
        // The crate ends a record at a newline within its value; such a rest is no record.
        let pax: Vec<String> = entry
            .pax_extensions()
            .unwrap()
            .into_iter()
            .flatten()
            .filter_map(|record| Some(record.ok()?.key().unwrap().to_string()))
            .collect();
        let header = entry.header();
        assert_eq!(header.mtime().unwrap(), 315_532_800);
        assert_eq!((header.username().unwrap(), header.groupname().unwrap()), (Some(""), Some("")));
        assert_eq!((header.device_major().unwrap(), header.device_minor().unwrap()), (Some(0), Some(0)));
        let shorten =
            |text: String| if text.len() > 60 { format!("{}… {}", &text[..20], text.len()) } else { text };
        listing += &format!(
            "{} {:o} {}:{} {} {}{}{}\n",
            header.as_old().linkflag[0] as char,
            header.mode().unwrap(),
            header.uid().unwrap(),
            header.gid().unwrap(),
            entry.size(),
            shorten(path),
            link.map(|link| format!(" -> {}", shorten(link))).unwrap_or_default(),
            if pax.is_empty() { String::new() } else { format!(" pax {}", pax.join(",")) },
        );
    }
    insta::assert_snapshot!(listing, @"
0 644 3000000:4294967295 1 big-owner pax gid,uid
2 777 0:0 0 bin -> usr/bin
5 755 0:0 0 data/
0 644 0:0 511 data/1
0 644 0:0 512 data/2
0 644 0:0 307200 data/3
0 644 0:0 1048576 data/4
0 644 0:0 1048577 data/5
0 644 0:0 3145805 data/6
5 755 0:0 0 dddddddddddddddddddd… 121 pax path
0 600 0:0 4 dddddddddddddddddddd… 321 pax path
0 644 0:0 0 empty
2 777 0:0 0 far -> ../../a/target/that/leads/nowhere
5 755 0:0 0 home/
5 700 65532:65532 0 home/nonroot/
2 777 0:0 0 long-link -> tttttttttttttttttttt… 150 pax linkpath
5 755 0:0 0 many/
5 1777 0:0 0 tmp/
5 755 0:0 0 usr/
5 755 0:0 0 usr/bin/
0 755 0:0 4 usr/bin/ping
0 4755 0:0 4 usr/bin/su
0 755 0:0 10 usr/bin/tool
5 755 0:0 0 usr/share/
5 755 0:0 0 usr/share/ñandú/ pax path
0 644 0:0 2 usr/share/ñandú/ütf-8 pax path
");
}

#[test]
fn names_of_one_inode_are_links() {
    let mut tree = Tree::new();
    tree.insert(p("/a"), inode(7, "content"));
    tree.insert(p("/b"), inode(7, "content"));
    tree.insert(p("/c"), inode(8, "content"));
    let mut other = inode(7, "content");
    other.meta.mode = 0o600;
    tree.insert(p("/d"), other.clone());
    tree.insert(p("/e"), other);
    tree.insert(p("/f"), Entry::file(text("content"), 0o644));
    tree.insert(p("/g"), Entry::file(text("content"), 0o644));
    let (layer, bytes) = write(&tree, Compression::Gzip, 2);
    insta::assert_snapshot!(dump(&bytes, &layer), @"
d0755 0:0 /
-0644 0:0 7 ed7002b439e9 /a
h0644 0:0 /b = /a
-0644 0:0 7 ed7002b439e9 /c
-0600 0:0 7 ed7002b439e9 /d
h0600 0:0 /e = /d
-0644 0:0 7 ed7002b439e9 /f
-0644 0:0 7 ed7002b439e9 /g
");
    assert_eq!(layer.unpacked_size, 5 * 7);
}

#[test]
fn a_changed_file_is_told() {
    for (told, len) in [(5, 4), (5, 6), (0, 1), (3 << 20, (3 << 20) - 1), (3 << 20, (3 << 20) + 1)] {
        let content = Content::new(Odd { told, bytes: vec![b'x'; len], inode: None });
        let mut tree = Tree::new();
        tree.insert(p("/app"), Entry::file(content, 0o644));
        assert_eq!(
            fails(&tree),
            format!("/app was changed while it was read: /src/odd no longer has {told} bytes")
        );
    }
}

#[test]
fn what_no_layer_can_hold_is_refused() {
    let with = |entry: Entry| {
        let mut tree = Tree::new();
        tree.insert(p("/x"), entry);
        fails(&tree)
    };
    let special = Entry { kind: Kind::Special("a socket"), meta: Meta::root(0o644) };
    assert_eq!(with(special), "/x is a socket, which no layer can hold");
    assert_eq!(with(Entry::symlink("")), "/x is a symbolic link to \"\", which no layer can hold");
    let mut named = Entry::directory(0o755);
    named.meta.xattrs.insert("user.a=b".into(), vec![]);
    assert_eq!(
        with(named),
        "/x is an entry with the extended attribute \"user.a=b\", which no layer can hold"
    );
    let mut hidden = Tree::from_lines("644 0:0 /etc/.wh.passwd").unwrap();
    let what = "an entry whose name means that another is gone";
    assert_eq!(fails(&hidden), format!("/etc/.wh.passwd is {what}, which no layer can hold"));
    hidden = Tree::from_lines("644 0:0 /etc/.white").unwrap();
    write(&hidden, Compression::None, 1);
    let mut orphan = Tree::new();
    orphan.insert(p("/no/parent"), Entry::directory(0o755));
    assert_eq!(fails(&orphan), "the layer's tree is not whole");
}

/// A place that takes some bytes and then fails or panics.
struct Broken {
    room: usize,
    panics: bool,
}

impl Write for Broken {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        if self.room == 0 {
            assert!(!self.panics, "the writer's own panic");
            return Err(io::ErrorKind::StorageFull.into());
        }
        let put = buf.len().min(self.room);
        self.room -= put;
        Ok(put)
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_stage_that_fails_stops_the_others() {
    let tree = sample();
    for (room, threads) in [(0, 1), (5, 4), (100_000, 1), (2_000_000, 4)] {
        let mut out = Broken { room, panics: false };
        let error = write_layer(&tree, &options(Compression::Gzip, threads), &mut out, &|_| ()).unwrap_err();
        assert!(matches!(error, LayerError::Write(_)), "{error}");
        let mut out = Broken { room, panics: true };
        let options = options(Compression::Gzip, threads);
        catch_unwind(AssertUnwindSafe(|| write_layer(&tree, &options, &mut out, &|_| ()))).unwrap_err();
    }
}

/// Content that panics when it is read.
struct Panicking;

impl ContentHandle for Panicking {
    fn size(&self) -> u64 {
        1
    }
    fn open(&self) -> io::Result<Box<dyn ReadAt + '_>> {
        panic!("the content's own panic")
    }
    fn origin(&self) -> String {
        "nowhere".into()
    }
}

#[test]
fn a_panic_in_the_producer_is_passed_on() {
    let mut tree = sample();
    tree.insert(p("/zzz"), Entry::file(Content::new(Panicking), 0o644));
    let run = || write_layer(&tree, &options(Compression::Gzip, 2), &mut vec![], &|_| ());
    let panic = catch_unwind(AssertUnwindSafe(run)).unwrap_err();
    assert_eq!(panic.downcast_ref::<&str>(), Some(&"the content's own panic"));
}

#[test]
fn progress_adds_up_to_the_tar() {
    let seen = AtomicU64::new(0);
    let add = |bytes| {
        seen.fetch_add(bytes, Ordering::Relaxed);
    };
    let layer = write_layer(&sample(), &options(Compression::Zstd, 2), &mut vec![], &add).unwrap();
    assert_eq!(seen.load(Ordering::Relaxed), layer.tar_size);
}

/// The digests of the chunks of a tree.
fn chunks(tree: &Tree) -> Vec<(Digest, usize)> {
    let seen = Mutex::new(vec![]);
    let mut emit = |part: chunk::Part| {
        seen.lock().unwrap().push((Digest::of(&part.raw), part.raw.len()));
        Some(super::buffer::Buffer::default())
    };
    let codec = encode::Codec::new(Compression::None, None).unwrap();
    assert!(chunk::produce(tree, codec, &mut emit).is_ok());
    seen.into_inner().unwrap()
}

/// 1,200 files of 4 to 60 KiB.
fn wide(grown: Option<u64>) -> Tree {
    let mut tree = Tree::new();
    for number in 0..1200_u64 {
        let size = 4096
            + number.wrapping_mul(2_654_435_761) % 57_344
            + if grown == Some(number) { 70_000 } else { 0 };
        let content = Content::bytes(vec![number as u8; size as usize], "the test");
        tree.insert(p(&format!("/lib/{number:04}")), Entry::file(content, 0o644));
    }
    tree.add_parents();
    tree
}

#[test]
fn chunks_keep_their_bounds() {
    let lengths: Vec<usize> = chunks(&wide(None)).into_iter().map(|(_, len)| len).collect();
    let most = lengths.len() - 1;
    assert!(lengths[..most].iter().all(|len| (chunk::MIN..=chunk::MAX).contains(len)), "{lengths:?}");
    let average = lengths.iter().sum::<usize>() / lengths.len();
    assert!((500_000..900_000).contains(&average), "{average}");
}

#[test]
fn a_file_that_grows_changes_the_chunks_around_it_only() {
    let before: BTreeMap<Digest, usize> = chunks(&wide(None)).into_iter().collect();
    for grown in [0, 1, 777, 1198] {
        let after = chunks(&wide(Some(grown)));
        let new: usize =
            after.iter().filter(|(digest, _)| !before.contains_key(digest)).map(|(_, len)| len).sum();
        assert!(new <= 4 * chunk::MAX, "file {grown}: {new} new bytes");
    }
}

#[test]
fn a_large_file_is_cut_at_fixed_steps_and_stands_alone() {
    let mut tree = Tree::from_lines("644 0:0 /a = first\n644 0:0 /z = last").unwrap();
    tree.insert(p("/m"), Entry::file(Content::bytes(noise(1, (2 << 20) + 1), "noise"), 0o644));
    let lengths: Vec<usize> = chunks(&tree).into_iter().map(|(_, len)| len).collect();
    assert_eq!(lengths, [1024, 512 + (1 << 20), 1 << 20, 512, 1024 + 1024]);
}
