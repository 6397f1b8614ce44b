//! The pains of those who build minimal images, each with a small real case: what used to fail when the container
//! starts is refused by the build, or works.

use std::fs;

use serde_json::Value;

use crate::layout::{self, Entry};
use crate::runtime::{Runtime, Work, docker, load, podman};
use crate::workshop::{Workshop, assert_has, at_hand, bantam, fails, limited, ok};

const PROGRAM: &str = "#include <stdio.h>\nint main(void) { puts(\"started\"); return 0; }\n";

/// A spec whose entrypoint is one file of the folder, with more text after it.
fn spec(program: &str, rest: &str) -> String {
    format!(
        "name = \"example.com/pain\"\n[config]\nentrypoint = [\"/app/{program}\"]\n\
         [[files]]\nfrom = \"{program}\"\nto = \"/app/{program}\"\n{rest}"
    )
}

#[test]
fn pain_01_missing_shared_library() {
    if !at_hand(&["gcc", "docker"]) {
        return;
    }
    let workshop = Workshop::new();
    let library = "-Wl,-soname,libshop.so.1";
    workshop.compile("libshop.so.1", "int price(void) { return 7; }\n", &["-shared", "-fPIC", library]);
    let source = "#include <stdio.h>\nint price(void);\nint main(void) { printf(\"price %d\\n\", price()); return 0; }\n";
    let link = ["-L", workshop.path("").to_str().unwrap(), "-l:libshop.so.1", "-Wl,-rpath,$ORIGIN"]
        .map(String::from);
    workshop.compile("shop", source, &link.each_ref().map(String::as_str));

    let said = workshop.refused(&spec("shop", ""), 4);
    assert_has(&said, &["libshop.so.1", "/app/shop"]);

    let with_library = "[[files]]\nfrom = \"libshop.so.1\"\nto = \"/app/\"\n";
    let image = workshop.image_of("pain01", &spec("shop", with_library));
    assert_has(&Runtime::Docker.run(&workshop, &image, &Work::default()), &["price 7"]);
}

#[test]
fn pain_03_native_code_that_the_entrypoint_does_not_name() {
    if !at_hand(&["gcc", "docker", "/usr/include/openssl/ssl.h"]) {
        return;
    }
    let workshop = Workshop::new();
    let plugin =
        "#include <openssl/crypto.h>\nunsigned long answer(void) { return OpenSSL_version_num() >> 28; }\n";
    workshop.compile("plugin.so", plugin, &["-shared", "-fPIC", "-lcrypto"]);
    let host = "#include <dlfcn.h>\n#include <stdio.h>\nint main(void) {\n\
                void *plugin = dlopen(\"/app/plugin.so\", RTLD_NOW), *zlib = dlopen(\"libz.so.1\", RTLD_NOW);\n\
                if (!plugin || !zlib) { fprintf(stderr, \"%s\\n\", dlerror()); return 1; }\n\
                printf(\"answer %lu\\n\", ((unsigned long (*)(void))dlsym(plugin, \"answer\"))()); return 0; }\n";
    workshop.compile("host", host, &[]);
    let rest = "[[files]]\nfrom = \"plugin.so\"\nto = \"/app/\"\n[runtime]\ndlopen = [\"libz.so.1\"]\n";
    let image = workshop.image_of("pain03", &spec("host", rest));
    assert_has(&Runtime::Docker.run(&workshop, &image, &Work::default()), &["answer 3"]);
}

#[test]
fn pain_04_interpreter_missing() {
    if !at_hand(&["gcc"]) {
        return;
    }
    let workshop = Workshop::new();
    workshop.compile("shop", PROGRAM, &["-Wl,--dynamic-linker=/lib/ld-absent.so.1"]);
    assert_has(&workshop.refused(&spec("shop", ""), 4), &["/app/shop", "/lib/ld-absent.so.1"]);

    workshop.write_program("script", "#!/opt/python/bin/python3.99\nprint()\n");
    assert_has(&workshop.refused(&spec("script", ""), 4), &["/app/script", "/opt/python/bin/python3.99"]);
}

#[test]
fn pain_06_no_privilege_needed() {
    if !at_hand(&["setpriv", "bwrap", "root", "gcc"]) {
        return;
    }
    let workshop = Workshop::new();
    workshop.compile("shop", PROGRAM, &[]);
    workshop.write("bantam.toml", spec("shop", ""));
    workshop.copy_program(&bantam(), "bin/bantam");
    let writable = workshop.open_folder("/only");
    std::os::unix::fs::chown(&writable, Some(4242), Some(4242)).unwrap();
    let image = |name: &str| format!("oci-archive:{}:1", writable.join(name).display());

    let mut pod = limited("bwrap");
    pod.args(["--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc", "--unshare-net", "--bind"]);
    pod.arg(&writable).arg(&writable).arg("--chdir").arg(workshop.path(""));
    pod.args(["--", "setpriv", "--reuid=4242", "--regid=4242", "--clear-groups"]);
    pod.args(["--bounding-set=-all", "--inh-caps=-all", "--no-new-privs"]);
    let inside = |pod: &mut std::process::Command| {
        pod.env_clear().env("PATH", "/usr/bin:/bin").env("BANTAM_CACHE_DIR", writable.join("cache"));
    };
    pod.arg(workshop.path("bin/bantam")).args(["build", "bantam.toml", "-o", &image("pod.tar")]);
    pod.arg("--lock-file").arg(writable.join("bantam.lock"));
    inside(&mut pod);
    let in_pod = ok(&mut pod);

    assert_eq!(in_pod, ok(workshop.bantam().args(["build", "bantam.toml", "-o", &image("root.tar")])));
}

#[test]
fn pain_07_nonroot_writes_where_told() {
    if !at_hand(&["docker", "gcc"]) {
        return;
    }
    let workshop = Workshop::new();
    workshop.compile("shop", PROGRAM, &[]);
    let dirs = "[[dirs]]\npath = \"/data\"\nowner = \"nonroot\"\nmode = \"0750\"\nvolume = true\n";
    let image = workshop.image_of("pain07", &spec("shop", dirs));
    let data = layout::files(&image.layout);
    let data = layout::entry(&data, "data");
    assert_eq!((data.mode & 0o7777, data.uid), (0o750, 65532));
    // Docker makes the declared volume with the owner and mode that the image has there.
    let work = Work { steps: &[&["@write", "/data/file", "written"], &["/app/shop"]], ..Work::default() };
    assert_has(&Runtime::Docker.run(&workshop, &image, &work), &["started"]);
}

#[test]
fn pain_14_merged_usr_links_stay() {
    if !at_hand(&["docker", "gcc"]) {
        return;
    }
    let workshop = Workshop::new();
    workshop.compile("shop", PROGRAM, &[]);
    workshop.write("shop.conf", "setting\n");
    let rest = "[[files]]\nfrom = \"shop.conf\"\nto = \"/lib/shop/shop.conf\"\n";
    let image = workshop.image_of("pain14", &spec("shop", rest));
    if fs::symlink_metadata("/lib").unwrap().is_symlink() {
        let files = layout::files(&image.layout);
        assert_eq!(layout::entry(&files, "lib").link.as_deref(), Some("usr/lib"));
        assert_eq!(layout::entry(&files, "usr/lib/shop/shop.conf").content, b"setting\n");
    }
    assert_has(&Runtime::Docker.run(&workshop, &image, &Work::default()), &["started"]);
}

#[test]
fn pain_16_strict_platforms_take_the_layers() {
    let workshop = Workshop::new();
    workshop.write("payload/deep/er/file", "x");
    let spec = "name = \"example.com/pain\"\n[config]\nentrypoint = [\"/usr/bin/env\"]\n\
                [runtime]\nkeep = [\"/usr/bin/env\"]\n[[files]]\nfrom = \"payload/\"\nto = \"/opt/app/\"\n";
    let image = workshop.image_of("pain16", spec);
    for layer in layout::layers(&image.layout) {
        let mut seen: Vec<&str> = Vec::new();
        for Entry { path, .. } in &layer {
            assert!(!path.starts_with("./") && !path.starts_with('/'), "{path}");
            let path = path.trim_end_matches('/');
            assert!(!seen.contains(&path), "{path} stands twice");
            if let Some((parent, _)) = path.rsplit_once('/') {
                assert!(seen.contains(&parent), "{path} stands before its folder");
            }
            seen.push(path);
        }
    }
    let (manifest, config) = (layout::manifest(&image.layout), layout::config(&image.layout));
    let layers = manifest["layers"].as_array().unwrap().len();
    assert_eq!(config["rootfs"]["diff_ids"].as_array().unwrap().len(), layers);
    let is_layer = |history: &&Value| history["empty_layer"] != true;
    assert_eq!(config["history"].as_array().unwrap().iter().filter(is_layer).count(), layers);
}

#[test]
fn pain_17_wrong_architecture_inside() {
    if !at_hand(&["gcc"]) {
        return;
    }
    let workshop = Workshop::new();
    workshop.compile("shop", PROGRAM, &["-static"]);
    let other = if cfg!(target_arch = "x86_64") { "arm64" } else { "amd64" };
    let spec = format!("platforms = [\"linux/{other}\"]\n{}[runtime]\nsource = \"none\"\n", spec("shop", ""));
    assert_has(&workshop.refused(&spec, 4), &["/app/shop", other]);
}

#[test]
fn pain_19_the_user_is_a_number_and_not_root() {
    if !at_hand(&["gcc"]) {
        return;
    }
    let workshop = Workshop::new();
    workshop.compile("shop", PROGRAM, &[]);
    let user = |user: &str| spec("shop", "").replace("[config]", &format!("[config]\nuser = \"{user}\""));
    for (name, spec) in
        [("default", spec("shop", "")), ("named", user("nonroot")), ("number", user("65532:65532"))]
    {
        let image = workshop.image_of(name, &spec);
        assert_eq!(layout::config(&image.layout)["config"]["User"], "65532:65532", "{name}");
    }
    for root in ["0:0", "root"] {
        assert_has(&workshop.refused(&user(root), 4), &["root-user"]);
    }
}

#[test]
fn pain_20_archives_load_under_their_own_name() {
    if !at_hand(&["docker", "podman", "gcc"]) {
        return;
    }
    let workshop = Workshop::new();
    workshop.compile("shop", PROGRAM, &[]);
    workshop.write("bantam.toml", spec("shop", ""));
    let name = "registry.example.com:5000/team/shop:1.2";
    for form in ["oci-archive", "docker-archive"] {
        let destination = format!("{form}:{form}.tar:{name}");
        ok(workshop.bantam().args(["build", "-o", &destination]));
        let archive = workshop.path(&format!("{form}.tar"));
        assert_eq!(load(docker(), &archive), name, "{form}");
        assert_eq!(load(podman(), &archive), name, "{form}");
    }
}

#[test]
fn pain_21_created_is_told_and_changes_no_layer() {
    if !at_hand(&["gcc"]) {
        return;
    }
    let workshop = Workshop::new();
    workshop.compile("shop", PROGRAM, &[]);
    workshop.write("bantam.toml", spec("shop", ""));
    let built = |name: &str, epoch: Option<&str>| {
        let mut command = workshop.bantam();
        command.args(["build", "-o", &format!("oci:{name}:1")]);
        epoch.map(|seconds| command.env("SOURCE_DATE_EPOCH", seconds));
        ok(&mut command);
        (layout::config(&workshop.path(name))["created"].clone(), layout::manifest(&workshop.path(name)))
    };
    let (default, manifest) = built("default", None);
    assert_eq!(default, "1980-01-01T00:00:00Z");
    let (told, at_that_time) = built("told", Some("1700000000"));
    assert_eq!(told, "2023-11-14T22:13:20Z");
    assert_eq!(manifest["layers"], at_that_time["layers"]);
    assert!(layout::files(&workshop.path("told")).iter().all(|file| file.mtime == 315_532_800));

    let mut nonsense = workshop.bantam();
    nonsense.args(["build", "-o", "oci:nonsense:1"]).env("SOURCE_DATE_EPOCH", "yesterday");
    assert_has(&fails(&mut nonsense, 2), &["SOURCE_DATE_EPOCH", "yesterday"]);
}

#[test]
fn pain_25_shell_form_entrypoint() {
    let workshop = Workshop::new();
    let spec = "[config]\nentrypoint = \"/app/shop --port 8080\"\n";
    assert_has(&workshop.refused(spec, 3), &[r#"["/app/shop", "--port", "8080"]"#]);
}

#[test]
fn pain_38_secrets_in_the_payload() {
    let workshop = Workshop::new();
    workshop.copy_program("/usr/bin/env".as_ref(), "payload/shop");
    for (name, content) in [
        (".env", "TOKEN=x\n"),
        (".git/config", "[core]\n"),
        ("keys/id_ed25519", "-----BEGIN OPENSSH PRIVATE KEY-----\n"),
    ] {
        workshop.write(&format!("payload/{name}"), content);
    }
    let spec = "name = \"example.com/pain\"\n[config]\nentrypoint = [\"/app/shop\"]\n\
                [[files]]\nfrom = \"payload/\"\nto = \"/app/\"\n";
    assert_has(&workshop.refused(spec, 4), &["/app/.env", "/app/.git", "/app/keys/id_ed25519"]);
    workshop.image_of("pain38", &format!("{spec}[policy]\nallow = [\"secrets\"]\n"));
}
