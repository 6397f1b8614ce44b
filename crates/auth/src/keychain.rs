//! Where credentials are found, in which order.

use crate::ci;
use crate::credential::{Credential, Found};
use crate::file::{self, ConfigFile, Held};
use crate::helper::{Helper, Trouble};
use crate::registry::{Wanted, normal};
use crate::settings::Settings;
use crate::trace::{Looked, Outcome, Place};
use std::io;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Where credentials are looked for: flags, variables, credential files of docker and podman with their helpers, and what a
/// CI service gives its jobs. Places on the network are an [`Auth`](crate::Auth)'s matter.
#[derive(Debug, Clone, Default)]
pub struct Keychain {
    settings: Arc<Settings>,
}

/// It goes on, or it is over: with a credential, or because going on would hide a mistake.
type Step = ControlFlow<Option<Credential>>;

impl Keychain {
    /// One that looks with these settings.
    pub fn new(settings: Settings) -> Self {
        Keychain { settings: Arc::new(settings) }
    }

    /// What it looks with.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// What there is for a repository of a registry. It reads files, and may start a program.
    ///
    /// A place without anything for the registry does not end the search, a credential file that is damaged does.
    pub fn find(&self, registry: &str, repository: &str) -> Found {
        let wanted = Wanted::new(registry, repository);
        let mut search = Search { settings: &self.settings, wanted, trace: vec![] };
        let credential = match search.run() {
            ControlFlow::Break(credential) => credential,
            ControlFlow::Continue(()) => None,
        };
        Found { credential, trace: search.trace }
    }
}

/// A search on its way.
struct Search<'a> {
    settings: &'a Settings,
    wanted: Wanted,
    trace: Vec<Looked>,
}

impl Search<'_> {
    fn run(&mut self) -> Step {
        self.flags()?;
        if let Some(path) = self.settings.authfile.clone() {
            self.file(&path, Some("--authfile"))?;
        }
        self.variables()?;
        self.inline()?;
        for (path, by) in self.files() {
            self.file(&path, by)?;
        }
        match ci::find(&self.settings.environment, &self.wanted, &mut self.trace) {
            Some(credential) => ControlFlow::Break(Some(credential)),
            None => ControlFlow::Continue(()),
        }
    }

    fn tell(&mut self, place: Place, outcome: Outcome) -> Step {
        self.trace.push(Looked { place, outcome });
        ControlFlow::Continue(())
    }

    fn take(&mut self, place: Place, what: &'static str, user: Option<String>, found: Credential) -> Step {
        self.trace.push(Looked { place, outcome: Outcome::Has { what, user } });
        ControlFlow::Break(Some(found))
    }

    fn flags(&mut self) -> Step {
        let Some(login) = &self.settings.login else { return ControlFlow::Continue(()) };
        let place = Place::Flag(login.flag);
        if normal(&login.registry) != self.wanted.host {
            let reason = format!("it is for {}", login.registry);
            return self.tell(place, Outcome::Passed { reason });
        }
        let (found, user) = (login.credential.clone(), login.credential.user().map(String::from));
        self.take(place, found.kind(), user, found)
    }

    /// `BANTAM_AUTH_HOST_USERNAME` and `_PASSWORD`.
    fn variables(&mut self) -> Step {
        let name = |end| format!("BANTAM_AUTH_{}_{end}", self.wanted.variable());
        let (user, password) = (name("USERNAME"), name("PASSWORD"));
        let environment = &self.settings.environment;
        match (environment.set(&user), environment.set(&password)) {
            (None, None) => self.tell(Place::Variable(user), Outcome::Absent),
            (Some(""), _) => self.tell(Place::Variable(user), Outcome::Empty),
            (_, Some("")) => self.tell(Place::Variable(password), Outcome::Empty),
            (None, Some(_)) => self.tell(Place::Variable(user), Outcome::Absent),
            (Some(_), None) => self.tell(Place::Variable(password), Outcome::Absent),
            (Some(name), Some(secret)) => {
                let found = Credential::Basic { user: name.into(), password: secret.into() };
                self.take(Place::Variable(user), "a password", Some(name.into()), found)
            }
        }
    }

    /// `DOCKER_AUTH_CONFIG`: a credential file's text, or its path.
    fn inline(&mut self) -> Step {
        const NAME: &str = "DOCKER_AUTH_CONFIG";
        let place = Place::Variable(NAME.into());
        match self.settings.environment.set(NAME).map(str::trim) {
            None => self.tell(place, Outcome::Absent),
            Some("") => self.tell(place, Outcome::Empty),
            Some(text) if text.starts_with('{') => self.text(text.as_bytes(), &place),
            Some(path) => self.file(&PathBuf::from(path), Some(NAME)),
        }
    }

    /// The credential files, in order, each once.
    fn files(&self) -> Vec<(PathBuf, Option<&'static str>)> {
        let environment = &self.settings.environment;
        let home = environment.home();
        let below = |dir: Option<PathBuf>, file: &str| dir.map(|dir| dir.join(file));
        let mut files = vec![(environment.path("REGISTRY_AUTH_FILE"), Some("REGISTRY_AUTH_FILE"))];
        if let Some(named) = environment.path("DOCKER_CONFIG") {
            // It names a directory. Those who mount a secret of Kubernetes name that file.
            let by = Some("DOCKER_CONFIG");
            if named.is_file() {
                files.push((Some(named), by));
            } else {
                let secret = named.join(".dockerconfigjson");
                files.push((Some(named.join("config.json")), by));
                files.extend(secret.exists().then_some((Some(secret), by)));
            }
        }
        let of_podman = "containers/auth.json";
        files.push((below(home.clone(), ".docker/config.json"), None));
        files.push((below(environment.path("XDG_RUNTIME_DIR"), of_podman), None));
        let config = environment.path("XDG_CONFIG_HOME").or_else(|| below(home, ".config"));
        files.push((below(config, of_podman), None));
        let mut each: Vec<(PathBuf, Option<&'static str>)> = vec![];
        for (path, by) in files.into_iter().filter_map(|(path, by)| Some((path?, by))) {
            if each.iter().all(|(known, _)| *known != path) {
                each.push((path, by));
            }
        }
        each
    }

    fn file(&mut self, path: &Path, by: Option<&'static str>) -> Step {
        let place = Place::File { path: path.into(), by };
        match file::read(path) {
            Ok(Some(text)) => self.text(&text, &place),
            // Whoever named it in so many words is not understood if another takes its place.
            Ok(None) if by == Some("--authfile") => {
                self.tell(place, Outcome::Failed { reason: "it is not there".into() })?;
                ControlFlow::Break(None)
            }
            Ok(None) => self.tell(place, Outcome::Absent),
            // The home of another user, as containers with a user of their own have it, is nobody's mistake.
            Err(error) if by.is_none() && error.kind() == io::ErrorKind::PermissionDenied => {
                self.tell(place, Outcome::Passed { reason: error.to_string() })
            }
            Err(error) => self.tell(place, Outcome::Failed { reason: error.to_string() }),
        }
    }

    /// The text of a credential file: helpers go before what it has itself.
    fn text(&mut self, text: &[u8], place: &Place) -> Step {
        let file = match ConfigFile::parse(text) {
            Ok(file) => file,
            Err(file::Mistake { line, column }) => {
                self.tell(place.clone(), Outcome::Damaged { line, column })?;
                return ControlFlow::Break(None);
            }
        };
        let before = self.trace.len();
        let mapped = file.helper_of(&self.wanted);
        if let Some(name) = mapped {
            self.helper(name, &file, place, true)?;
        }
        if let Some(name) = file.store().filter(|name| mapped != Some(name)) {
            // Where docker keeps something in a store for all registries, it notes that with an entry.
            let noted = file.key_of(&self.wanted).is_some();
            self.helper(name, &file, place, noted)?;
        }
        for entry in file.entries(&self.wanted) {
            match entry {
                Held::Credential(found, field, user) => self.take(place.clone(), field, user, found)?,
                // A helper has been asked for what such an entry stands for.
                Held::Nothing { .. } if self.trace.len() > before => {}
                Held::Nothing { key } => self.tell(place.clone(), Outcome::EmptyEntry { key })?,
                Held::Wrong { reason } => self.tell(place.clone(), Outcome::Failed { reason })?,
            }
        }
        if self.trace.len() > before {
            return ControlFlow::Continue(());
        }
        let registry = self.wanted.host.clone();
        self.tell(place.clone(), Outcome::NoEntry { registry })
    }

    /// Asks a helper. One that is `expected` to have something must not fail.
    fn helper(&mut self, name: &str, file: &ConfigFile, by: &Place, expected: bool) -> Step {
        let place = Place::Helper { program: format!("docker-credential-{name}"), by: Box::new(by.clone()) };
        match self.asked(name, file) {
            Ok(Some(found)) => {
                let user = found.user().map(String::from);
                self.take(place, found.kind(), user, found)
            }
            Ok(None) => {
                let registry = self.wanted.host.clone();
                self.tell(place, Outcome::NoEntry { registry })
            }
            Err(trouble) => {
                let reason = trouble.to_string();
                let outcome = if expected { Outcome::Failed { reason } } else { Outcome::Passed { reason } };
                self.tell(place, outcome)
            }
        }
    }

    fn asked(&self, name: &str, file: &ConfigFile) -> Result<Option<Credential>, Trouble> {
        let Settings { environment, patience, .. } = self.settings;
        let helper = Helper::new(name, environment, *patience)?;
        let server = self.wanted.server();
        if let Some(found) = helper.get(server)? {
            return Ok(Some(found));
        }
        // Some logins are kept under the key of the entry.
        match file.key_of(&self.wanted).filter(|key| *key != server) {
            Some(key) => helper.get(key),
            None => Ok(None),
        }
    }
}

#[cfg(test)]
mod tests;
