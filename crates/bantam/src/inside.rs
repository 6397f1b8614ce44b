//! A look inside of images that exist.

use crate::Error;
use oci::{Image, LayerEntry, Listed, Platform, PlatformError};
use std::collections::BTreeMap;
use store::{Network, Reference, Stored};
use tree::TreePath;

/// Finds the image that a reference names.
///
/// # Errors
/// When there is none, or it cannot be read.
pub fn find(reference: &Reference, network: &Network) -> Result<Stored, Error> {
    Ok(store::open(reference, network)?)
}

/// The image of a platform; without one, the only image.
///
/// # Errors
/// When there is none, or several, or its documents are damaged.
pub fn image(stored: &Stored, platform: Option<&Platform>) -> Result<Image, Error> {
    Ok(stored.image(platform)?.load()?)
}

/// The image of a platform that a spec can name.
///
/// # Errors
/// As [`image`].
pub(crate) fn image_for(stored: &Stored, platform: plan::spec::Platform) -> Result<Image, Error> {
    let platform = platform.to_string().parse();
    let platform = platform.map_err(|error: PlatformError| Error::Usage(error.to_string()))?;
    image(stored, Some(&platform))
}

/// Every path of an image as a container sees it, with the layer it comes from. Every layer is read
/// whole, and its digest checked.
///
/// # Errors
/// When a layer cannot be read.
pub fn files(image: &Image) -> Result<BTreeMap<TreePath, Listed>, Error> {
    let mut layers: Vec<Vec<LayerEntry>> = vec![];
    for (descriptor, blob) in &image.layers {
        let failed = |source| Error::ReadLayer { digest: descriptor.digest, source };
        let reader = blob.open().map_err(|error| failed(oci::ReadLayerError::Read(error)))?;
        let mut entries = vec![];
        oci::read_layer(reader, &descriptor.media_type, |entry| entries.push(entry)).map_err(failed)?;
        layers.push(entries);
    }
    Ok(oci::merge(layers))
}
