//! Registries that refuse, lie, or are gone in the middle of a word.

use std::thread;

use super::clients::{assert_whole, bantam, crane, found, image};
use super::proxy::{Act, Proxy, Seen};
use super::server::{Registry, Software};
use crate::layout;
use crate::workshop::{Image, Workshop, assert_has, at_hand, fails, ok};

/// What these tests share.
struct World {
    workshop: Workshop,
    image: Image,
    registry: Registry,
}

impl World {
    fn new(name: &str) -> Option<Self> {
        if !at_hand(&["docker-registry", "crane"]) {
            return None;
        }
        let workshop = Workshop::new();
        let image = image(&workshop, name);
        Some(Self { image, workshop, registry: Software::DockerRegistry.start() })
    }

    fn push(&self, name: &str) -> std::process::Command {
        let mut push = bantam(&self.workshop);
        push.args(["push", &self.image.oci(), name]);
        push
    }

    fn pull(&self, name: &str, layout: &str) -> std::process::Command {
        let mut pull = bantam(&self.workshop);
        pull.args(["pull", name, &format!("oci:{layout}:1")]);
        pull
    }
}

/// How registries of the world say that a tag must stay what it is, or that somebody may not write.
const REFUSALS: [(&str, &str, i32); 6] = [
    (
        "400 Bad Request",
        r#"{"errors":[{"code":"TAG_INVALID","message":"The image tag '1' already exists in the 'acme' repository and cannot be overwritten because the repository is immutable."}]}"#,
        7,
    ),
    (
        "405 Method Not Allowed",
        r#"{"errors":[{"code":"UNSUPPORTED","message":"The operation is unsupported: the tag is locked."}]}"#,
        7,
    ),
    (
        "409 Conflict",
        r#"{"errors":[{"code":"TAG_IMMUTABLE","message":"The tag is immutable and cannot be updated."}]}"#,
        7,
    ),
    (
        "412 Precondition Failed",
        r#"{"errors":[{"code":"PRECONDITION","message":"Failed to process request due to 'acme:1' configured as immutable."}]}"#,
        7,
    ),
    (
        "403 Forbidden",
        r#"{"errors":[{"code":"DENIED","message":"Requested access to the resource is denied."}]}"#,
        6,
    ),
    ("400 Bad Request", "<html>no JSON: a gateway's own page</html>", 7),
];

#[test]
fn a_tag_that_must_stay() {
    let Some(world) = World::new("immutable") else { return };
    ok(&mut crane(&[
        "append",
        "--oci-empty-base",
        "--new_tag",
        &world.registry.name("acme:1"),
        "-f",
        "/dev/null",
    ]));
    let older = found(&world.registry.name("acme:1"));
    assert!(older.is_some());
    for (status, body, code) in REFUSALS {
        let refuse = move |seen: &Seen| match seen.tags() && seen.target.ends_with("/1") {
            true => {
                Act::Answer { status, headers: vec![("content-type", "application/json")], body: body.into() }
            }
            false => Act::Forward,
        };
        let proxy = Proxy::before(&world.registry.address, refuse);
        let said = fails(&mut world.push(&format!("{}/acme:1", proxy.address())), code);
        let message = body.split("\"message\":\"").nth(1).and_then(|rest| rest.split('"').next());
        assert_has(&said, &["acme:1", message.unwrap_or("400")]);
        assert_eq!(found(&world.registry.name("acme:1")), older, "{said}");
        assert!(proxy.take().iter().filter(|seen| seen.tags()).count() <= 2, "it was tried again and again");
    }
}

#[test]
fn a_tag_that_must_stay_and_is_this_image_already() {
    let Some(world) = World::new("unchanged") else { return };
    ok(&mut world.push(&world.registry.name("acme/unchanged:1")));
    let refuse = |seen: &Seen| match ["GET", "HEAD"].contains(&seen.method.as_str()) {
        true => Act::Forward,
        false => Act::Answer { status: "409 Conflict", headers: vec![], body: String::new() },
    };
    let proxy = Proxy::before(&world.registry.address, refuse);
    ok(&mut world.push(&format!("{}/acme/unchanged:1", proxy.address())));
}

/// One connection ends at each of the stages of a push, in each of three ways: the push goes on.
#[test]
fn a_push_survives_one_cut_at_every_stage() {
    let Some(world) = World::new("survives") else { return };
    let watching = Proxy::watching(&world.registry.address);
    ok(&mut world.push(&format!("{}/undisturbed:1", watching.address())));
    let stages = watching.take().len();
    let ways: [fn() -> Act; 3] = [|| Act::CutRequest(1000), || Act::CutAnswer(0), || Act::CutAnswer(20)];
    let cases: Vec<_> = (0..stages).flat_map(|stage| (0..ways.len()).map(move |way| (stage, way))).collect();
    in_parallel(&cases, |(stage, way)| {
        let cut = move |seen: &Seen| if seen.number == stage { ways[way]() } else { Act::Forward };
        let proxy = Proxy::before(&world.registry.address, cut);
        let name = format!("cut/{stage}-{way}:1");
        ok(&mut world.push(&format!("{}/{name}", proxy.address())));
        assert_whole(&world.registry.name(&name), world.image.digest());
    });
}

/// From one of the stages on, every connection ends.
#[test]
fn a_push_that_cannot_go_on_leaves_the_tag_as_it_was() {
    let Some(world) = World::new("given-up") else { return };
    let cases: Vec<usize> = (0..9).collect();
    in_parallel(&cases, |stage| {
        let cut = move |seen: &Seen| if seen.number >= stage { Act::CutRequest(1000) } else { Act::Forward };
        let proxy = Proxy::before(&world.registry.address, cut);
        let name = format!("gone/{stage}:1");
        let said = fails(&mut world.push(&format!("{}/{name}", proxy.address())), 5);
        assert_has(&said, &[&proxy.address()]);
        assert_eq!(found(&world.registry.name(&name)), None, "{said}");
    });
}

/// Both what was asked too often, and what is away for a moment.
#[test]
fn a_registry_that_asks_for_patience_gets_it() {
    let Some(world) = World::new("patience") else { return };
    let cases = ["429 Too Many Requests", "503 Service Unavailable"];
    in_parallel(&cases, |status| {
        let wait = move |seen: &Seen| match seen.number % 5 == 1 {
            true => Act::Answer { status, headers: vec![("retry-after", "1")], body: String::new() },
            false => Act::Forward,
        };
        let proxy = Proxy::before(&world.registry.address, wait);
        let name = format!("patience/{}:1", &status[..3]);
        ok(&mut world.push(&format!("{}/{name}", proxy.address())));
        assert_whole(&world.registry.name(&name), world.image.digest());
    });
}

fn alter_a_byte_near_the_end(answer: &mut [u8]) {
    let at = answer.len().saturating_sub(10);
    answer[at] ^= 1;
}

/// What a request is.
type Is = fn(&Seen) -> bool;

/// Whatever is altered on the way is found, and nothing of it is kept.
#[test]
fn a_pull_believes_digests_only() {
    let Some(world) = World::new("believed") else { return };
    ok(&mut world.push(&world.registry.name("acme/believed:1")));
    let lies: [(&str, Is); 2] = [
        ("manifest", |seen| seen.target.contains("/manifests/") && seen.method == "GET"),
        ("blobs", Seen::downloads),
    ];
    for (what, is_altered) in lies {
        let alter = move |seen: &Seen| match is_altered(seen) {
            true => Act::Alter(alter_a_byte_near_the_end),
            false => Act::Forward,
        };
        let proxy = Proxy::before(&world.registry.address, alter);
        let pinned = format!("{}/acme/believed@{}", proxy.address(), world.image.digest());
        let said = fails(&mut world.pull(&pinned, what), 5);
        assert_has(&said, &["sha256:"]);
        assert!(!world.workshop.path(what).join("index.json").exists(), "{said}");
    }
}

/// A download that is cut goes on.
#[test]
fn a_pull_survives_one_cut_at_every_stage() {
    let Some(world) = World::new("pulled") else { return };
    ok(&mut world.push(&world.registry.name("acme/pulled:1")));
    let watching = Proxy::watching(&world.registry.address);
    ok(&mut world.pull(&format!("{}/acme/pulled:1", watching.address()), "undisturbed"));
    let stages = watching.take().len();
    let cases: Vec<_> = (0..stages).flat_map(|stage| [0, 100, 3000].map(|bytes| (stage, bytes))).collect();
    in_parallel(&cases, |(stage, bytes)| {
        let cut = move |seen: &Seen| if seen.number == stage { Act::CutAnswer(bytes) } else { Act::Forward };
        let proxy = Proxy::before(&world.registry.address, cut);
        let layout = format!("cut-{stage}-{bytes}");
        ok(&mut world.pull(&format!("{}/acme/pulled:1", proxy.address()), &layout));
        layout::assert_whole(&world.workshop.path(&layout));
        assert_eq!(layout::manifest(&world.workshop.path(&layout)), layout::manifest(&world.image.layout));
    });
}

/// Most of the time of these tests is waiting.
fn in_parallel<T: Copy + Send + Sync>(cases: &[T], test: impl Fn(T) + Sync) {
    for some in cases.chunks(16) {
        thread::scope(|scope| {
            for case in some {
                scope.spawn(|| test(*case));
            }
        });
    }
}
