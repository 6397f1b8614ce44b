//! What the name of a symbol version says: by custom a family and a number, `GLIBC_2.38`.

/// A symbol version whose name has a number: libraries keep the older ones of a family, so that the
/// newest says what all they offer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionName<'a> {
    /// What is counted: `GLIBC`.
    pub family: &'a str,
    /// How far: `[2, 38]`.
    pub number: Vec<u64>,
}

impl<'a> VersionName<'a> {
    /// Takes a name apart where it ends in an underscore and a number, whose parts stand between dots
    /// or underscores: `GLIBC_2.2.5`, `GNUTLS_3_7_2`. None for other names: `GLIBC_ABI_DT_RELR`,
    /// `XZ_5.1.2alpha`.
    pub fn parse(name: &'a str) -> Option<Self> {
        let tail = name.len() - name.trim_end_matches(|c: char| c.is_ascii_digit() || "._".contains(c)).len();
        // What is before the number may end in a digit or dot of its own: `PNG16_0`.
        let tail_at = name.len() - tail;
        let from = tail_at + name[tail_at..].find('_')?;
        let family = &name[..from];
        let parts = name[from + 1..].split(['.', '_']).map(|part| part.parse().ok());
        let number: Vec<u64> = parts.collect::<Option<_>>()?;
        (!family.is_empty()).then_some(VersionName { family, number })
    }

    /// The newest version of each family among these, and those without a number, in the order in
    /// which families come first.
    pub fn newest(names: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
        let mut newest: Vec<&str> = vec![];
        for name in names {
            let Some(version) = VersionName::parse(name) else {
                newest.push(name);
                continue;
            };
            let known = newest.iter_mut().find_map(|known| {
                let parsed = VersionName::parse(known).filter(|known| known.family == version.family)?;
                Some((known, parsed))
            });
            match known {
                Some((known, parsed)) if parsed.number < version.number => *known = name,
                Some(_) => {}
                None => newest.push(name),
            }
        }
        newest
    }
}

/// Is this a version that only files of one and the same build share, such as `GLIBC_PRIVATE`?
pub fn is_private_version(name: &str) -> bool {
    name == "HIDDEN" || name.split('_').any(|word| matches!(word, "PRIVATE" | "INTERNAL"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_taken_apart() {
        for (name, family, number) in [
            ("GLIBC_2.2.5", "GLIBC", &[2, 2, 5][..]),
            ("GLIBC_2.38", "GLIBC", &[2, 38]),
            ("OPENSSL_3.0.0", "OPENSSL", &[3, 0, 0]),
            ("CURL_OPENSSL_4", "CURL_OPENSSL", &[4]),
            ("GNUTLS_3_7_2", "GNUTLS", &[3, 7, 2]),
            ("BLKID_2_40", "BLKID", &[2, 40]),
            ("CXXABI_TM_1", "CXXABI_TM", &[1]),
            ("PNG16_0", "PNG16", &[0]),
            ("NCURSES6_TINFO_6.5.20240427", "NCURSES6_TINFO", &[6, 5, 20_240_427]),
        ] {
            let parsed = VersionName { family, number: number.to_vec() };
            assert_eq!(VersionName::parse(name), Some(parsed), "{name}");
        }
        for name in [
            "",
            "_",
            "_1",
            "1",
            "GLIBC",
            "GLIBC_",
            "GLIBC_2.",
            "GLIBC_2..3",
            "GLIBC_ABI_DT_RELR",
            "CXXABI_FLOAT128",
            "XZ_5.1.2alpha",
            "GLIBC_99999999999999999999",
            "é_é",
        ] {
            assert_eq!(VersionName::parse(name), None, "{name}");
        }
    }

    #[test]
    fn the_newest_by_number_and_not_by_letter() {
        let names = ["GLIBC_2.9", "GLIBC_2.34", "GLIBC_PRIVATE", "GLIBC_2.4", "XCRYPT_4.4", "GLIBC_2.34.1"];
        assert_eq!(VersionName::newest(names), ["GLIBC_2.34.1", "GLIBC_PRIVATE", "XCRYPT_4.4"]);
        assert_eq!(VersionName::newest(["MOUNT_2.34", "MOUNT_2_41", "MOUNT_2.35"]), ["MOUNT_2_41"]);
    }

    #[test]
    fn versions_of_one_build() {
        for name in ["GLIBC_PRIVATE", "LIBDBUS_PRIVATE_1.16.2", "NETTLE_INTERNAL_8_10", "HIDDEN"] {
            assert!(is_private_version(name), "{name}");
        }
        for name in ["GLIBC_2.34", "PRIVATEER_1", "CURL_OPENSSL_4"] {
            assert!(!is_private_version(name), "{name}");
        }
    }
}
