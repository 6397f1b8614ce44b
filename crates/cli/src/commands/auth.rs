//! `bantam auth check`: who one is at a registry, where that is from, and what it is good for.

use crate::{
    args::{AuthCheck, Global},
    exit,
    show::{self, plain},
};
use auth::Found;
use bantam::{Access, Checked, Error};
use serde_json::{Value, json};
use std::process::ExitCode;
use store::{ImageName, Reference};

/// Shows what is found out.
pub fn check(args: &AuthCheck, global: &Global) -> Result<ExitCode, Error> {
    let name = match args.reference.parse::<Reference>()? {
        Reference::Registry(name) => name,
        _ => return Err(Error::Usage(format!("`{}` is in no registry", args.reference))),
    };
    let network = global.network_as(&args.who, name.registry.as_deref())?;
    let checked = bantam::check_access(&network, &name, args.push)?;
    let text = match args.json {
        true => format!("{:#}\n", object(&name, &checked)),
        false => words(&name, &checked),
    };
    let done = show::stdout(&text);
    Ok(if checked.is_granted() { done } else { ExitCode::from(exit::CREDENTIALS) })
}

fn words(name: &ImageName, checked: &Checked) -> String {
    let Checked { found, asked, pull, push } = checked;
    let mut text = String::new();
    let mut line = |title: &str, value: &str| text.push_str(&format!("{title:<11} {}\n", plain(value)));
    line("repository", &name.repository());
    line("user", &who(found));
    let note = if *asked { "" } else { ", and nobody was asked who they are" };
    line("pull", &format!("{}{note}", access(pull)));
    if let Some(push) = push {
        line("push", &access(push));
    }
    for (index, looked) in found.trace.iter().enumerate() {
        line(if index == 0 { "looked at" } else { "" }, &looked.to_string());
    }
    text
}

fn who(found: &Found) -> String {
    let Some(credential) = &found.credential else { return "nobody: there are no credentials".into() };
    let kind = credential.kind();
    let user = credential.user().map_or_else(|| kind.into(), |user| format!("{user}, with {kind}"));
    match found.place() {
        Some(place) => format!("{user}, of {place}"),
        None => user,
    }
}

fn access(access: &Access) -> String {
    match access {
        Access::Granted => "granted".into(),
        Access::Absent => "no such image, or none that is shown to this user".into(),
        Access::Refused { said } => format!("refused: {said}"),
    }
}

fn object(name: &ImageName, checked: &Checked) -> Value {
    let Checked { found, asked, pull, push } = checked;
    let access = |access: &Access| match access {
        Access::Granted => json!({"access": "granted"}),
        Access::Absent => json!({"access": "absent"}),
        Access::Refused { said } => json!({"access": "refused", "said": said}),
    };
    let trace = found.trace.iter().map(|looked| {
        let has = found.place() == Some(&looked.place);
        json!({"place": looked.place.to_string(), "outcome": looked.to_string(), "used": has})
    });
    json!({
        "registry": name.registry,
        "repository": name.repository,
        "user": found.credential.as_ref().and_then(|credential| credential.user()),
        "kind": found.credential.as_ref().map(|credential| credential.kind()),
        "source": found.place().map(ToString::to_string),
        "asked": asked,
        "pull": access(pull),
        "push": push.as_ref().map(access),
        "trace": trace.collect::<Vec<_>>(),
    })
}
