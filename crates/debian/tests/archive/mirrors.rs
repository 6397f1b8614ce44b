//! Mirrors that fail.

use crate::world::{Answer, Files, Mirror, World, config};
use fetch::Client;

const INDEX: &str = "main/binary-amd64/Packages";
const PATH: &str = "dists/sid/main/binary-amd64/Packages";

fn sid(words: &str, text: &[u8]) -> Files {
    Files::default().suite("dists/sid", words, &[(INDEX, text)])
}

fn by_hash(text: &[u8]) -> String {
    format!("dists/sid/main/binary-amd64/by-hash/SHA256/{}", tree::Sha256Digest::of(text).hex())
}

#[test]
fn the_next_mirror_is_asked() {
    let text = b"the text of the index";
    // What is wrong with the first mirror, and how often each is asked for an index then.
    for (path, answers, first, second) in [
        ("dists/sid/InRelease", vec![Answer::Status(404)], 0, 1),
        ("dists/sid/InRelease", vec![Answer::Status(503)], 0, 1),
        ("dists/sid/InRelease", vec![Answer::Body(b"signed by nobody\n".to_vec())], 0, 1),
        (PATH, vec![Answer::Status(404)], 1, 1),
        (PATH, vec![Answer::Status(403)], 1, 1),
        (PATH, vec![Answer::Body(b"the text of the indeX".to_vec())], 1, 1),
        (PATH, vec![Answer::Body(b"short".to_vec())], 1, 1),
        (PATH, vec![Answer::Cut(text.to_vec(), 9)], 2, 1),
        // A try that follows another is no failure.
        (PATH, vec![Answer::Cut(text.to_vec(), 9), Answer::Body(text.to_vec())], 2, 0),
        (PATH, vec![Answer::Status(503), Answer::Body(text.to_vec())], 2, 0),
    ] {
        let (bad, good) = (Mirror::new(&sid("", text)), Mirror::new(&sid("", text)));
        bad.put(path, answers);
        assert_eq!(World::new().texts(&config("sid", &[bad.url(), good.url()])), "0: the text of the index");
        let asked = |mirror: &Mirror| mirror.asked().into_iter().filter(|path| path == PATH).count();
        assert_eq!((asked(&bad), asked(&good)), (first, second), "{path}");
    }
}

#[test]
fn who_is_down_is_asked_last() {
    let good = Mirror::new(&sid("", b"index"));
    let bad = Mirror::new(&sid("", b"index"));
    bad.put("dists/sid/InRelease", vec![Answer::Status(500)]);
    let world = World::new();
    assert_eq!(world.texts(&config("sid", &[Mirror::down(), bad.url(), good.url()])), "0: index");
    assert_eq!(bad.asked(), ["dists/sid/InRelease", "dists/sid/InRelease"]);
}

#[test]
fn all_that_was_said_is_told() {
    let wrong = |answer: Answer| {
        let mirror = Mirror::new(&sid("", b"index"));
        mirror.put(PATH, vec![answer]);
        mirror
    };
    let short = wrong(Answer::Body(b"ind".to_vec()));
    let other = wrong(Answer::Body(b"INDEX".to_vec()));
    let gone = wrong(Answer::Status(404));
    let down = Mirror::down();
    let error = World::new().texts(&config("sid", &[short.url(), other.url(), gone.url(), down.clone()]));
    for expected in [
        &format!("no mirror has {INDEX} of sid as its release lists it: "),
        &format!("{}/{PATH} has 3 bytes, not 5", short.url()),
        &format!("{}/{PATH} has the digest sha256:", other.url()),
        &format!("{}/{PATH} is not there (404)", gone.url()),
        &format!("{down}/{PATH} could not be fetched in 2 tries: 2 times no connection: "),
    ] {
        assert!(error.contains(expected), "{error}\n{expected}");
    }

    let unsigned = Mirror::new(&sid("", b"index"));
    unsigned.put("dists/sid/InRelease", vec![Answer::Body(b"signed by nobody\n".to_vec())]);
    let expired = Mirror::new(&sid("expired", b"index"));
    let error = World::new().texts(&config("sid", &[unsigned.url(), expired.url(), down.clone()]));
    for expected in [
        "no mirror has a release of sid that can be used: ",
        &format!("{}/dists/sid/InRelease: it is not signed by debian", unsigned.url()),
        &format!("{}/dists/sid/InRelease: it is no longer valid", expired.url()),
        &format!("{down}/dists/sid/InRelease could not be fetched"),
    ] {
        assert!(error.contains(expected), "{error}\n{expected}");
    }
    assert!(World::new().texts(&config("sid", &[])).ends_with("that can be used: there is none"));
}

#[test]
fn a_suite_is_absent_only_if_that_is_what_is_said() {
    let files = Files::default().suite("dists/bookworm", "", &[(INDEX, b"main")]).suite(
        "!dists/bookworm-security",
        "",
        &[(INDEX, b"fixes")],
    );
    let mirror = Mirror::new(&files);
    let open = || World::new().texts(&config("bookworm", &[mirror.url()]));
    assert_eq!(open(), "0: main\n2: fixes");
    for status in [403, 404, 410] {
        mirror.put("dists/bookworm-updates/InRelease", vec![Answer::Status(status)]);
        assert_eq!(open(), "0: main\n2: fixes", "{status}");
    }
    for status in [401, 500] {
        mirror.put("dists/bookworm-updates/InRelease", vec![Answer::Status(status)]);
        let error = open();
        assert!(error.starts_with("no mirror has a release of bookworm-updates"), "{error}");
    }
}

#[test]
fn a_suite_that_is_out_of_step_is_as_good_as_absent() {
    let files = |fixes: &[u8]| {
        Files::default().suite("dists/bookworm", "", &[(INDEX, b"main")]).suite(
            "!dists/bookworm-security",
            "",
            &[(INDEX, fixes), ("main/Contents-amd64", b"bin/a a")],
        )
    };
    let (mirror, other) = (Mirror::new(&files(b"fixes")), files(b"further fixes"));
    let at = format!("!dists/bookworm-security/{INDEX}").replace('!', "");
    let stale = other.0.iter().find(|(path, _)| path.ends_with(&at)).unwrap();
    mirror.put(stale.0, vec![Answer::Body(stale.1.clone())]);
    let world = World::new();
    let config = config("bookworm", &[mirror.url()]);
    assert_eq!(world.texts(&config), "0: main");
    let archive = world.open(&config).unwrap();
    let absent: Vec<&str> = archive.absent().iter().map(|absent| &*absent.suite).collect();
    assert!(absent.contains(&"bookworm-security"), "{absent:?}");

    // The suite itself is not.
    mirror.put(&format!("dists/bookworm/{INDEX}"), vec![Answer::Body(b"stale".to_vec())]);
    let error = World::new().texts(&config);
    assert!(error.contains("as its release lists it"), "{error}");
}

#[test]
fn a_mirror_in_the_middle_of_an_update() {
    let (old, new) = (sid("", b"the old index"), sid("", b"the new index"));
    // It has the new index and the old release, and then the new one.
    let mirror = Mirror::new(&new);
    let release = |files: &Files| Answer::Body(files.0["dists/sid/InRelease"].clone());
    mirror.put("dists/sid/InRelease", vec![release(&old), release(&new)]);
    assert_eq!(World::new().texts(&config("sid", &[mirror.url()])), "0: the new index");
    assert_eq!(mirror.asked(), ["dists/sid/InRelease", "dists/sid/InRelease", PATH, PATH]);

    // It is asked once more, not for ever.
    mirror.put("dists/sid/InRelease", vec![release(&old)]);
    let error = World::new().texts(&config("sid", &[mirror.url()]));
    assert!(error.contains("has the digest"), "{error}");
    assert_eq!(mirror.asked(), ["dists/sid/InRelease", "dists/sid/InRelease", PATH]);
}

#[test]
fn a_mirror_that_is_out_of_step() {
    let (old, new) = (sid("", b"the old index"), sid("", b"the new index"));
    // One has the old release only and no index that fits; the other is as it should be.
    let (torn, good) = (Mirror::new(&old), Mirror::new(&new));
    torn.put(PATH, vec![Answer::Status(404)]);
    assert_eq!(World::new().texts(&config("sid", &[torn.url(), good.url()])), "0: the new index");
    assert_eq!(torn.asked(), ["dists/sid/InRelease", PATH]);
}

#[test]
fn indexes_by_their_hash() {
    let text = b"the index";
    let mirror = Mirror::new(&sid("by-hash", text));
    let config = config("sid", &[mirror.url()]);
    // Where it is by its hash, the name may have another already.
    mirror.put(&by_hash(text), vec![Answer::Body(text.to_vec())]);
    mirror.put(PATH, vec![Answer::Body(b"another".to_vec())]);
    assert_eq!(World::new().texts(&config), "0: the index");
    assert_eq!(mirror.asked(), ["dists/sid/InRelease".to_owned(), by_hash(text)]);
    // Where it is not, the name has it.
    mirror.remove(&by_hash(text));
    mirror.put(PATH, vec![Answer::Body(text.to_vec())]);
    assert_eq!(World::new().texts(&config), "0: the index");
    let mut asked = ["dists/sid/InRelease".to_owned(), PATH.to_owned(), by_hash(text)];
    asked.sort();
    assert_eq!(mirror.asked(), asked);
}

#[test]
fn another_form_will_do() {
    let xz = &format!("{INDEX}.xz");
    let files = Files::default().suite("dists/sid", "", &[(xz, b""), (&format!("{INDEX}.gz"), b"in gz")]);
    let open = |answer: Answer| {
        let mirror = Mirror::new(&files);
        mirror.put(&format!("{PATH}.xz"), vec![answer]);
        World::new().texts(&config("sid", &[mirror.url()]))
    };
    assert_eq!(open(Answer::Status(404)), "0: in gz");
    assert_eq!(open(Answer::Body(b"stale".to_vec())), "0: in gz");
    // Who cannot be reached has no other form either.
    let error = open(Answer::Status(503));
    assert!(error.starts_with(&format!("no mirror has {xz} of sid")) && !error.contains(".gz"), "{error}");
}

#[test]
fn offline() {
    let mirror = Mirror::new(&sid("", b"index"));
    let config = config("sid", &[mirror.url()]);
    let mut world = World::new();
    let online = std::mem::replace(&mut world.client, Client::offline());
    let error = world.texts(&config);
    assert!(error.ends_with("/dists/sid/InRelease was not fetched: offline"), "{error}");
    world.client = online;
    assert_eq!(world.texts(&config), "0: index");
    world.client = Client::offline();
    assert_eq!(world.texts(&config), "0: index");
    assert_eq!(mirror.asked(), ["dists/sid/InRelease", PATH]);
}

#[test]
fn a_damaged_cache_costs_time_only() {
    let mirror = Mirror::new(&sid("", b"index"));
    let config = config("sid", &[mirror.url()]);
    let world = World::new();
    assert_eq!(world.texts(&config), "0: index");
    let hex = tree::Sha256Digest::of(b"index").hex();
    let blob = world.path("cache/blobs/sha256").join(&hex[..2]).join(&hex[2..]);
    std::fs::write(blob, "INDEX").unwrap();
    assert_eq!(world.texts(&config), "0: index");
    // And one that cannot be written to does, too.
    let mut world = World::new();
    std::fs::write(world.path("file"), "").unwrap();
    world.cache = cache::Cache::new(world.path("file/cache"));
    assert_eq!(world.texts(&config), "0: index");
}
