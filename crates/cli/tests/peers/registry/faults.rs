//! Many pushes over connections with random faults: each ends with a complete image or a clear error, and no tag ever
//! names an image of which something is missing.

use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, sleep};
use std::time::Duration;

use serde_json::{Value, json};

use super::clients::{Random, alone, assert_whole, found, noise};
use super::server::{Registry, Software};
use super::toxiproxy::{Line, Toxiproxy};
use crate::workshop::{Image, Workshop, at_hand, bantam, is_long, ok};

/// How many go on side by side: most of their time is waiting.
const AT_A_TIME: usize = 12;

/// No push may take longer, whatever is in its way.
const LONGEST: Duration = Duration::from_secs(150);

/// What happens to one push; all of it follows from the seed.
#[derive(Debug)]
struct Faults {
    /// What is in the way, into which direction, with its attributes.
    toxics: Vec<(&'static str, &'static str, Value)>,
    /// When it goes away.
    lifted_after: Option<Duration>,
    /// When the client is killed.
    killed_after: Option<Duration>,
    /// Whether another image has the tag before.
    replaces: bool,
}

impl Faults {
    fn of(seed: u64) -> Self {
        let mut random = Random(seed);
        let mut toxics: Vec<(&str, &str, Value)> = vec![];
        for _ in 0..=random.below(2) {
            let stream = ["upstream", "downstream"][random.below(2) as usize];
            let (toxic, attributes) = match random.below(6) {
                0 => ("latency", json!({"latency": random.below(150), "jitter": random.below(50)})),
                1 => ("bandwidth", json!({"rate": 300 + random.below(5000)})),
                2 => ("reset_peer", json!({"timeout": random.below(600)})),
                3 => ("timeout", json!({"timeout": 1 + random.below(800)})),
                4 => ("limit_data", json!({"bytes": random.below(4_000)})),
                _ => ("limit_data", json!({"bytes": random.below(3_000_000)})),
            };
            if toxics.iter().all(|(known, at, _)| (*known, *at) != (toxic, stream)) {
                toxics.push((toxic, stream, attributes));
            }
        }
        let some = |one_in: u64, most: u64, random: &mut Random| {
            (random.below(one_in) == 0).then(|| Duration::from_millis(random.below(most)))
        };
        let stays = random.below(4) == 0;
        Self {
            toxics,
            lifted_after: (!stays).then(|| Duration::from_millis(random.below(4000))),
            killed_after: some(6, 1500, &mut random),
            replaces: random.below(2) == 0,
        }
    }

    fn begin(&self, line: &Line<'_>) {
        self.toxics.iter().for_each(|(toxic, stream, attributes)| line.add(toxic, stream, attributes));
    }

    fn end(&self, line: &Line<'_>) {
        self.toxics.iter().for_each(|(toxic, stream, _)| line.remove(toxic, stream));
    }
}

/// Two images that share some layers.
fn images(workshop: &Workshop) -> [Image; 2] {
    ["older", "newer"].map(|version| {
        let mut spec =
            "name = \"example.com/faults\"\n[runtime]\nsource = \"none\"\nprofile = \"none\"\n".to_owned();
        for (number, layer) in ["one", "two", "three", "four"].into_iter().enumerate() {
            let is_new = number % 2 == 1 && version == "newer";
            let file = workshop
                .write(&format!("{layer}-{is_new}"), noise(number as u64 * 2 + u64::from(is_new), 1_500_000));
            spec.push_str(&format!(
                "[[files]]\nfrom = \"{}\"\nto = \"/{layer}\"\nlayer = \"{layer}\"\n",
                file.display()
            ));
        }
        workshop.image_of(version, &spec)
    })
}

/// How a push ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Complete,
    Failed,
    Killed,
}

/// What all pushes share.
struct World {
    workshop: Workshop,
    older: Image,
    newer: Image,
    registry: Registry,
    toxiproxy: Toxiproxy,
}

impl World {
    /// A push that is killed after some time.
    fn push(&self, image: &Image, name: &str, killed_after: Duration) -> Command {
        let mut push = Command::new("timeout");
        push.args(["--signal=KILL", &killed_after.as_secs_f64().to_string()]).arg(bantam());
        self.workshop.prepare(&mut push);
        alone(&self.workshop, &mut push);
        push.args(["push", &image.oci(), name]).stdin(Stdio::null());
        push.stdout(Stdio::piped()).stderr(Stdio::piped());
        push
    }

    /// Pushes over a bad connection, and looks at what came of it.
    fn bad_day(&self, seed: u64) -> End {
        let faults = Faults::of(seed);
        let told = format!("seed {seed}, {faults:?}");
        let name = self.registry.name(&format!("day/{seed}:1"));
        if faults.replaces {
            ok(&mut self.push(&self.older, &name, LONGEST));
        }
        let line = self.toxiproxy.before(&self.registry.address, &seed.to_string());
        faults.begin(&line);
        let target = format!("{}/day/{seed}:1", line.address);
        let mut push = self.push(&self.newer, &target, faults.killed_after.unwrap_or(LONGEST));
        let output = thread::scope(|scope| {
            scope.spawn(|| {
                if let Some(moment) = faults.lifted_after {
                    sleep(moment);
                    faults.end(&line);
                }
            });
            push.output().unwrap()
        });
        let said =
            [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat();
        let end = match (output.status.code(), faults.killed_after) {
            (Some(0), _) => End::Complete,
            (Some(5 | 7), _) => End::Failed,
            (None | Some(137), Some(_)) => End::Killed,
            _ => panic!("{told}: {}: {said}", output.status),
        };
        assert!(end != End::Failed || said.contains(&line.address), "{told}: {said}");
        match (found(&name), end) {
            (Some(digest), End::Complete) => assert_eq!(digest, self.newer.digest(), "{told}: {said}"),
            (None, End::Complete) => panic!("{told}: nothing is there: {said}"),
            (Some(_), _) => {}
            (None, _) => assert!(!faults.replaces, "{told}: the tag is gone: {said}"),
        }
        for image in [&self.older, &self.newer] {
            if found(&name).as_deref() == Some(image.digest()) {
                assert_whole(&name, image.digest());
                return end;
            }
        }
        assert_eq!(found(&name), None, "{told}: another image has the tag: {said}");
        end
    }
}

#[test]
fn pushes_on_bad_days() {
    if !at_hand(&["docker-registry", "toxiproxy", "crane"]) {
        return;
    }
    let workshop = Workshop::new();
    let [older, newer] = images(&workshop);
    let (registry, toxiproxy) = (Software::DockerRegistry.start(), Toxiproxy::start());
    let world = World { workshop, older, newer, registry, toxiproxy };
    let (days, next) = (if is_long() { 500 } else { 50 }, AtomicUsize::new(0));
    let worker = || -> Vec<End> {
        let seeds = std::iter::from_fn(|| Some(next.fetch_add(1, Ordering::Relaxed)));
        seeds.take_while(|seed| *seed < days).map(|seed| world.bad_day(seed as u64)).collect()
    };
    let ends: Vec<End> = thread::scope(|scope| {
        let workers: Vec<_> = (0..AT_A_TIME).map(|_| scope.spawn(worker)).collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
    });
    let count = |end| ends.iter().filter(|found| **found == end).count();
    let counted = [End::Complete, End::Failed, End::Killed].map(count);
    println!("seeds 0 to {}: {counted:?} complete, failed, killed", days - 1);
    assert!(counted.iter().all(|count| *count > 0), "the faults are not what they should be: {counted:?}");
    assert!(counted[0] * 2 > days, "few images arrive: {counted:?}");
}
