//! How Node.js programs are started: command lines of `node`, and the scripts of a `package.json` that lead to one.

mod command;
mod scripts;

pub(crate) use command::Command;
pub(crate) use scripts::{Manifests, follow, is_package_manager, of_script};
