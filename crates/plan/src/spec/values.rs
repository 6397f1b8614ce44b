//! The small grammars of a spec's values: owners, modes, ports, signals, sizes.

use super::{
    Id, UserRef,
    error::{Wrong, shown, toml_text},
};
use crate::nearest::nearest;

/// The greatest number of a user or group: one below what `chown` takes as "leave it".
pub(super) const MAX_ID: u32 = u32::MAX - 1;

/// The signals of Linux from 1 on, by their names.
const SIGNALS: [&str; 31] = [
    "SIGHUP",
    "SIGINT",
    "SIGQUIT",
    "SIGILL",
    "SIGTRAP",
    "SIGABRT",
    "SIGBUS",
    "SIGFPE",
    "SIGKILL",
    "SIGUSR1",
    "SIGSEGV",
    "SIGUSR2",
    "SIGPIPE",
    "SIGALRM",
    "SIGTERM",
    "SIGSTKFLT",
    "SIGCHLD",
    "SIGCONT",
    "SIGSTOP",
    "SIGTSTP",
    "SIGTTIN",
    "SIGTTOU",
    "SIGURG",
    "SIGXCPU",
    "SIGXFSZ",
    "SIGVTALRM",
    "SIGPROF",
    "SIGWINCH",
    "SIGIO",
    "SIGPWR",
    "SIGSYS",
];

/// The first and the last of the real-time signals, as the C library counts them.
const REAL_TIME: (u32, u32) = (34, 64);

/// Reads a user with or without a group: `nonroot`, `65532`, `0:0`, `shop:staff`.
pub(super) fn user(text: &str) -> Result<UserRef, Wrong> {
    let wrong = |reason: String| {
        Wrong::new(format!("{} is no user: {reason}", shown(text)))
            .help("write a name such as \"nonroot\", or numbers such as \"1000:1000\"")
    };
    if text.is_empty() {
        return Err(Wrong { message: "no user is named".into(), ..wrong(String::new()) });
    }
    let (user, group) = match text.split_once(':') {
        Some((user, group)) => (user, Some(group)),
        None => (text, None),
    };
    let user = id(user).map_err(wrong)?;
    let group = group.map(id).transpose().map_err(wrong)?;
    Ok(UserRef { user, group })
}

fn id(text: &str) -> Result<Id, String> {
    if text.is_empty() {
        return Err("nothing stands at one side of the `:`".into());
    }
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        return match text.parse::<u32>() {
            Ok(number) if number <= MAX_ID => Ok(Id::Number(number)),
            _ => Err(format!("numbers go from 0 to {MAX_ID}")),
        };
    }
    if text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '$'))
        && !text.starts_with('-')
    {
        return Ok(Id::Name(text.into()));
    }
    Err(format!("{} is neither a name nor a number", shown(text)))
}

/// Checks a name for a new user, by the rule of `useradd`.
pub(super) fn user_name(text: &str) -> Result<(), Wrong> {
    let stem = text.strip_suffix('$').unwrap_or(text);
    let good = stem.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
        && stem.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '-'))
        && text.len() <= 32;
    if good {
        return Ok(());
    }
    Err(Wrong::new(format!("{} is no name for a user", shown(text))).help(
        "a name begins with a-z or `_`, goes on with a-z, 0-9, `_` and `-`, and has at most 32 characters",
    ))
}

/// Reads a mode: three or four octal digits.
pub(super) fn mode(text: &str) -> Result<u32, Wrong> {
    let wrong = Wrong::new(format!("{} is no mode", shown(text)));
    let digits = text.trim_start_matches("0o");
    let octal = !digits.is_empty() && digits.bytes().all(|byte| (b'0'..=b'7').contains(&byte));
    if octal && (3..=4).contains(&text.len()) && digits == text {
        return u32::from_str_radix(text, 8).map_err(|_| wrong);
    }
    if octal && digits.trim_start_matches('0').len() <= 4 {
        let four = format!("{:0>4}", digits.trim_start_matches('0'));
        return Err(wrong.help(format!("write {}", toml_text(&four))));
    }
    Err(wrong.help("a mode is three or four octal digits, as \"0755\" or \"0640\""))
}

/// Reads ports, one or a range, into the keys of an image config: `8080/tcp`.
pub(super) fn ports(text: &str) -> Result<Vec<String>, Wrong> {
    let wrong = |reason: &str| {
        Wrong::new(format!("{} is no port: {reason}", shown(text)))
            .help("write \"8080\", \"8080/tcp\", \"53/udp\" or a range such as \"8000-8010\"")
    };
    let (range, protocol) = text.split_once('/').unwrap_or((text, "tcp"));
    if !matches!(protocol, "tcp" | "udp" | "sctp") {
        return Err(wrong("the protocol is tcp, udp or sctp"));
    }
    if range.contains(':') {
        return Err(wrong("an image has no port of the host"));
    }
    let number = |text: &str| {
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse::<u16>().ok().filter(|port| digits && *port > 0)
    };
    let (first, last) = range.split_once('-').unwrap_or((range, range));
    match (number(first), number(last)) {
        (Some(first), Some(last)) if first <= last => {
            Ok((first..=last).map(|port| format!("{port}/{protocol}")).collect())
        }
        (Some(_), Some(_)) => Err(wrong("the range runs backwards")),
        _ => Err(wrong("ports go from 1 to 65535")),
    }
}

/// Reads a signal by name or number, into its name.
pub(super) fn signal(text: &str) -> Result<String, Wrong> {
    let wrong = Wrong::new(format!("{} is no signal", shown(text)));
    if let Ok(number) = text.parse::<u32>() {
        let (first, last) = REAL_TIME;
        let name = usize::try_from(number).ok().and_then(|number| SIGNALS.get(number.checked_sub(1)?));
        return match name {
            Some(name) => Ok((*name).into()),
            None if number == first => Ok("SIGRTMIN".into()),
            None if (first..=last).contains(&number) => Ok(format!("SIGRTMIN+{}", number - first)),
            None => Err(wrong.help(format!("signals are 1 to {} and {first} to {last}", SIGNALS.len()))),
        };
    }
    let name = if text.starts_with("SIG") { text.into() } else { format!("SIG{text}") };
    if SIGNALS.contains(&name.as_str()) || is_real_time(&name) {
        return Ok(name);
    }
    let upper = name.to_uppercase();
    let upper = upper.strip_prefix("SIGSIG").map(|rest| format!("SIG{rest}")).unwrap_or(upper);
    Err(match nearest(&upper, SIGNALS).filter(|_| !text.is_empty()) {
        Some(near) => wrong.help(format!("did you mean {}?", toml_text(near))),
        None => wrong.help("write a name such as \"SIGTERM\" or \"SIGRTMIN+3\", or a number"),
    })
}

fn is_real_time(name: &str) -> bool {
    let steps = |rest: &str, sign: char| {
        let digits =
            rest.strip_prefix(sign).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()));
        digits
            .and_then(|digits| digits.parse::<u32>().ok())
            .is_some_and(|steps| steps <= REAL_TIME.1 - REAL_TIME.0)
    };
    let from_first = name.strip_prefix("SIGRTMIN").is_some_and(|rest| rest.is_empty() || steps(rest, '+'));
    let from_last = name.strip_prefix("SIGRTMAX").is_some_and(|rest| rest.is_empty() || steps(rest, '-'));
    from_first || from_last
}

/// Reads a size: `30 MB`, `1.5 GiB`, `4096`. A fraction of a byte is dropped.
pub(super) fn size(text: &str) -> Result<u64, Wrong> {
    const UNITS: [(&str, u64); 9] = [
        ("B", 1),
        ("kB", 1_000),
        ("MB", 1_000_000),
        ("GB", 1_000_000_000),
        ("TB", 1_000_000_000_000),
        ("KiB", 1 << 10),
        ("MiB", 1 << 20),
        ("GiB", 1 << 30),
        ("TiB", 1 << 40),
    ];
    let wrong = Wrong::new(format!("{} is no size", shown(text)));
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let unit = unit.trim();
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(fraction) || fraction.len() > 9 {
        return Err(wrong.help("write a number and a unit, as \"30 MB\" or \"1.5 GiB\""));
    }
    let factor = match unit {
        "" => 1,
        "KB" => 1_000,
        unit => match UNITS.iter().find(|(name, _)| *name == unit) {
            Some((_, factor)) => *factor,
            None => {
                let like = UNITS.iter().map(|(name, _)| *name).filter(|name| {
                    name.eq_ignore_ascii_case(unit)
                        || name.trim_end_matches('B').eq_ignore_ascii_case(unit)
                        || (unit.len() == 1 && name.starts_with(&unit.to_uppercase()))
                });
                let meant: Vec<_> = like.map(|name| toml_text(&format!("{number} {name}"))).collect();
                return Err(if meant.is_empty() {
                    wrong.help("the units are B, kB, MB, GB, TB, and KiB, MiB, GiB, TiB")
                } else {
                    wrong.help(format!("did you mean {}?", meant.join(" or ")))
                });
            }
        },
    };
    let part = |digits: &str, divisor: u128| {
        digits.parse::<u128>().ok()?.checked_mul(factor.into()).map(|product| product / divisor)
    };
    let divisor = 10u128.pow(u32::try_from(fraction.len()).unwrap_or(0));
    let bytes = part(whole, 1).zip(part(fraction, divisor)).and_then(|(whole, rest)| whole.checked_add(rest));
    bytes
        .and_then(|bytes| u64::try_from(bytes).ok())
        .ok_or_else(|| wrong.help("that is more than fits into 64 bits"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn help<T: std::fmt::Debug>(outcome: Result<T, Wrong>) -> String {
        let wrong = outcome.unwrap_err();
        format!("{}; {}", wrong.message, wrong.help.unwrap_or_default())
    }

    #[test]
    fn users() {
        let name = |name: &str| Id::Name(name.into());
        for (text, user_id, group) in [
            ("nonroot", name("nonroot"), None),
            ("0:0", Id::Number(0), Some(Id::Number(0))),
            ("65532", Id::Number(65532), None),
            ("4294967294", Id::Number(4294967294), None),
            ("shop:staff", name("shop"), Some(name("staff"))),
            ("shop:0", name("shop"), Some(Id::Number(0))),
        ] {
            assert_eq!(user(text), Ok(UserRef { user: user_id, group }), "{text}");
        }
        for text in ["", ":", "0:", ":0", "0:0:0", "4294967295", "-1", "a b", "ü"] {
            assert!(user(text).is_err(), "{text}");
        }
        for text in ["shop", "_x-1", "host$"] {
            assert_eq!(user_name(text), Ok(()), "{text}");
        }
        for text in ["", "Shop", "1shop", "a.b", "a$b", &"x".repeat(33)] {
            assert!(user_name(text).is_err(), "{text}");
        }
    }

    #[test]
    fn modes() {
        for (text, want) in [("0755", 0o755), ("755", 0o755), ("4755", 0o4755), ("0000", 0), ("1777", 0o1777)]
        {
            assert_eq!(mode(text), Ok(want), "{text}");
        }
        for (text, want) in [
            ("0o755", "\"0755\""),
            ("00755", "\"0755\""),
            ("7", "\"0007\""),
            ("rwx", "octal"),
            ("0888", "octal"),
            ("", "octal"),
            ("77777", "octal"),
        ] {
            assert!(help(mode(text)).contains(want), "{text}: {}", help(mode(text)));
        }
    }

    #[test]
    fn port_numbers() {
        assert_eq!(ports("8080").unwrap(), ["8080/tcp"]);
        assert_eq!(ports("53/udp").unwrap(), ["53/udp"]);
        assert_eq!(ports("8000-8002/sctp").unwrap(), ["8000/sctp", "8001/sctp", "8002/sctp"]);
        for text in ["", "0", "65536", "80:80", "+80", "http", "80/tls", "81-80", "80-", "-80", "80/"] {
            assert!(ports(text).is_err(), "{text}");
        }
    }

    #[test]
    fn signals() {
        for (text, want) in [
            ("SIGTERM", "SIGTERM"),
            ("TERM", "SIGTERM"),
            ("15", "SIGTERM"),
            ("9", "SIGKILL"),
            ("SIGRTMIN+3", "SIGRTMIN+3"),
            ("37", "SIGRTMIN+3"),
            ("34", "SIGRTMIN"),
            ("SIGRTMAX-1", "SIGRTMAX-1"),
        ] {
            assert_eq!(signal(text).as_deref(), Ok(want), "{text}");
        }
        for (text, want) in [
            ("sigterm", "\"SIGTERM\""),
            ("term", "\"SIGTERM\""),
            ("SIGTREM", "\"SIGTERM\""),
            ("0", "1 to 31"),
            ("32", "1 to 31"),
            ("65", "1 to 31"),
            ("SIGRTMIN+31", "SIGRTMIN+3"),
            ("", "SIGTERM"),
        ] {
            assert!(help(signal(text)).contains(want), "{text}: {}", help(signal(text)));
        }
    }

    #[test]
    fn sizes() {
        for (text, want) in [
            ("30 MB", 30_000_000),
            ("30MB", 30_000_000),
            ("30 MiB", 30 << 20),
            ("1.5 GB", 1_500_000_000),
            ("0.5 KiB", 512),
            ("1 kB", 1000),
            ("1 KB", 1000),
            ("12", 12),
            ("12 B", 12),
            ("1.0000001 kB", 1000),
            ("2 TiB", 2 << 40),
        ] {
            assert_eq!(size(text), Ok(want), "{text}");
        }
        insta::assert_snapshot!(
            ["30M", "30 mb", "30 m", "30 megs", "MB", "", "-1 MB", "1.MB", "1,5 GB", "99999999999 TB", "1e3"]
                .map(|text| help(size(text)))
                .join("\n"),
            @r#"
        `30M` is no size; did you mean "30 MB" or "30 MiB"?
        `30 mb` is no size; did you mean "30 MB"?
        `30 m` is no size; did you mean "30 MB" or "30 MiB"?
        `30 megs` is no size; the units are B, kB, MB, GB, TB, and KiB, MiB, GiB, TiB
        `MB` is no size; write a number and a unit, as "30 MB" or "1.5 GiB"
        `` is no size; write a number and a unit, as "30 MB" or "1.5 GiB"
        `-1 MB` is no size; write a number and a unit, as "30 MB" or "1.5 GiB"
        `1.MB` is no size; write a number and a unit, as "30 MB" or "1.5 GiB"
        `1,5 GB` is no size; the units are B, kB, MB, GB, TB, and KiB, MiB, GiB, TiB
        `99999999999 TB` is no size; that is more than fits into 64 bits
        `1e3` is no size; the units are B, kB, MB, GB, TB, and KiB, MiB, GiB, TiB
        "#
        );
    }
}
