//! One file a command: flags to settings, settings to the library, its answer to words.

mod auth;
mod build;
mod cache;
mod check;
mod compare;
mod deps;
mod explain;
mod explain_error;
mod images;
mod init;
mod lock;
mod login;
mod rebase;
mod registry;
mod run;
mod transfer;
mod vendor;

use crate::{
    args::{Auth, Cli, Command, Global, Index, Who},
    exit,
    show::{self, progress::Shower},
};
use bantam::{Error, Locking, Session};
use clap::CommandFactory;
use plan::spec::Platform;
use std::{env, num::NonZeroUsize, path::PathBuf, process::ExitCode};
use store::Reference;

/// Runs the command that was typed.
pub fn run(cli: &Cli) -> ExitCode {
    let global = &cli.global;
    if let Err(error) = registry::check_environment() {
        return exit::fail(&error);
    }
    let done = match &cli.command {
        Command::Build(args) => build::run(args, global),
        Command::Check(args) => check::run(args, global),
        Command::Run(args) => run::run(args, global),
        Command::Deps(args) => deps::run(args),
        Command::Lock(args) => lock::lock(args, global),
        Command::Update(args) => lock::update(args, global),
        Command::Vendor(args) => vendor::run(args, global),
        Command::Push(args) => transfer::push(args, global),
        Command::Pull(args) => transfer::pull(args, global),
        Command::Copy(args) => transfer::copy(args, global),
        Command::Load(args) => transfer::load(args, global),
        Command::Index(Index::Create(args)) => transfer::index_create(args, global),
        Command::Init(args) => init::run(args, global),
        Command::Rebase(args) => rebase::run(args, global),
        Command::Inspect(args) => images::inspect(args, global),
        Command::Ls(args) => images::ls(args, global),
        Command::Compare(args) => compare::run(args, global),
        Command::Explain(args) => explain::run(args, global),
        Command::Login(args) => login::login(args, global),
        Command::Logout(args) => login::logout(args, global),
        Command::Auth(Auth::Check(args)) => auth::check(args, global),
        Command::Cache(args) => cache::run(args),
        Command::ExplainError(args) => explain_error::run(args),
        Command::Schema => Ok(show::stdout(&format!("{}\n", plan::spec::schema()))),
        Command::Completions { shell } => {
            let mut text = vec![];
            clap_complete::generate(*shell, &mut Cli::command(), "bantam", &mut text);
            Ok(show::stdout(&String::from_utf8_lossy(&text)))
        }
    };
    done.unwrap_or_else(|error| exit::fail(&error))
}

impl Global {
    /// The platforms that were asked for.
    fn platforms(&self) -> Result<Vec<Platform>, Error> {
        let parse =
            |text: &String| text.parse().map_err(|error| Error::Usage(format!("--platform: {error}")));
        self.platform.iter().map(parse).collect()
    }

    fn locking(&self) -> Locking {
        if self.locked { Locking::Locked } else { Locking::Refresh }
    }

    fn jobs(&self) -> NonZeroUsize {
        let all = || std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
        self.jobs.unwrap_or_else(all)
    }

    /// How the run goes about its work, by whoever flags name at the registry of these places.
    fn session_as(&self, locking: Locking, who: &Who, places: &[&Reference]) -> Result<Session, Error> {
        let mut hosts: Vec<&str> = places.iter().filter_map(|place| place.registry()).collect();
        hosts.dedup();
        let host = if let [host] = hosts[..] { Some(host) } else { None };
        Ok(Session { network: self.network_as(who, host)?, ..self.session(locking) })
    }

    /// How the run goes about its work.
    fn session(&self, locking: Locking) -> Session {
        Session {
            cache: cache(),
            locking,
            moved: vec![],
            lock_file: self.lock_file.clone(),
            jobs: self.jobs(),
            offline: self.offline,
            network: self.network(),
            mirrors: env::var("BANTAM_MIRROR").ok().filter(|mirrors| !mirrors.is_empty()),
            apt_root: PathBuf::from("/"),
        }
    }

    fn shower(&self, findings: bool) -> Shower {
        Shower::new(self.progress, self.quiet, findings)
    }
}

/// The folder for what can be made again: `BANTAM_CACHE_DIR`, else `bantam` in the user's cache
/// folder, else in the temporary directory.
fn cache() -> PathBuf {
    let variable = |name| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    if let Some(cache) = variable("BANTAM_CACHE_DIR") {
        return cache;
    }
    variable("XDG_CACHE_HOME")
        .or_else(|| Some(variable("HOME")?.join(".cache")))
        .filter(|dir| dir.is_absolute())
        .unwrap_or_else(env::temp_dir)
        .join("bantam")
}
