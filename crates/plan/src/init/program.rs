//! What compiled programs have in common, and a program that nothing else is known of.

use super::{
    Language, assets,
    dockerfile::Dockerfile,
    ports,
    project::{Project, name_of},
    sketch::{Files, Sketch},
};
use crate::Glob;

/// A program that a build makes.
pub(super) struct Built<'a> {
    /// Its name in the image.
    pub name: &'a str,
    /// Where it is, or will be.
    pub path: String,
    /// Is it static? None: it is not there yet.
    pub is_static: Option<bool>,
    /// The commands that make it.
    pub made_by: Vec<String>,
}

/// Finishes the sketch of a compiled program: the program, what it reads while it runs, its port.
pub(super) fn sketch(
    mut sketch: Sketch,
    built: Built<'_>,
    project: &Project,
    dockerfile: &Dockerfile,
    sources: &[(&str, &str)],
) -> Sketch {
    // `to` has variables too, and nothing to take their meaning away.
    let to = format!("/app/{}", built.name.replace("${", "_{"));
    sketch.entrypoint = vec![to.clone()];
    let why = match built.is_static {
        Some(true) => "static: it needs no library".into(),
        Some(false) => "the libraries that it loads come with it, from this machine".into(),
        None => format!("made by: {}", built.made_by.join(" && ")),
    };
    sketch.files.push(Files { why, ..Files::new(Glob::literally(&built.path), to) });
    if built.is_static.is_none() {
        sketch.before = built.made_by;
    }
    let read = assets::of(project, sources);
    if !read.is_empty() {
        sketch.workdir = Some("/app");
    }
    sketch.files.extend(read);
    sketch.port = ports::find(sources.iter().copied());
    sketch.heed(dockerfile, built.name);
    sketch
}

/// The one program of a folder that says nothing else; of several, the first with the fewest folders above.
pub(super) fn look(project: &Project, dockerfile: &Dockerfile) -> Option<Sketch> {
    let mut programs: Vec<(&str, bool)> = project.programs().collect();
    programs.sort_by_key(|(path, _)| (path.matches('/').count(), *path));
    let (path, is_static) = *programs.first()?;
    let mut found = Sketch::new(Language::Program, "a program", path);
    let others: Vec<&str> = programs.iter().skip(1).map(|(path, _)| *path).take(5).collect();
    if !others.is_empty() {
        found.notes.push(format!("there are other programs: {}", others.join(", ")));
    }
    let built = Built { name: name_of(path), path: path.into(), is_static: Some(is_static), made_by: vec![] };
    Some(sketch(found, built, project, dockerfile, &[]))
}
