//! What bantam pushes is what others read, and what others push is what bantam reads.

use std::collections::HashSet;
use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};

use serde_json::Value;

use super::clients::{
    alone, assert_whole, bantam, crane, digest, found, image, oci, skopeo_copy, spec, write_payload,
};
use super::proxy::{Proxy, Seen};
use super::server::Software;
use crate::layout;
use crate::runtime::{docker, podman};
use crate::workshop::{Workshop, assert_has, at_hand, ctr_prints, fails, limited, ok};

/// Pushes an image, has others look at it, and pulls it again.
fn round_trip(software: Software) {
    if !at_hand(&[software.program(), "crane", "skopeo"]) {
        return;
    }
    let (workshop, registry) = (Workshop::new(), software.start());
    let image = image(&workshop, "round");
    let name = registry.name("acme/round:1");
    let printed = ok(bantam(&workshop).args(["push", &image.oci(), &name]));
    assert_eq!(digest(&printed), image.digest());
    assert_whole(&name, image.digest());

    let remote = format!("docker://{name}");
    let copy = workshop.path("copied");
    ok(&mut skopeo_copy(&remote, &oci(&copy, "1")));
    layout::assert_whole(&copy);
    assert_eq!(layout::manifest(&copy), layout::manifest(&image.layout));
    let seen = ok(limited("skopeo").args(["inspect", "--tls-verify=false", "--format={{.Digest}}", &remote]));
    assert_eq!(seen, image.digest());

    let pulled = ok(bantam(&workshop).args(["pull", &name, "oci:pulled:1"]));
    assert_eq!(digest(&pulled), image.digest());
    layout::assert_whole(&workshop.path("pulled"));
    assert_eq!(layout::manifest(&workshop.path("pulled")), layout::manifest(&image.layout));
    for look in [&["ls"][..], &["explain", "/usr/bin/env"], &["explain", "/app/data"]] {
        let seen = |of: &str| {
            let mut bantam = bantam(&workshop);
            ok(bantam.arg(look[0]).arg(of).args(&look[1..])).replace(of, "IMAGE")
        };
        assert_eq!(seen(&remote), seen(&image.oci()));
    }

    let absent = fails(bantam(&workshop).args(["pull", &registry.name("acme/round:2"), "oci:absent:1"]), 7);
    assert_has(&absent, &["acme/round", "`2`", "it has 1"]);
    assert!(!workshop.path("absent").exists(), "{absent}");
}

#[test]
fn docker_registry() {
    round_trip(Software::DockerRegistry);
}

#[test]
fn distribution() {
    round_trip(Software::Distribution);
}

#[test]
fn crane_in_memory() {
    round_trip(Software::Crane);
}

#[test]
fn with_the_referrers_api() {
    round_trip(Software::Referrers);
}

#[test]
fn a_build_goes_straight_into_a_registry() {
    if !at_hand(&["docker-registry", "crane"]) {
        return;
    }
    let (workshop, registry) = (Workshop::new(), Software::DockerRegistry.start());
    let image = image(&workshop, "straight");
    let build = |spec: &str, options: &[&str]| {
        workshop.write("bantam.toml", spec);
        let mut build = bantam(&workshop);
        build.arg("build").args(options);
        build
    };
    let named = spec("straight").replace("example.com/", &format!("{}/acme/", registry.address));
    let tagged = named.replacen("\n\n", "\ntags = [\"1.4.2\", \"latest\"]\n\n", 1);
    assert_eq!(digest(&ok(&mut build(&tagged, &["--push"]))), image.digest());
    assert_whole(&registry.name("acme/straight:1.4.2"), image.digest());
    assert_whole(&registry.name("acme/straight:latest"), image.digest());

    let other = registry.name("other:7");
    assert_eq!(digest(&ok(&mut build(&named, &["-o", &format!("docker://{other}")]))), image.digest());
    assert_whole(&other, image.digest());

    let nowhere = spec("straight").replace("example.com/", "");
    assert_has(&fails(&mut build(&nowhere, &["--push"]), 2), &["straight"]);
}

#[test]
fn docker_pulls_and_runs() {
    if !at_hand(&["docker-registry", "docker"]) {
        return;
    }
    let (workshop, registry) = (Workshop::new(), Software::DockerRegistry.start());
    let image = image(&workshop, "docker-pulls");
    let name = registry.name("acme/docker-pulls:1");
    ok(bantam(&workshop).args(["push", &image.oci(), &name]));
    assert_has(&ok(docker().args(["pull", &name])), &[image.digest()]);
    let run = ["run", "--rm", "--network=none", "--read-only", "--cap-drop=ALL", &name];
    assert_has(&ok(docker().args(run)), &["GREETING=hello from docker-pulls"]);
}

#[test]
fn podman_pulls_and_runs() {
    if !at_hand(&["docker-registry", "podman", "runc"]) {
        return;
    }
    let (workshop, registry) = (Workshop::new(), Software::DockerRegistry.start());
    let image = image(&workshop, "podman-pulls");
    let name = registry.name("acme/podman-pulls:1");
    ok(bantam(&workshop).args(["push", &image.oci(), &name]));
    ok(podman().args(["pull", "--tls-verify=false", &name]));
    let run = ["run", "--rm", "--network=none", "--read-only", "--cap-drop=ALL"];
    let limits = ["--ulimit=nofile=1024:1024", "--ulimit=nproc=1024:1024"];
    assert_has(&ok(podman().args(run).args(limits).arg(&name)), &["GREETING=hello from podman-pulls"]);
}

#[test]
fn containerd_pulls_and_runs() {
    if !at_hand(&["docker-registry", "ctr"]) {
        return;
    }
    let (workshop, registry) = (Workshop::new(), Software::DockerRegistry.start());
    let image = image(&workshop, "ctr-pulls");
    let name = registry.name("acme/ctr-pulls:1");
    ok(bantam(&workshop).args(["push", &image.oci(), &name]));
    let socket = std::env::var("BANTAM_TEST_CONTAINERD").unwrap();
    let ctr = || {
        let mut ctr = limited("ctr");
        ctr.args(["--address", &socket, "--namespace", "bantam-registry"]);
        ctr
    };
    ok(ctr().args(["images", "pull", "--plain-http", &name]));
    assert_has(&ok(ctr().args(["images", "ls"])), &[image.digest()]);
    let id = format!("pulled-{}", std::process::id());
    assert_has(&ctr_prints(&ctr, &name, &id), &["GREETING=hello from ctr-pulls"]);
}

/// Docker pushes manifests of its own kind.
#[test]
fn what_docker_pushed_is_pulled_as_it_is() {
    if !at_hand(&["docker-registry", "docker", "crane"]) {
        return;
    }
    let (workshop, registry) = (Workshop::new(), Software::DockerRegistry.start());
    let image = image(&workshop, "docker-pushed");
    let name = registry.name("acme/docker-pushed:1");
    ok(docker().args(["load", "--input"]).arg(&image.archive));
    ok(docker().args(["tag", "example.com/docker-pushed:test", &name]));
    ok(docker().args(["push", &name]));
    let pulled = ok(bantam(&workshop).args(["pull", &name, "oci:pulled:1"]));
    assert_eq!(Some(digest(&pulled).to_owned()), found(&name));
    layout::assert_whole(&workshop.path("pulled"));
    let kind = "application/vnd.docker.distribution.manifest.v2+json";
    assert_eq!(layout::manifest(&workshop.path("pulled"))["mediaType"], kind);
    assert_has(&ok(bantam(&workshop).args(["ls", &format!("docker://{name}")])), &["300.0 kB"]);
}

#[test]
fn what_is_there_is_not_sent_again() {
    if !at_hand(&["docker-registry", "crane"]) {
        return;
    }
    let (workshop, registry) = (Workshop::new(), Software::DockerRegistry.start());
    let (image, proxy) = (image(&workshop, "again"), Proxy::watching(&registry.address));
    let name = format!("{}/acme/again:1", proxy.address());
    let push = |name: &str| {
        ok(bantam(&workshop).args(["push", &image.oci(), name]));
        proxy.take()
    };
    let blobs = layout::manifest(&image.layout)["layers"].as_array().unwrap().len() + 1;
    let first = push(&name);
    assert_eq!(first.iter().filter(|seen| seen.begins_upload()).count(), blobs, "{first:?}");
    assert_eq!(first.iter().filter(|seen| seen.tags()).count(), 1, "{first:?}");
    let last_of = |what: fn(&Seen) -> bool| first.iter().rposition(what);
    assert!(last_of(Seen::tags) > last_of(Seen::uploads), "{first:?}");

    let again = push(&name);
    assert!(again.iter().all(|seen| ["HEAD", "GET"].contains(&seen.method.as_str())), "{again:?}");
    assert!(again.len() <= blobs + 3, "{again:?}");
    // Another tag of the same image is one request that writes.
    let tag = push(&format!("{}/acme/again:2", proxy.address()));
    assert_eq!(
        tag.iter().filter(|seen| !["HEAD", "GET"].contains(&seen.method.as_str())).count(),
        1,
        "{tag:?}"
    );
    assert_whole(&registry.name("acme/again:2"), image.digest());
}

/// Images of one run that have layers in common, in repositories of their own.
#[test]
fn what_images_of_a_run_share_is_sent_once() {
    if !at_hand(&["docker-registry", "crane"]) {
        return;
    }
    let (workshop, registry) = (Workshop::new(), Software::DockerRegistry.start());
    let proxy = Proxy::watching(&registry.address);
    let mut build = bantam(&workshop);
    build.args(["build", "--push"]);
    for name in ["left", "right"] {
        write_payload(&workshop, name);
        let spec = spec(name).replace("example.com/", &format!("{}/", proxy.address()));
        build.arg(workshop.write(&format!("{name}.toml"), spec));
    }
    let printed = ok(&mut build);
    let seen = proxy.take();
    let blobs: Vec<HashSet<String>> = printed
        .lines()
        .map(|line| {
            let name = line.replace(&proxy.address(), &registry.address);
            assert_whole(&name, digest(line));
            let manifest: Value = serde_json::from_str(&ok(&mut crane(&["manifest", &name]))).unwrap();
            let all = manifest["layers"].as_array().unwrap().iter().chain([&manifest["config"]]);
            all.map(|blob| blob["digest"].as_str().unwrap().to_owned()).collect()
        })
        .collect();
    let distinct = blobs[0].union(&blobs[1]).count();
    assert!(distinct < blobs[0].len() + blobs[1].len(), "nothing is shared: {printed}");
    let sent = seen.iter().filter(|seen| seen.uploads()).count();
    assert_eq!(sent, distinct, "{seen:?}");
}

#[test]
fn layers_that_are_there_are_not_fetched_again() {
    if !at_hand(&["docker-registry", "crane"]) {
        return;
    }
    let (workshop, registry) = (Workshop::new(), Software::DockerRegistry.start());
    let (image, proxy) = (image(&workshop, "fetched"), Proxy::watching(&registry.address));
    ok(&mut crane(&["push", image.layout.to_str().unwrap(), &registry.name("acme/fetched:1")]));
    let name = format!("{}/acme/fetched:1", proxy.address());
    let layers = layout::manifest(&image.layout)["layers"].as_array().unwrap().len();
    let pull = || {
        ok(bantam(&workshop).args(["pull", &name, "oci:pulled:1"]));
        layout::assert_whole(&workshop.path("pulled"));
        proxy.take().iter().filter(|seen| seen.downloads()).count()
    };
    // The config too.
    assert_eq!(pull(), layers + 1);
    assert!(pull() <= 1);
}

#[test]
fn nobody_without_rights_and_with_a_home_that_cannot_be_written() {
    if !at_hand(&["docker-registry", "crane", "setpriv", "root"]) {
        return;
    }
    let (workshop, registry) = (Workshop::new(), Software::DockerRegistry.start());
    let image = image(&workshop, "nobody");
    let program = workshop.copy_program(&crate::workshop::bantam(), "bin/bantam");
    for folder in ["cache", "nobody.oci"] {
        let path = workshop.path(folder);
        ok(limited("chown").args(["-R", "4242:4242"]).arg(path));
    }
    let home = workshop.path("home");
    fs::create_dir(&home).unwrap();
    fs::set_permissions(&home, fs::Permissions::from_mode(0o555)).unwrap();
    chown(&home, Some(0), Some(0)).unwrap();
    let name = registry.name("acme/nobody:1");
    let mut push = limited("setpriv");
    push.args(["--reuid=4242", "--regid=4242", "--clear-groups", "--bounding-set=-all", "--no-new-privs"]);
    push.arg(program).args(["push", &image.oci(), &name]);
    workshop.prepare(&mut push);
    alone(&workshop, &mut push);
    push.env_remove("DOCKER_CONFIG");
    assert_eq!(digest(&ok(&mut push)), image.digest());
    assert_whole(&name, image.digest());
}
