//! Programs of languages with a runtime.

use super::{
    super::{Project, Workspace, recognise, why_not},
    best, is, project,
};

/// A project with a command that is not installed, and one that can be.
const SCRIPTS: (&str, &str) =
    ("pyproject.toml", "[project]\nname = \"a\"\n[project.scripts]\nshop = \"shop.cli:main [x]\"");
const BUILT_SCRIPTS: (&str, &str) = (
    "pyproject.toml",
    "[project]\nname = \"a\"\n[project.scripts]\nshop = \"shop.cli:main\"\n[build-system]",
);

#[test]
fn python_programs() {
    let flask = ("app.py", "from flask import Flask\napp = Flask(__name__)\n");
    is(
        &[flask, ("requirements.txt", "flask\nGunicorn==22\n")],
        "a Flask application",
        &[
            "entrypoint = [\"gunicorn\", \"app:app\", \"-b\", \"0.0.0.0:8000\"]",
            "workdir = \"/app\"",
            "ports = [\"8000\"]  # of the entrypoint",
            "source = \"debian:bookworm\"  # the release of this machine",
            "[python]",
            "requirements = \"requirements.txt\"",
            "from = \".\"",
            "to = \"/app/\"",
        ],
        None,
    );
    let entry = |files: &[(&str, &str)]| {
        let found = best(files);
        let line = found.spec.lines().find_map(|line| line.strip_prefix("entrypoint = ")).unwrap_or_default();
        serde_json::from_str::<Vec<String>>(line).unwrap_or_default().join(" ")
    };
    for (files, want) in [
        (&[flask, ("requirements.txt", "flask")][..], "flask --app app:app run --host 0.0.0.0 --port 8000"),
        (&[flask, ("requirements.txt", "flask\nwaitress")], "waitress-serve --listen=0.0.0.0:8000 app:app"),
        (
            &[
                ("shop/__init__.py", "def create_app(x=None):\n    app = Flask(__name__)\n"),
                ("requirements.txt", "flask\ngunicorn"),
            ],
            "gunicorn shop:create_app() -b 0.0.0.0:8000",
        ),
        (
            &[
                ("app/main.py", "import fastapi\napp: fastapi.FastAPI = fastapi.FastAPI(\n"),
                ("requirements.txt", "fastapi[standard]"),
            ],
            "uvicorn app.main:app --host 0.0.0.0 --port 8000",
        ),
        (
            &[
                ("manage.py", "os.environ.setdefault('DJANGO_SETTINGS_MODULE', 'site.settings')"),
                ("shop/wsgi.py", "application = get_wsgi_application()"),
                ("requirements.txt", "-r requirements/base.txt"),
                ("requirements/base.txt", "django\ngunicorn"),
            ],
            "gunicorn shop.wsgi:application -b 0.0.0.0:8000",
        ),
        (
            &[("manage.py", "DJANGO_SETTINGS_MODULE"), ("shop/wsgi.py", "x"), ("requirements.txt", "django")],
            "python3 manage.py runserver --noreload 0.0.0.0:8000",
        ),
        (
            &[
                (
                    "pyproject.toml",
                    "[project]\nname = \"shop\"\n[project.scripts]\na = \"x:y\"\nshop = \"shop:main\"\n[build-system]",
                ),
                ("uv.lock", ""),
            ],
            "shop",
        ),
        // Of a project that nothing installs, no command is in the image.
        (
            &[SCRIPTS, ("uv.lock", ""), ("src/shop/cli.py", "if __name__ == \"__main__\":\n    main()")],
            "python3 -m shop.cli",
        ),
        (&[SCRIPTS, ("shop/cli/__init__.py", ""), ("shop/cli/__main__.py", "x")], "python3 -m shop.cli"),
        (
            &[SCRIPTS, ("shop/cli.py", "def main(): 1")],
            "python3 -c import sys, shop.cli; sys.exit(shop.cli.main())",
        ),
        (&[SCRIPTS, ("bot.py", "x")], "python3 bot.py"),
        (
            &[BUILT_SCRIPTS, ("requirements.txt", "x"), ("shop/cli.py", "if __name__ == '__main__':")],
            "python3 -m shop.cli",
        ),
        (
            &[
                BUILT_SCRIPTS,
                ("requirements.txt", "x"),
                ("shop/cli.py", "if __name__ == '__main__':"),
                ("Dockerfile", "RUN pip install .\nCMD [\"shop\", \"serve\"]"),
            ],
            "python3 -m shop.cli serve",
        ),
        (&[BUILT_SCRIPTS, ("Dockerfile", "RUN pip install .\nCMD [\"shop\", \"serve\"]")], "shop serve"),
        (
            &[
                (
                    "pyproject.toml",
                    "[tool.poetry]\nname = \"a\"\n[tool.poetry.scripts]\na = \"a:b\"\n[build-system]",
                ),
                ("a/__main__.py", "x"),
            ],
            "python3 -m a",
        ),
        (
            &[("src/shop/__main__.py", "x"), ("pyproject.toml", "[project]\nname = \"shop\"")],
            "python3 -m shop",
        ),
        (&[("bot.py", "x"), ("requirements.txt", "")], "python3 bot.py"),
        (&[("tool.py", "x")], "python3 tool.py"),
        (&[("a.py", "x"), ("b.py", "if __name__ == '__main__':")], "python3 b.py"),
        (
            &[
                flask,
                ("requirements.txt", "flask\ngunicorn"),
                (
                    "Dockerfile",
                    "FROM python:3.11\nWORKDIR /srv\nEXPOSE 9000\nCMD [\"gunicorn\", \"-c\", \"/srv/g.py\", \"app:app\"]",
                ),
            ],
            "gunicorn -c /app/g.py app:app",
        ),
        (
            &[
                flask,
                ("requirements.txt", "flask\ngunicorn"),
                ("Dockerfile", "FROM python:3.11\nEXPOSE 9000\nCMD [\"./start.sh\"]"),
            ],
            "gunicorn app:app -b 0.0.0.0:9000",
        ),
        (
            &[
                ("main.py", "x"),
                ("uv.lock", ""),
                ("pyproject.toml", "[project]\nname=\"a\""),
                ("Dockerfile", "CMD uv run python main.py --x"),
            ],
            "python3 main.py --x",
        ),
    ] {
        assert_eq!(entry(files), want, "{files:?}");
    }
}

#[test]
fn where_python_projects_have_their_dependencies() {
    for (files, line, before) in [
        (
            &[("pyproject.toml", "[project]\nname = \"a\""), ("uv.lock", ""), ("requirements.txt", "x")][..],
            "project = \"pyproject.toml\"  # as uv.lock has it",
            None,
        ),
        (&[("pyproject.toml", "[project]\nname = \"a\"")], "project = \"pyproject.toml\"", None),
        (
            &[("pyproject.toml", "[tool.black]"), ("requirements.txt", "x")],
            "requirements = \"requirements.txt\"",
            None,
        ),
        (
            &[("pyproject.toml", "[tool.poetry.dependencies]\nflask = \"*\"")],
            "requirements = \"requirements.txt\"  # made by: poetry export --output requirements.txt",
            Some("poetry export --output requirements.txt"),
        ),
        (&[(".venv/pyvenv.cfg", "")], "venv = \".venv\"", None),
    ] {
        let files: Vec<_> = files.iter().copied().chain([("main.py", "x")]).collect();
        is(&files, "a Python program", &[line], before);
    }
}

#[test]
fn what_is_excluded() {
    let python = best(&[
        ("app.py", "x"),
        ("env/pyvenv.cfg", ""),
        (".venv/pyvenv.cfg", ""),
        ("tools/py[3]/pyvenv.cfg", ""),
    ]);
    let common = "\"**/node_modules\", \"Dockerfile*\", \"bantam.*\", \"*.tar\"";
    let venvs = r#""env", 'tools/py\[3\]'"#;
    assert!(python.spec.contains(&format!("{common}, {venvs}]")), "{}", python.spec);
    assert!(python.spec.contains("venv = \".venv\"\n"), "{}", python.spec);
    assert!(best(&[("app.py", "x"), ("mine/pyvenv.cfg", "")]).spec.contains("venv = \"mine\"\n"));

    let node = best(&[("package.json", "{}"), ("index.js", "x"), ("scripts/env/pyvenv.cfg", "")]);
    assert!(node.spec.contains("exclude = [\".git\", \"node_modules\", "), "{}", node.spec);
    assert!(node.spec.contains(", \"scripts/env\"]"), "{}", node.spec);
}

#[test]
fn node_programs() {
    let lock = ("package-lock.json", "");
    let package = r#"{"main": "index.js", "scripts": {"start": "NODE_ENV=test node --enable-source-maps ./server"},
        "dependencies": {"express": "4"}, "engines": {"node": "^18.17 || >=20.3"}}"#;
    is(
        &[lock, ("package.json", package), ("server.js", "app.listen(process.env.PORT || 3000)")],
        "an Express application",
        &[
            "entrypoint = [\"node\", \"--enable-source-maps\", \"server.js\"]",
            "env = { NODE_ENV = \"test\" }",
            "ports = [\"3000\"]  # server.js",
            "[node]",
            "project = \".\"  # dependencies, as the lock file has them",
            "version = \"20\"  # engines.node is \"^18.17 || >=20.3\"",
        ],
        None,
    );
    let built =
        r#"{"scripts": {"start": "nest start", "start:prod": "node dist/main", "build": "nest build"}}"#;
    is(
        &[
            lock,
            ("package.json", built),
            ("tsconfig.json", ""),
            ("src/main.ts", "app.listen(3000)"),
            (".nvmrc", "v22.1.0\n"),
        ],
        "a Node.js program",
        &[
            "entrypoint = [\"node\", \"dist/main.js\"]",
            "version = \"22\"  # .nvmrc",
            "ports = [\"3000\"]  # src/main.ts",
        ],
        Some("npm ci && npm run build"),
    );
    assert!(
        best(&[lock, ("package.json", built), ("tsconfig.json", "")])
            .spec
            .contains("\"src\", \"tsconfig*.json\"")
    );
    is(
        &[
            ("package.json", "{}"),
            ("server.js", "x"),
            ("Dockerfile", "FROM node:18-alpine\nWORKDIR /srv\nCMD [\"node\", \"/srv/server.js\"]"),
        ],
        "a Node.js program",
        &["entrypoint = [\"node\", \"server.js\"]", "version = \"18\"  # FROM node:18-alpine"],
        Some("npm install --package-lock-only"),
    );
    let workspaces = r#"{"workspaces": ["apps/*"], "scripts": {"start": "npm start -w apps/api"}}"#;
    let api = r#"{"scripts": {"start": "node --import ./i.mjs --env-file=.env src/index.js"}}"#;
    let found = best(&[
        lock,
        ("package.json", workspaces),
        ("apps/api/package.json", api),
        ("apps/api/src/index.js", "x"),
        ("apps/web/package.json", "{}"),
        ("apps/web/dist/package.json", "{}"),
    ]);
    for part in [
        r#"["node", "--import", "./apps/api/i.mjs", "apps/api/src/index.js"]"#,
        "\"bantam.*\", \"apps/*/node_modules\", ",
    ] {
        assert!(found.spec.contains(part), "{}", found.spec);
    }
    assert!(found.notes[0].starts_with("--env-file .env is left out"), "{:?}", found.notes);
    // Of a whole that starts nothing itself, a part that does.
    let whole = ("package.json", r#"{"workspaces": ["apps/*"]}"#);
    let other = ("apps/web/package.json", r#"{"scripts": {"start": "node ."}}"#);
    let found = best(&[lock, whole, ("apps/api/package.json", api), other]);
    assert!(found.notes.contains(&"there are other programs: apps/web".to_owned()), "{:?}", found.notes);
    let workspace = Some(Workspace { root: "../..".into(), folder: "apps/api".into() });
    let part = Project { workspace, ..project(&[("package.json", api), ("src/index.js", "x")]) };
    let found = recognise(&part).remove(0);
    for line in [
        r#"entrypoint = ["node", "--import", "./apps/api/i.mjs", "apps/api/src/index.js"]"#,
        r#"project = "../.."  # of which this is a workspace"#,
        r#"to = "/app/apps/api/""#,
    ] {
        assert!(found.spec.lines().any(|has| has == line), "{}", found.spec);
    }
    assert!(found.before.is_empty(), "{:?}", found.before);
    // Nothing installs from it.
    is(
        &[("package.json", "{}"), ("index.js", "x"), ("yarn.lock", "")],
        "a Node.js program",
        &["entrypoint = [\"node\", \"index.js\"]"],
        Some("npm install --package-lock-only"),
    );
    // A page is no program.
    for page in [
        r#"{"scripts": {"start": "react-scripts start"}}"#,
        r#"{"scripts": {"dev": "vite"}}"#,
        "{}",
        "[",
        "{\"main\": 3}",
    ] {
        assert!(recognise(&project(&[lock, ("package.json", page)])).is_empty(), "{page}");
    }
    assert!(
        recognise(&project(&[("package.json", r#"{"scripts": {"dev": "vite"}}"#), ("src/index.js", "x")]))
            .is_empty()
    );
}

#[test]
fn what_a_manifest_lacks() {
    for (package, why) in [
        (r#"{"scripts": {"start": "next start"}}"#, "scripts.start of package.json is `next start`"),
        (r#"{"main": "gone.js"}"#, "main of package.json is gone.js, which is not there"),
        ("{}", "neither scripts.start nor main"),
        ("[", "no JSON object"),
    ] {
        let found = why_not(&project(&[("package.json", package)]));
        assert!(matches!(&found[..], [found] if found.contains(why)), "{found:?}");
    }
    assert_eq!(why_not(&project(&[("go.mod", "x")])), ["go.mod is there, and not a `package main`"]);
    assert!(why_not(&project(&[])).is_empty());
}

#[test]
fn servers_that_frameworks_make() {
    let nuxt = r#"{"scripts": {"build": "nuxt build"}, "dependencies": {"nuxt": "4"}}"#;
    let lock = ("package-lock.json", "");
    is(
        &[lock, ("package.json", nuxt), (".output/server/index.mjs", "")],
        "a Nuxt application",
        &[
            "entrypoint = [\"node\", \"server/index.mjs\"]",
            "ports = [\"3000\"]  # the default of a Nuxt application",
            "from = \".output/\"",
            "to = \"/app/\"",
        ],
        None,
    );
    let bundled = (".output/server/package.json", r#"{"dependencies": {}}"#);
    is(
        &[("package.json", "{}"), (".output/server/index.mjs", ""), bundled],
        "a Nitro server",
        &["project = \".output/server\"  # the server has its packages in it"],
        None,
    );
    let svelte = r#"{"scripts": {"start": "node --title x build", "build": "vite build"},
        "devDependencies": {"@sveltejs/adapter-node": "5"}, "dependencies": {"pg": "8"}}"#;
    is(
        &[lock, ("package.json", svelte), ("build/index.js", "x")],
        "a SvelteKit application",
        &[
            "entrypoint = [\"node\", \"--title\", \"x\", \"build/index.js\"]",
            "project = \".\"  # dependencies, as the lock file has them",
            "from = \"build/\"",
            "to = \"/app/build/\"",
            "from = \"package.json\"",
        ],
        None,
    );
    is(&[("package.json", svelte)], "a SvelteKit application", &[], Some("npm install && npm run build"));
    // One with a file of its own around it.
    let own = svelte.replace("--title x build", "server.js");
    is(&[lock, ("package.json", &own), ("server.js", "x")], "a Node.js program", &["from = \".\""], None);
    is(
        &[
            lock,
            ("package.json", r#"{"dependencies": {"@astrojs/node": "9"}}"#),
            ("dist/server/entry.mjs", ""),
        ],
        "an Astro application",
        &["env = { HOST = \"0.0.0.0\", NODE_ENV = \"production\" }", "to = \"/app/dist/\""],
        None,
    );
}

#[test]
fn secrets_stay_out() {
    let key = "-----BEGIN PRIVATE KEY-----\nMII";
    let secrets = [
        (".npmrc", "//r/:_authToken=npm_abc\n"),
        ("certs/tls.pem", key),
        ("certs/ca.pem", "-----BEGIN CERTIFICATE-----\nMII"),
        (".aws/credentials", ""),
        (".env.local", ""),
    ];
    for project in [&[("package.json", "{}"), ("index.js", "x")][..], &[("app.py", "x")]] {
        let spec = best(&[project, &secrets].concat()).spec;
        assert!(spec.contains(r#", ".aws/credentials", ".npmrc", "certs/tls.pem"]"#), "{spec}");
    }
}

#[test]
fn next_applications() {
    let package = ("package.json", r#"{"dependencies": {"next": "15"}, "scripts": {"start": "next start"}}"#);
    is(
        &[package, (".next/standalone/apps/web/server.js", ""), ("public/a.png", "")],
        "a Next.js application",
        &[
            "entrypoint = [\"node\", \"apps/web/server.js\"]",
            "env = { HOSTNAME = \"0.0.0.0\", NODE_ENV = \"production\", PORT = \"3000\" }",
            "[node]",
            "to = \"/app/apps/web/.next/static/\"",
            "to = \"/app/apps/web/public/\"",
            "exclude = [\"**/.env\", \"**/.env.*\"]",
        ],
        None,
    );
    for (lock, command) in [
        ("package-lock.json", "npm ci && npm run build"),
        ("pnpm-lock.yaml", "pnpm install --frozen-lockfile && pnpm run build"),
        ("yarn.lock", "yarn install && yarn run build"),
        ("none", "npm install && npm run build"),
    ] {
        assert_eq!(best(&[package, (lock, "")]).before, [command]);
    }
    let found = best(&[package]);
    assert!(found.notes[0].contains("output: \"standalone\""), "{:?}", found.notes);
}

#[test]
fn java_programs() {
    let pom = "<project><parent><artifactId>spring-boot-starter-parent</artifactId><version>3.3.0</version></parent>\n\
        <artifactId>shop</artifactId><version>${revision}</version><properties><revision>1.2</revision></properties>\n\
        <dependencies><dependency><artifactId>x</artifactId><version>9</version></dependency></dependencies>\n\
        <build><plugins><plugin><artifactId>spring-boot-maven-plugin</artifactId></plugin></plugins></build></project>";
    is(
        &[("pom.xml", pom), ("mvnw", ""), ("src/main/resources/application.properties", "server.port=8081")],
        "a Spring Boot application",
        &[
            "workdir = \"/app\"",
            "jar = \"target/shop-1.2.jar\"  # made by: ./mvnw --batch-mode package",
            "ports = [\"8081\"]  # src/main/resources/application.properties",
        ],
        Some("./mvnw --batch-mode package"),
    );
    is(
        &[
            ("pom.xml", pom),
            ("target/shop-1.2.jar", ""),
            ("target/original-shop-1.2.jar", ""),
            ("target/shop-1.2-sources.jar", ""),
        ],
        "a Spring Boot application",
        &["jar = \"target/shop-1.2.jar\"", "ports = [\"8080\"]  # the default of Spring Boot"],
        None,
    );
    is(
        &[
            (
                "build.gradle.kts",
                "plugins { application }\nversion = \"0.1\"\napplication { mainClass = \"x\" }",
            ),
            ("settings.gradle.kts", "rootProject.name = \"web\""),
            ("gradlew", ""),
        ],
        "a Java program",
        &["jar = \"build/libs/web-0.1.jar\"  # made by: ./gradlew assemble"],
        Some("./gradlew assemble"),
    );
    let plain = "<project><artifactId>tool</artifactId><version>1</version></project>";
    let main = "package com.acme;\npublic class Main {\n  public static void main(String[] args) {}\n}";
    let files = [
        ("pom.xml", plain),
        ("src/main/java/com/acme/Main.java", main),
        ("src/main/java/module-info.java", "module com.acme {\n}"),
    ];
    is(
        &files[..2],
        "a Java program",
        &["entrypoint = [\"java\", \"-cp\", \"/app/tool-1.jar\", \"com.acme.Main\"]"],
        Some("mvn --batch-mode package"),
    );
    is(
        &files,
        "a Java program",
        &["entrypoint = [\"java\", \"-p\", \"/app/tool-1.jar\", \"-m\", \"com.acme/com.acme.Main\"]"],
        Some("mvn --batch-mode package"),
    );
    is(&[("build/libs/a.jar", "")], "a Java program", &["jar = \"build/libs/a.jar\""], None);
}

#[test]
fn an_installed_project_is_not_copied_once_more() {
    let built = (
        "pyproject.toml",
        "[project]\nname = \"shop\"\n[project.scripts]\nshop = \"shop:main\"\n[build-system]",
    );
    let listed = ("pyproject.toml", "[project]\nname = \"shop\"\n");
    let sources = ("src/shop/__init__.py", "def main(): 1");
    for (files, has_sources, has_path) in [
        (&[built, sources][..], false, false),
        (
            &[built, sources, ("Dockerfile", "CMD [\"python\", \"manage.py\"]"), ("manage.py", "x")],
            true,
            false,
        ),
        (&[built, ("shop/__init__.py", "def main(): 1")], true, false),
        (&[listed, sources, ("src/shop/__main__.py", "x")], true, true),
    ] {
        let spec = best(files).spec;
        assert_eq!(spec.contains("[[files]]"), has_sources, "{spec}");
        assert_eq!(spec.contains("workdir"), has_sources, "{spec}");
        assert_eq!(spec.contains("PYTHONPATH"), has_path, "{spec}");
    }
}

#[test]
fn images_that_were_built_stay_out() {
    let spec = best(&[("app.py", "x"), ("out/image/oci-layout", ""), ("shop.tar", "")]).spec;
    assert!(spec.contains("\"bantam.*\", \"*.tar\", \"out/image\"]"), "{spec}");
}

/// The jar of a spec, and its notes.
fn jar_of(files: &[(&str, &str)]) -> (String, Vec<String>) {
    let found = best(files);
    let line = found.spec.lines().find_map(|line| line.strip_prefix("jar = \"")).unwrap_or_default();
    (line.split('"').next().unwrap_or_default().to_owned(), found.notes)
}

#[test]
fn a_jar_that_starts_is_found_among_those_that_were_made() {
    let pom = "<project><artifactId>boot</artifactId><version>1.0</version></project>";
    for (jars, jar, note) in [
        (&[("target/boot-1.0.jar", "JAR main")][..], "target/boot-1.0.jar", None),
        (
            &[("target/boot-1.0.jar", "JAR"), ("target/boot-1.0-jar-with-dependencies.jar", "JAR main")],
            "target/boot-1.0-jar-with-dependencies.jar",
            Some("there are other jars: target/boot-1.0.jar"),
        ),
        (
            &[("target/boot-1.0.jar", "JAR main"), ("target/boot-1.0-shaded.jar", "JAR main")],
            "target/boot-1.0-shaded.jar",
            Some("there are other jars: target/boot-1.0.jar"),
        ),
        (
            &[("target/boot-1.0.jar", "JAR main"), ("target/all.jar", "JAR main")],
            "target/boot-1.0.jar",
            Some("there are other jars: target/all.jar"),
        ),
        (
            &[("target/boot-1.0.jar", "JAR"), ("target/quarkus-app/quarkus-run.jar", "JAR main path")],
            "target/quarkus-app/quarkus-run.jar",
            Some("there are other jars: target/boot-1.0.jar"),
        ),
        (
            &[("target/boot-1.0.jar", "JAR"), ("target/boot-1.0-runner.jar", "JAR main")],
            "target/boot-1.0-runner.jar",
            Some("there are other jars: target/boot-1.0.jar"),
        ),
        (
            &[("target/boot-1.0.jar", "JAR")],
            "target/boot-1.0.jar",
            Some("boot-1.0.jar must say in its manifest which class starts (Main-Class)"),
        ),
    ] {
        let files = [&[("pom.xml", pom)][..], jars].concat();
        let (found, notes) = jar_of(&files);
        assert_eq!((&*found, notes.first().map(String::as_str)), (jar, note), "{jars:?}");
    }
}

#[test]
fn the_module_that_starts_is_found() {
    let parent = "<project><artifactId>shop</artifactId><version>1</version><packaging>pom</packaging>\n\
        <modules><module>core</module><module> app </module><module>tool</module></modules></project>";
    let module = |name: &str, more: &str| {
        format!(
            "<project><parent><artifactId>shop</artifactId><version>1</version></parent>\n\
             <artifactId>{name}</artifactId>{more}</project>"
        )
    };
    let shade =
        "<build><plugins><plugin><artifactId>maven-shade-plugin</artifactId></plugin></plugins></build>";
    let (core, app, tool) = (module("core", ""), module("app", shade), module("tool", ""));
    let poms = [("pom.xml", parent), ("core/pom.xml", &core), ("app/pom.xml", &app), ("tool/pom.xml", &tool)];
    let made = ["core", "app", "tool"].map(|name| format!("{name}/target/{name}-1.jar"));
    for (jars, jar, note) in [
        (&[][..], "app/target/app-1.jar", None),
        (&[(&*made[0], "JAR"), (&*made[1], "JAR main"), (&*made[2], "JAR")], "app/target/app-1.jar", None),
        (
            &[(&*made[1], "JAR main"), (&*made[2], "JAR main")],
            "app/target/app-1.jar",
            Some("there are other jars: tool/target/tool-1.jar"),
        ),
        (&[(&*made[2], "JAR main")], "tool/target/tool-1.jar", None),
    ] {
        let (found, notes) = jar_of(&[&poms[..], jars].concat());
        assert_eq!((&*found, notes.first().map(String::as_str)), (jar, note), "{jars:?}");
    }
    let gradle = [
        ("settings.gradle", "rootProject.name = 'shop'\ninclude('app')"),
        ("app/build.gradle", "application { mainClass = 'x' }"),
        ("app/build/libs/app.jar", "JAR main"),
    ];
    assert_eq!(jar_of(&gradle).0, "app/build/libs/app.jar");
    assert_eq!(jar_of(&gradle[..2]).0, "app/build/libs/app.jar");
}

#[test]
fn a_jar_without_its_dependencies_is_told() {
    let pom = |scope: &str, build: &str| {
        format!(
            "<project><artifactId>shop</artifactId><version>1</version><dependencies><dependency>\n\
             <artifactId>slf4j-api</artifactId>{scope}</dependency></dependencies><build>mainClass {build}</build></project>"
        )
    };
    for (pom, jar, is_told) in [
        (pom("", ""), "JAR main", true),
        (pom("", ""), "", true),
        (pom("", ""), "JAR main path", false),
        (pom("<scope>test</scope>", ""), "JAR main", false),
        (pom("", "maven-shade-plugin"), "JAR main", false),
        (pom("", "<addClasspath>true</addClasspath>"), "", false),
    ] {
        let (_, notes) = jar_of(&[("pom.xml", &pom), ("target/shop-1.jar", jar)]);
        let told = notes.iter().any(|note| note.starts_with("the dependencies are not in shop-1.jar: "));
        assert_eq!(told, is_told, "{pom} {jar}");
    }
}
