//! `[config]` and `[[users]]`.

use super::{
    super::{
        Config, User,
        raw::{self},
        values,
    },
    *,
};

/// Users and groups that every image has, with their numbers.
const BUILT_IN: [(&str, u32); 3] = [("root", 0), ("nobody", 65534), ("nonroot", 65532)];
/// Groups that every image has beside those of its users.
const BUILT_IN_GROUPS: [&str; 2] = ["tty", "staff"];

impl Check<'_, '_> {
    pub(super) fn config(&mut self, config: Option<At<raw::Config>>) -> Config {
        let Some(config) = config else { return Config::default() };
        let line = self.line(&config.span);
        let config = config.value;
        let names = config.env.iter().flat_map(|env| env.value.keys());
        let env_lines = names.map(|name| (name.value.clone(), self.line(&name.span))).collect();
        Config {
            entrypoint: self.command("entrypoint", config.entrypoint),
            cmd: self.command("cmd", config.cmd),
            env: self.pairs(config.env, env_name),
            env_lines,
            workdir: config.workdir.and_then(|dir| self.absolute(&dir)),
            user: config.user.and_then(|user| self.read(&user, values::user)),
            ports: self.ports(config.ports),
            volumes: self.volumes(config.volumes),
            labels: self.pairs(config.labels, label_name),
            annotations: self.pairs(config.annotations, label_name),
            stop_signal: config.stop_signal.and_then(|signal| self.read(&signal, values::signal)),
            line,
        }
    }

    fn command(&mut self, key: &str, words: Option<List>) -> Vec<String> {
        if key == "entrypoint"
            && let Some(first) = words.as_ref().and_then(|words| words.value.first())
            && first.value.is_empty()
        {
            let wrong = Wrong::new("the first string of `entrypoint`, the program, is empty");
            self.bad(&first.span, wrong.help("write its path in the image, as \"/app/shop\""));
        }
        self.texts(words)
    }

    fn ports(&mut self, ports: Option<List>) -> Vec<String> {
        let mut out: Vec<String> = vec![];
        for text in ports.map(|ports| ports.value).unwrap_or_default() {
            let Some(ports) = self.read(&text, values::ports) else { continue };
            match ports.iter().find(|port| out.contains(port)) {
                Some(port) => self.conflict(&text.span, format!("the port `{port}` stands here twice")),
                None => out.extend(ports),
            }
        }
        out
    }

    fn volumes(&mut self, volumes: Option<List>) -> Vec<TreePath> {
        let mut out = vec![];
        for text in volumes.map(|volumes| volumes.value).unwrap_or_default() {
            let Some(path) = self.absolute(&text) else { continue };
            if out.contains(&path) {
                self.conflict(&text.span, format!("the volume `{path}` stands here twice"));
            } else {
                out.push(path);
            }
        }
        out
    }

    pub(super) fn users(&mut self, users: Option<Vec<At<raw::User>>>) -> Vec<User> {
        let mut out: Vec<User> = vec![];
        for user in users.unwrap_or_default() {
            let line = self.line(&user.span);
            let raw::User { name, uid, gid, home } = user.value;
            let name = name.and_then(|name| {
                self.read(&name, new_user)?;
                match out.iter().find(|user| user.name == name.value) {
                    None => Some(name.value),
                    Some(other) => {
                        let message =
                            format!("the user `{}` is there already, from line {}", other.name, other.line);
                        self.conflict(&name.span, message);
                        None
                    }
                }
            });
            let uid = uid.and_then(|uid| {
                let number = u32::try_from(uid.value).ok()?;
                let built_in = BUILT_IN.iter().find(|(_, taken)| *taken == number).map(|(name, _)| *name);
                let other = out.iter().find(|user| user.uid == number);
                let message = match (built_in, other) {
                    (None, None) => return Some(number),
                    (Some(name), _) => {
                        format!("the number {number} is that of {name}, who is in every image")
                    }
                    (None, Some(other)) => {
                        format!("the number {number} is that of `{}`, from line {}", other.name, other.line)
                    }
                };
                self.conflict(&uid.span, message);
                None
            });
            let home = home.map(|home| {
                let path = self.absolute(&home)?;
                if path.as_str().contains(|letter: char| letter == ':' || letter.is_control()) {
                    let message =
                        format!("`{path}` cannot stand in a passwd file, where `:` and line ends mean more");
                    self.conflict(&home.span, message);
                    return None;
                }
                Some(path)
            });
            let (Some(name), Some(uid)) = (name, uid) else { continue };
            let home = home.unwrap_or_else(|| TreePath::parse(&format!("/home/{name}")).ok());
            let Some(home) = home else { continue };
            let gid = gid.and_then(|gid| u32::try_from(gid.value).ok()).unwrap_or(uid);
            out.push(User { name, uid, gid, home, line });
        }
        out
    }
}

fn env_name(name: &str) -> Result<(), Wrong> {
    without_nul(name)?;
    if name.is_empty() {
        return Err(Wrong::new("the name of an environment variable is empty"));
    }
    if let Some((name, rest)) = name.split_once('=') {
        return Err(Wrong::new(format!("the name of an environment variable has no `=`: {}", shown(name)))
            .help(format!("write `{name} = {}`", toml_text(rest))));
    }
    Ok(())
}

fn label_name(name: &str) -> Result<(), Wrong> {
    without_nul(name)?;
    if name.is_empty() { Err(Wrong::new("the name of a label or annotation is empty")) } else { Ok(()) }
}

fn new_user(name: &str) -> Result<(), Wrong> {
    values::user_name(name)?;
    if BUILT_IN.iter().any(|(taken, _)| *taken == name) {
        return Err(Wrong::new(format!("the user `{name}` is in every image")).help(
            "name it where a user is taken, as in `user = ` or `owner = `, without a [[users]] for it",
        ));
    }
    if BUILT_IN_GROUPS.contains(&name) {
        return Err(Wrong::new(format!(
            "the group `{name}` is in every image, and a user has a group of its name"
        ))
        .help("take another name"));
    }
    Ok(())
}
