//! How Node.js programs are started: command lines of `node`, and the scripts of a `package.json` that lead to one.

mod command;
mod scripts;

pub(crate) use command::{Command, starts_no_script, takes_value};
pub(crate) use scripts::{Manifests, follow, is_package_manager, of_script};
