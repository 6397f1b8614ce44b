//! The reasons of an image, beside it in a registry: an artifact that refers to it.

use crate::{Built, Error, Output, Request, Target, record};
use oci::{Artifact, Blob, MemoryBlob, Part};
use plan::explain;
use std::{collections::BTreeMap, io::Read, sync::Arc};
use store::{ImageName, Network, Reference};

/// The type of the artifact, and of the document in it.
const REASONS: &str = "application/vnd.bantam.reasons.v1+json";

/// Leaves the reasons of what was built beside it, in every registry that it was pushed to. `built` are all targets of the request.
///
/// # Errors
/// When a registry does not take them. The images stay there.
pub fn attach_reasons(request: &Request, built: &[Built]) -> Result<(), Error> {
    for (target, built) in request.targets.iter().zip(built) {
        let repositories = request.outputs.iter().filter_map(|output| repository(output, target, built));
        for repository in repositories {
            let artifact = artifact(target, built)?;
            store::attach(&repository, &artifact, &request.session.network)?;
        }
    }
    Ok(())
}

/// The document of reasons that is beside an image; none, where there is none or the registry does not say.
pub(crate) fn reasons(image: &ImageName, network: &Network, limit: u64) -> Option<Vec<u8>> {
    let listed = store::referrers(image, Some(REASONS), network).ok()?;
    let name = ImageName { tag: None, digest: Some(listed.first()?.digest), ..image.clone() };
    let stored = store::open(&Reference::Registry(name), network).ok()?;
    let Artifact::Other(part) = stored.artifact().ok()? else { return None };
    let blob = part.blobs.iter().find(|blob| blob.descriptor().media_type == REASONS)?;
    let mut bytes = vec![];
    blob.open().ok()?.take(limit).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

/// Where an output put an image, if that is a registry: the repository, and the digest there.
fn repository(output: &Output, target: &Target, built: &Built) -> Option<ImageName> {
    let name = match output {
        Output::Push => target.name.parse().ok()?,
        Output::Place(Reference::Registry(name)) => name.clone(),
        Output::Place(_) => return None,
    };
    Some(ImageName { tag: None, digest: Some(built.artifact.document().descriptor.digest), ..name })
}

fn artifact(target: &Target, built: &Built) -> Result<Part, Error> {
    let records: Vec<_> = built.plans.iter().map(|plan| record(target, plan)).collect();
    let blob: Arc<dyn Blob> = Arc::new(MemoryBlob::new(REASONS, explain::write(&records)));
    let subject = built.artifact.document().descriptor.clone();
    Ok(Part::artifact(REASONS, vec![blob], Some(subject), BTreeMap::new())?)
}
