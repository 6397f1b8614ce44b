//! Builders that are not alike: what their apt knows changes where packages come from, and nothing of the image.

use crate::world::{Folder, archive};
use bantam::{Locking, Request, Session, Target};
use std::{fs, num::NonZeroUsize, path::Path};

/// Builds the folder's spec on the machine whose root is `root`, with an empty cache; the digest and the lock.
fn built(folder: &Folder, root: &Path, mirrors: Option<&str>) -> Result<(String, String), bantam::Error> {
    folder.forget();
    let _ = fs::remove_file(folder.path("bantam.lock"));
    let session = Session {
        cache: folder.path("cache"),
        locking: Locking::Refresh,
        moved: vec![],
        lock_file: None,
        jobs: NonZeroUsize::MIN,
        offline: true,
        network: store::Network::offline(),
        mirrors: mirrors.map(String::from),
        apt_root: root.into(),
    };
    let request = Request {
        targets: vec![Target::read(Some(&folder.path("bantam.toml")))?],
        outputs: vec![],
        platforms: vec![],
        session,
        cache_from: vec![],
        cache_to: vec![],
        source_date_epoch: None,
        receipts: vec![],
        baseline: None,
    };
    let built = bantam::build(&request, &|_| {})?;
    Ok((built[0].reference(), folder.read("bantam.lock")))
}

#[test]
fn machines_with_other_mirrors_make_the_same_image() {
    let folder = Folder::new();
    folder.spec(&[], "");
    archive().write_to(&folder.path("one/debian"));
    archive().write_to(&folder.path("two/mirror"));
    let root = |name: &str, file: &str, text: &str| {
        folder.write(&format!("{name}/etc/apt/{file}"), text);
        folder.path(name)
    };
    let url = |dir: &str| format!("file://{}", folder.path(dir).display());
    let old = root("old", "sources.list", &format!("deb {} sid main\n", url("one/debian")));
    let deb822 = format!("Types: deb\nURIs: {}\nSuites: trixie sid\nComponents: main\n", url("two/mirror"));
    let new = root("new", "sources.list.d/debian.sources", &deb822);
    let ubuntu = root("ubuntu", "sources.list", "deb http://mirror.example.com/ubuntu noble main\n");
    let other = folder.path("other");
    let first = built(&folder, &old, None).unwrap();
    assert_eq!(built(&folder, &new, None).unwrap(), first);
    // Without apt, or with that of another distribution, mirrors have to be given.
    for root in [&other, &ubuntu] {
        let error = built(&folder, root, None).unwrap_err();
        assert!(matches!(error, bantam::Error::Mirror(_)), "{error}");
        assert!(error.to_string().starts_with("no mirror of debian is known"), "{error}");
        assert_eq!(built(&folder, root, Some(&url("one/debian"))).unwrap(), first);
    }
    folder.spec(&[url("two/mirror")], "");
    assert_eq!(built(&folder, &other, None).unwrap(), first);
}
