//! What glibc loads by name when a program runs.

use crate::Facts;

/// The version from which on the services `files` and `dns` are built into `libc.so.6`.
const WITH_SERVICES: &str = "GLIBC_2.34";

/// The services that glibc asks where there is no `nsswitch.conf`.
const DEFAULT_SERVICES: &str = "passwd: files\nhosts: dns";

/// The most services that are believed: each is a search for a library.
const MAX_SERVICES: usize = 64;

/// A library that glibc loads by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuntimeLoad {
    /// The name.
    pub soname: String,
    /// What for, as a clause: `to end threads and to print stack traces`.
    pub purpose: String,
}

/// What glibc loads by name when a program runs: `libgcc_s.so.1`, and a library for each service that
/// `/etc/nsswitch.conf` names. `libc` are the facts of its `libc.so.6`.
pub fn glibc_runtime_loads(nsswitch: Option<&str>, libc: &Facts) -> Vec<RuntimeLoad> {
    let mut loads = vec![RuntimeLoad {
        soname: "libgcc_s.so.1".into(),
        purpose: "to cancel threads and to walk the stack".into(),
    }];
    for service in services(nsswitch.unwrap_or(DEFAULT_SERVICES)) {
        if matches!(service.as_str(), "files" | "dns") && libc.defines(WITH_SERVICES) {
            continue;
        }
        let soname = format!("libnss_{service}.so.2");
        let purpose = format!("for the service `{service}` of nsswitch.conf");
        loads.push(RuntimeLoad { soname, purpose });
    }
    loads
}

/// The services that an `nsswitch.conf` names, each once, in order. Actions in brackets are passed
/// over, and so are names that no file could have.
pub fn services(nsswitch: &str) -> Vec<String> {
    let mut services: Vec<String> = vec![];
    for line in nsswitch.lines() {
        let line = line.split('#').next().unwrap_or("");
        let Some((_, list)) = line.split_once(':') else { continue };
        let mut rest = list;
        while let Some(start) = rest.find(|char: char| !char.is_whitespace()) {
            rest = &rest[start..];
            if rest.starts_with('[') {
                rest = rest.find(']').map_or("", |end| &rest[end + 1..]);
                continue;
            }
            let end = rest.find(|char: char| char.is_whitespace() || char == '[').unwrap_or(rest.len());
            let (service, after) = rest.split_at(end);
            let is_new = || !services.iter().any(|known| known == service);
            if !service.contains('/') && services.len() < MAX_SERVICES && is_new() {
                services.push(service.into());
            }
            rest = after;
        }
    }
    services
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Kind, Machine};

    const DEBIAN: &str = "# comment\npasswd:  files systemd\nhosts: files mdns4_minimal [NOTFOUND=return] dns\n\
        networks:files[!UNAVAIL=return]  db\nnetgroup:\tnis # files other\nbroken\n";

    #[test]
    fn services_are_listed_once() {
        assert_eq!(services(DEBIAN), ["files", "systemd", "mdns4_minimal", "dns", "db", "nis"]);
        assert_eq!(services("x: [a=b\ny: ../../etc z"), ["z"]);
    }

    #[test]
    fn a_new_libc_has_the_common_services_built_in() {
        let libc = |versions: &[&str]| Facts {
            version_definitions: versions.iter().map(ToString::to_string).collect(),
            ..Facts::bare(Machine::from_uname("x86_64").unwrap(), Kind::SharedObject)
        };
        let sonames = |nsswitch, libc: &Facts| {
            let loads = glibc_runtime_loads(nsswitch, libc).into_iter();
            loads.map(|load| load.soname).collect::<Vec<_>>()
        };
        let new = libc(&["GLIBC_2.2.5", "GLIBC_2.34"]);
        assert_eq!(sonames(None, &new), ["libgcc_s.so.1"]);
        assert_eq!(sonames(Some("passwd: files sss"), &new), ["libgcc_s.so.1", "libnss_sss.so.2"]);
        let old = libc(&["GLIBC_2.2.5", "GLIBC_2.31"]);
        assert_eq!(sonames(None, &old), ["libgcc_s.so.1", "libnss_files.so.2", "libnss_dns.so.2"]);
    }
}
