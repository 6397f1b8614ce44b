//! Progress: bars on a terminal, lines elsewhere, objects for programs.

use super::{CYAN, count, findings, painted, plain, plain_lines, size::human, stderr};
use crate::args::Progress;
use bantam::Event;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use plan::{
    finding::{Finding, Severity},
    spec::Platform,
};
use serde_json::json;
use std::{
    io::IsTerminal,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

/// Shows events as they come.
pub struct Shower {
    how: How,
    /// Are findings printed? `check --json` prints them itself.
    findings: bool,
    /// The code of the first error or warning that was shown in words.
    told: Mutex<Option<&'static str>>,
    counts: Counts,
}

/// How far a build of several images is.
#[derive(Default)]
struct Counts {
    images: AtomicUsize,
    planned: AtomicUsize,
    built: AtomicUsize,
}

impl Counts {
    fn count(&self, event: &Event<'_>) {
        match event {
            Event::Begun { images } => self.images.store(*images, Relaxed),
            Event::Planning { .. } => {
                self.planned.fetch_add(1, Relaxed);
            }
            Event::Built { .. } => {
                self.built.fetch_add(1, Relaxed);
            }
            _ => {}
        }
    }

    /// `3/100 `; nothing where there is but one image.
    fn shown(&self, done: &AtomicUsize) -> String {
        match self.images.load(Relaxed) {
            0 | 1 => String::new(),
            // An image for several platforms is planned for each.
            images => format!("{}/{images} ", done.load(Relaxed).min(images)),
        }
    }

    fn are_several(&self) -> bool {
        self.images.load(Relaxed) > 1
    }
}

enum How {
    Bars(ProgressBar),
    Lines,
    Json,
    Quiet,
}

impl Shower {
    /// Shows progress as asked for; findings and notices are shown unless it is quiet.
    pub fn new(progress: Progress, quiet: bool, findings: bool) -> Self {
        let terminal = std::io::stderr().is_terminal() && std::env::var_os("CI").is_none();
        let how = match progress {
            _ if quiet => How::Quiet,
            Progress::Quiet => How::Quiet,
            Progress::Json => How::Json,
            Progress::Auto if terminal => {
                let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
                let style =
                    ProgressStyle::with_template("{spinner} {prefix}{msg} {wide_bar} {bytes}/{total_bytes}");
                if let Ok(style) = style {
                    bar.set_style(style);
                }
                bar.enable_steady_tick(Duration::from_millis(100));
                How::Bars(bar)
            }
            Progress::Auto | Progress::Plain => How::Lines,
        };
        Shower { how, findings, told: Mutex::new(None), counts: Counts::default() }
    }

    /// Is there anything to say in words beside results and errors?
    pub fn has_words(&self) -> bool {
        !matches!(self.how, How::Json | How::Quiet)
    }

    /// Shows an event.
    pub fn show(&self, event: &Event<'_>) {
        self.counts.count(event);
        match event {
            Event::Planned { shown, findings, .. } | Event::Found { shown, findings, .. }
                if self.findings && !matches!(self.how, How::Json) =>
            {
                let quiet = matches!(self.how, How::Quiet);
                let wanted = |finding: &&Finding| !quiet || finding.severity == Severity::Error;
                self.aside(|| findings::print(findings.iter().filter(wanted), shown));
                let bad = findings.iter().find(|finding| finding.severity < Severity::Notice);
                if let (Some(finding), Ok(mut told)) = (bad, self.told.lock()) {
                    told.get_or_insert(finding.problem.code());
                }
            }
            Event::Notice { text, details } if self.has_words() => {
                let text = format!("notice: {}\n{}", plain(text), plain_lines(details));
                self.aside(|| stderr(&text));
            }
            _ => {}
        }
        match &self.how {
            How::Quiet => {}
            How::Bars(bar) => bars(bar, event, &self.counts),
            How::Lines => {
                if let Some(line) = line(event, &self.counts) {
                    stderr(&line);
                }
            }
            How::Json => {
                if let Some(object) = object(event) {
                    stderr(&object.to_string());
                }
            }
        }
    }

    /// Takes the bar away, and says once where more is said about findings.
    pub fn finish(&self) {
        if let How::Bars(bar) = &self.how {
            bar.finish_and_clear();
        }
        let told = self.told.lock().ok().and_then(|mut told| told.take());
        if let (Some(code), true) = (told, self.has_words()) {
            stderr(&format!("{} `bantam explain-error {code}` says more", painted("hint:", CYAN)));
        }
    }

    fn aside(&self, print: impl FnOnce()) {
        match &self.how {
            How::Bars(bar) => bar.suspend(print),
            _ => print(),
        }
    }
}

fn bars(bar: &ProgressBar, event: &Event<'_>, counts: &Counts) {
    match event {
        Event::Planning { name, platform } => {
            bar.set_prefix(counts.shown(&counts.planned));
            bar.set_message(format!("{name} {platform}: planning"));
        }
        Event::FetchStarted { packages, bytes } => {
            bar.set_length(*bytes);
            bar.set_position(0);
            bar.set_message(format!("fetching {}", count(*packages, "package")));
        }
        Event::FetchAdvanced { bytes } => bar.inc(*bytes),
        Event::Built { .. } => bar.set_prefix(counts.shown(&counts.built)),
        Event::LayerStarted { name, unpacked } => {
            bar.set_length(*unpacked);
            bar.set_position(0);
            bar.set_message(format!("layer {name}"));
        }
        Event::LayerAdvanced { bytes } => bar.inc(*bytes),
        Event::Publishing { destination } => bar.set_message(format!("to {destination}")),
        _ => {}
    }
}

/// Of many images each has one line, and those of its findings.
fn line(event: &Event<'_>, counts: &Counts) -> Option<String> {
    match event {
        Event::Built { name } if counts.are_several() => {
            Some(format!("{}built: {}", counts.shown(&counts.built), plain(name)))
        }
        Event::Planned { .. } | Event::LayerDone { .. } if counts.are_several() => None,
        Event::Planned { files, packages, unpacked, .. } => {
            Some(format!("planned: {files} files, {packages} packages, {}", human(*unpacked)))
        }
        Event::FetchStarted { packages, bytes } => {
            Some(format!("fetching {}, {}", count(*packages, "package"), human(*bytes)))
        }
        Event::LayerDone { name, compressed } => Some(format!("layer {name}: {}", human(*compressed))),
        Event::Published { destination } => Some(format!("published to {destination}")),
        _ => None,
    }
}

fn object(event: &Event<'_>) -> Option<serde_json::Value> {
    Some(match event {
        Event::Begun { images } => json!({"event": "begun", "images": images}),
        Event::Built { name } => json!({"event": "built", "name": name}),
        Event::Planning { name, platform } => {
            json!({"event": "planning", "name": name, "platform": platform.to_string()})
        }
        Event::Planned { shown, platform, findings, files, packages, unpacked } => {
            json!({"event": "planned", "spec": shown, "platform": platform.to_string(), "files": files,
                   "packages": packages, "unpacked": unpacked, "findings": objects(findings, *platform)})
        }
        Event::Found { shown, platform, findings } => {
            json!({"event": "found", "spec": shown, "platform": platform.to_string(),
                   "findings": objects(findings, *platform)})
        }
        Event::Notice { text, details } => {
            let lines = std::iter::once(*text).chain(details.iter().map(String::as_str));
            json!({"event": "notice", "text": lines.collect::<Vec<_>>().join("\n")})
        }
        Event::FetchStarted { packages, bytes } => {
            json!({"event": "fetch-started", "packages": packages, "bytes": bytes})
        }
        Event::FetchDone => json!({"event": "fetch-done"}),
        Event::LayerStarted { name, unpacked } => {
            json!({"event": "layer-started", "layer": name, "unpacked": unpacked})
        }
        Event::LayerDone { name, compressed } => {
            json!({"event": "layer-done", "layer": name, "compressed": compressed})
        }
        Event::Publishing { destination } => json!({"event": "publishing", "destination": destination}),
        Event::Published { destination } => json!({"event": "published", "destination": destination}),
        _ => return None,
    })
}

fn objects(findings: &[Finding], platform: Platform) -> Vec<serde_json::Value> {
    findings.iter().map(|finding| findings::json(finding, platform)).collect()
}
