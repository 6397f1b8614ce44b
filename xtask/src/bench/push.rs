//! An image that is pushed to a registry on this machine, by bantam and by other clients.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::Bench;
use super::guarded::{Guarded, free_address};
use super::measure::{Rounds, Row, Tool, interleaved, remove};
use super::payload::{generated, once};
use super::peers::{Bantam, first_line};
use super::size::Written;
use super::table::table;
use crate::install;
use crate::step::{Outcome, run};

/// How many layers the images have; all are of the same size.
const LAYERS: usize = 8;
/// How large all layers of an image are, in MB.
const SMALL: usize = 190;
const LARGE: usize = 2_000;

const REGISTRY: (&str, &str) = ("/usr/bin/docker-registry", "docker-registry");
const SKOPEO: (&str, &str) = ("/usr/bin/skopeo", "skopeo");
/// What others are compared with.
const TO: &str = "crane push";

/// The section of the report.
pub fn small(bench: &mut Bench) -> Outcome<String> {
    section(bench, SMALL, bench.rounds)
}

/// The same with a large image, in fewer rounds: each writes several of them.
pub fn large(bench: &mut Bench) -> Outcome<String> {
    section(bench, LARGE, Rounds { warm_up: false, counted: bench.rounds.counted.min(3) })
}

fn section(bench: &mut Bench, megabytes: usize, rounds: Rounds) -> Outcome<String> {
    install::debian(&[REGISTRY, SKOPEO]);
    let folder = bench.folder.join(format!("push-{megabytes}"));
    once(&folder, |unfinished| layout(unfinished, megabytes))?;
    let work = bench.work()?;
    let registry = Registry::start(&work)?;
    let (mut tools, mut missing, mut versions) = (vec![], vec![], vec![]);
    for client in clients(&folder.join("layout"), &registry.image, &work) {
        match client.command {
            Ok((command, version)) => {
                tools.extend(turns(client.name, &work, &command));
                versions.push(version);
            }
            Err(why) => missing.push(Row::Skipped { name: client.name.to_owned(), why }),
        }
    }
    let mut rows = interleaved(tools, rounds, || Ok(()))?;
    rows.extend(missing);
    bench.count(&rows);
    drop(registry);
    remove(&work)?;
    let title = format!("a push of {LAYERS} layers, {megabytes} MB, to a registry on the same machine");
    Ok(format!("{}With {}.\n\n", table(&title, &rows, TO, "crane"), versions.join(", ")))
}

/// Who pushes.
struct Client {
    name: &'static str,
    /// With its version, or why there is none.
    command: Outcome<(Command, String)>,
}

fn clients(layout: &Path, image: &str, work: &Path) -> [Client; 4] {
    let source = format!("oci:{}:1", layout.display());
    let command = |program: PathBuf, arguments: &[&str]| {
        let mut command = Command::new(program);
        command.args(arguments);
        command
    };
    let bantam = || {
        let push = Bantam::command(work, &["push", &source, image]);
        Ok((push, first_line(super::peers::program(), &["--version"])?))
    };
    let crane = || {
        let program = install::go("crane")?;
        let version = first_line(&program, &["version"])?;
        let mut push = command(program, &["push"]);
        push.arg(layout).arg(image);
        Ok((push, format!("crane {version}")))
    };
    let skopeo = || {
        let version = first_line("skopeo", &["--version"])?;
        let copy = ["--insecure-policy", "copy", "--quiet", "--dest-tls-verify=false", &source];
        let mut copy = command("skopeo".into(), &copy);
        copy.arg(format!("docker://{image}"));
        Ok((copy, version))
    };
    let regctl = || {
        let program = install::go("regctl")?;
        let host = image.split('/').next().unwrap_or(image);
        let version = first_line(&program, &["version", "--format", "{{.VCSTag}}"])?;
        let mut copy = command(program, &["--host", &format!("reg={host},tls=disabled"), "image", "copy"]);
        copy.arg(format!("ocidir://{}:1", layout.display())).arg(image);
        Ok((copy, format!("regctl {version}")))
    };
    [
        Client { name: "bantam push", command: bantam() },
        Client { name: TO, command: crane() },
        Client { name: "skopeo copy", command: skopeo() },
        Client { name: "regctl image copy", command: regctl() },
    ]
}

/// A push into an empty registry, and, right after it, the same once more.
fn turns(name: &'static str, work: &Path, command: &Command) -> [Tool; 2] {
    let again = || {
        let mut again = Command::new(command.get_program());
        again.args(command.get_args());
        again.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        again
    };
    let ours = name.starts_with("bantam");
    let first = Tool::new(name, work, again(), Written::Nothing);
    let second = Tool::new(format!("{name} again, nothing is new"), work, again(), Written::Nothing);
    [Tool { remove: &["registry/docker"], ours, ..first }, Tool { ours, ..second }]
}

/// An image in a layout, and nothing else: each layer holds noise, which no client can make smaller.
fn layout(folder: &Path, megabytes: usize) -> Outcome {
    let mut spec =
        "name = \"example.com/push\"\n[runtime]\nsource = \"none\"\nprofile = \"none\"\n".to_owned();
    for layer in 0..LAYERS {
        generated::noise(&folder.join(format!("{layer}.bin")), megabytes * 1_000_000 / LAYERS, layer)?;
        spec.push_str(&format!(
            "[[files]]\nfrom = \"{layer}.bin\"\nto = \"/{layer}.bin\"\nlayer = \"layer-{layer}\"\n"
        ));
    }
    let file = folder.join("bantam.toml");
    fs::write(&file, spec).map_err(|error| format!("{}: {error}", file.display()))?;
    run(Bantam::command(folder, &["build", "-o", "oci:layout:1"]).current_dir(folder))?;
    remove(&folder.join("cache"))?;
    (0..LAYERS).try_for_each(|layer| remove(&folder.join(format!("{layer}.bin"))))
}

/// A registry that keeps what it has in the folder `registry` of the section's work.
struct Registry {
    /// The name of an image in it.
    image: String,
    _server: Guarded,
}

impl Registry {
    fn start(work: &Path) -> Outcome<Self> {
        let address = free_address()?;
        let file = work.join("registry.yml");
        let configuration = serde_json::json!({
            "version": "0.1",
            "log": {"accesslog": {"disabled": true}, "level": "error"},
            "storage": {"filesystem": {"rootdirectory": work.join("registry")}},
            "http": {"addr": address.to_string()},
        });
        // All JSON is YAML.
        fs::write(&file, configuration.to_string())
            .map_err(|error| format!("{}: {error}", file.display()))?;
        let mut serve = Command::new(REGISTRY.0);
        serve.arg("serve").arg(file);
        Ok(Self { _server: Guarded::start(&serve, address)?, image: format!("{address}/push:1") })
    }
}
