//! A web application of Spring Boot, built by Maven.

use std::collections::BTreeMap;
use std::fs;

use crate::emulated::Emulated;
use crate::runtime::{Runtime, Work};
use crate::workshop::{Workshop, assert_has, at_hand, limited, repository, skipped};

use super::image;

const ITEMS: &str = "src/main/java/shop/items/Items.java";
const SPEC: &str = "[runtime]\nsource = \"debian:bookworm\"\n[java]\njar = \"boot/target/shop-1.0.jar\"\n";
/// What the application says that it answered itself.
const ANSWER: &str = "answer: 200 {\"name\":\"apple\",\"count\":3}";

/// Builds `testdata/apps/java-boot`; its dependencies are downloaded once.
fn boot_jar(workshop: &Workshop) -> bool {
    let from = repository().join("testdata/apps/java-boot");
    for file in ["pom.xml", "src/main/java/shop/Shop.java", ITEMS] {
        workshop.write(&format!("boot/{file}"), fs::read(from.join(file)).unwrap());
    }
    let mut maven = limited("mvn");
    maven.args(["--quiet", "--batch-mode", "package", "-DskipTests"]).current_dir(workshop.path("boot"));
    let output = maven.output().unwrap();
    if !output.status.success() {
        skipped(String::from_utf8_lossy(&output.stdout).lines().last().unwrap_or("Maven fails"));
    }
    output.status.success()
}

#[test]
fn an_application_of_spring_boot_starts_beside_its_dependencies() {
    if !at_hand(&["docker", "mvn", "javac"]) {
        return;
    }
    let workshop = Workshop::new();
    if !boot_jar(&workshop) {
        return;
    }
    let Some(built) = image(&workshop, "boot", SPEC) else { return };
    let said = Runtime::Docker.run(&workshop, &built, &Work::default());
    assert_has(&said, &[ANSWER]);
    let files = crate::layout::files(&built.layout);
    let sizes: BTreeMap<&str, usize> =
        files.iter().map(|entry| (&*entry.path, entry.content.len())).collect();
    let libraries =
        sizes.keys().filter(|path| path.starts_with("app/lib/") && path.ends_with(".jar")).count();
    assert!(libraries > 20, "{libraries} libraries");
    assert!(sizes["app/shop-1.0.jar"] < 16 << 10, "{} bytes", sizes["app/shop-1.0.jar"]);
    println!("boot: {} bytes", sizes.values().sum::<usize>());

    // What was changed of the program leaves its dependencies as they are.
    let layers = |image: &crate::workshop::Image| {
        let manifest = crate::layout::manifest(&image.layout);
        let digests = manifest["layers"].as_array().unwrap().iter().map(|layer| layer["digest"].to_string());
        digests.collect::<Vec<_>>()
    };
    let old = layers(&built);
    let source = format!("boot/{ITEMS}");
    let changed = fs::read_to_string(workshop.path(&source)).unwrap().replace("\"apple\"", "\"pear\"");
    workshop.write(&source, changed);
    workshop.remove("boot/target");
    let mut maven = limited("mvn");
    maven.args(["--quiet", "--batch-mode", "--offline", "package", "-DskipTests"]);
    crate::workshop::ok(maven.current_dir(workshop.path("boot")));
    let Some(again) = image(&workshop, "boot", SPEC) else { return };
    let new = layers(&again);
    let same = old.iter().zip(&new).filter(|(old, new)| old == new).count();
    assert_eq!((old.len(), same), (new.len(), new.len() - 1), "{old:?} {new:?}");
}

#[test]
fn an_application_of_spring_boot_for_arm64() {
    if !at_hand(&["mvn", "javac"]) || !Emulated::is_possible() {
        return;
    }
    let workshop = Workshop::new();
    if !boot_jar(&workshop) {
        return;
    }
    let spec = format!("platforms = [\"linux/arm64\"]\n{SPEC}");
    let Some(built) = image(&workshop, "boot", &spec) else { return };
    let Some(emulated) = Emulated::new(&workshop, &built.layout, "usr/bin/java") else { return };
    assert_has(&emulated.says(), &[ANSWER]);
}
