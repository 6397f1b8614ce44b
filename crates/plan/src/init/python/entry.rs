//! How a Python program starts.

use super::super::{
    dockerfile::Dockerfile,
    project::{Project, name_of},
};
use super::dependencies::Dependencies;
use regex::Regex;

/// How a program starts.
pub(super) struct Entry {
    pub what: &'static str,
    pub command: Vec<String>,
    /// The port that the command names.
    pub served: Option<u16>,
    /// Does the project say so? Else it is guessed by a file's name.
    pub is_sure: bool,
}

/// A framework: what makes an application of it, and the interface that servers speak with it.
struct Framework {
    what: &'static str,
    /// The class whose value is the application.
    class: &'static str,
    is_async: bool,
}

const FRAMEWORKS: &[Framework] = &[
    Framework { what: "a FastAPI application", class: "FastAPI", is_async: true },
    Framework { what: "a Flask application", class: "Flask", is_async: false },
    Framework { what: "a Starlette application", class: "Starlette", is_async: true },
    Framework { what: "a Litestar application", class: "Litestar", is_async: true },
    Framework { what: "a Quart application", class: "Quart", is_async: true },
    Framework { what: "a Sanic application", class: "Sanic", is_async: true },
    Framework { what: "a Falcon application", class: "falcon.App", is_async: false },
    Framework { what: "a Bottle application", class: "Bottle", is_async: false },
];

/// Launchers that start the command behind them in an environment that the image is itself.
const LAUNCHERS: &[&[&str]] =
    &[&["uv", "run"], &["poetry", "run"], &["pipenv", "run"], &["dumb-init"], &["tini", "--"]];

/// Files that a program starts with, by their usual names.
const STARTS: &[&str] = &["main.py", "app.py", "server.py", "run.py", "bot.py", "src/main.py", "src/app.py"];

/// The surest way that is found. `port` is what a server is told.
pub(super) fn find(
    project: &Project,
    dockerfile: &Dockerfile,
    dependencies: &Dependencies,
    port: u16,
) -> Option<Entry> {
    let application = application(project, dependencies, port);
    let what = application.as_ref().map_or("a Python program", |entry| entry.what);
    let said = by_dockerfile(dockerfile, dependencies).map(|command| {
        let served = command.iter().any(|word| word.ends_with(&port.to_string())).then_some(port);
        Entry { what, command, served, is_sure: true }
    });
    said.or(application).or_else(|| by_script(project, dependencies))
}

/// The command of a Dockerfile, if what it starts will be in the image.
fn by_dockerfile(dockerfile: &Dockerfile, dependencies: &Dependencies) -> Option<Vec<String>> {
    let workdir = format!("{}/", dockerfile.workdir);
    let whole = dockerfile.command();
    let words = LAUNCHERS.iter().fold(&whole[..], |words, launcher| {
        let begins = launcher.iter().zip(words).filter(|(one, other)| one == other).count() == launcher.len();
        if begins { &words[launcher.len()..] } else { words }
    });
    let (first, rest) = words.split_first()?;
    let is_python = first == "python" || first.starts_with("python3");
    let own = dependencies.scripts.iter().find(|script| script.name == *first);
    let start = match own {
        Some(script) => script.command.clone(),
        None if is_python => vec!["python3".into()],
        None if dependencies.has(first) => vec![first.clone()],
        None => return None,
    };
    let below = |word: &String| match word.strip_prefix(&workdir).filter(|_| workdir.len() > 1) {
        Some(rest) => format!("/app/{rest}"),
        None => word.clone(),
    };
    Some(start.into_iter().chain(rest.iter().map(below)).collect())
}

/// The application of a framework, and a server for it that is among the dependencies.
fn application(project: &Project, dependencies: &Dependencies, port: u16) -> Option<Entry> {
    django(project, dependencies, port).or_else(|| {
        let sources = project.sources(&["py"]);
        let (framework, target) = FRAMEWORKS.iter().find_map(|framework| {
            let target = sources.iter().find_map(|(path, text)| target(framework, path, text))?;
            Some((framework, target))
        })?;
        let command = server(framework, &target, dependencies, port)?;
        Some(Entry { what: framework.what, command, served: Some(port), is_sure: true })
    })
}

fn django(project: &Project, dependencies: &Dependencies, port: u16) -> Option<Entry> {
    let is_django = project.text("manage.py").is_some_and(|text| text.contains("DJANGO_SETTINGS_MODULE"));
    if !is_django {
        return None;
    }
    let module = |file: &str| {
        let mut found = project.sources(&["py"]).into_iter().filter(|(path, _)| name_of(path) == file);
        found.find_map(|(path, _)| path.strip_suffix(".py").map(|path| path.replace('/', ".")))
    };
    let has = |name: &str| dependencies.has(name) || !dependencies.are_known();
    let address = format!("0.0.0.0:{port}");
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    let command = match (module("wsgi.py"), module("asgi.py")) {
        (Some(wsgi), _) if has("gunicorn") => {
            words(&["gunicorn", &format!("{wsgi}:application"), "-b", &address])
        }
        (_, Some(asgi)) if has("uvicorn") => {
            let port = port.to_string();
            words(&["uvicorn", &format!("{asgi}:application"), "--host", "0.0.0.0", "--port", &port])
        }
        _ => words(&["python3", "manage.py", "runserver", "--noreload", &address]),
    };
    Some(Entry { what: "a Django application", command, served: Some(port), is_sure: true })
}

/// `MODULE:NAME` of an application that a source makes; with a factory, `MODULE:FACTORY()`.
fn target(framework: &Framework, path: &str, text: &str) -> Option<String> {
    let class = regex::escape(framework.class);
    let module = path.strip_suffix(".py")?;
    let module = module.strip_prefix("src/").unwrap_or(module);
    let module = module.strip_suffix("/__init__").unwrap_or(module).replace('/', ".");
    let variable =
        Regex::new(&format!(r"(?m)^([A-Za-z_][A-Za-z0-9_]*)\s*(?::[^=\n]+)?=\s*(?:[a-z_]+\.)?{class}\("));
    if let Some(found) = variable.ok()?.captures(text) {
        return Some(format!("{module}:{}", found.get(1)?.as_str()));
    }
    let makes = Regex::new(&format!(r"(?m)^\s+.*=\s*(?:[a-z_]+\.)?{class}\(")).ok()?.is_match(text);
    let called = Regex::new(r"(?m)^(app|application)\s*=\s*create_app\(").ok()?;
    if let Some(found) = called.captures(text).filter(|_| makes) {
        return Some(format!("{module}:{}", found.get(1)?.as_str()));
    }
    let factory =
        Regex::new(r"(?m)^def (create_app|make_app|get_app|create_application)\(").ok()?.captures(text);
    factory.filter(|_| makes).and_then(|found| Some(format!("{module}:{}()", found.get(1)?.as_str())))
}

/// The server among the dependencies that speaks with the application.
fn server(
    framework: &Framework,
    target: &str,
    dependencies: &Dependencies,
    port: u16,
) -> Option<Vec<String>> {
    let has = |name: &str| dependencies.has(name) || !dependencies.are_known();
    let address = format!("0.0.0.0:{port}");
    let number = port.to_string();
    let words = |words: &[&str]| Some(words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>());
    if framework.is_async {
        let (name, factory) =
            target.strip_suffix("()").map_or((target, None), |name| (name, Some("--factory")));
        let with_factory = |mut command: Vec<String>| {
            command.extend(factory.map(String::from));
            command
        };
        return match () {
            () if has("uvicorn") || has("fastapi[standard]") || has("fastapi[all]") => {
                words(&["uvicorn", name, "--host", "0.0.0.0", "--port", &number]).map(with_factory)
            }
            () if has("hypercorn") => words(&["hypercorn", target, "--bind", &address]),
            () if has("granian") => {
                words(&["granian", "--interface", "asgi", "--host", "0.0.0.0", "--port", &number, name])
                    .map(with_factory)
            }
            () => None,
        };
    }
    match () {
        () if has("gunicorn") => words(&["gunicorn", target, "-b", &address]),
        () if has("waitress") => {
            let listen = format!("--listen={address}");
            match target.strip_suffix("()") {
                Some(factory) => words(&["waitress-serve", &listen, "--call", factory]),
                None => words(&["waitress-serve", &listen, target]),
            }
        }
        () if framework.class == "Flask" && has("flask") => {
            words(&["flask", "--app", target, "run", "--host", "0.0.0.0", "--port", &number])
        }
        () => None,
    }
}

/// A command of the project itself, a package that is run, a file with a usual name.
fn by_script(project: &Project, dependencies: &Dependencies) -> Option<Entry> {
    let entry =
        |command: Vec<String>, is_sure| Entry { what: "a Python program", command, served: None, is_sure };
    if let Some(script) = dependencies.scripts.first() {
        return Some(entry(script.command.clone(), true));
    }
    if let Some(path) = STARTS.iter().find(|path| project.has(path)) {
        return Some(entry(vec!["python3".into(), (*path).into()], true));
    }
    let package = project.sources(&["py"]).into_iter().find_map(|(path, _)| {
        let package = path.strip_suffix("/__main__.py")?;
        let package = package.strip_prefix("src/").unwrap_or(package);
        (!package.contains('/')).then(|| package.to_owned())
    });
    if let Some(package) = package {
        return Some(entry(vec!["python3".into(), "-m".into(), package], true));
    }
    // The only file there is, or the one that says that it is a program.
    let top: Vec<(&str, &str)> = project
        .sources(&["py"])
        .into_iter()
        .filter(|(path, _)| !path.contains('/') && *path != "setup.py")
        .collect();
    let is_program = |(_, text): &&(&str, &str)| text.contains("__name__");
    let chosen = match top[..] {
        [only] => Some(only),
        _ => top.iter().find(is_program).copied(),
    };
    chosen.map(|(path, _)| entry(vec!["python3".into(), path.into()], false))
}
