//! Where images go, settled before any of them is planned.

use crate::{Error, Output, Target};
use plan::spec::Platform;
use std::collections::BTreeMap;
use store::{Destination, ImageName, Network, Publication, Published, RefName, Reference, StoreError};

/// A destination that can be published to.
pub(crate) struct Place {
    /// As it was given.
    pub shown: String,
    /// What takes the images.
    pub destination: Box<dyn Destination>,
}

/// Opens every destination, and makes sure that all images fit there, and would be taken as far as that can be known
/// without writing. Each target comes with its platforms.
///
/// # Errors
/// When a destination is not supported, takes fewer images or platforms than there are, would get
/// two images of one name, or would not take them.
pub(crate) fn open(
    outputs: &[Output],
    targets: &[(&Target, Vec<Platform>)],
    network: &Network,
) -> Result<Vec<Place>, Error> {
    for (index, output) in outputs.iter().enumerate() {
        let Some(reference) = output.place() else { continue };
        fits(reference, targets)?;
        let same = |other: &&Reference| match (other, reference) {
            (Reference::Object { url, .. }, Reference::Object { url: own, .. }) => {
                url == own && !url.is_prefix()
            }
            _ => other.path().is_some() && other.path() == reference.path(),
        };
        let is_layout = |place: &Reference| matches!(place, Reference::Layout { .. });
        if let Some(other) = outputs
            .iter()
            .take(index)
            .filter_map(Output::place)
            .find(same)
            .filter(|other| !(is_layout(other) && is_layout(reference)))
        {
            return Err(Error::Usage(format!(
                "{other} and {reference} are one file, and the second would replace the first"
            )));
        }
    }
    let mut places = vec![];
    for output in outputs {
        let shown = output.to_string();
        let destination = match output {
            Output::Place(reference) => {
                let destination = store::destination(reference, network)?;
                destination.probe()?;
                destination
            }
            Output::Push => {
                each_once(targets, &shown, Target::names)?;
                for (target, _) in targets {
                    registry(&target.name)
                        .and_then(|place| Ok(store::destination(&place, network)?.probe()?))?;
                }
                Box::new(OwnRegistry(network.clone()))
            }
        };
        places.push(Place { shown, destination });
    }
    Ok(places)
}

/// The registry that each image's own name says.
struct OwnRegistry(Network);

impl Destination for OwnRegistry {
    fn publish(&self, publication: &Publication<'_>) -> Result<Published, StoreError> {
        let name = publication.names.first().map_or("", String::as_str);
        let name: ImageName =
            name.parse().map_err(|source| StoreError::Name { place: "a registry".into(), source })?;
        let repository = Reference::Registry(ImageName { tag: None, digest: None, ..name });
        store::destination(&repository, &self.0)?.publish(publication)
    }
}

/// The place that a repository is, by the name of an image; a name without a registry is none.
fn registry(name: &str) -> Result<Reference, Error> {
    format!("docker://{name}").parse().map_err(Error::from)
}

fn fits(reference: &Reference, targets: &[(&Target, Vec<Platform>)]) -> Result<(), Error> {
    let destination = reference.to_string();
    if reference.takes_one_image() && targets.len() > 1 {
        return Err(Error::OneImage { destination, count: targets.len() });
    }
    let several = targets.iter().find(|(_, platforms)| platforms.len() > 1);
    if let Some((target, platforms)) = several.filter(|_| reference.takes_one_platform()) {
        let (shown, count) = (target.shown(), platforms.len());
        return Err(Error::OnePlatform { destination, shown, count });
    }
    each_once(targets, &destination, |target| names_at(reference, target))
}

/// Would no two images be called the same?
fn each_once(
    targets: &[(&Target, Vec<Platform>)],
    destination: &str,
    names: impl Fn(&Target) -> Vec<String>,
) -> Result<(), Error> {
    let mut by_name = BTreeMap::new();
    for (target, _) in targets {
        for name in names(target) {
            if let Some(other) = by_name.insert(name.clone(), target.shown()) {
                let shown = target.shown();
                return Err(Error::Usage(format!(
                    "{other} and {shown} both make {name}, and {destination} has one image of a name"
                )));
            }
        }
    }
    Ok(())
}

/// What an image is called at a destination, as far as two of them could be called the same.
fn names_at(reference: &Reference, target: &Target) -> Vec<String> {
    match reference.name() {
        None => target.names(),
        Some(RefName::Tag(tag)) => vec![format!("{}:{tag}", target.name)],
        Some(RefName::Name(_)) => vec![],
    }
}
