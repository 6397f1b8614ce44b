#![allow(clippy::unwrap_used, reason = "a test may fail")]

use super::*;
use bantam::ComparedLayer;
use oci::Digest;

/// An image of one layer for each of these sizes, compressed and unpacked; all of it libraries.
pub fn image(reference: &str, name: Option<&str>, layers: &[(Option<u64>, u64)]) -> Compared {
    let layer = |(compressed, unpacked): &(Option<u64>, u64)| ComparedLayer {
        digest: Digest::of(b"layer"),
        compressed: *compressed,
        unpacked: *unpacked,
        created_by: "test".into(),
    };
    let layers: Vec<ComparedLayer> = layers.iter().map(layer).collect();
    Compared {
        reference: reference.into(),
        name: name.map(String::from),
        platform: "linux/amd64".into(),
        digest: Digest::of(b"manifest"),
        kinds: BTreeMap::from([(Kind::Libraries, layers.iter().map(|layer| layer.unpacked).sum())]),
        layers,
        files: 12,
        packages: Some(3),
    }
}

#[test]
fn images_side_by_side() {
    let one = image("oci:a", Some("example.com/acme/shop:1"), &[(Some(4_000_000), 10_000_000)]);
    let two = image(
        "oci:b",
        Some("example.com/acme/shop:2"),
        &[(Some(3_000_000), 9_000_000), (Some(1), 3_400_000)],
    );
    let mut three = image("docker-daemon:x", None, &[(None, 20_000_000)]);
    three.packages = None;
    three.kinds.insert(Kind::Programs, 5);
    let images = [one, two, three];
    let want = [
        "                shop:1             shop:2   docker-daemon:x",
        "compressed    4.0 MB      3.0 MB *  ×0.75          –",
        "unpacked     10.0 MB *   12.4 MB    ×1.24    20.0 MB  ×2.00",
        "files             12          12                  12",
        "packages           3           3                   –",
        "layers             1           2                   1",
        "programs         0 B         0 B                 5 B",
        "libraries    10.0 MB     12.4 MB             20.0 MB",
    ];
    assert_eq!(table(&columns(&images)), format!("{}\n", want.join("\n")));
    let document = document(&columns(&images));
    assert_eq!(document["images"][1]["compressed"], 3_000_001);
    assert_eq!(document["images"][2]["compressed"], Value::Null);
    assert_eq!(document["images"][2]["kinds"]["programs"], 5);
}

#[test]
fn names_tell_columns_apart() {
    let names = |images: &[(&str, Option<&str>)]| {
        let images: Vec<Compared> =
            images.iter().map(|(reference, name)| image(reference, *name, &[])).collect();
        columns(&images).into_iter().map(|column| column.name).collect::<Vec<_>>()
    };
    assert_eq!(
        names(&[("oci:a", Some("x.com/a/shop:1")), ("oci:b", Some("y.com/shop:2"))]),
        ["shop:1", "shop:2"]
    );
    assert_eq!(
        names(&[("oci:a", Some("x.com/shop:1")), ("oci:b", Some("y.com/shop:1"))]),
        ["x.com/shop:1", "y.com/shop:1"]
    );
    assert_eq!(names(&[("oci:a", Some("shop:1")), ("oci:b", Some("shop:1"))]), ["oci:a", "oci:b"]);
    assert_eq!(names(&[("oci:a\u{1b}[2J", None)]), ["oci:a\\u{1b}[2J"]);
}
