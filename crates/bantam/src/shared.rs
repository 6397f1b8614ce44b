//! The caches that machines share, opened for a build.

use crate::{
    Request,
    event::{Event, Watch},
};
use cache::{Cache, Shared};
use std::sync::Arc;
use store::SharedPlace;

/// What was opened so far; nothing where that failed.
type Opened = Vec<(SharedPlace, Option<Arc<dyn Shared>>)>;

/// The cache of a build, with those that it takes from and gives to. One that cannot be opened is told and left out:
/// whoever builds without the network, or without its credentials, builds slower and not less.
pub(crate) fn cache(request: &Request, watch: Watch<'_>) -> Cache {
    let mut opened = Opened::new();
    let mut open = |places: &[SharedPlace]| {
        places.iter().filter_map(|place| opened_once(&mut opened, place, request, watch)).collect()
    };
    let (from, to) = (open(&request.cache_from), open(&request.cache_to));
    Cache::new(request.session.cache.clone()).with_shared(from, to)
}

/// Opens a place, unless it was opened before: what is taken from a place and given to it is of one cache, which knows
/// what it has.
fn opened_once(
    opened: &mut Opened,
    place: &SharedPlace,
    request: &Request,
    watch: Watch<'_>,
) -> Option<Arc<dyn Shared>> {
    if let Some((_, shared)) = opened.iter().find(|(known, _)| known == place) {
        return shared.clone();
    }
    let shared = match place.open(&request.session.network) {
        Ok(shared) => Some(shared),
        Err(error) => {
            let text = format!("the shared cache {place} is left alone: {}", told(&error));
            watch(Event::Notice { text: &text, details: &[] });
            None
        }
    };
    opened.push((place.clone(), shared.clone()));
    shared
}

/// An error with its causes, in one line.
pub(crate) fn told(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
