//! C and C++: CMake, Meson, make.

use super::{
    Language,
    dockerfile::Dockerfile,
    program::{self, Built},
    project::{Project, name_of},
    sketch::Sketch,
};
use regex::Regex;

/// A build system: its file, how that names programs, where they come to lie, and the commands.
struct System {
    file: &'static str,
    names: &'static [&'static str],
    folders: &'static [&'static str],
    commands: &'static [&'static str],
}

const SYSTEMS: &[System] = &[
    System {
        file: "CMakeLists.txt",
        names: &[r"(?im)^\s*add_executable\s*\(\s*([A-Za-z0-9_.+-]+)"],
        folders: &[
            "build",
            "build/bin",
            "build/src",
            "build/Release",
            "cmake-build-release",
            "out",
            "bin",
            "",
        ],
        commands: &["cmake -B build -DCMAKE_BUILD_TYPE=Release", "cmake --build build"],
    },
    System {
        file: "meson.build",
        names: &[r"\bexecutable\s*\(\s*'([A-Za-z0-9_.+-]+)'"],
        folders: &["build", "build/src", "builddir", "builddir/src"],
        commands: &["meson setup build --buildtype release", "meson compile -C build"],
    },
    System {
        file: "Makefile",
        names: &[
            r"(?m)^\s*(?:TARGET|PROGRAM|PROG|BINARY|BIN|EXECUTABLE|EXE|NAME)\s*[:?]?=\s*([A-Za-z0-9_./+-]+)\s*$",
            r"(?m)^\t.*\s-o\s+([A-Za-z0-9_./+-]+)(?:\s|$)",
        ],
        folders: &["", "bin", "build", "out", "src"],
        commands: &["make"],
    },
];

/// Other names of a Makefile.
const MAKEFILES: &[&str] = &["Makefile", "makefile", "GNUmakefile"];

pub(super) fn look(project: &Project, dockerfile: &Dockerfile) -> Option<Sketch> {
    let sources = project.sources(&["c", "cc", "cpp", "cxx"]);
    // A Makefile may be for anything.
    if sources.is_empty() {
        return None;
    }
    let (system, file) = SYSTEMS.iter().find_map(|system| {
        let known = if system.file == "Makefile" { MAKEFILES } else { std::slice::from_ref(&system.file) };
        Some((system, project.first(known)?))
    })?;
    let named = names(system, project, file);
    let there = named.iter().find_map(|name| project.program(name_of(name), system.folders));
    let there = there.or_else(|| {
        // Whatever was built, unless CMake only tried its compiler with it.
        let mut programs: Vec<_> = project.programs().collect();
        programs.sort_by_key(|(path, _)| (path.matches('/').count(), *path));
        programs.first().copied()
    });
    let made_by: Vec<String> = system.commands.iter().map(|command| (*command).to_owned()).collect();
    let mut sketch = Sketch::new(Language::C, "a C or C++ program", file);
    let (path, is_static) = match there {
        Some((path, is_static)) => (path.to_owned(), Some(is_static)),
        None => {
            sketch.is_sure = !named.is_empty();
            let name = named.first().cloned().unwrap_or_else(|| project.name.clone());
            let folder = system.folders.first().copied().unwrap_or_default();
            // A Makefile names a path.
            let path =
                if folder.is_empty() || name.contains('/') { name } else { format!("{folder}/{name}") };
            (path, None)
        }
    };
    let name = name_of(&path).to_owned();
    let others: Vec<&str> = named.iter().map(|named| name_of(named)).filter(|other| *other != name).collect();
    if !others.is_empty() {
        sketch.notes.push(format!("{file} has other programs: {}", others.join(", ")));
    }
    Some(program::sketch(
        sketch,
        Built { name: &name, path, is_static, made_by },
        project,
        dockerfile,
        &sources,
    ))
}

/// The programs that the files of a build system name, those of the outermost file first.
fn names(system: &System, project: &Project, file: &str) -> Vec<String> {
    let mut texts: Vec<(usize, &str)> = project
        .files
        .keys()
        .filter(|path| name_of(path) == file && (file != "Makefile" || *path == file))
        .filter_map(|path| Some((path.matches('/').count(), project.text(path)?)))
        .collect();
    texts.sort_by_key(|(depth, _)| *depth);
    let patterns: Vec<Regex> = system.names.iter().filter_map(|pattern| Regex::new(pattern).ok()).collect();
    let mut names: Vec<String> = vec![];
    for (_, text) in texts {
        // The first pattern that says something.
        let found = patterns.iter().map(|pattern| {
            pattern
                .captures_iter(text)
                .filter_map(|found| Some(found.get(1)?.as_str().to_owned()))
                .collect::<Vec<_>>()
        });
        for name in found.into_iter().find(|found| !found.is_empty()).unwrap_or_default() {
            let is_test = name_of(&name).to_lowercase().contains("test");
            let is_object = [".o", ".a", ".so"].iter().any(|end| name.ends_with(end));
            if !is_test && !is_object && !names.contains(&name) {
                names.push(name);
            }
        }
    }
    names
}
