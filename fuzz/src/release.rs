//! Releases of archives, their signatures, and the keyrings that these are held against.

use debian::keyring::Keyring;
use debian::release::Release;
use debian::testing::{TestArchive, TestKey, TestPackage};
use std::sync::OnceLock;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// What was signed by the key of the test archives.
fn signed() -> &'static [Vec<u8>] {
    static SIGNED: OnceLock<Vec<Vec<u8>>> = OnceLock::new();
    SIGNED.get_or_init(|| {
        let package = TestPackage::new("a").file("/usr/a", "x");
        let archives = [
            TestArchive::new().package(package.clone()),
            TestArchive::new().sha512_only().suite("sid").expired(),
            TestArchive::new().flat().package(package).also_signed_by(TestKey::stranger()),
        ];
        let files = archives.into_iter().flat_map(|archive| archive.files());
        files.filter(|(path, _)| path.ends_with("InRelease")).map(|(_, bytes)| bytes).collect()
    })
}

fn now() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_719_792_000)
}

/// Reads it as each of them. No signature counts but over what was signed.
pub fn run(bytes: &[u8]) {
    static KEYRING: OnceLock<Option<Keyring>> = OnceLock::new();
    let keyring = KEYRING.get_or_init(|| Keyring::parse(TestArchive::new().keyring().as_bytes()).ok());
    if let Some(keyring) = keyring {
        if let Ok(text) = keyring.verify_clearsigned(bytes, now()) {
            let known = signed()
                .iter()
                .any(|known| keyring.verify_clearsigned(known, now()).is_ok_and(|known| known == text));
            assert!(known, "nobody signed this");
        }
        let _ = keyring.verify_detached(bytes, bytes, now());
    }
    let _ = Keyring::parse(bytes);
    let Ok(release) = Release::parse(bytes) else { return };
    let _ = release.check(now(), "sid", false);
    for (path, _) in release.files() {
        assert!(release.file(path).is_some());
        let _ = release.by_hash(path);
    }
}

/// Releases, signed and plain, signatures and keys.
pub fn seeds() -> Vec<Vec<u8>> {
    let files = TestArchive::new().package(TestPackage::new("a").file("/usr/a", "x")).files();
    let releases = files.into_iter().filter(|(path, _)| path.contains("Release")).map(|(_, bytes)| bytes);
    let keys = [TestKey::archive().certificate(), TestKey::archive().armored().into_bytes()];
    releases.chain(signed().iter().cloned()).chain(keys).collect()
}
