//! `bantam cache`: where it is, how much is in it, and less of that.

#![allow(clippy::unwrap_used)]

use std::{
    fs,
    path::PathBuf,
    process::Command,
    time::{Duration, SystemTime},
};
use tempfile::TempDir;

struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Folder(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// A record, of which only name, size and time count here.
    fn record(&self, number: u8, size: usize, days: u64) {
        let dir = self.path("cache/records/layers-1");
        fs::create_dir_all(&dir).unwrap();
        let path = dir.join(format!("{number:02x}").repeat(32));
        fs::write(&path, vec![0; size]).unwrap();
        let time = SystemTime::now() - Duration::from_secs(days * 86_400);
        fs::File::open(path).unwrap().set_modified(time).unwrap();
    }

    /// Exit code, stdout and stderr of `bantam cache`.
    fn cache(&self, arguments: &[&str]) -> (i32, String, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_bantam"));
        command.arg("cache").args(arguments).env("BANTAM_CACHE_DIR", self.path("cache"));
        command.env_remove("GITHUB_ACTIONS");
        let output = command.output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
    }

    fn said(&self, arguments: &[&str]) -> String {
        let (code, out, words) = self.cache(arguments);
        assert_eq!((code, &*words), (0, ""), "{arguments:?}");
        out
    }
}

#[test]
fn its_folder_is_told_whether_or_not_it_is_there() {
    let folder = Folder::new();
    assert_eq!(folder.said(&["dir"]), format!("{}\n", folder.path("cache").display()));
    assert_eq!(folder.said(&["size"]), "            entries       size\ntotal             0        0 B\n");
    assert_eq!(folder.said(&["prune"]), "removed  0 entries, 0 B\nleft     0 entries, 0 B\n");
    assert!(!folder.path("cache").exists());
}

#[test]
fn what_was_not_used_for_thirty_days_goes_unless_other_limits_are_asked_for() {
    let folder = Folder::new();
    for (number, days) in [(1, 1), (2, 20), (3, 29), (4, 40)] {
        folder.record(number, 1000, days);
    }
    let size =
        "            entries       size\nlayers            4     4.0 kB\ntotal             4     4.0 kB\n";
    assert_eq!(folder.said(&["size"]), size);
    let json: serde_json::Value = serde_json::from_str(&folder.said(&["size", "--json"])).unwrap();
    assert_eq!(json["layers"], serde_json::json!({"entries": 4, "bytes": 4000}));
    assert_eq!(json["total"], json["layers"]);
    assert_eq!(json["blobs"], serde_json::json!({"entries": 0, "bytes": 0}));
    assert_eq!(json["dir"], folder.path("cache").to_str().unwrap());

    let dry = "would remove   1 entry, 1.0 kB (layers 1)\nwould be left  3 entries, 3.0 kB\n";
    assert_eq!(folder.said(&["prune", "--dry-run"]), dry);
    assert_eq!(folder.said(&["size"]), size);
    let out = folder.said(&["prune"]);
    assert_eq!(out, "removed  1 entry, 1.0 kB (layers 1)\nleft     3 entries, 3.0 kB\n");
    // A limit of size alone is no limit of age.
    assert!(folder.said(&["prune", "--max-size", "1GB"]).starts_with("removed  0 entries"));
    let json = folder.said(&["prune", "--max-age", "25d", "--max-size", "1.5 kB", "--json"]);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["removed"]["total"], serde_json::json!({"entries": 2, "bytes": 2000}));
    assert_eq!(json["left"]["total"], serde_json::json!({"entries": 1, "bytes": 1000}));
    assert_eq!((&json["dryRun"], &json["inUse"]), (&false.into(), &0.into()));
    assert!(folder.path("cache/records/layers-1").join("01".repeat(32)).exists());
}

#[test]
fn images_stay_unless_they_are_asked_for() {
    let folder = Folder::new();
    folder.record(1, 1000, 0);
    fs::create_dir(folder.path("cache/images")).unwrap();
    fs::write(folder.path("cache/images/index.json"), [0; 500]).unwrap();
    let out = folder.said(&["prune", "--max-size", "0"]);
    assert_eq!(out, "removed  1 entry, 1.0 kB (layers 1)\nleft     1 entry, 500 B\n");
    let out = folder.said(&["prune", "--images"]);
    assert!(out.starts_with("removed  0 entries"), "they are new: {out}");
    folder.record(1, 1000, 0);
    let out = folder.said(&["prune", "--all"]);
    assert_eq!(out, "removed  2 entries, 1.5 kB (layers 1, images 1)\nleft     0 entries, 0 B\n");
}

#[test]
fn what_makes_no_sense_is_refused() {
    let folder = Folder::new();
    for arguments in [
        &["prune", "--max-age", "30"][..],
        &["prune", "--max-age", "soon"],
        &["prune", "--max-size", "10M"],
        &["prune", "--all", "--max-age", "1d"],
        &["nothing"],
        &[],
    ] {
        let (code, out, words) = folder.cache(arguments);
        assert_eq!((code, &*out), (2, ""), "{arguments:?}: {words}");
    }
    fs::write(folder.path("cache"), "").unwrap();
    for arguments in [&["size"][..], &["prune"]] {
        let (code, out, words) = folder.cache(arguments);
        assert_eq!((code, &*out), (5, ""), "{words}");
        let want = format!("error: cannot read {}\n", folder.path("cache").display());
        assert!(words.starts_with(&want), "{words}");
    }
}
