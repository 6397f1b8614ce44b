//! Media types of the image specification, and Docker's names for the same things.

/// An image manifest.
pub const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
/// An image index: the manifests of several platforms.
pub const INDEX: &str = "application/vnd.oci.image.index.v1+json";
/// An image config.
pub const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
/// A layer: a plain tar.
pub const LAYER: &str = "application/vnd.oci.image.layer.v1.tar";
/// A layer: a tar in gzip.
pub const LAYER_GZIP: &str = "application/vnd.oci.image.layer.v1.tar+gzip";
/// A layer: a tar in zstd.
pub const LAYER_ZSTD: &str = "application/vnd.oci.image.layer.v1.tar+zstd";

/// The empty object, where a manifest must have a config or a layer and there is none.
pub const EMPTY: &str = "application/vnd.oci.empty.v1+json";

/// Docker's image manifest, schema 2.
pub const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
/// Docker's manifest list.
pub const DOCKER_INDEX: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
/// Docker's image config.
pub const DOCKER_CONFIG: &str = "application/vnd.docker.container.image.v1+json";
const DOCKER_LAYER: &str = "application/vnd.docker.image.rootfs.diff.tar";
const DOCKER_LAYER_GZIP: &str = "application/vnd.docker.image.rootfs.diff.tar.gzip";
const DOCKER_LAYER_ZSTD: &str = "application/vnd.docker.image.rootfs.diff.tar.zstd";
const DOCKER_FOREIGN_LAYER: &str = "application/vnd.docker.image.rootfs.foreign.diff.tar";
const DOCKER_FOREIGN_LAYER_GZIP: &str = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip";
const FOREIGN_LAYER: &str = "application/vnd.oci.image.layer.nondistributable.v1.tar";
const FOREIGN_LAYER_GZIP: &str = "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip";
const FOREIGN_LAYER_ZSTD: &str = "application/vnd.oci.image.layer.nondistributable.v1.tar+zstd";

/// How the tar of a layer is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Compression {
    /// Not at all.
    None,
    /// gzip, which every consumer reads.
    Gzip,
    /// Zstandard: smaller and faster, refused by older consumers.
    Zstd,
}

impl Compression {
    /// The media type of a layer that is compressed so.
    pub fn media_type(self) -> &'static str {
        match self {
            Compression::None => LAYER,
            Compression::Gzip => LAYER_GZIP,
            Compression::Zstd => LAYER_ZSTD,
        }
    }

    /// How a layer of this media type is compressed; none when it is not the type of a layer.
    pub fn of_media_type(media_type: &str) -> Option<Self> {
        match media_type {
            LAYER | DOCKER_LAYER | FOREIGN_LAYER | DOCKER_FOREIGN_LAYER => Some(Compression::None),
            LAYER_GZIP | DOCKER_LAYER_GZIP | FOREIGN_LAYER_GZIP | DOCKER_FOREIGN_LAYER_GZIP => {
                Some(Compression::Gzip)
            }
            LAYER_ZSTD | DOCKER_LAYER_ZSTD | FOREIGN_LAYER_ZSTD => Some(Compression::Zstd),
            _ => None,
        }
    }

    /// How data that starts with `head` is compressed; the first four bytes decide.
    pub fn of_head(head: &[u8]) -> Self {
        match head {
            [0x1f, 0x8b, ..] => Compression::Gzip,
            // A frame, or a skippable frame (RFC 8878, 3.1).
            [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Compression::Zstd,
            _ => Compression::None,
        }
    }

    /// The name in specs and messages.
    pub fn name(self) -> &'static str {
        match self {
            Compression::None => "none",
            Compression::Gzip => "gzip",
            Compression::Zstd => "zstd",
        }
    }
}

/// Is this the type of a manifest, the OCI's or Docker's?
pub fn is_manifest(media_type: &str) -> bool {
    matches!(media_type, MANIFEST | DOCKER_MANIFEST)
}

/// Is this the type of an index, the OCI's or Docker's?
pub fn is_index(media_type: &str) -> bool {
    matches!(media_type, INDEX | DOCKER_INDEX)
}

/// Is this the type of a layer that is not to be given on, but fetched from where its descriptor says?
pub fn is_foreign(media_type: &str) -> bool {
    matches!(
        media_type,
        DOCKER_FOREIGN_LAYER
            | DOCKER_FOREIGN_LAYER_GZIP
            | FOREIGN_LAYER
            | FOREIGN_LAYER_GZIP
            | FOREIGN_LAYER_ZSTD
    )
}

/// Is this the type of an image config, the OCI's or Docker's?
pub fn is_config(media_type: &str) -> bool {
    matches!(media_type, CONFIG | DOCKER_CONFIG)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_media_type_names_its_compression() {
        for compression in [Compression::None, Compression::Gzip, Compression::Zstd] {
            assert_eq!(Compression::of_media_type(compression.media_type()), Some(compression));
        }
        assert_eq!(Compression::of_media_type(DOCKER_LAYER_GZIP), Some(Compression::Gzip));
        assert_eq!(Compression::of_media_type("application/json"), None);
    }

    #[test]
    fn the_first_bytes_tell_the_compression() {
        for (head, want) in [
            (&[0x1f, 0x8b, 8, 0][..], Compression::Gzip),
            (&[0x28, 0xb5, 0x2f, 0xfd], Compression::Zstd),
            (&[0x50, 0x2a, 0x4d, 0x18], Compression::Zstd),
            (b"etc/", Compression::None),
            (b"", Compression::None),
        ] {
            assert_eq!(Compression::of_head(head), want, "{head:x?}");
        }
    }
}
