//! `pylock.toml`, as PEP 751 has it and `uv` writes it: which files there are of the packages of an application.

use percent_encoding::percent_decode_str;
use serde::Deserialize;
use std::collections::BTreeMap;
use toml::value::Datetime;
use tree::Sha256Digest;

/// A package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Package {
    /// Its name, as written.
    pub name: String,
    /// Its version, where it has one before it is built.
    pub version: Option<String>,
    /// When it is wanted at all.
    pub marker: Option<String>,
    /// What there is of it.
    pub offer: Offer,
}

/// What there is of a package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Offer {
    /// Files of an index.
    Index {
        /// Those that are built.
        wheels: Vec<Artifact>,
        /// Is there an archive of its source?
        has_source: bool,
    },
    /// A file that the requirement names.
    Direct(Artifact),
    /// A directory of this machine, with its source.
    Directory(String),
    /// A state of a version control system.
    Checkout,
}

/// A file of a package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Artifact {
    /// Its name.
    pub file: String,
    /// A URL; or a path, seen from where the resolver ran.
    pub at: String,
    /// Its length in bytes, where that is known.
    pub size: Option<u64>,
    /// Its digest, where that is known.
    pub sha256: Option<Sha256Digest>,
    /// When it was published, in seconds since 1970; 0 where that is not known.
    pub date: i64,
}

/// Reads the packages.
///
/// # Errors
/// What is wrong with the text.
pub(super) fn parse(text: &str) -> Result<Vec<Package>, String> {
    let document: Document = toml::from_str(text).map_err(|error| error.message().to_owned())?;
    if !document.lock_version.starts_with("1.") {
        return Err(format!("its lock-version is {}", document.lock_version));
    }
    document.packages.into_iter().map(package).collect()
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Document {
    lock_version: String,
    #[serde(default)]
    packages: Vec<RawPackage>,
}

#[derive(Deserialize)]
struct RawPackage {
    name: String,
    version: Option<String>,
    marker: Option<String>,
    #[serde(default)]
    wheels: Vec<RawFile>,
    sdist: Option<RawFile>,
    archive: Option<RawFile>,
    directory: Option<RawDirectory>,
    vcs: Option<toml::Table>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct RawFile {
    name: Option<String>,
    url: Option<String>,
    path: Option<String>,
    size: Option<u64>,
    upload_time: Option<Datetime>,
    #[serde(default)]
    hashes: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct RawDirectory {
    path: String,
    subdirectory: Option<String>,
}

fn package(raw: RawPackage) -> Result<Package, String> {
    let offer = match (raw.directory, raw.archive, raw.vcs) {
        (Some(RawDirectory { path, subdirectory }), ..) => {
            Offer::Directory(subdirectory.map_or(path.clone(), |sub| format!("{path}/{sub}")))
        }
        (_, Some(file), _) => Offer::Direct(artifact(&raw.name, file)?),
        (_, _, Some(_)) => Offer::Checkout,
        _ => {
            let wheels = raw.wheels.into_iter().map(|file| artifact(&raw.name, file));
            Offer::Index { wheels: wheels.collect::<Result<_, _>>()?, has_source: raw.sdist.is_some() }
        }
    };
    Ok(Package { name: raw.name, version: raw.version, marker: raw.marker, offer })
}

fn artifact(package: &str, raw: RawFile) -> Result<Artifact, String> {
    let at = raw.url.or(raw.path).ok_or_else(|| format!("a file of {package} is nowhere"))?;
    let file = match raw.name {
        Some(name) => name,
        None => {
            let path = at.split(['?', '#']).next().unwrap_or_default();
            let name = path.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
            percent_decode_str(name)
                .decode_utf8()
                .map_err(|_| format!("a file of {package} has no name"))?
                .into()
        }
    };
    let sha256 = match raw.hashes.get("sha256") {
        Some(hex) => {
            let digest = Sha256Digest::from_hex(&hex.to_ascii_lowercase());
            Some(digest.ok_or_else(|| format!("`{hex}` of {file} is no SHA-256 digest"))?)
        }
        None => None,
    };
    let date = raw.upload_time.and_then(|time| oci::seconds(&time.to_string())).unwrap_or(0);
    Ok(Artifact { file, at, size: raw.size, sha256, date })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail")]
mod tests {
    use super::*;

    #[test]
    fn packages_are_read() {
        let digest = "ba0efaa9080b619ff2f3459d1d500c57bddea4a6b424b60a91141db6fd2f08bc";
        let text = format!(
            r#"
lock-version = "1.0"
created-by = "uv"
[[packages]]
name = "blinker"
version = "1.9.0"
marker = "sys_platform == 'linux'"
index = "https://index.example/simple"
sdist = {{ url = "https://files.example/blinker-1.9.0.tar.gz", hashes = {{ sha256 = "{digest}" }} }}
wheels = [{{ url = "https://files.example/blinker-1.9.0%2Bcpu-py3-none-any.whl", upload-time = 2024-11-08T17:25:46Z, size = 8458, hashes = {{ sha256 = "{digest}" }} }}]
[[packages]]
name = "shopdep"
version = "1.0"
archive = {{ path = "fl/shopdep-1.0-py3-none-any.whl", hashes = {{ sha256 = "{digest}" }} }}
[[packages]]
name = "shop"
directory = {{ path = "../proj", editable = true }}
[[packages]]
name = "tool"
vcs = {{ type = "git", url = "https://git.example/tool", commit-id = "00" }}
"#
        );
        let packages = parse(&text).unwrap();
        assert_eq!(packages[0].marker.as_deref(), Some("sys_platform == 'linux'"));
        let Offer::Index { wheels, has_source: true } = &packages[0].offer else { panic!("not of an index") };
        assert_eq!(wheels[0].file, "blinker-1.9.0+cpu-py3-none-any.whl");
        assert_eq!((wheels[0].size, wheels[0].date), (Some(8458), 1_731_086_746));
        assert_eq!(wheels[0].sha256.unwrap().hex(), digest);
        let Offer::Direct(file) = &packages[1].offer else { panic!("not direct") };
        assert_eq!(
            (&*file.file, &*file.at),
            ("shopdep-1.0-py3-none-any.whl", "fl/shopdep-1.0-py3-none-any.whl")
        );
        assert_eq!(packages[2].offer, Offer::Directory("../proj".into()));
        assert_eq!(packages[3].offer, Offer::Checkout);
    }

    #[test]
    fn what_is_none_is_refused() {
        for (text, why) in [
            ("lock-version = '2.0'", "lock-version is 2.0"),
            ("[[packages]]\nname = 'a'", "lock-version"),
            ("lock-version = '1.0'\n[[packages]]\nname = 'a'\nwheels = [{}]", "a file of a is nowhere"),
            (
                "lock-version = '1.0'\n[[packages]]\nname = 'a'\nwheels = [{ url = 'x/a.whl', hashes = { sha256 = 'ab' } }]",
                "no SHA-256",
            ),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.contains(why), "{error}");
        }
    }
}
