//! Images that exist, upon newer bases: their own layers stay as they are.

use crate::{
    Error, Refusal, Session,
    event::{Event, Watch},
    finished::{BASE_DIGEST, BASE_NAME, Finished, config_of},
    inside,
    unpacked::unpacked,
    when,
};
use cache::Cache;
use oci::{Artifact, AssembledLayer, ConfigFile, Digest, Image, ImageConfig, Index, Layer, Manifest};
use plan::{
    Memo, Plan,
    finding::{Finding, Severity},
    spec::Platform,
};
use std::collections::BTreeMap;
use store::{Publication, RefName, Reference, Stored};

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
    let mut images = vec![];
    let mut refused = vec![];
    let count = loaded.len();
    for image in &loaded {
        let one = One { request, image, platform: platform_of(image, request)?, cache: &cache };
        match one.rebase(created, watch)? {
            Ok(image) => images.push(image),
            Err(refusal) => refused.push(refusal),
        }
    }
    if !refused.is_empty() {
        return Err(Error::Refused { refused, count });
    }
    let artifact = match (images.pop(), stored.images().len()) {
        (Some(image), 1) => Artifact::Image(image),
        (last, _) => {
            images.extend(last);
            Artifact::Index(Index::new(images, BTreeMap::new())?)
        }
    };
    let names = names(&stored, &request.image);
    for (place, destination) in &places {
        let destination_shown = place.to_string();
        watch(Event::Publishing { destination: &destination_shown });
        destination.publish(&Publication { artifact: &artifact, names: &names })?;
        watch(Event::Published { destination: &destination_shown });
    }
    Ok(Rebased { names, artifact })
}

/// An image for one platform on its way.
struct One<'a> {
    request: &'a Rebase,
    image: &'a Image,
    platform: Platform,
    cache: &'a Cache,
}

/// What is the image's own: each layer with the digest of its plain tar and its line of history.
type OwnLayers = Vec<AssembledLayer>;

impl One<'_> {
    fn rebase(&self, created: Option<i64>, watch: Watch<'_>) -> Result<Result<Image, Refusal>, Error> {
        let config = ConfigFile::parse(&self.image.config.bytes)?;
        let old = self.old()?;
        let own = self.own_layers(&config, &old)?;
        let new = self.base(&self.request.onto)?;
        if self.request.destinations.iter().any(Reference::refuses_zstd) && new.has_zstd() {
            return Err(Error::ZstdBase { base: new.reference });
        }
        let mut plan = self.judge(&new, &old, &own)?;
        if plan.is_refused() {
            // What was wrong before is no reason to stay on the old base.
            let before = self.judge(&self.finished(old.clone())?, &old, &own)?;
            plan.findings.iter_mut().for_each(|finding| lower(finding, &before.findings));
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
        let annotations = new.annotations(&plan.config.annotations);
        let image_config =
            ImageConfig { variant: config.variant.clone(), ..crate::build::image_config(&plan, created) };
        Ok(Ok(oci::assemble_upon(&new.image, &image_config, own, annotations)?))
    }

    /// The base that the image is built upon.
    fn old(&self) -> Result<Image, Error> {
        let network = &self.request.session.network;
        if let Some(from) = &self.request.from {
            return inside::image_for(&inside::find(from, network)?, self.platform);
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

    /// The layers that the image has beside those of its base.
    fn own_layers(&self, config: &ConfigFile, old: &Image) -> Result<OwnLayers, Error> {
        let diff_ids = &config.rootfs.diff_ids;
        let below = ConfigFile::parse(&old.config.bytes)?.rootfs.diff_ids;
        if !diff_ids.starts_with(&below) || diff_ids.len() != self.image.layers.len() {
            let (image, base) = (self.request.image.to_string(), old.manifest.descriptor.digest.to_string());
            return Err(Error::OtherBase { image, base });
        }
        let steps = config.history.iter().filter(|step| !step.empty_layer).skip(below.len());
        let mut told = steps.map(|step| step.created_by.clone().unwrap_or_default());
        let layers = self.image.layers.iter().zip(diff_ids).skip(below.len());
        let own = layers.map(|((descriptor, blob), diff_id)| AssembledLayer {
            layer: Layer { descriptor: descriptor.clone(), diff_id: *diff_id, unpacked_size: 0, tar_size: 0 },
            blob: blob.clone(),
            created_by: told.next().unwrap_or_default(),
        });
        Ok(own.collect())
    }

    /// What the image would be upon a base.
    fn judge(&self, base: &Finished, old: &Image, own: &OwnLayers) -> Result<Plan, Error> {
        let layers = own.iter().map(|layer| (layer.layer.descriptor.clone(), layer.blob.clone()));
        let layers: Vec<_> = base.image.layers.iter().cloned().chain(layers).collect();
        let mut diff_ids = ConfigFile::parse(&base.image.config.bytes)?.rootfs.diff_ids;
        diff_ids.extend(own.iter().map(|layer| layer.layer.diff_id));
        let (tree, from) = unpacked(&layers, &diff_ids, self.cache)?;
        let history: Vec<String> = own.iter().map(|layer| layer.created_by.clone()).collect();
        let rebase = plan::Rebase {
            old: &config_of(old)?,
            base: &base.base()?,
            image: &own_config(self.image)?,
            tree: &tree,
            layers: &from,
            base_layers: base.image.layers.len(),
            history: &history,
        };
        Ok(plan::rebase(&rebase, self.platform, &Memo::default())?)
    }

    fn base(&self, reference: &Reference) -> Result<Finished, Error> {
        let stored = inside::find(reference, &self.request.session.network)?;
        Finished::open(&stored, reference.to_string(), self.platform, self.cache)
    }

    fn finished(&self, image: Image) -> Result<Finished, Error> {
        Finished::of(image, String::new(), None, self.cache)
    }
}

/// The config of an image, without what names its base.
fn own_config(image: &Image) -> Result<plan::BaseConfig, Error> {
    let mut config = config_of(image)?;
    config.annotations.retain(|key, _| key != BASE_NAME && key != BASE_DIGEST);
    Ok(config)
}

/// Makes an error that was one before a warning.
fn lower(finding: &mut Finding, before: &[Finding]) {
    let is_same = |other: &Finding| {
        other.problem.code() == finding.problem.code()
            && other.problem.identity() == finding.problem.identity()
    };
    if finding.severity == Severity::Error && before.iter().any(is_same) {
        finding.severity = Severity::Warning;
    }
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
