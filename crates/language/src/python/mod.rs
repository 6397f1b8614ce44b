//! Python: an interpreter, what of its standard library is needed, dependencies, and bytecode of all.

mod assembly;
mod builder;
mod bytecode;
mod companions;
mod dependencies;
mod imports;
mod interpreter;
mod start;
mod stdlib;

use crate::{Ask, LanguageError, kept::key};
use assembly::Assembly;
use builder::Builder;
use bytecode::{Compiled, Import, Set};
use dependencies::{Installed, InstalledFile};
use interpreter::Found;
use plan::{
    Brought,
    finding::{Problem, Severity},
    spec::{Python, Stdlib},
};
use std::collections::{BTreeMap, BTreeSet};
use stdlib::{Imports, Library};
use tree::{Content, Sha256Digest, TreePath};

/// What a Python application brings to its image.
///
/// # Errors
/// As [`crate::bring`].
pub(crate) fn bring(ask: &Ask<'_>, table: &Python) -> Result<Brought, LanguageError> {
    let Some(found) = Found::find(ask, table)? else {
        let what = "python3 with its standard library".to_owned();
        let (packages, line) = (vec!["python3".into()], table.line);
        let problem = Problem::NoRuntime { language: "python", what, packages, fix: None, line };
        return Ok(Brought { problems: vec![problem], ..Brought::default() });
    };
    let installed = dependencies::install(ask, table, &found.interpreter)?;
    let library = Library::read(ask.runtime, &found, table.stdlib)?;
    let sources = Sources::of(ask, &installed, &library);
    // Without bytecode nobody reads the sources, and whatever may be imported enters.
    let compiled = match table.bytecode || table.stdlib == Stdlib::Reachable {
        true => Some(sources.compile(ask, &Builder::find(ask, &found)?)?),
        false => None,
    };
    let (compiled, imports) = compiled.unzip();
    let imports = match imports {
        Some(mut imports) if table.stdlib == Stdlib::Reachable => {
            let of_dependencies = installed.files.iter().map(|file| (&file.path, &file.entry));
            let objects = of_dependencies.chain(ask.payload.iter());
            let objects = objects.filter(|(path, _)| path.name().contains(".so"));
            let objects = objects.filter_map(|(_, entry)| entry.content());
            let mentions = imports::mentions(ask, objects, &library.files, &found.interpreter.stdlib)?;
            imports.dependencies.extend(mentions);
            imports.application.extend(of_process(ask));
            Some(imports)
        }
        imports => imports,
    };
    let nothing = Compiled::default();
    let of_library = compiled.as_ref().map_or(&nothing, |work| &work.library);
    let origin = ask.locks_files().then(|| origin(&library, of_library)).transpose()?;
    let is_left_out = |module: &str| {
        let imports = imports.as_ref().filter(|_| table.stdlib != Stdlib::Full);
        imports.is_some_and(|imports| library.leaves_out(module, imports))
    };
    let is_of_process = start::module(ask).is_some_and(is_left_out);
    let mut left_out: Vec<String> = imports.iter().flat_map(Imports::of_application).collect();
    left_out.retain(|module| is_left_out(module) && !is_own(ask, &installed, module));
    let stdlib = library.select(table.stdlib, imports.as_ref(), of_library)?;
    let companions = companions::take(ask, imports.as_ref())?;
    let work = compiled.filter(|_| table.bytecode);
    let mut assembly = Assembly::new(ask, table, &found, work.as_ref());
    assembly.add_interpreter()?;
    assembly.add_library(stdlib)?;
    assembly.add_origin(origin);
    assembly.add_companions(companions);
    assembly.add_dependencies(installed)?;
    assembly.add_application(&sources.application.sources)?;
    let mut brought = assembly.finish();
    // What is not whole says nothing of what is missing.
    if brought.problems.iter().all(|problem| problem.about().severity != Severity::Error) {
        brought.problems.extend(start::missing_module(ask, &found.interpreter, &brought, is_of_process)?);
    }
    brought.problems.extend(start::foreign_program(ask, table, &brought)?);
    if !left_out.is_empty() {
        let (modules, mode, line) = (left_out, table.stdlib.name(), table.line);
        brought.problems.push(Problem::LeftOutOfLibrary { modules, mode, line });
    }
    Ok(brought)
}

/// Has the payload or a dependency a module of this name? Then that of the standard library is not meant.
fn is_own(ask: &Ask<'_>, installed: &Installed, module: &str) -> bool {
    let file = format!("{module}.py");
    let paths = ask.payload.iter().map(|(path, _)| path);
    let mut paths = paths.chain(installed.files.iter().map(|file| &file.path));
    paths.any(|path| path.name() == file || path.names().any(|part| part == module))
}

/// The packages of a suite that it needs, each by its names in several releases.
pub(crate) fn packages(_table: &Python) -> Vec<Vec<String>> {
    let mut packages = vec![vec!["python3".to_owned()]];
    packages.extend(companions::packages());
    packages
}

/// A digest of a standard library as its source has it, and of its bytecode: that is what tells one Python that compiles from
/// another. What the application imports of it does not matter.
fn origin(library: &Library, compiled: &Compiled) -> Result<Sha256Digest, LanguageError> {
    let files = library.files.iter().filter_map(|(path, entry)| Some((path, entry.content()?)));
    let mut parts = vec![];
    for (path, content) in files.chain(&compiled.bytecode) {
        parts.extend([path.as_str().as_bytes().to_vec(), content.sha256()?.0.to_vec()]);
    }
    let parts: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
    Ok(key("python-library-1", &parts))
}

/// The modules that the process names: `python3 -m http.server`.
fn of_process(ask: &Ask<'_>) -> Vec<Import> {
    let config = &ask.spec.config;
    let words: Vec<&String> = config.entrypoint.iter().chain(&config.cmd).collect();
    let named = words.windows(2).filter(|pair| pair.first().is_some_and(|word| *word == "-m"));
    let named: Vec<String> = named.filter_map(|pair| pair.get(1)).map(|name| (*name).clone()).collect();
    named
        .into_iter()
        .flat_map(|name| [Import::Named(format!("{name}.__main__")), Import::Named(name)])
        .collect()
}

/// Programs in Python that no module's name says to be: executables whose first line names a Python, and the text behind
/// `-c` in the process.
fn programs(ask: &Ask<'_>, installed: &Installed) -> BTreeMap<TreePath, Content> {
    let of_dependencies = installed.files.iter().map(|file| (&file.path, &file.entry));
    let all = ask.payload.iter().chain(of_dependencies);
    let all = all.filter(|(path, entry)| entry.is_executable() && !path.name().ends_with(".py"));
    let all = all.filter_map(|(path, entry)| Some((path.clone(), entry.content()?.clone())));
    let mut programs: BTreeMap<TreePath, Content> =
        all.filter(|(_, content)| names_python(content)).collect();
    let config = &ask.spec.config;
    let words: Vec<&String> = config.entrypoint.iter().chain(&config.cmd).collect();
    let texts = words.windows(2).filter(|pair| pair.first().is_some_and(|word| *word == "-c"));
    for (number, text) in texts.filter_map(|pair| pair.get(1)).enumerate() {
        let content = Content::bytes((*text).clone(), "the process of the spec");
        programs.insert(TreePath::root().child(&format!("-c {number}")), content);
    }
    programs
}

/// Does a file begin with a line that starts a Python? One that cannot be read is told when it is written.
fn names_python(content: &Content) -> bool {
    let shebang = elf::shebang_of(content).ok().flatten();
    shebang.is_some_and(|shebang| {
        let argument = shebang.argument.unwrap_or_default();
        [shebang.interpreter, argument].iter().any(|word| word.contains("python"))
    })
}

/// The sources of an image.
struct Sources {
    library: Set,
    dependencies: Vec<Set>,
    application: Set,
    /// Programs of another name than modules have, and what the process gives the interpreter to run: what they import
    /// counts, and nobody imports them.
    programs: Set,
}

/// What was made of them.
struct Work {
    library: Compiled,
    /// The bytecode of the application and its dependencies.
    bytecode: BTreeMap<TreePath, Content>,
}

impl Sources {
    fn of(ask: &Ask<'_>, installed: &Installed, library: &Library) -> Self {
        let is_source = |path: &TreePath| path.name().ends_with(".py");
        let of_library = library.files.iter().filter(|(path, _)| is_source(path));
        let of_library =
            of_library.filter_map(|(path, entry)| Some((path.clone(), entry.content()?.clone())));
        let mut by_dependency: BTreeMap<&str, BTreeMap<TreePath, Content>> = BTreeMap::new();
        for InstalledFile { path, entry, of } in &installed.files {
            if let Some(content) = entry.content().filter(|_| is_source(path)) {
                by_dependency.entry(of).or_default().insert(path.clone(), content.clone());
            }
        }
        let dependencies = by_dependency.into_iter().map(|(name, sources)| Set {
            name: name.into(),
            sources,
            changes: false,
        });
        let application = ask.payload.iter();
        let application =
            application.filter(|(path, _)| is_source(path) && !installed.replaced.contains(path));
        let application =
            application.filter_map(|(path, entry)| Some((path.clone(), entry.content()?.clone())));
        Sources {
            library: Set {
                name: "the standard library".into(),
                sources: of_library.collect(),
                changes: false,
            },
            dependencies: dependencies.collect(),
            application: Set {
                name: "the application".into(),
                sources: application.collect(),
                changes: true,
            },
            programs: Set { name: "programs".into(), sources: programs(ask, installed), changes: true },
        }
    }

    /// Compiles them. What the application and its dependencies import comes beside.
    fn compile(&self, ask: &Ask<'_>, builder: &Builder<'_>) -> Result<(Work, Imports), LanguageError> {
        let sets = [&self.library, &self.application, &self.programs].into_iter().chain(&self.dependencies);
        let mut made = bytecode::compile(ask, builder, &sets.collect::<Vec<_>>())?.into_iter();
        let mut next = || made.next().unwrap_or_default();
        let (library, application, programs) = (next(), next(), next());
        let all = |compiled: &Compiled| compiled.imports.values().flatten().cloned().collect::<BTreeSet<_>>();
        let mut imports = Imports { application: all(&application), ..Imports::default() };
        imports.application.extend(all(&programs));
        let mut bytecode = application.bytecode;
        for dependency in made {
            imports.dependencies.extend(all(&dependency));
            for (path, content) in dependency.bytecode {
                bytecode.entry(path).or_insert(content);
            }
        }
        Ok((Work { library, bytecode }, imports))
    }
}

impl Work {
    /// The bytecode of a source.
    fn bytecode(&self, path: &TreePath) -> Option<&Content> {
        self.library.bytecode.get(path).or_else(|| self.bytecode.get(path))
    }
}
