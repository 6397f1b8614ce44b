//! Why files are in an image, for people and for programs.

use super::{plain, size::human};
use plan::explain::{Branch, Chain, Graph, Place, PlaceKind, Record, Step, Subject, Without, reason_json};
use plan::reason::Reason;
use plan::{Origin, Setting};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use tree::TreePath;

/// So many chains are shown when all are asked for.
const CHAINS: usize = 100;
/// So many files are shown where only the largest are worth reading.
const LARGEST: usize = 10;

/// What was asked about, and the shortest chain from there; or `all` of them.
pub fn subject(graph: &Graph<'_>, subject: &Subject, all: bool) -> String {
    let mut text = heads(graph, subject);
    let found = chains(graph, &subject.path, all);
    let several = found.chains.len() > 1;
    for (index, chain) in found.chains.iter().enumerate() {
        if several {
            text.push_str(&format!("  {}.\n", index + 1));
        }
        text.push_str(&arrows(chain, graph.record()));
    }
    if all && found.more {
        text.push_str(&format!("  and more: these {} are the shortest\n", found.chains.len()));
    }
    text
}

/// Everything that what was asked about is there for, as a tree.
pub fn upwards(graph: &Graph<'_>, subject: &Subject) -> String {
    let rows = graph.upwards(&subject.path).into_iter().map(|branch| match branch {
        Branch::Step { depth, step, again } => {
            let mark = if again { "  (above)" } else { "" };
            (depth, format!("{}{mark}", step.words(graph.record())))
        }
        Branch::Files { depth, .. } => (depth, String::new()),
    });
    heads(graph, subject) + &drawn(&rows.collect::<Vec<_>>())
}

/// What the image config says, and who said it.
pub fn config(settings: &[Setting]) -> String {
    let width = settings.iter().map(|set| set.key.len()).max().unwrap_or_default();
    let line = |set: &Setting| {
        let by = match set.origin {
            Origin::Base => "from the base",
            Origin::Spec => "from the spec",
            Origin::SpecOverBase => "from the spec, instead of the base's",
            Origin::Both => "from the base and the spec",
            Origin::Default => "as in every image",
        };
        format!("{:width$}  {}  ({by})\n", plain(&set.key), plain(&set.value))
    };
    settings.iter().map(line).collect()
}

/// As [`config()`], for programs.
pub fn config_json(settings: &[Setting]) -> Value {
    json!({ "config": settings })
}

/// The whole image as a tree, from what was asked for.
pub fn whole(graph: &Graph<'_>, all: bool) -> String {
    let record = graph.record();
    let mut text = String::new();
    for group in graph.downwards(all) {
        let head = match group.step.reason {
            Reason::Profile { name, .. } => format!("profile {name}"),
            _ => group.step.words(record),
        };
        text.push_str(&format!("{}\n", plain(&head)));
        let rows = group.branches.iter().map(|branch| {
            let (depth, step, what) = match branch {
                Branch::Step { depth, step, .. } => {
                    (*depth, step, format!("{}{}", step.path, weight(record, step.path)))
                }
                Branch::Files { depth, step, count, size, below } => {
                    (*depth, step, format!("{count} files below {below}  {}", human(*size)))
                }
            };
            // The head of the group says why what stands at its top is there.
            let said = depth == 0 && !matches!(step.reason, Reason::Profile { .. });
            (depth, if said { what } else { format!("{what}: {}", briefly(step)) })
        });
        text.push_str(&drawn(&rows.collect::<Vec<_>>()));
    }
    if !all {
        let (files, size) = record.contents(&TreePath::root());
        text.push_str(&format!(
            "{files} files, {}; --all shows directories and the records of packages too\n",
            human(size)
        ));
    }
    text
}

/// A package, and why each of its files is there; files of one reason together.
pub fn package(graph: &Graph<'_>, key: &str) -> String {
    let record = graph.record();
    let files: Vec<(&TreePath, &Place)> = record.files_of(key).collect();
    let size = files.iter().map(|(_, place)| place.size()).sum();
    let name = record
        .packages
        .get(key)
        .map_or(key.to_owned(), |package| format!("{key} {} ({})", package.version, package.architecture));
    let head = format!("{name}: {} in the image, {}", counted(files.len(), "file"), human(size));
    let mut text = format!("{}\n", plain(&head));
    let mut by_chain: Vec<(String, Vec<&TreePath>, usize)> = vec![];
    for (path, _) in files {
        let chain = graph.chain(path);
        let arrows = arrows(&chain, record);
        match by_chain.iter_mut().find(|(known, ..)| *known == arrows) {
            Some((_, paths, _)) => paths.push(path),
            None => by_chain.push((arrows, vec![path], chain.len())),
        }
    }
    by_chain.sort_by_key(|(.., length)| *length);
    for (arrows, paths, _) in by_chain {
        for path in paths.iter().take(LARGEST) {
            text.push_str(&format!("{}\n", plain(&format!("{path}{}", weight(record, path)))));
        }
        if paths.len() > LARGEST {
            text.push_str(&format!("and {} more\n", paths.len() - LARGEST));
        }
        text.push_str(&arrows);
    }
    text
}

/// What would go, and what would miss it.
pub fn without(without: &Without<'_>, graph: &Graph<'_>, all: bool) -> String {
    let record = graph.record();
    let mut text = String::new();
    let mut files: Vec<(&TreePath, &Place)> = without
        .gone
        .iter()
        .filter(|(_, place)| place.kind != PlaceKind::Directory)
        .map(|(path, place)| (*path, *place))
        .collect();
    files.sort_by_key(|(path, place)| (std::cmp::Reverse(place.size()), *path));
    let (count, size) = without.files();
    text.push_str(&format!("{} would go, {}\n", counted(count, "file"), human(size)));
    let shown = if all { files.len() } else { LARGEST };
    for (path, _) in files.iter().take(shown) {
        text.push_str(&format!("  {}\n", plain(&format!("{path}{}", weight(record, path)))));
    }
    if files.len() > shown {
        text.push_str(&format!("  and {} more; --all shows them\n", files.len() - shown));
    }
    let mut list = |head: &str, paths: &mut dyn Iterator<Item = String>| {
        let paths: Vec<String> = paths.collect();
        if !paths.is_empty() {
            text.push_str(&format!("{head}\n"));
        }
        let shown = if all { paths.len() } else { LARGEST };
        for path in paths.iter().take(shown) {
            text.push_str(&format!("  {}\n", plain(path)));
        }
        if paths.len() > shown {
            text.push_str(&format!("  and {} more; --all shows them\n", paths.len() - shown));
        }
    };
    list("would no longer start", &mut without.programs.iter().map(ToString::to_string));
    list("could no longer be loaded", &mut without.others.iter().map(ToString::to_string));
    let missed =
        |missed: &plan::explain::Missed<'_>| format!("{}: {}, {}", missed.who, missed.path, missed.purpose);
    list("would be missed while running, by", &mut without.missed.iter().map(missed));
    text.push_str(match without.stops_process {
        true => "the image would not start without it\n",
        false => "the process would start without it\n",
    });
    text
}

/// As [`subject`], for programs.
pub fn subject_json(graph: &Graph<'_>, subject: &Subject, all: bool) -> Value {
    let found = chains(graph, &subject.path, all);
    let mut object = place_json(graph.record(), &subject.path);
    object["links"] = json!(subject.links.iter().map(TreePath::as_str).collect::<Vec<_>>());
    object["chains"] = found.chains.iter().map(chain_json).collect();
    object["more"] = json!(found.more);
    object
}

/// As [`package()`], for programs.
pub fn package_json(graph: &Graph<'_>, key: &str) -> Value {
    let record = graph.record();
    let files: Vec<Value> = record
        .files_of(key)
        .map(|(path, place)| {
            json!({"path": path.as_str(), "size": place.size(), "chain": chain_json(&graph.chain(path))})
        })
        .collect();
    let package = record.packages.get(key);
    json!({
        "platform": record.platform,
        "package": key,
        "version": package.map(|package| &package.version),
        "architecture": package.map(|package| &package.architecture),
        "files": files,
    })
}

/// As [`without()`], for programs.
pub fn without_json(without: &Without<'_>, record: &Record) -> Value {
    let (files, size) = without.files();
    let gone = without.gone.iter().map(|(path, place)| json!({"path": path.as_str(), "size": place.size()}));
    let missed = without
        .missed
        .iter()
        .map(|missed| json!({"by": missed.who, "path": missed.path.as_str(), "purpose": missed.purpose}));
    let names = |paths: &std::collections::BTreeSet<&TreePath>| -> Vec<String> {
        paths.iter().map(ToString::to_string).collect()
    };
    json!({
        "platform": record.platform,
        "without": without.removed.iter().map(TreePath::as_str).collect::<Vec<_>>(),
        "files": files,
        "size": size,
        "gone": gone.collect::<Vec<_>>(),
        "programs": names(&without.programs),
        "others": names(&without.others),
        "missed": missed.collect::<Vec<_>>(),
        "stops_process": without.stops_process,
    })
}

/// Paths with every reason, one object each.
pub fn places_json<'a>(record: &Record, paths: impl IntoIterator<Item = &'a TreePath>) -> Vec<Value> {
    let paths = paths.into_iter();
    paths
        .map(|path| {
            let mut object = place_json(record, path);
            let reasons =
                record.places.get(path).map(|place| place.reasons.iter().map(reason_json).collect());
            object["reasons"] = reasons.unwrap_or(json!([]));
            object
        })
        .collect()
}

fn place_json(record: &Record, path: &TreePath) -> Value {
    let mut object = json!({"platform": record.platform, "path": path.as_str()});
    let Some(place) = record.places.get(path) else { return object };
    let (kind, fact) = match &place.kind {
        PlaceKind::Directory => ("directory", None),
        PlaceKind::File(size) => ("file", Some(("size", json!(size)))),
        PlaceKind::Link(target) => ("link", Some(("target", json!(target)))),
    };
    object["kind"] = json!(kind);
    object["layer"] = json!(place.layer);
    object["derived"] = json!(record.basis == plan::explain::Basis::Derived);
    if let Some((name, value)) = fact {
        object[name] = value;
    }
    let packages = place.packages.iter().filter_map(|key| Some((key, record.packages.get(key)?)));
    object["packages"] = packages
        .map(|(key, package)| json!({"name": key, "version": package.version, "architecture": package.architecture}))
        .collect();
    object
}

fn chain_json(chain: &Chain<'_>) -> Value {
    chain.iter().map(|step| json!({"path": step.path.as_str(), "reason": reason_json(step.reason)})).collect()
}

/// The lines that say what was asked about: links to it with why they are there, where that is not
/// only because of it, and the facts.
fn heads(graph: &Graph<'_>, subject: &Subject) -> String {
    let record = graph.record();
    let mut text = String::new();
    for link in &subject.links {
        text.push_str(&format!("{}{}\n", plain(link.as_str()), plain(&weight(record, link))));
        let chain = graph.chain(link);
        if chain.first().is_some_and(|step| step.because != Some(&subject.path)) {
            text.push_str(&arrows(&chain, record));
        }
    }
    text.push_str(&format!("{}\n  {}\n", plain(subject.path.as_str()), plain(&facts(record, &subject.path))));
    text
}

fn chains<'a>(graph: &Graph<'a>, path: &TreePath, all: bool) -> plan::explain::Chains<'a> {
    if all {
        return graph.chains(path, CHAINS);
    }
    let chain = graph.chain(path);
    plan::explain::Chains { chains: if chain.is_empty() { vec![] } else { vec![chain] }, more: false }
}

/// A chain, a line each step.
fn arrows(chain: &Chain<'_>, record: &Record) -> String {
    if chain.is_empty() {
        return "  nothing that is recorded says why\n".into();
    }
    chain.iter().map(|step| format!("  ← {}\n", plain(&step.words(record)))).collect()
}

/// Why, where the line above says because of what.
fn briefly(step: &Step<'_>) -> String {
    match step.reason {
        Reason::NeededBy { soname, .. } => format!("needed as {soname}"),
        Reason::Interprets { .. } => "starts it".into(),
        Reason::LoadedByName { purpose, .. } => format!("loaded by name, {purpose}"),
        Reason::Linked { .. } => "what it leads to".into(),
        Reason::LeadsTo { .. } => "leads to it".into(),
        Reason::Variant { .. } => "the same for newer processors".into(),
        Reason::Parent => "holds it".into(),
        Reason::Package { name } => format!("says that files of {name} are here"),
        Reason::LoaderCache { .. } => "lets the loader find it".into(),
        Reason::MadeOf { .. } => "made of it".into(),
        Reason::Profile { purpose, .. } => purpose.to_string(),
        reason => reason.to_string(),
    }
}

/// What stands at a path, its layer and package.
fn facts(record: &Record, path: &TreePath) -> String {
    let Some(place) = record.places.get(path) else { return String::new() };
    let mut facts = vec![match &place.kind {
        PlaceKind::Directory => {
            let (files, size) = record.contents(path);
            format!("directory with {}, {}", counted(files, "file"), human(size))
        }
        PlaceKind::File(size) => human(*size),
        PlaceKind::Link(target) => format!("link to {target}"),
    }];
    facts.extend(place.layer.iter().map(|layer| format!("layer {layer}")));
    for key in &place.packages {
        let version = record.packages.get(key).map_or("", |package| &package.version);
        facts.push(format!("package {key} {version}"));
    }
    facts.join(", ")
}

/// What follows a path in a list: the size of a file, the target of a link.
fn weight(record: &Record, path: &TreePath) -> String {
    match record.places.get(path).map(|place| &place.kind) {
        Some(PlaceKind::File(size)) => format!("  {}", human(*size)),
        Some(PlaceKind::Link(target)) => format!(" -> {target}"),
        _ => String::new(),
    }
}

fn counted(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

/// Rows with their depths as a tree.
fn drawn(rows: &[(usize, String)]) -> String {
    // From the end: is there another row of the same depth before one that is less deep?
    let mut more: BTreeMap<usize, bool> = BTreeMap::new();
    let mut last = vec![];
    for (depth, _) in rows.iter().rev() {
        more.retain(|other, _| other <= depth);
        last.push(more.insert(*depth, true).is_none());
    }
    let mut open: Vec<bool> = vec![];
    let mut text = String::new();
    for ((depth, row), last) in rows.iter().zip(last.into_iter().rev()) {
        open.truncate(*depth);
        let indent: String = open.iter().map(|open| if *open { "│   " } else { "    " }).collect();
        text.push_str(&format!("{indent}{}{}\n", if last { "└── " } else { "├── " }, plain(row)));
        open.push(!last);
    }
    text
}
