//! Java applications: jars that are compiled here start as production runs them, on a runtime of their own.

mod boot;
mod compiled;
mod trust;

use std::path::Path;

use compiled::{module_jar, plain_jar};

use crate::emulated::Emulated;
use crate::runtime::{Runtime, Work};
use crate::workshop::{Image, Workshop, assert_has, at_hand, is_long, limited, ok, repository, skipped};

/// The releases that runtimes are made of, with the Java that they have.
const SUITES: [(&str, u32); 2] = [("bookworm", 17), ("trixie", 25)];

/// Builds a spec whose packages are kept between runs; none where no mirror has them.
pub fn image(workshop: &Workshop, name: &str, spec: &str) -> Option<Image> {
    let spec = workshop.write(&format!("{name}.toml"), format!("name = \"example.com/{name}\"\n{spec}"));
    image_of(workshop, name, &spec)
}

/// Builds `specs/java/shop.toml`, after the commands of its comment.
fn example(workshop: &Workshop) -> Option<Image> {
    let spec = repository().join("specs/java/shop.toml");
    let text = std::fs::read_to_string(&spec).unwrap();
    let commands: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("#   ")).collect();
    assert_eq!(commands.len(), 2, "{commands:?}");
    for command in commands {
        ok(limited("sh").args(["-c", command]).current_dir(repository()));
    }
    image_of(workshop, "shop", &spec)
}

fn image_of(workshop: &Workshop, name: &str, spec: &Path) -> Option<Image> {
    let (archive, layout) = (workshop.path(&format!("{name}.tar")), workshop.path(&format!("{name}.oci")));
    let output = workshop
        .bantam()
        // The packages stay here between runs.
        .env("BANTAM_CACHE_DIR", repository().join("target/packaged/cache"))
        .arg("build")
        .arg(spec)
        .arg("--lock-file")
        .arg(workshop.path(&format!("{name}.lock")))
        .args(["-o", &format!("oci-archive:{}:example.com/{name}:test", archive.display())])
        .args(["-o", &format!("oci:{}:test", layout.display())])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    match output.status.code() {
        Some(0) => {
            let reference = String::from_utf8_lossy(&output.stdout).trim_end().to_owned();
            Some(Image { reference, archive, layout })
        }
        Some(5) if said.contains("no mirror has") => {
            skipped(said.lines().last().unwrap_or_default());
            None
        }
        code => panic!("{name}: {code:?}\n{said}"),
    }
}

#[test]
fn a_plain_jar_has_what_it_needs() {
    if !at_hand(&["docker", "javac", "jar"]) {
        return;
    }
    for (suite, release) in SUITES {
        let workshop = Workshop::new();
        let image = match suite {
            "trixie" => example(&workshop),
            _ => {
                plain_jar(&workshop, "shop.jar", 17);
                let spec = format!("[runtime]\nsource = \"debian:{suite}\"\n[java]\njar = \"shop.jar\"\n");
                image(&workshop, "shop", &spec)
            }
        };
        let Some(image) = image else { continue };
        let said = Runtime::Docker.run(&workshop, &image, &Work::default());
        let home = format!("java: {release} /usr/lib/jvm/java-{release}");
        assert_has(&said, &["own: three äpples", &home, "file: true", "child: 0", "line: 43"]);
        let files = crate::layout::files(&image.layout);
        let sum: usize = files.iter().map(|entry| entry.content.len()).sum();
        println!("{suite}: {sum} bytes in {} entries", files.len());
        let has = |path: &str| files.iter().any(|entry| entry.path == path);
        assert!(has("usr/bin/java") && has("app/shop.jar"));
        // A runtime that draws nothing has no fonts, and scanners are told whose it is.
        assert!(
            !files.iter().any(|entry| entry.path.contains("fonts/") || entry.path.contains("libfontmanager"))
        );
        assert!(has(&format!("var/lib/dpkg/status.d/openjdk-{release}-jre-headless")));
    }
}

#[test]
fn a_runtime_is_the_same_wherever_it_is_linked() {
    if !at_hand(&["javac", "jar"]) {
        return;
    }
    let workshop = Workshop::new();
    plain_jar(&workshop, "shop.jar", 17);
    let spec = "[runtime]\nsource = \"debian:bookworm\"\n[java]\njar = \"shop.jar\"\n";
    let Some(first) = image(&workshop, "shop", spec) else { return };
    // Another folder, another cache, another order of what is on disk.
    let other = Workshop::new();
    for name in ["shop.jar", "shop.toml", "shop.lock"] {
        std::fs::copy(workshop.path(name), other.path(name)).unwrap();
    }
    let mut again = other.bantam();
    again
        .args(["build", "--locked", "shop.toml", "-o", "oci:again:test"])
        .env("TZ", "Asia/Tokyo")
        .env("LANG", "C");
    assert_eq!(ok(&mut again), first.reference);
}

#[test]
fn another_architecture_runs_a_runtime_that_was_linked_here() {
    if !at_hand(&["javac", "jar"]) || !Emulated::is_possible() {
        return;
    }
    for (suite, release) in SUITES {
        let workshop = Workshop::new();
        plain_jar(&workshop, "shop.jar", 17);
        let spec = format!(
            "platforms = [\"linux/arm64\"]\n[runtime]\nsource = \"debian:{suite}\"\n[java]\njar = \"shop.jar\"\n"
        );
        let Some(image) = image(&workshop, "shop", &spec) else { continue };
        let Some(emulated) = Emulated::new(&workshop, &image.layout, "usr/bin/java") else { return };
        let home = format!("java: {release} ");
        assert_has(&emulated.says(), &["own: three äpples", &home, "file: true", "child: 0", "line: 43"]);
    }
}

#[test]
fn a_module_runs_as_one() {
    if !at_hand(&["docker", "javac", "jar"]) {
        return;
    }
    let workshop = Workshop::new();
    module_jar(&workshop, "till.jar");
    let spec = "[runtime]\nsource = \"host\"\n[java]\njar = \"till.jar\"\n";
    let Some(image) = image(&workshop, "till", spec) else { return };
    let said = Runtime::Docker.run(&workshop, &image, &Work::default());
    assert_has(&said, &["takes: EUR", "module: module till"]);
    let config = crate::layout::config(&image.layout);
    let process: Vec<&str> = config["config"]["Entrypoint"]
        .as_array()
        .unwrap()
        .iter()
        .map(|word| word.as_str().unwrap())
        .collect();
    assert_eq!(process, ["/usr/bin/java", "-p", "/app/till.jar", "-m", "till/till.Till"]);
}

#[test]
fn a_jar_on_the_class_path_is_a_layer_of_its_own() {
    if !at_hand(&["docker", "javac", "jar"]) {
        return;
    }
    let workshop = Workshop::new();
    compiled::jar_with_library(&workshop, "shop.jar");
    let spec =
        "[config]\nworkdir = \"/srv/shop\"\n[runtime]\nsource = \"host\"\n[java]\njar = \"shop.jar\"\n";
    let Some(image) = image(&workshop, "shop", spec) else { return };
    assert_has(&Runtime::Docker.run(&workshop, &image, &Work::default()), &["sum: 7"]);
    let of = |path: &str| {
        let layers = crate::layout::layers(&image.layout);
        layers.iter().position(|layer| layer.iter().any(|entry| entry.path == path))
    };
    let (library, own) = (of("srv/shop/lib/sum.jar"), of("srv/shop/shop.jar"));
    assert!(library.is_some() && library < own, "{library:?} {own:?}");
}

#[test]
fn what_is_wrong_with_a_jar_is_told() {
    if !at_hand(&["javac", "jar"]) {
        return;
    }
    let workshop = Workshop::new();
    compiled::jar_without_main(&workshop, "silent.jar");
    compiled::jar_with_library(&workshop, "shop.jar");
    workshop.write("broken.jar", "no jar");
    workshop.remove("lib/sum.jar");
    let table = |table: &str| format!("[runtime]\nsource = \"host\"\n[java]\n{table}\n");
    for (spec, said) in [
        (table("jar = \"broken.jar\""), "B0704"),
        (table("jar = \"silent.jar\""), "has no Main-Class"),
        (table("jar = \"shop.jar\""), "lib/sum.jar"),
        (table("modules = [\"java.sqk\"]"), "did you mean java.sql?"),
    ] {
        assert_has(&workshop.refused(&spec, 4), &[said]);
    }
    compiled::make_newer(&workshop, "shop.jar");
    assert_has(&workshop.refused(&table("jar = \"shop.jar\""), 4), &["B0706", "is compiled for Java 99"]);
}

#[test]
fn a_runtime_is_half_of_the_packages_or_less() {
    if !is_long() || !at_hand(&["javac", "jar"]) {
        return;
    }
    let workshop = Workshop::new();
    plain_jar(&workshop, "shop.jar", 17);
    let size = |name: &str, spec: &str| {
        let image = image(&workshop, name, spec)?;
        Some(crate::layout::files(&image.layout).iter().map(|entry| entry.content.len()).sum::<usize>())
    };
    for (suite, release) in SUITES {
        let source = format!("[runtime]\nsource = \"debian:{suite}\"\n");
        let own = size(&format!("shop-{suite}"), &format!("{source}[java]\njar = \"shop.jar\"\n"));
        let whole = format!(
            "{source}profile = \"base-nossl\"\nwhole-packages = true\n\
             packages = [\"openjdk-{release}-jre-headless\", \"fonts-dejavu-core\", \"fontconfig-config\"]\n"
        );
        let (Some(own), Some(whole)) = (own, size(&format!("whole-{suite}"), &whole)) else { continue };
        println!("{suite}: {own} bytes of {whole}");
        assert!(own * 2 <= whole, "{suite}: {own} of {whole}");
    }
}
