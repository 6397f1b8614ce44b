//! Modules and sites that packages enable: a2enmod(8), a2enconf(8), a2ensite(8), phpenmod(8).

use super::files::Made;
use tree::TreePath;

/// Links that enable what a call names; none if not all of it is known.
///
/// Modules of PHP for all of its programs are no links before it is known which programs there are.
pub(super) fn enabled(program: &str, args: &[&str]) -> Option<Vec<Made>> {
    let of_apache = |kind: &str, ends: &[&str]| {
        let mut made = vec![];
        for name in args.iter().filter(|arg| !arg.starts_with('-')) {
            for end in ends {
                let (name, enabled) = (checked(name)?, format!("/etc/apache2/{kind}-enabled"));
                made.push(Made::Enabled {
                    path: TreePath::parse(&enabled).ok()?.child(&format!("{name}.{end}")),
                    target: format!("../{kind}-available/{name}.{end}"),
                });
            }
        }
        Some(made)
    };
    match program {
        "a2enmod" => of_apache("mods", &["load", "conf"]),
        "a2enconf" => of_apache("conf", &["conf"]),
        "a2ensite" => of_apache("sites", &["conf"]),
        _ => match args {
            ["enmod", version, program, name] => Some(vec![Made::PhpModule {
                version: checked(version)?.into(),
                program: if *program == "ALL" { None } else { Some(checked(program)?.into()) },
                name: checked(name)?.into(),
            }]),
            _ => None,
        },
    }
}

/// Names become names of files.
fn checked(name: &str) -> Option<&str> {
    let is_right = !name.is_empty()
        && name.len() < 128
        && !name.starts_with('.')
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.+".contains(&byte));
    is_right.then_some(name)
}
