//! Releases are verified by keyrings: those of the distributions, or those that are given.

use super::verify::{Asked, Keys, ListedFile, Listing, Signed, Verify};
use crate::keyring::Keyring;
use crate::release::{Checksum, Release};
use crate::solve::{DEFAULT_PRIORITY, NOT_AUTOMATIC_PRIORITY, UPGRADES_PRIORITY};
use fetch::Digest;
use std::error::Error;

/// Believes the archive keys of the distributions, which are built in, and keyrings that are given.
#[derive(Debug, Clone, Copy, Default)]
pub struct Keyrings;

impl Verify for Keyrings {
    fn verify(&self, signed: &Signed, asked: &Asked<'_>) -> Result<Listing, Box<dyn Error + Send + Sync>> {
        let keyring = match asked.keys {
            Keys::Builtin(origin) => Keyring::builtin(*origin),
            Keys::Given(bytes) => Keyring::parse(bytes)?,
        };
        let release = match signed {
            Signed::Inline(text) => Release::parse(&keyring.verify_clearsigned(text, asked.now)?)?,
            Signed::Detached { text, signatures } => {
                keyring.verify_detached(text, signatures, asked.now)?;
                Release::parse(text)?
            }
        };
        release.check(asked.now, asked.suite, !asked.check_valid_until)?;
        let listed = |(path, file): (&str, &crate::release::IndexFile)| {
            let digest = match file.checksum {
                Checksum::Sha256(digest) => Digest::Sha256(digest.0),
                Checksum::Sha512(digest) => Digest::Sha512(digest),
            };
            (path.to_owned(), ListedFile { size: file.size, digest })
        };
        Ok(Listing {
            files: release.files().map(listed).collect(),
            by_hash: release.acquire_by_hash,
            without_all: release.no_support_for_architecture_all,
            priority: match (release.not_automatic, release.but_automatic_upgrades) {
                (false, _) => DEFAULT_PRIORITY,
                (true, true) => UPGRADES_PRIORITY,
                (true, false) => NOT_AUTOMATIC_PRIORITY,
            },
            architectures: release.architectures,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::archive::{Access, Archive, ArchiveConfig, Mirrors, Origin, Repository, Wanted};
    use crate::testing::{TestArchive, TestKey, TestPackage};
    use cache::Cache;
    use fetch::Client;
    use std::fs;
    use std::path::Path;
    use std::time::{Duration, SystemTime};

    fn archive(suite: &str) -> TestArchive {
        let package = TestPackage::new("libfoo1").version("1.0+b1").file("/usr/lib/libfoo.so.1", "foo");
        TestArchive::new().suite(suite).package(package)
    }

    fn config(dir: &Path, keyring: String) -> ArchiveConfig {
        ArchiveConfig {
            origin: Origin::Debian,
            suite: "sid".into(),
            architecture: "amd64".into(),
            mirrors: Mirrors::new([format!("file://{}", dir.display())]),
            keyring: Some(keyring.into_bytes()),
            repositories: vec![],
        }
    }

    /// Opens it in 2024, and gives the names of the packages or the error.
    fn opened(config: &ArchiveConfig, dir: &Path) -> String {
        let cache = Cache::new(dir.join("cache"));
        let client = Client::offline();
        let access = Access::new(&client, &cache);
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_705_000_000);
        match Archive::open(config, access, &Keyrings, now) {
            Err(error) => error.to_string(),
            Ok(mut archive) => {
                let texts: Vec<String> = archive.take_indexes().into_iter().map(|index| index.text).collect();
                let text = texts.join("\n");
                let value = |name: &str| {
                    text.lines()
                        .filter_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
                        .collect::<Vec<_>>()
                };
                let (names, sizes, digests) = (value("Filename"), value("Size"), value("SHA256"));
                for ((filename, size), digest) in names.iter().zip(sizes).zip(digests) {
                    let bytes = (0..32).map(|at| u8::from_str_radix(&digest[2 * at..][..2], 16).unwrap());
                    let sha256 = tree::Sha256Digest(bytes.collect::<Vec<_>>().try_into().unwrap());
                    let filename = filename.to_string();
                    let wanted = Wanted { suite: 0, filename, size: size.parse().unwrap(), sha256 };
                    let files = archive.suites().fetch(&[wanted], access).unwrap();
                    assert!(files[0].metadata().unwrap().len() > 0);
                }
                assert!(archive.contents(access).unwrap().1.is_empty());
                value("Package").join(" ")
            }
        }
    }

    #[test]
    fn real_signatures() {
        let sid = || archive("sid");
        let stranger = "no signature counts: ";
        for (archive, expected) in [
            (sid(), "libfoo1"),
            (sid().without_inrelease(), "libfoo1"),
            (sid().without_by_hash(), "libfoo1"),
            (sid().sha512_only(), "libfoo1"),
            // A directory of this machine may be old.
            (sid().expired(), "libfoo1"),
            (sid().signed_by(TestKey::stranger()), stranger),
            (
                sid().unsigned(),
                "dists/sid/Release: it is not signed: there is neither InRelease nor Release.gpg",
            ),
            (
                archive("trixie").field("Suite", "trixie").field("Codename", "trixie"),
                "InRelease is not there",
            ),
            (sid().field("Suite", "trixie").field("Codename", "trixie"), "trixie"),
            (sid().wrong_digest("main/binary-amd64/Packages.xz"), "libfoo1"),
            (sid().truncated("main/binary-amd64/Packages.xz"), "libfoo1"),
            (sid().missing("main/binary-amd64/Packages.xz"), "libfoo1"),
        ] {
            let dir = tempfile::tempdir().unwrap();
            archive.write_to(dir.path());
            let found = opened(&config(dir.path(), TestArchive::new().keyring()), dir.path());
            assert!(found.contains(expected), "{found}\n{expected}");
        }
    }

    #[test]
    fn a_flat_archive() {
        let dir = tempfile::tempdir().unwrap();
        archive("sid").write_to(dir.path());
        fs::create_dir(dir.path().join("flat")).unwrap();
        let package = TestPackage::new("bar").file("/usr/bin/bar", "bar");
        let flat = TestArchive::new().flat().package(package).signed_by(TestKey::stranger());
        flat.write_to(&dir.path().join("flat"));
        let mut config = config(dir.path(), TestArchive::new().keyring());
        config.repositories.push(Repository {
            url: format!("file://{}/flat", dir.path().display()),
            suite: "./".into(),
            components: vec![],
            keyring: flat.keyring().into_bytes(),
            architectures: vec![],
        });
        let cache = Cache::new(dir.path().join("cache"));
        let client = Client::offline();
        let opened = Archive::open(&config, Access::new(&client, &cache), &Keyrings, SystemTime::now());
        let texts: Vec<String> = opened.unwrap().take_indexes().into_iter().map(|index| index.text).collect();
        assert!(texts[0].contains("Package: libfoo1\n") && texts[1].contains("Package: bar\n"), "{texts:?}");
    }
}
