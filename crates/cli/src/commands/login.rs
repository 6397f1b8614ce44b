//! `bantam login` and `bantam logout`: credentials that are kept.

use super::registry::{is_host, secret_of_stdin};
use crate::{
    args::{self, Global},
    show::{self, plain},
};
use auth::{Credential, Kept};
use bantam::{Error, LoggedIn};
use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

/// Keeps who one is at a registry, if that knows it.
pub fn login(args: &args::Login, global: &Global) -> Result<ExitCode, Error> {
    if args.password.is_some() {
        let text = "a password on the command line is seen by every program of this machine, and kept by shells; \
                    it is read from stdin with --password-stdin, or asked for on a terminal";
        return Err(Error::Usage(text.into()));
    }
    let registry = host(&args.registry)?;
    let credential = credential(args)?;
    let login = auth::Login { registry: registry.into(), credential, flag: "this login" };
    let LoggedIn { kept, asked } = bantam::login(&global.client(), global.settings(), &login)?;
    if global.quiet {
        return Ok(ExitCode::SUCCESS);
    }
    if !asked {
        show::stderr(&format!("{registry} asked for no credentials: whether these are right is not known"));
    }
    let who = login.credential.user().map(|user| format!(" as {}", plain(user))).unwrap_or_default();
    let place = match kept {
        Kept::File(path) => format!("{}, unencrypted", path.display()),
        Kept::Helper { program, .. } => program,
    };
    show::stderr(&format!("logged in to {registry}{who}; kept in {}", plain(&place)));
    Ok(ExitCode::SUCCESS)
}

/// Forgets who one is at a registry.
pub fn logout(args: &args::Logout, global: &Global) -> Result<ExitCode, Error> {
    let registry = host(&args.registry)?;
    let done = bantam::logout(&global.settings(), registry)?;
    if !global.quiet {
        let file = done.file.display().to_string();
        let file = plain(&file);
        show::stderr(&match done.was {
            true => format!("logged out of {registry}, of {file}"),
            false => format!("{file} has no login for {registry}"),
        });
    }
    Ok(ExitCode::SUCCESS)
}

fn credential(args: &args::Login) -> Result<Credential, Error> {
    let flags = &args.who;
    if flags.registry_token_stdin {
        return Ok(Credential::Bearer(secret_of_stdin("token")?));
    }
    if flags.password_stdin {
        let Some(user) = flags.username.clone().filter(|user| !user.is_empty()) else {
            return Err(Error::Usage("--password-stdin goes with --username".into()));
        };
        return Ok(Credential::Basic { user, password: secret_of_stdin("password")? });
    }
    if !io::stdin().is_terminal() {
        let text =
            "there is no terminal to ask for the password; it is read from stdin with --password-stdin";
        return Err(Error::Usage(text.into()));
    }
    let user = match &flags.username {
        Some(user) => user.clone(),
        None => ask("User: ").map_err(|error| Error::Usage(format!("no user: {error}")))?,
    };
    let password = rpassword::prompt_password("Password: ");
    let password = password.map_err(|error| Error::Usage(format!("no password: {error}")))?;
    if user.is_empty() || password.is_empty() {
        return Err(Error::Usage("there is no login without a user and a password".into()));
    }
    Ok(Credential::Basic { user, password })
}

fn ask(what: &str) -> io::Result<String> {
    let mut err = io::stderr().lock();
    write!(err, "{what}")?;
    err.flush()?;
    let mut line = String::new();
    io::stdin().read_line(&mut line)?;
    Ok(line.trim().into())
}

/// A registry's host.
fn host(text: &str) -> Result<&str, Error> {
    match is_host(text) {
        true => Ok(text),
        false => Err(Error::Usage(format!("`{}` is no host of a registry, such as ghcr.io", plain(text)))),
    }
}
