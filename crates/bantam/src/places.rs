//! Where images go, settled before any of them is planned.

use crate::{Error, Target};
use plan::spec::Platform;
use std::collections::BTreeMap;
use store::{Destination, Network, RefName, Reference};

/// A destination that can be published to.
pub(crate) struct Place {
    /// As it was given.
    pub shown: String,
    /// What takes the images.
    pub destination: Box<dyn Destination>,
}

/// Opens every destination, and makes sure that all images fit there. Each target comes with its
/// platforms.
///
/// # Errors
/// When a destination is not supported, takes fewer images or platforms than there are, or would get
/// two images of one name.
pub(crate) fn open(
    destinations: &[Reference],
    targets: &[(&Target, Vec<Platform>)],
    network: &Network,
) -> Result<Vec<Place>, Error> {
    for (index, reference) in destinations.iter().enumerate() {
        fits(reference, targets)?;
        let same = |other: &&Reference| other.path().is_some() && other.path() == reference.path();
        let is_layout = |place: &Reference| matches!(place, Reference::Layout { .. });
        if let Some(other) = destinations
            .iter()
            .take(index)
            .find(same)
            .filter(|other| !(is_layout(other) && is_layout(reference)))
        {
            return Err(Error::Usage(format!(
                "{other} and {reference} are one file, and the second would replace the first"
            )));
        }
    }
    let place = |reference: &Reference| {
        Ok(Place { shown: reference.to_string(), destination: store::destination(reference, network)? })
    };
    destinations.iter().map(place).collect()
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
    let mut by_name = BTreeMap::new();
    for (target, _) in targets {
        for name in names_at(reference, target) {
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
