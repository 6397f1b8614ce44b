//! References: names for places that images go to and come from, as skopeo and podman users know them.

use crate::name::{ImageName, NameError, is_tag};
use crate::object::{ObjectUrl, ObjectUrlError};
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// A place, and which image there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reference {
    /// `oci:DIR[:REF]`: an OCI image layout.
    Layout {
        /// The directory.
        dir: PathBuf,
        /// Which image; none stands for what the image calls itself.
        name: Option<RefName>,
    },
    /// `oci-archive:FILE[:REF]`: a layout in a tar.
    OciArchive {
        /// The tar.
        file: PathBuf,
        /// Which image.
        name: Option<RefName>,
    },
    /// `docker-archive:FILE[:REF]`: what `docker save` writes.
    DockerArchive {
        /// The tar.
        file: PathBuf,
        /// Which image.
        name: Option<RefName>,
    },
    /// `docker-daemon:[REF]`: the images of a Docker engine.
    DockerDaemon {
        /// Which image.
        name: Option<RefName>,
    },
    /// `docker://REF` or `host/name:tag`: an image in a registry.
    Registry(ImageName),
    /// `s3://bucket/key[:REF]`, `gs://…`, `az://…`: an archive in an object store, or a layout where the key ends with
    /// a slash.
    Object {
        /// The object, or the prefix of those of the layout.
        url: ObjectUrl,
        /// Which image.
        name: Option<RefName>,
    },
}

/// Which image in a place: a tag, or a name with its tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RefName {
    /// A tag of what the image calls itself.
    Tag(String),
    /// A name of its own.
    Name(ImageName),
}

/// A text is no reference.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReferenceError {
    /// The scheme is not one that is known.
    #[error("`{text}`: `{scheme}` is no place for images; known are {SCHEMES}")]
    Scheme {
        /// The text.
        text: String,
        /// What stands before the first colon.
        scheme: String,
    },
    /// The text names no file or directory.
    #[error("`{0}` names no path")]
    NoPath(String),
    /// A name of an image in a registry must say which registry.
    #[error("`{0}` names no registry host; a place is one of {SCHEMES}, or host/name:tag")]
    NoHost(String),
    /// The text names no object.
    #[error("`{text}` is no place in an object store")]
    Object {
        /// The text.
        text: String,
        /// What is wrong with it.
        source: ObjectUrlError,
    },
    /// The name of the image is none.
    #[error("`{text}` is no reference to an image")]
    Name {
        /// The text.
        text: String,
        /// What is wrong with the name.
        source: NameError,
    },
}

const SCHEMES: &str =
    "oci:, oci-archive:, docker-archive:, docker-daemon:, docker://, s3://, gs:// and az://";

impl Reference {
    /// The layout in a directory.
    pub fn layout(dir: impl Into<PathBuf>) -> Self {
        Reference::Layout { dir: dir.into(), name: None }
    }

    /// Is there room for one image only, so that a second would replace the first?
    pub fn takes_one_image(&self) -> bool {
        let holds_one = match self {
            Reference::OciArchive { .. } | Reference::DockerArchive { .. } | Reference::Registry(_) => true,
            Reference::Object { url, .. } => !url.is_prefix(),
            Reference::Layout { .. } | Reference::DockerDaemon { .. } => false,
        };
        holds_one || matches!(self.name(), Some(RefName::Name(_)))
    }

    /// Is an image of several platforms refused there?
    pub fn takes_one_platform(&self) -> bool {
        matches!(self, Reference::DockerArchive { .. } | Reference::DockerDaemon { .. })
    }

    /// Are layers in zstd refused there?
    pub fn refuses_zstd(&self) -> bool {
        matches!(self, Reference::DockerArchive { .. } | Reference::DockerDaemon { .. })
    }

    /// The file or directory, where it is one.
    pub fn path(&self) -> Option<&Path> {
        match self {
            Reference::Layout { dir: path, .. }
            | Reference::OciArchive { file: path, .. }
            | Reference::DockerArchive { file: path, .. } => Some(path),
            Reference::DockerDaemon { .. } | Reference::Registry(_) | Reference::Object { .. } => None,
        }
    }

    /// The registry's host, with its port, where it is one.
    pub fn registry(&self) -> Option<&str> {
        match self {
            Reference::Registry(name) => name.registry.as_deref(),
            _ => None,
        }
    }

    /// Which image in the place.
    pub fn name(&self) -> Option<&RefName> {
        match self {
            Reference::Layout { name, .. }
            | Reference::OciArchive { name, .. }
            | Reference::DockerArchive { name, .. }
            | Reference::DockerDaemon { name }
            | Reference::Object { name, .. } => name.as_ref(),
            Reference::Registry(_) => None,
        }
    }
}

impl FromStr for Reference {
    type Err = ReferenceError;
    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        let named = |source| ReferenceError::Name { text: text.into(), source };
        let registry = |name: &str| {
            let name: ImageName = name.parse().map_err(named)?;
            match name.registry {
                Some(_) => Ok(Reference::Registry(name)),
                None => Err(ReferenceError::NoHost(text.into())),
            }
        };
        let Some((scheme, rest)) = text.split_once(':') else { return registry(text) };
        // As in skopeo, a path ends at the first colon.
        let split = || {
            Ok(match rest.split_once(':') {
                Some((path, name)) => (path, Some(name.parse().map_err(named)?)),
                None => (rest, None),
            })
        };
        let path = || match split()? {
            ("", _) => Err(ReferenceError::NoPath(text.into())),
            (path, name) => Ok((PathBuf::from(path), name)),
        };
        match scheme {
            "oci" => path().map(|(dir, name)| Reference::Layout { dir, name }),
            "oci-archive" => path().map(|(file, name)| Reference::OciArchive { file, name }),
            "docker-archive" => path().map(|(file, name)| Reference::DockerArchive { file, name }),
            "docker-daemon" if rest.is_empty() => Ok(Reference::DockerDaemon { name: None }),
            "docker-daemon" => Ok(Reference::DockerDaemon { name: Some(rest.parse().map_err(named)?) }),
            "docker" if rest.starts_with("//") => registry(rest.trim_start_matches("//")),
            "s3" | "gs" | "az" if rest.starts_with("//") => {
                let (path, name) = split()?;
                let url = format!("{scheme}:{path}").parse();
                let url = url.map_err(|source| ReferenceError::Object { text: text.into(), source })?;
                Ok(Reference::Object { url, name })
            }
            // A word before the colon is a scheme, unless a port or a tag comes after it.
            word if rest.starts_with("//")
                || (word.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '-')
                    && !rest.starts_with(|letter: char| letter.is_ascii_digit())
                    && text.parse::<ImageName>().is_err()) =>
            {
                Err(ReferenceError::Scheme { text: text.into(), scheme: scheme.into() })
            }
            _ => registry(text),
        }
    }
}

impl FromStr for RefName {
    type Err = NameError;
    fn from_str(text: &str) -> Result<Self, NameError> {
        if is_tag(text) { Ok(RefName::Tag(text.into())) } else { text.parse().map(RefName::Name) }
    }
}

impl fmt::Display for RefName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RefName::Tag(tag) => f.write_str(tag),
            RefName::Name(name) => name.fmt(f),
        }
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (scheme, path) = match self {
            Reference::Layout { dir, .. } => ("oci:", Some(dir)),
            Reference::OciArchive { file, .. } => ("oci-archive:", Some(file)),
            Reference::DockerArchive { file, .. } => ("docker-archive:", Some(file)),
            Reference::DockerDaemon { .. } => ("docker-daemon:", None),
            Reference::Registry(name) => return write!(f, "docker://{name}"),
            Reference::Object { url, name } => {
                write!(f, "{url}")?;
                return name.iter().try_for_each(|name| write!(f, ":{name}"));
            }
        };
        f.write_str(scheme)?;
        if let Some(path) = path {
            write!(f, "{}", path.display())?;
        }
        match self.name() {
            Some(name) if path.is_some() => write!(f, ":{name}"),
            Some(name) => name.fmt(f),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_read_and_written() {
        for (text, want) in [
            ("oci:out", "Layout out -"),
            ("oci:/a/b.c:1.4", "Layout /a/b.c tag 1.4"),
            ("oci:out:ghcr.io/acme/shop:1.4", "Layout out name ghcr.io/acme/shop:1.4"),
            ("oci:out:localhost:5000/shop", "Layout out name localhost:5000/shop"),
            ("oci-archive:x.tar:latest", "OciArchive x.tar tag latest"),
            ("docker-archive:x.tar:shop:dev", "DockerArchive x.tar name shop:dev"),
            ("docker-daemon:shop:dev", "DockerDaemon name shop:dev"),
            ("docker-daemon:dev", "DockerDaemon tag dev"),
            ("docker-daemon:", "DockerDaemon -"),
            ("docker://ghcr.io/acme/shop:1", "Registry ghcr.io/acme/shop:1"),
            ("s3://bucket/key.tar", "Object s3://bucket/key.tar -"),
            ("gs://bucket/images/:1.4", "Object gs://bucket/images/ tag 1.4"),
            ("az://box@me/x.tar:a.io/shop:1", "Object az://box@me/x.tar name a.io/shop:1"),
        ] {
            let reference: Reference = text.parse().unwrap();
            let name = match reference.name() {
                None => "-".to_string(),
                Some(RefName::Tag(tag)) => format!("tag {tag}"),
                Some(RefName::Name(name)) => format!("name {name}"),
            };
            let found = match &reference {
                Reference::Layout { dir, .. } => format!("Layout {} {name}", dir.display()),
                Reference::OciArchive { file, .. } => format!("OciArchive {} {name}", file.display()),
                Reference::DockerArchive { file, .. } => format!("DockerArchive {} {name}", file.display()),
                Reference::DockerDaemon { .. } => format!("DockerDaemon {name}"),
                Reference::Registry(name) => format!("Registry {name}"),
                Reference::Object { url, .. } => format!("Object {url} {name}"),
            };
            assert_eq!(found, want);
            assert_eq!(reference.to_string(), text);
        }
    }

    #[test]
    fn a_bare_name_with_a_host_means_a_registry() {
        for text in ["ghcr.io/acme/shop:1.4", "localhost:5000/shop", "localhost/shop", "127.0.0.1:5000/a/b:c"]
        {
            assert_eq!(text.parse(), Ok(Reference::Registry(text.parse().unwrap())), "{text}");
        }
    }

    #[test]
    fn what_is_no_reference_is_refused() {
        let message = |text: &str| {
            let error = text.parse::<Reference>().unwrap_err();
            match std::error::Error::source(&error) {
                Some(cause) => format!("{error}: {cause}"),
                None => error.to_string(),
            }
        };
        let answers = [
            "",
            "shop",
            "shop:latest",
            "acme/shop:1",
            "docker://shop",
            "oci:",
            "oci::tag",
            "oci:out:",
            "oci:out:Shop/X",
            "dir:/tmp/x",
            "containers-storage:[vfs]x",
            "https://ghcr.io/acme/shop",
            "docker-daemon:Shop:1",
            "ghcr.io/Acme/shop",
            "s3://bucket",
            "s3://bucket:1/key",
            "gs://bucket/a//b",
            "s3:bucket/key",
        ]
        .map(|text| format!("{text} => {}", message(text)));
        insta::assert_snapshot!(answers.join("\n"), @"
 => `` is no reference to an image: `` is no image name: it names no repository
shop => `shop` names no registry host; a place is one of oci:, oci-archive:, docker-archive:, docker-daemon:, docker://, s3://, gs:// and az://, or host/name:tag
shop:latest => `shop:latest` names no registry host; a place is one of oci:, oci-archive:, docker-archive:, docker-daemon:, docker://, s3://, gs:// and az://, or host/name:tag
acme/shop:1 => `acme/shop:1` names no registry host; a place is one of oci:, oci-archive:, docker-archive:, docker-daemon:, docker://, s3://, gs:// and az://, or host/name:tag
docker://shop => `docker://shop` names no registry host; a place is one of oci:, oci-archive:, docker-archive:, docker-daemon:, docker://, s3://, gs:// and az://, or host/name:tag
oci: => `oci:` names no path
oci::tag => `oci::tag` names no path
oci:out: => `oci:out:` is no reference to an image: `` is no image name: it names no repository
oci:out:Shop/X => `oci:out:Shop/X` is no reference to an image: `Shop/X` is no image name: `X` has upper-case letters
dir:/tmp/x => `dir:/tmp/x`: `dir` is no place for images; known are oci:, oci-archive:, docker-archive:, docker-daemon:, docker://, s3://, gs:// and az://
containers-storage:[vfs]x => `containers-storage:[vfs]x`: `containers-storage` is no place for images; known are oci:, oci-archive:, docker-archive:, docker-daemon:, docker://, s3://, gs:// and az://
https://ghcr.io/acme/shop => `https://ghcr.io/acme/shop`: `https` is no place for images; known are oci:, oci-archive:, docker-archive:, docker-daemon:, docker://, s3://, gs:// and az://
docker-daemon:Shop:1 => `docker-daemon:Shop:1` is no reference to an image: `Shop:1` is no image name: `Shop` has upper-case letters
ghcr.io/Acme/shop => `ghcr.io/Acme/shop` is no reference to an image: `ghcr.io/Acme/shop` is no image name: `Acme` has upper-case letters
s3://bucket => `s3://bucket` is no place in an object store: it names no key: a name, or a prefix that ends with a slash
s3://bucket:1/key => `s3://bucket:1/key` is no place in an object store: it names no key: a name, or a prefix that ends with a slash
gs://bucket/a//b => `gs://bucket/a//b` is no place in an object store: its key has a part that is empty, `.` or `..`, or a control character
s3:bucket/key => `s3:bucket/key`: `s3` is no place for images; known are oci:, oci-archive:, docker-archive:, docker-daemon:, docker://, s3://, gs:// and az://
");
    }

    #[test]
    fn some_places_take_one_image() {
        let one = |text: &str| text.parse::<Reference>().unwrap().takes_one_image();
        assert!(
            one("oci-archive:x") && one("docker-archive:x") && one("oci:x:a/b:c") && one("docker-daemon:a:b")
        );
        assert!(one("s3://b/x.tar") && one("s3://b/x/:a/b:c") && !one("s3://b/x/") && !one("s3://b/x/:tag"));
        assert!(!one("oci:x") && !one("oci:x:tag") && !one("docker-daemon:"));
    }

    #[test]
    fn docker_takes_one_platform() {
        let one = |text: &str| text.parse::<Reference>().unwrap().takes_one_platform();
        assert!(one("docker-archive:x") && one("docker-daemon:"));
        assert!(!one("oci:x") && !one("oci-archive:x") && !one("docker://ghcr.io/acme/shop:1"));
    }
}
