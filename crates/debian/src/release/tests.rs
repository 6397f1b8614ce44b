use super::*;
use std::time::{Duration, UNIX_EPOCH};

const A: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
const B: &str = "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f";

/// The Release file of Debian's security archive, without most of its table.
fn security() -> String {
    format!(
        "Origin: Debian\nLabel: Debian-Security\nSuite: oldstable-security\nVersion: 12\n\
         Codename: bookworm-security\nDate: Tue, 24 Nov 2026 00:34:33 UTC\n\
         Valid-Until: Tue, 01 Dec 2026 00:34:33 UTC\nAcquire-By-Hash: yes\n\
         No-Support-for-Architecture-all: Packages\n\
         Architectures: amd64 arm64 armhf i386 ppc64el\n\
         Components: updates/main updates/contrib updates/non-free-firmware updates/non-free\n\
         Description: Debian 12 - Security Updates\n\
         MD5Sum:\n 900150983cd24fb0d6963f7d28e17f72        3 main/Weak\n\
         SHA256:\n {A}        3 main/binary-amd64/Packages.xz\n {A}  3 Contents-amd64.gz\n"
    )
}

fn parse(text: &str) -> Result<Release, String> {
    Release::parse(text.as_bytes()).map_err(|error| error.to_string())
}

/// Noon of 30 November 2026, and so many days later.
fn day(day: i64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs((1_796_040_000 + day * 86_400).try_into().unwrap())
}

#[test]
fn a_release_says_what_the_suite_is() {
    let release = parse(&security()).unwrap();
    let text = |field: &Option<String>| field.clone().unwrap_or_default();
    assert_eq!(text(&release.origin), "Debian");
    assert_eq!(text(&release.label), "Debian-Security");
    assert_eq!(text(&release.suite), "oldstable-security");
    assert_eq!(text(&release.codename), "bookworm-security");
    assert_eq!(text(&release.version), "12");
    assert_eq!(release.date.map(|at| shown(seconds(at))).unwrap(), "2026-11-24T00:34:33Z");
    assert_eq!(release.valid_until.map(|at| shown(seconds(at))).unwrap(), "2026-12-01T00:34:33Z");
    assert_eq!(release.architectures, ["amd64", "arm64", "armhf", "i386", "ppc64el"]);
    assert!(release.has_component("main") && release.has_component("updates/main"));
    assert!(!release.has_component("universe") && !release.has_component("ain"));
    assert!(release.acquire_by_hash && release.no_support_for_architecture_all);
    let file = release.file("main/binary-amd64/Packages.xz").unwrap();
    assert_eq!((file.size, file.checksum.hex().as_str()), (3, A));
    assert!(file.checksum.is_of(b"abc") && !file.checksum.is_of(b"abd"));
    assert_eq!(
        release.by_hash("main/binary-amd64/Packages.xz").unwrap(),
        format!("main/binary-amd64/by-hash/SHA256/{A}")
    );
    assert_eq!(release.by_hash("Contents-amd64.gz").unwrap(), format!("by-hash/SHA256/{A}"));
    assert_eq!(release.by_hash("main/Weak"), None);
    assert_eq!(
        release.files().map(|(path, _)| path).collect::<Vec<_>>(),
        ["Contents-amd64.gz", "main/binary-amd64/Packages.xz"]
    );
}

#[test]
fn fields_may_be_missing_or_written_otherwise() {
    let release = parse(&format!("\nsha256:\n {A} 3 ./Packages\n\n")).unwrap();
    assert!(release.suite.is_none() && release.date.is_none() && !release.acquire_by_hash);
    assert!(release.file("Packages").is_some() && release.by_hash("Packages").is_none());
    let text = "SUITE:stable\r\nSigned-By: AAAA,\tBBBB! CCCC\r\nNo-Support-for-Architecture-all: Contents\r\nSHA256:\r\n";
    let release = parse(text).unwrap();
    assert_eq!(release.suite.as_deref(), Some("stable"));
    assert_eq!(release.signed_by, ["AAAA", "BBBB!", "CCCC"]);
    assert!(!release.no_support_for_architecture_all);
}

#[test]
fn the_strongest_digest_counts() {
    let of = |tables: &str| parse(tables).unwrap().file("a").map(|file| file.checksum.to_string());
    let (sha256, sha512) = (format!("SHA256:\n {A} 3 a\n"), format!("SHA512:\n {B} 3 a\n"));
    assert_eq!(of(&sha256).unwrap(), format!("sha256:{A}"));
    assert_eq!(of(&sha512).unwrap(), format!("sha512:{B}"));
    assert_eq!(of(&format!("{sha256}{sha512}")).unwrap(), format!("sha512:{B}"));
    assert_eq!(of(&format!("{sha512}{sha256}")).unwrap(), format!("sha512:{B}"));
    // One of a file that the other table does not have.
    assert_eq!(of(&format!("SHA512:\n {B} 3 b\n{sha256}")).unwrap(), format!("sha256:{A}"));
    assert!(parse(&sha512).unwrap().file("a").unwrap().checksum.is_of(b"abc"));
    let release = parse(&format!("Acquire-By-Hash: yes\n{sha512}")).unwrap();
    assert_eq!(release.by_hash("a").unwrap(), format!("by-hash/SHA512/{B}"));
}

#[test]
fn what_is_no_release_is_refused() {
    for (text, want) in [
        ("", "the Release file has neither SHA256 nor SHA512 digests"),
        (
            "MD5Sum:\n 900150983cd24fb0d6963f7d28e17f72 3 a\nSHA1:\n",
            "the Release file has neither SHA256 nor SHA512 digests",
        ),
        ("Suite: a\nno field\n", "line 2 of the Release file: it is no field"),
        ("<!DOCTYPE html>\n", "line 1 of the Release file: it is no field"),
        (" goes on\n", "line 1 of the Release file: it goes on with no field"),
        ("Suite: a\n\nSuite: b\n", "line 3 of the Release file: a second paragraph begins"),
        ("Suite: a\nsuite: b\n", "line 2 of the Release file: there is a field suite before"),
        ("Date: today\nSHA256:\n", "the Release file has a field Date that is no date: `today`"),
        ("Valid-Until: ever\nSHA256:\n", "the Release file has a field Valid-Until that is no date: `ever`"),
        ("SHA256:\n A 3 a\n", "line 2 of the Release file: the digest is none: `A 3 a`"),
        ("SHA256:\n A 3\n", "line 2 of the Release file: it is no digest, size and path: `A 3`"),
        ("SHA256:\n A -3 a\n", "line 2 of the Release file: the size is none: `A -3 a`"),
        (
            "SHA256:\n A 99999999999999999999 a\n",
            "line 2 of the Release file: the size is none: `A 99999999999999999999 a`",
        ),
        ("SHA256:\n A 3 ../a\n", "line 2 of the Release file: the path leads elsewhere: `A 3 ../a`"),
        ("SHA256:\n A 3 /a\n", "line 2 of the Release file: the path leads elsewhere: `A 3 /a`"),
        ("SHA256:\n A 3 a//b\n", "line 2 of the Release file: the path leads elsewhere: `A 3 a//b`"),
        ("SHA256:\n A 3 a\\b\n", "line 2 of the Release file: the path leads elsewhere: `A 3 a\\b`"),
        ("SHA256:\n A 3 a\n A 4 a\n", "the Release file lists a twice, and not the same"),
        ("SHA256:\n A 3 a\nSHA512:\n B 4 a\n", "the Release file lists a twice, and not the same"),
        ("SHA512:\n A 3 a\n", "line 2 of the Release file: the digest is none: `A 3 a`"),
    ] {
        let digests = |text: &str| match want.contains("digest is none") {
            true => text.to_owned(),
            false => text.replace("A ", &format!("{A} ")).replace("B ", &format!("{B} ")),
        };
        assert_eq!(parse(&digests(text)).unwrap_err(), digests(want), "{text}");
    }
    assert!(parse(&format!("SHA256:\n {A} 3 a\n {A} 3 a\n")).is_ok());
}

#[test]
fn the_suite_is_the_one_that_was_asked_for() {
    for (suite, codename, asked, ok) in [
        ("oldstable", "bookworm", "bookworm", true),
        ("oldstable", "bookworm", "oldstable", true),
        ("oldstable", "bookworm", "stable", false),
        ("oldstable", "bookworm", "trixie", false),
        ("oldstable-security", "bookworm-security", "bookworm-security", true),
        ("oldstable-security", "bookworm-security", "bookworm", false),
        ("oldstable-updates", "bookworm-updates", "bookworm", false),
        ("oldstable", "bookworm", "bookworm-updates", false),
        ("noble", "noble", "noble", true),
        ("noble-updates", "noble", "noble-updates", true),
        ("noble-updates", "noble", "noble", false),
        ("noble-security", "noble", "noble-updates", false),
        ("oldoldstable", "buster", "buster/updates", true),
        ("oldoldstable", "jessie", "buster/updates", false),
        ("unstable", "sid", "sid", true),
        ("stable", "", "stable", true),
        ("stable", "", "bookworm", false),
        ("", "bookworm", "bookworm", true),
        ("", "", "bookworm", true),
        ("other", "other", "./", true),
        ("other", "other", "stable/amd64/", true),
    ] {
        let release = parse(&format!("Suite: {suite}\nCodename: {codename}\nSHA256:\n")).unwrap();
        assert_eq!(release.check(day(0), asked, false).is_ok(), ok, "{suite} {codename} {asked}");
    }
    let error = parse(&security()).unwrap().check(day(0), "bookworm", false).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the Release file is of oldstable-security, bookworm-security, not of bookworm"
    );
}

#[test]
fn the_release_counts_at_the_time() {
    let release = parse(&security()).unwrap();
    let check =
        |now, waive| release.check(now, "bookworm-security", waive).map_err(|error| error.to_string());
    let expired = "the Release file of bookworm-security was valid until 2026-12-01T00:34:33Z";
    let future = "the Release file of bookworm-security is from the future: 2026-11-24T00:34:33Z";
    for (now, waive, want) in [
        (day(0), false, Ok(())),
        (day(1), false, Err(expired.to_owned())),
        (day(1), true, Ok(())),
        (day(4000), true, Ok(())),
        (day(-6), false, Ok(())),
        (day(-7), false, Err(future.to_owned())),
        (day(-7), true, Err(future.to_owned())),
        (release.valid_until.unwrap(), false, Ok(())),
        (release.date.unwrap() - Duration::from_secs(3600), false, Ok(())),
        (release.date.unwrap() - Duration::from_secs(3601), false, Err(future.to_owned())),
        (UNIX_EPOCH - Duration::from_secs(1), false, Err(future.to_owned())),
    ] {
        assert_eq!(check(now, waive), want, "{now:?}");
    }
    // Debian's stable suites do not say until when they count.
    let forever = security().replace("Valid-Until: Tue, 01 Dec 2026 00:34:33 UTC\n", "");
    assert!(parse(&forever).unwrap().check(day(4000), "bookworm-security", false).is_ok());
}
