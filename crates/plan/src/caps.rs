//! File capabilities: from the text that `setcap` takes to the bytes that the kernel reads.
//!
//! The text is that of `cap_from_text(3)`: clauses apart by white space, each a list of names and
//! then one or more of `=`, `+`, `-` with the sets `e`, `i`, `p`. The bytes are `struct
//! vfs_cap_data` of `linux/capability.h`, revision 2.

use crate::nearest::nearest;

/// `VFS_CAP_REVISION_2`: two words a set, no user namespace.
const REVISION_2: u32 = 0x0200_0000;
/// `VFS_CAP_FLAGS_EFFECTIVE`: what is permitted is in force from the start.
const EFFECTIVE: u32 = 1;

/// Every capability of Linux, in the order of its number.
pub const NAMES: [&str; 41] = [
    "cap_chown",
    "cap_dac_override",
    "cap_dac_read_search",
    "cap_fowner",
    "cap_fsetid",
    "cap_kill",
    "cap_setgid",
    "cap_setuid",
    "cap_setpcap",
    "cap_linux_immutable",
    "cap_net_bind_service",
    "cap_net_broadcast",
    "cap_net_admin",
    "cap_net_raw",
    "cap_ipc_lock",
    "cap_ipc_owner",
    "cap_sys_module",
    "cap_sys_rawio",
    "cap_sys_chroot",
    "cap_sys_ptrace",
    "cap_sys_pacct",
    "cap_sys_admin",
    "cap_sys_boot",
    "cap_sys_nice",
    "cap_sys_resource",
    "cap_sys_time",
    "cap_sys_tty_config",
    "cap_mknod",
    "cap_lease",
    "cap_audit_write",
    "cap_audit_control",
    "cap_setfcap",
    "cap_mac_override",
    "cap_mac_admin",
    "cap_syslog",
    "cap_wake_alarm",
    "cap_block_suspend",
    "cap_audit_read",
    "cap_perfmon",
    "cap_bpf",
    "cap_checkpoint_restore",
];

/// The capability sets of a file: bit *n* stands for the capability with the number *n*.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FileCaps {
    /// What the program gets.
    pub permitted: u64,
    /// What the program gets if its caller has it in its inheritable set.
    pub inheritable: u64,
    /// Is all of it in force from the start?
    pub effective: bool,
}

/// A text that gives a file no capabilities.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CapsError {
    /// No capability has this name.
    #[error("`{name}` is no capability")]
    Unknown {
        /// The name.
        name: String,
        /// The capability that it may be meant to be.
        nearest: Option<&'static str>,
    },
    /// A clause names capabilities, and not what is done with them.
    #[error("`{clause}` does not say into which sets it goes")]
    NoAction {
        /// The clause.
        clause: String,
    },
    /// A clause with `+` or `-` names no capability.
    #[error("`{clause}` names no capability")]
    NoNames {
        /// The clause.
        clause: String,
    },
    /// A letter that is none of `e`, `i`, `p`.
    #[error("`{letter}` in `{clause}` is no capability set; the sets are e, i and p")]
    Set {
        /// The letter.
        letter: char,
        /// The clause.
        clause: String,
    },
    /// The kernel knows one effective bit for the whole file: all that is permitted or inheritable
    /// is in force from the start, or nothing.
    #[error(
        "`{text}` puts only a part of the capabilities into force; a file has all of them in force or none"
    )]
    PartlyEffective {
        /// The whole text.
        text: String,
    },
    /// Nothing is left in any set.
    #[error("`{text}` gives no capability")]
    Empty {
        /// The whole text.
        text: String,
    },
}

impl FileCaps {
    /// Reads what `setcap` takes, one or more clauses in each text: `cap_net_bind_service=ep`,
    /// `cap_chown,cap_fowner+ep cap_kill=i`, `all=ep`.
    ///
    /// # Errors
    /// At the first clause that does not parse, or when the outcome cannot be put on a file.
    pub fn parse<T: AsRef<str>>(texts: &[T]) -> Result<Self, CapsError> {
        let mut sets = Sets::default();
        for clause in texts.iter().flat_map(|text| text.as_ref().split_whitespace()) {
            sets.apply(clause)?;
        }
        let text = || texts.iter().map(AsRef::as_ref).collect::<Vec<_>>().join(" ");
        let held = sets.permitted | sets.inheritable;
        if sets.effective != 0 && sets.effective != held {
            return Err(CapsError::PartlyEffective { text: text() });
        }
        if held == 0 {
            return Err(CapsError::Empty { text: text() });
        }
        let Sets { permitted, inheritable, effective } = sets;
        Ok(FileCaps { permitted, inheritable, effective: effective != 0 })
    }

    /// The value of the extended attribute `security.capability`, revision 2.
    pub fn to_xattr(self) -> [u8; 20] {
        let magic = REVISION_2 | if self.effective { EFFECTIVE } else { 0 };
        let low = |set: u64| (set & 0xffff_ffff) as u32;
        let high = |set: u64| (set >> 32) as u32;
        let words =
            [magic, low(self.permitted), low(self.inheritable), high(self.permitted), high(self.inheritable)];
        let mut bytes = [0; 20];
        for (place, word) in bytes.chunks_exact_mut(4).zip(words) {
            place.copy_from_slice(&word.to_le_bytes());
        }
        bytes
    }
}

#[derive(Default)]
struct Sets {
    permitted: u64,
    inheritable: u64,
    effective: u64,
}

impl Sets {
    fn apply(&mut self, clause: &str) -> Result<(), CapsError> {
        let is_action = |c: char| matches!(c, '=' | '+' | '-');
        let at = clause.find(is_action).ok_or_else(|| CapsError::NoAction { clause: clause.into() })?;
        let (list, actions) = clause.split_at(at);
        let mask = match list {
            "" if actions.starts_with('=') => ALL,
            "" => return Err(CapsError::NoNames { clause: clause.into() }),
            list => list.split(',').try_fold(0, |mask, name| Ok(mask | bits(name)?))?,
        };
        let mut action = '=';
        for letter in actions.chars() {
            if is_action(letter) {
                action = letter;
                if action == '=' {
                    self.permitted &= !mask;
                    self.inheritable &= !mask;
                    self.effective &= !mask;
                }
                continue;
            }
            let set = match letter {
                'p' => &mut self.permitted,
                'i' => &mut self.inheritable,
                'e' => &mut self.effective,
                letter => return Err(CapsError::Set { letter, clause: clause.into() }),
            };
            if action == '-' { *set &= !mask } else { *set |= mask }
        }
        Ok(())
    }
}

/// The bits of all capabilities.
const ALL: u64 = (1 << NAMES.len()) - 1;

fn bits(name: &str) -> Result<u64, CapsError> {
    let lower = name.to_ascii_lowercase();
    if lower == "all" {
        return Ok(ALL);
    }
    match NAMES.iter().position(|known| *known == lower) {
        Some(number) => Ok(1 << number),
        None => {
            let full = if lower.starts_with("cap_") { lower } else { format!("cap_{lower}") };
            Err(CapsError::Unknown { name: name.into(), nearest: nearest(&full, NAMES) })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(texts: &[&str]) -> Result<String, String> {
        let caps = FileCaps::parse(texts).map_err(|error| error.to_string())?;
        Ok(caps.to_xattr().iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// What `setcap` writes and `getfattr -e hex -n security.capability` reads back.
    #[test]
    fn bytes_are_those_of_setcap() {
        for (texts, want) in [
            (&["cap_net_bind_service=ep"][..], "0100000200040000000000000000000000000000"),
            (&["cap_net_bind_service+ep"], "0100000200040000000000000000000000000000"),
            (&["CAP_NET_BIND_SERVICE=ep"], "0100000200040000000000000000000000000000"),
            (&["cap_net_raw=p"], "0000000200200000000000000000000000000000"),
            (&["cap_net_admin,cap_net_raw+eip"], "0100000200300000003000000000000000000000"),
            (&["cap_bpf=ep"], "0100000200000000000000008000000000000000"),
            (&["cap_perfmon,cap_bpf=i"], "00000002000000000000000000000000c0000000"),
            (&["all=ep"], "01000002ffffffff00000000ff01000000000000"),
            (&["=ep"], "01000002ffffffff00000000ff01000000000000"),
            (&["=ep cap_chown-ep"], "01000002feffffff00000000ff01000000000000"),
            (&["cap_chown=p", "cap_kill=p"], "0000000221000000000000000000000000000000"),
            (&["cap_chown=eip cap_chown-i"], "0100000201000000000000000000000000000000"),
            (&["cap_chown=p+i"], "0000000201000000010000000000000000000000"),
        ] {
            assert_eq!(hex(texts).as_deref(), Ok(want), "{texts:?}");
        }
    }

    #[test]
    fn refusals_name_what_is_wrong() {
        let wrong = |text| hex(&[text]).unwrap_err();
        insta::assert_snapshot!(
            [
                "cap_net_bind_servise=ep",
                "net_raw=ep",
                "cap_net_raw",
                "+ep",
                "cap_chown=xp",
                "cap_chown=ep cap_kill=p",
                "cap_chown=e",
                "cap_chown=",
                "",
                "cap_chown,=p",
            ]
            .map(wrong)
            .join("\n"),
            @r#"
`cap_net_bind_servise` is no capability
`net_raw` is no capability
`cap_net_raw` does not say into which sets it goes
`+ep` names no capability
`x` in `cap_chown=xp` is no capability set; the sets are e, i and p
`cap_chown=ep cap_kill=p` puts only a part of the capabilities into force; a file has all of them in force or none
`cap_chown=e` puts only a part of the capabilities into force; a file has all of them in force or none
`cap_chown=` gives no capability
`` gives no capability
`` is no capability
"#
        );
    }

    #[test]
    fn a_wrong_name_suggests_the_right_one() {
        for (name, want) in [
            ("cap_net_bind_servise", Some("cap_net_bind_service")),
            ("net_raw", Some("cap_net_raw")),
            ("cap_everything_else", None),
        ] {
            match FileCaps::parse(&[format!("{name}=ep")]) {
                Err(CapsError::Unknown { nearest, .. }) => assert_eq!(nearest, want, "{name}"),
                other => panic!("{name}: {other:?}"),
            }
        }
    }
}
