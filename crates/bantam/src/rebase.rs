//! Images that exist, upon newer bases: their own layers stay as they are.

use crate::{
    Error, Refusal, Session,
    event::{Event, Watch},
    finished::{BASE_DIGEST, BASE_NAME, Finished, config_of},
    inside,
    unpacked::{Unpacked, unpacked},
    when,
};
use cache::Cache;
use oci::{Artifact, ConfigFile, Digest, Image, ImageConfig, Index, IndexFile, Manifest, Own};
use plan::{Memo, Plan, spec::Platform};
use std::collections::BTreeMap;
use store::{Publication, RefName, Reference, Stored};
use tree::{Tree, TreePath};

/// Which image goes upon which base.
#[derive(Debug, Clone)]
pub struct Rebase {
    /// The image.
    pub image: Reference,
    /// The base that it is built upon; none: the one that its annotations name.
    pub from: Option<Reference>,
    /// The base that it goes upon.
    pub onto: Reference,
    /// Where it goes.
    pub destinations: Vec<Reference>,
    /// Only these platforms; empty: all of the image.
    pub platforms: Vec<Platform>,
    /// How the run goes about it.
    pub session: Session,
    /// The value of `SOURCE_DATE_EPOCH`.
    pub source_date_epoch: Option<String>,
}

/// An image upon its new base.
pub struct Rebased {
    /// The names that it has: `name:tag`.
    pub names: Vec<String>,
    /// The image, or the index of several.
    pub artifact: Artifact,
}

impl Rebased {
    /// `name@sha256:…`; of an image without a name the digest.
    pub fn reference(&self) -> String {
        let digest = self.artifact.document().descriptor.digest;
        match self.names.first().map(|name| name.parse::<store::ImageName>()) {
            Some(Ok(name)) => format!("{}@{digest}", name.repository()),
            _ => digest.to_string(),
        }
    }
}

/// Puts an image upon another base, and publishes it. Its config is merged anew.
///
/// # Errors
/// When something cannot be read, the image is not built upon its old base, it would not start upon the new one where
/// it did upon the old, or a destination does not take it.
pub fn rebase(request: &Rebase, watch: Watch<'_>) -> Result<Rebased, Error> {
    let session = &request.session;
    let created = when::created(request.source_date_epoch.as_deref())?;
    let stored = inside::find(&request.image, &session.network)?;
    let mut loaded = vec![];
    for platform in &request.platforms {
        loaded.push(inside::image_for(&stored, *platform)?);
    }
    if request.platforms.is_empty() {
        for image in stored.images() {
            loaded.push(image.load()?);
        }
    }
    let places: Vec<_> = request
        .destinations
        .iter()
        .map(|place| Ok((place, store::destination(place, &session.network)?)))
        .collect::<Result<_, Error>>()?;
    if let Some(place) =
        request.destinations.iter().find(|place| place.takes_one_platform() && loaded.len() > 1)
    {
        let (destination, shown) = (place.to_string(), request.image.to_string());
        return Err(Error::OnePlatform { destination, shown, count: loaded.len() });
    }
    let cache = Cache::new(session.cache.clone());
    // Each once: a tag that moves meanwhile means the same for all platforms.
    let onto = inside::find(&request.onto, &session.network)?;
    let from = request.from.as_ref().map(|from| inside::find(from, &session.network)).transpose()?;
    let mut images = vec![];
    let mut refused = vec![];
    let count = loaded.len();
    for image in &loaded {
        let platform = platform_of(image, request)?;
        let one = One { request, image, platform, onto: &onto, from: from.as_ref(), cache: &cache };
        match one.rebase(created, watch)? {
            Ok(image) => images.push(image),
            Err(refusal) => refused.push(refusal),
        }
    }
    if !refused.is_empty() {
        return Err(Error::Refused { refused, count });
    }
    let artifact = match images.pop() {
        Some(image) if images.is_empty() => Artifact::Image(image),
        last => {
            images.extend(last);
            let annotations = IndexFile::parse(&stored.document().bytes)?.annotations;
            Artifact::Index(Index::new(images, annotations)?)
        }
    };
    let names = names(&stored, &request.image);
    // It is called as it is where it went first.
    let mut called = vec![];
    for (place, destination) in &places {
        let destination_shown = place.to_string();
        watch(Event::Publishing { destination: &destination_shown });
        let published = destination.publish(&Publication { artifact: &artifact, names: &names })?;
        if called.is_empty() {
            called = published.names;
        }
        watch(Event::Published { destination: &destination_shown });
    }
    Ok(Rebased { names: if called.is_empty() { names } else { called }, artifact })
}

/// An image for one platform on its way.
struct One<'a> {
    request: &'a Rebase,
    image: &'a Image,
    platform: Platform,
    onto: &'a Stored,
    from: Option<&'a Stored>,
    cache: &'a Cache,
}

/// A base, and what a container sees where the image's own layers lie on it.
struct Stacked {
    base: Finished,
    tree: Tree,
    /// The layer that each path is from, from 0 at the bottom of the base.
    layers: BTreeMap<TreePath, usize>,
}

impl One<'_> {
    fn rebase(&self, created: Option<i64>, watch: Watch<'_>) -> Result<Result<Image, Refusal>, Error> {
        let config = ConfigFile::parse(&self.image.config.bytes)?;
        let old = self.old()?;
        let Some(own) = Own::of(self.image, &old)? else {
            let (image, base) = (self.request.image.to_string(), old.manifest.descriptor.digest.to_string());
            return Err(Error::OtherBase { image, base });
        };
        let new = Finished::open(self.onto, self.request.onto.to_string(), self.platform, self.cache)?;
        if self.request.destinations.iter().any(Reference::refuses_zstd) && new.has_zstd() {
            return Err(Error::ZstdBase { base: new.reference });
        }
        let old = self.stacked(Finished::of(old, String::new(), None, self.cache)?, &own)?;
        let new = self.stacked(new, &own)?;
        let mut plan = self.judge(&new, &old, &own)?;
        if plan.is_refused() {
            plan.forgive(&self.judge(&old, &old, &own)?);
        }
        let shown = self.request.image.to_string();
        watch(Event::Planned {
            shown: &shown,
            platform: self.platform,
            findings: &plan.findings,
            files: plan.tree.iter().filter(|(_, entry)| !entry.is_directory()).count(),
            packages: 0,
            unpacked: plan.tree.content_size(),
        });
        if plan.is_refused() {
            let (name, platform, findings) = (shown.clone(), self.platform, plan.findings);
            return Ok(Err(Refusal { name, platform, findings, shown }));
        }
        let created = created.or_else(|| oci::seconds(config.created.as_deref()?)).unwrap_or(when::EPOCH);
        let annotations = new.base.annotations(&plan.config.annotations);
        let image_config =
            ImageConfig { variant: config.variant.clone(), ..crate::images::image_config(&plan, created) };
        Ok(Ok(oci::assemble_rebased(&new.base.image, &image_config, own, annotations)?))
    }

    /// The base that the image is built upon.
    fn old(&self) -> Result<Image, Error> {
        let network = &self.request.session.network;
        if let Some(from) = self.from {
            return inside::image_for(from, self.platform);
        }
        let annotations = Manifest::parse(&self.image.manifest.bytes)?.annotations;
        let (Some(name), Some(digest)) = (annotations.get(BASE_NAME), annotations.get(BASE_DIGEST)) else {
            return Err(Error::UnknownBase { image: self.request.image.to_string() });
        };
        let reference = match (name.parse()?, digest.parse::<Digest>()) {
            (Reference::Registry(name), Ok(digest)) => {
                Reference::Registry(store::ImageName { digest: Some(digest), ..name })
            }
            (other, _) => other,
        };
        let image = inside::image_for(&inside::find(&reference, network)?, self.platform)?;
        let found = image.manifest.descriptor.digest.to_string();
        if found != *digest {
            let (base, expected) = (name.clone(), digest.clone());
            return Err(Error::MovedBase { base, expected, found });
        }
        Ok(image)
    }

    /// The image's own layers upon a base.
    fn stacked(&self, base: Finished, own: &Own) -> Result<Stacked, Error> {
        let all: Vec<_> = base.image.layers.iter().chain(&own.layers).cloned().collect();
        let mut diff_ids = ConfigFile::parse(&base.image.config.bytes)?.rootfs.diff_ids;
        diff_ids.extend(&own.diff_ids);
        let Unpacked { tree, layers, .. } = unpacked(&all, &diff_ids, self.cache)?;
        Ok(Stacked { base, tree, layers })
    }

    /// What the image, which was built upon `old`, would be upon a base.
    fn judge(&self, new: &Stacked, old: &Stacked, own: &Own) -> Result<Plan, Error> {
        let rebase = plan::Rebase {
            old: &config_of(&old.base.image)?,
            old_tree: &old.tree,
            base: &new.base.base()?,
            image: &own_config(self.image)?,
            tree: &new.tree,
            layers: &new.layers,
            base_layers: new.base.image.layers.len(),
            history: &own.told(),
        };
        Ok(plan::rebase(&rebase, self.platform, &Memo::default())?)
    }
}

/// The config of an image, without what names its base.
fn own_config(image: &Image) -> Result<plan::BaseConfig, Error> {
    let mut config = config_of(image)?;
    config.annotations.retain(|key, _| key != BASE_NAME && key != BASE_DIGEST);
    Ok(config)
}

fn platform_of(image: &Image, request: &Rebase) -> Result<Platform, Error> {
    let platform = image.platform.to_string();
    platform.parse().map_err(|error| Error::Usage(format!("{}: {error}", request.image)))
}

/// The names of the image at its place; else the one that it was asked for by.
fn names(stored: &Stored, reference: &Reference) -> Vec<String> {
    let named = match reference {
        Reference::Registry(name) => vec![name.with_tag(name.tag_or_latest()).to_string()],
        _ => match reference.name() {
            Some(RefName::Name(name)) => vec![name.with_tag(name.tag_or_latest()).to_string()],
            _ => vec![],
        },
    };
    let full = |name: &&String| name.parse::<store::ImageName>().is_ok();
    let known: Vec<String> = stored.names().iter().filter(full).cloned().collect();
    if named.is_empty() { known } else { named }
}
