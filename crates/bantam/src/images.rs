//! From plans to images: layers are written or found, config and manifest put together.

use crate::{
    Built, Error, Output, Summary, Target,
    event::{Event, Watch},
    finished::Finished,
    layers::{Layers, Ready},
    lockfile::LockFile,
    planned::Planner,
    when,
};
use oci::{Artifact, AssembledLayer, Image, ImageConfig, Index};
use plan::{Plan, finding::Finding};
use std::sync::Arc;

/// Writes what is planned of a target: an image for each platform, upon the base for each.
///
/// # Errors
/// When a file cannot be read, or a layer cannot be written.
pub(crate) fn write(
    target: &Target,
    plans: Vec<Plan>,
    bases: &[Option<Arc<Finished>>],
    created: Option<i64>,
    layers: &Layers<'_>,
    watch: Watch<'_>,
) -> Result<Built, Error> {
    let mut images = vec![];
    let mut summaries = vec![];
    for (plan, base) in plans.iter().zip(bases) {
        // An image is as old as its own packages, whatever else is built with it.
        let created = created.unwrap_or_else(|| when::newest(plan));
        let (image, summary) = write_image(target, plan, base.as_deref(), created, layers, watch)?;
        images.push(image);
        summaries.push(summary);
    }
    let annotations = target.spec.config.annotations.clone();
    let single = images.len() == 1;
    let artifact = match images.pop() {
        Some(image) if single => Artifact::Image(image),
        last => {
            images.extend(last);
            Artifact::Index(Index::new(images, annotations)?)
        }
    };
    let (name, names, shown) = (target.name.clone(), target.names(), target.shown());
    Ok(Built { name, names, artifact, images: summaries, plans, shown, is_pushed: false })
}

fn write_image(
    target: &Target,
    plan: &Plan,
    base: Option<&Finished>,
    created: i64,
    layers: &Layers<'_>,
    watch: Watch<'_>,
) -> Result<(Image, Summary), Error> {
    let spec = &target.spec;
    let mut assembled = vec![];
    for plan in &plan.layers {
        let Ready { layer, blob } = layers.make(plan, watch)?;
        let created_by = format!("bantam: {}", plan.name);
        assembled.push(AssembledLayer { layer, blob, created_by });
    }
    let names = plan.layers.iter().map(|layer| layer.name.clone());
    let sizes = assembled.iter().map(|layer| (layer.layer.descriptor.size, layer.layer.unpacked_size));
    let own = names.zip(sizes).map(|(name, (compressed, unpacked))| (name, compressed, unpacked));
    let sizes: Vec<(String, u64, u64)> = base.map(Finished::weight).into_iter().chain(own).collect();
    let compressed: Vec<(String, u64)> = sizes.iter().map(|(name, size, _)| (name.clone(), *size)).collect();
    let mut findings = plan.findings.clone();
    if let Some(problem) = plan::check_compressed(&spec.limits, &compressed) {
        let finding = Finding::new(problem);
        let (shown, platform) = (target.shown(), plan.platform);
        watch(Event::Found { shown: &shown, platform, findings: std::slice::from_ref(&finding) });
        findings.push(finding);
    }
    let config = image_config(plan, created);
    let image = match base {
        None => oci::assemble(&config, assembled, plan.config.annotations.clone())?,
        Some(base) => {
            let annotations = base.annotations(&plan.config.annotations);
            oci::assemble_upon(&base.image, &config, assembled, annotations)?
        }
    };
    let packages = plan.packages.iter().map(|package| (package.name.clone(), package.version.clone()));
    let summary = Summary {
        platform: plan.platform,
        files: files(plan),
        packages: packages.collect(),
        layers: sizes,
        findings,
    };
    Ok((image, summary))
}

/// The base image of each plan.
///
/// # Errors
/// When one cannot be opened, or has layers that a destination does not take.
pub(crate) fn bases(
    planner: &Planner<'_>,
    target: &Target,
    lock: Option<&LockFile>,
    plans: &[Plan],
    outputs: &[Output],
) -> Result<Vec<Option<Arc<Finished>>>, Error> {
    let base = |plan: &Plan| {
        let base = planner.base(target, plan.platform, lock)?;
        let refuses = outputs.iter().any(Output::refuses_zstd);
        match base {
            Some(base) if refuses && base.has_zstd() => Err(Error::ZstdBase { base: base.reference.clone() }),
            base => Ok(base),
        }
    };
    plans.iter().map(base).collect()
}

/// How a container of a planned image is run.
pub(crate) fn image_config(plan: &Plan, created: i64) -> ImageConfig {
    let config = &plan.config;
    let process = &plan.process;
    ImageConfig {
        architecture: plan.platform.architecture.oci().into(),
        os: plan.platform.os().into(),
        variant: plan.platform.architecture.variant().map(String::from),
        created,
        user: format!("{}:{}", process.uid, process.gid),
        exposed_ports: config.ports.iter().cloned().collect(),
        env: process.env.clone(),
        entrypoint: process.entrypoint.clone(),
        cmd: process.cmd.clone(),
        volumes: process.volumes.iter().map(ToString::to_string).collect(),
        working_dir: process.workdir.to_string(),
        labels: config.labels.clone(),
        stop_signal: config.stop_signal.clone().unwrap_or_default(),
    }
}

/// How many files an image has, directories aside.
pub(crate) fn files(plan: &Plan) -> usize {
    plan.tree.iter().filter(|(_, entry)| !entry.is_directory()).count()
}
