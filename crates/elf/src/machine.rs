//! What a file was compiled for.

use goblin::elf::header as eh;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Bits of an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Class {
    /// 32 bits.
    Elf32,
    /// 64 bits.
    Elf64,
}

/// The name of a machine that has none here.
const UNKNOWN: &str = "an unknown machine";

/// The order of the bytes of a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Endian {
    /// The lowest byte comes first.
    Little,
    /// The highest byte comes first.
    Big,
}

/// What machines with several calling conventions say about theirs in `e_flags`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Abi {
    /// The machine has but one, or the file does not say: it goes with all.
    Any,
    /// 32-bit ARM, floats in floating point registers (`armhf`).
    HardFloat,
    /// 32-bit ARM, floats in integer registers (`armel`).
    SoftFloat,
    /// MIPS with 32-bit registers.
    O32,
    /// MIPS with 64-bit registers and 32-bit addresses.
    N32,
    /// MIPS with 64-bit registers and addresses.
    N64,
    /// RISC-V and LoongArch without floating point registers.
    FloatNone,
    /// RISC-V and LoongArch with single precision registers.
    FloatSingle,
    /// RISC-V and LoongArch with double precision registers.
    FloatDouble,
    /// RISC-V with quadruple precision registers.
    FloatQuad,
    /// 64-bit PowerPC with function descriptors.
    ElfV1,
    /// 64-bit PowerPC without function descriptors (`ppc64el`).
    ElfV2,
}

/// What a file was compiled for: only files of matching machines load each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Machine {
    /// `EI_CLASS`.
    pub class: Class,
    /// `EI_DATA`.
    pub endian: Endian,
    /// `e_machine`, the number of the processor family.
    pub machine: u16,
    /// The calling convention, as far as `e_flags` tells.
    pub abi: Abi,
    /// MIPS only: are NaNs encoded as IEEE 754-2008 says?
    pub nan2008: bool,
    /// MIPS only: what floating point units it runs with.
    pub float: MipsFloat,
}

/// The modes of MIPS's floating point units with which a file runs, as a set. Files load each other if
/// there is one that suits both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct MipsFloat(u8);

const EF_ARM_ABI_FLOAT_SOFT: u32 = 0x200;
const EF_ARM_ABI_FLOAT_HARD: u32 = 0x400;
const EF_MIPS_ABI2: u32 = 0x20;
const EF_MIPS_NAN2008: u32 = 0x400;
const EF_MIPS_FP64: u32 = 0x200;
const EM_S390_OLD: u16 = 0xa390;
const EM_MIPS_RS3_LE: u16 = 10;
pub(crate) const EM_LOONGARCH: u16 = 258;

/// Machines by the name that `uname -m` gives them, with the usual interpreters, glibc's first.
const KNOWN: &[(&str, Machine, &[&str])] = &[
    (
        "x86_64",
        plain(Class::Elf64, Endian::Little, eh::EM_X86_64),
        &["/lib64/ld-linux-x86-64.so.2", "/lib/ld-musl-x86_64.so.1"],
    ),
    (
        "aarch64",
        plain(Class::Elf64, Endian::Little, eh::EM_AARCH64),
        &["/lib/ld-linux-aarch64.so.1", "/lib/ld-musl-aarch64.so.1"],
    ),
    (
        "armv7l",
        Machine { abi: Abi::HardFloat, ..plain(Class::Elf32, Endian::Little, eh::EM_ARM) },
        &["/lib/ld-linux-armhf.so.3", "/lib/ld-musl-armhf.so.1"],
    ),
    (
        "armv6l",
        Machine { abi: Abi::SoftFloat, ..plain(Class::Elf32, Endian::Little, eh::EM_ARM) },
        &["/lib/ld-linux.so.3", "/lib/ld-musl-arm.so.1"],
    ),
    (
        "i686",
        plain(Class::Elf32, Endian::Little, eh::EM_386),
        &["/lib/ld-linux.so.2", "/lib/ld-musl-i386.so.1"],
    ),
    (
        "ppc64le",
        Machine { abi: Abi::ElfV2, ..plain(Class::Elf64, Endian::Little, eh::EM_PPC64) },
        &["/lib64/ld64.so.2", "/lib/ld-musl-powerpc64le.so.1"],
    ),
    (
        "ppc64",
        Machine { abi: Abi::ElfV1, ..plain(Class::Elf64, Endian::Big, eh::EM_PPC64) },
        &["/lib64/ld64.so.1", "/lib/ld-musl-powerpc64.so.1"],
    ),
    ("ppc", plain(Class::Elf32, Endian::Big, eh::EM_PPC), &["/lib/ld.so.1", "/lib/ld-musl-powerpc.so.1"]),
    ("s390x", plain(Class::Elf64, Endian::Big, eh::EM_S390), &["/lib/ld64.so.1", "/lib/ld-musl-s390x.so.1"]),
    (
        "riscv64",
        Machine { abi: Abi::FloatDouble, ..plain(Class::Elf64, Endian::Little, eh::EM_RISCV) },
        &["/lib/ld-linux-riscv64-lp64d.so.1", "/lib/ld-musl-riscv64.so.1"],
    ),
    (
        "loongarch64",
        Machine { abi: Abi::FloatDouble, ..plain(Class::Elf64, Endian::Little, EM_LOONGARCH) },
        &["/lib64/ld-linux-loongarch-lp64d.so.1", "/lib/ld-musl-loongarch64.so.1"],
    ),
    (
        "mips64el",
        Machine { abi: Abi::N64, ..plain(Class::Elf64, Endian::Little, eh::EM_MIPS) },
        &["/lib64/ld.so.1", "/lib/ld-musl-mips64el.so.1"],
    ),
    (
        "mips64",
        Machine { abi: Abi::N64, ..plain(Class::Elf64, Endian::Big, eh::EM_MIPS) },
        &["/lib64/ld.so.1", "/lib/ld-musl-mips64.so.1"],
    ),
    (
        "mipsel",
        Machine { abi: Abi::O32, ..plain(Class::Elf32, Endian::Little, eh::EM_MIPS) },
        &["/lib/ld.so.1", "/lib/ld-musl-mipsel.so.1"],
    ),
    (
        "mips",
        Machine { abi: Abi::O32, ..plain(Class::Elf32, Endian::Big, eh::EM_MIPS) },
        &["/lib/ld.so.1", "/lib/ld-musl-mips.so.1"],
    ),
    (
        "riscv32",
        Machine { abi: Abi::FloatDouble, ..plain(Class::Elf32, Endian::Little, eh::EM_RISCV) },
        &["/lib/ld-linux-riscv32-ilp32d.so.1", "/lib/ld-musl-riscv32.so.1"],
    ),
];

impl Machine {
    /// The machine that an ELF header names.
    pub fn from_header(class: Class, endian: Endian, machine: u16, flags: u32) -> Self {
        let machine = match machine {
            EM_S390_OLD => eh::EM_S390,
            EM_MIPS_RS3_LE => eh::EM_MIPS,
            machine => machine,
        };
        let mut known = Machine { abi: abi(class, machine, flags), ..plain(class, endian, machine) };
        if machine == eh::EM_MIPS {
            known.nan2008 = flags & EF_MIPS_NAN2008 != 0;
            known.float = if flags & EF_MIPS_FP64 == 0 { MipsFloat::UNMARKED } else { MipsFloat::NONE };
        }
        known
    }

    /// The machine that `uname -m` calls so. Some go by several names: `arm64`, `i386`, `armhf`.
    pub fn from_uname(name: &str) -> Option<Self> {
        let name = match name {
            "amd64" => "x86_64",
            "arm64" => "aarch64",
            "i386" | "i486" | "i586" | "x86" => "i686",
            "armv7" | "armv8l" | "armhf" | "arm" => "armv7l",
            "armv5tel" | "armv6" | "armel" => "armv6l",
            "ppc64el" => "ppc64le",
            "loong64" => "loongarch64",
            name => name,
        };
        KNOWN.iter().find(|(known, ..)| *known == name).map(|(_, machine, _)| *machine)
    }

    /// What `uname -m` says on such a machine; `unknown` for one that no Linux distribution supports.
    pub fn uname(&self) -> &'static str {
        self.known().map_or("unknown", |(name, ..)| name)
    }

    /// The name for people, such as `x86-64`.
    pub fn name(&self) -> &'static str {
        let little = self.endian == Endian::Little;
        match (self.machine, self.class) {
            (eh::EM_X86_64, Class::Elf64) => "x86-64",
            (eh::EM_X86_64, Class::Elf32) => "x32",
            (eh::EM_386, _) => "32-bit x86",
            (eh::EM_AARCH64, _) if little => "AArch64",
            (eh::EM_AARCH64, _) => "big-endian AArch64",
            (eh::EM_ARM, _) => match (self.abi, little) {
                (_, false) => "big-endian 32-bit ARM",
                (Abi::HardFloat, _) => "32-bit ARM (hard float)",
                (Abi::SoftFloat, _) => "32-bit ARM (soft float)",
                _ => "32-bit ARM",
            },
            (eh::EM_PPC64, _) if little => "little-endian 64-bit PowerPC",
            (eh::EM_PPC64, _) => "64-bit PowerPC",
            (eh::EM_PPC, _) => "32-bit PowerPC",
            (eh::EM_S390, Class::Elf64) => "z/Architecture (s390x)",
            (eh::EM_S390, Class::Elf32) => "S/390",
            (eh::EM_RISCV, Class::Elf64) => "64-bit RISC-V",
            (eh::EM_RISCV, Class::Elf32) => "32-bit RISC-V",
            (EM_LOONGARCH, _) => "LoongArch",
            (eh::EM_MIPS, _) => match (self.abi, little) {
                (Abi::N64, true) => "little-endian 64-bit MIPS",
                (Abi::N64, false) => "64-bit MIPS",
                (Abi::N32, _) => "MIPS (n32)",
                (_, true) => "little-endian 32-bit MIPS",
                (_, false) => "32-bit MIPS",
            },
            (eh::EM_SPARCV9, _) => "64-bit SPARC",
            (eh::EM_IA_64, _) => "Itanium",
            _ => UNKNOWN,
        }
    }

    /// Is it a machine that Linux is known to run on? Others are those of graphics cards, of
    /// microcontrollers, and of the kernel's own byte code.
    pub fn has_linux(&self) -> bool {
        self.name() != UNKNOWN
    }

    /// May a file of this machine and one of the other be in one process?
    pub fn matches(&self, other: &Machine) -> bool {
        let abi = self.abi == other.abi || self.abi == Abi::Any || other.abi == Abi::Any;
        let rest = |machine: &Machine| Machine { abi: Abi::Any, float: MipsFloat::ANY, ..*machine };
        abi && self.float.0 & other.float.0 != 0 && rest(self) == rest(other)
    }

    /// Do processors of this machine usually run programs of the other too? Those of x86-64 run the
    /// 32-bit ones of x86.
    pub fn also_runs(&self, other: &Machine) -> bool {
        (self.machine, self.class, other.machine) == (eh::EM_X86_64, Class::Elf64, eh::EM_386)
    }

    /// The interpreters that programs of this machine usually name. A shared object that is looked
    /// at alone is judged by the first of them that is there.
    pub fn loader_candidates(&self) -> &'static [&'static str] {
        const ARM: [&str; 4] = [
            "/lib/ld-linux-armhf.so.3",
            "/lib/ld-linux.so.3",
            "/lib/ld-musl-armhf.so.1",
            "/lib/ld-musl-arm.so.1",
        ];
        match self.known() {
            Some(_) if self.machine == eh::EM_ARM && self.abi == Abi::Any => &ARM,
            known => known.map_or(&[], |(_, _, interpreters)| interpreters),
        }
    }

    /// What `$PLATFORM` in a search path means: what Linux says of the processor, as far as that is the
    /// same for all of the machine.
    pub fn platform(&self) -> &'static str {
        match self.uname() {
            "armv7l" => "v7l",
            "armv6l" => "v6l",
            uname => uname,
        }
    }

    /// What Debian calls the directories of this machine below `/lib` and `/usr/lib`.
    pub fn multiarch(&self) -> Option<&'static str> {
        Some(match self.uname() {
            "x86_64" => "x86_64-linux-gnu",
            "aarch64" => "aarch64-linux-gnu",
            "armv7l" => "arm-linux-gnueabihf",
            "armv6l" => "arm-linux-gnueabi",
            "i686" => "i386-linux-gnu",
            "ppc64le" => "powerpc64le-linux-gnu",
            "ppc64" => "powerpc64-linux-gnu",
            "ppc" => "powerpc-linux-gnu",
            "s390x" => "s390x-linux-gnu",
            "riscv64" => "riscv64-linux-gnu",
            "loongarch64" => "loongarch64-linux-gnu",
            "mips64el" => "mips64el-linux-gnuabi64",
            "mips64" => "mips64-linux-gnuabi64",
            "mipsel" => "mipsel-linux-gnu",
            "mips" => "mips-linux-gnu",
            _ => return None,
        })
    }

    pub(crate) fn is_x86(&self) -> bool {
        matches!(self.machine, eh::EM_X86_64 | eh::EM_386)
    }

    fn known(&self) -> Option<&'static (&'static str, Machine, &'static [&'static str])> {
        let bare = Machine { nan2008: false, float: MipsFloat::ANY, ..*self };
        KNOWN.iter().find(|(_, known, _)| known.matches(&bare))
    }
}

impl MipsFloat {
    const SINGLE: u8 = 1;
    const SOFT: u8 = 2;
    const FR0: u8 = 4;
    const FR1: u8 = 8;
    const FRE: u8 = 16;

    /// It does not care.
    pub const ANY: Self = MipsFloat(0x1f);
    /// Nothing that Linux has.
    pub const NONE: Self = MipsFloat(0);
    /// The file does not say.
    const UNMARKED: Self = MipsFloat(Self::SINGLE | Self::SOFT | Self::FR0 | Self::FRE);

    /// The modes for `fp_abi` of `.MIPS.abiflags`, as glibc has them in its
    /// `sysdeps/mips/dl-machine-reject-phdr.h`.
    pub(crate) fn from_abi_flags(fp_abi: u8) -> Self {
        MipsFloat(match fp_abi {
            0 => Self::ANY.0,
            1 => Self::FR0 | Self::FRE,
            2 => Self::SINGLE,
            3 => Self::SOFT,
            5 => Self::FR0 | Self::FR1 | Self::FRE,
            6 => Self::FR1,
            7 => Self::FR1 | Self::FRE,
            _ => Self::NONE.0,
        })
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            UNKNOWN => write!(f, "machine number {}", self.machine),
            name => f.write_str(name),
        }?;
        if self.nan2008 {
            f.write_str(" (NaNs of 2008)")?;
        }
        match self.float.0 {
            MipsFloat::SINGLE => f.write_str(" (single precision)"),
            MipsFloat::SOFT => f.write_str(" (soft float)"),
            0 | MipsFloat::FR1 => f.write_str(" (64-bit floating point registers)"),
            _ => Ok(()),
        }
    }
}

const fn plain(class: Class, endian: Endian, machine: u16) -> Machine {
    Machine { class, endian, machine, abi: Abi::Any, nan2008: false, float: MipsFloat::ANY }
}

fn abi(class: Class, machine: u16, flags: u32) -> Abi {
    match machine {
        eh::EM_ARM if flags & EF_ARM_ABI_FLOAT_HARD != 0 => Abi::HardFloat,
        eh::EM_ARM if flags & EF_ARM_ABI_FLOAT_SOFT != 0 => Abi::SoftFloat,
        eh::EM_MIPS if class == Class::Elf64 => Abi::N64,
        eh::EM_MIPS if flags & EF_MIPS_ABI2 != 0 => Abi::N32,
        eh::EM_MIPS => Abi::O32,
        eh::EM_RISCV => match flags & 6 {
            0 => Abi::FloatNone,
            2 => Abi::FloatSingle,
            4 => Abi::FloatDouble,
            _ => Abi::FloatQuad,
        },
        EM_LOONGARCH => match flags & 7 {
            1 => Abi::FloatNone,
            2 => Abi::FloatSingle,
            3 => Abi::FloatDouble,
            _ => Abi::Any,
        },
        eh::EM_PPC64 => match flags & 3 {
            1 => Abi::ElfV1,
            2 => Abi::ElfV2,
            _ => Abi::Any,
        },
        _ => Abi::Any,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_named() {
        use Class::{Elf32, Elf64};
        use Endian::{Big, Little};
        for (class, endian, machine, flags, name, uname) in [
            (Elf64, Little, 62, 0, "x86-64", "x86_64"),
            (Elf32, Little, 62, 0, "x32", "unknown"),
            (Elf32, Little, 3, 0, "32-bit x86", "i686"),
            (Elf64, Little, 183, 0, "AArch64", "aarch64"),
            (Elf32, Little, 40, 0x0500_0400, "32-bit ARM (hard float)", "armv7l"),
            (Elf32, Little, 40, 0x0500_0200, "32-bit ARM (soft float)", "armv6l"),
            (Elf32, Little, 40, 0x0500_0000, "32-bit ARM", "armv7l"),
            (Elf64, Big, 22, 0, "z/Architecture (s390x)", "s390x"),
            (Elf64, Little, 21, 2, "little-endian 64-bit PowerPC", "ppc64le"),
            (Elf64, Big, 21, 1, "64-bit PowerPC", "ppc64"),
            (Elf64, Little, 243, 5, "64-bit RISC-V", "riscv64"),
            (Elf64, Little, 258, 0x43, "LoongArch", "loongarch64"),
            (Elf64, Little, 8, 0x8000_0007, "little-endian 64-bit MIPS", "mips64el"),
            (Elf32, Little, 8, 0x7000_1407, "little-endian 32-bit MIPS (NaNs of 2008)", "mipsel"),
            (Elf32, Big, 8, 0x2000_0024, "MIPS (n32)", "unknown"),
            (Elf64, Little, 9999, 0, "machine number 9999", "unknown"),
        ] {
            let machine = Machine::from_header(class, endian, machine, flags);
            assert_eq!((machine.to_string().as_str(), machine.uname()), (name, uname));
        }
    }

    #[test]
    fn names_lead_back() {
        for (name, machine, interpreters) in KNOWN {
            assert_eq!(Machine::from_uname(name).as_ref(), Some(machine));
            assert_eq!(machine.uname(), *name);
            assert_eq!(machine.loader_candidates(), *interpreters);
        }
        assert_eq!(Machine::from_uname("arm64"), Machine::from_uname("aarch64"));
        assert_eq!(Machine::from_uname("pdp11"), None);
    }

    #[test]
    fn only_the_same_machine_matches() {
        let arm = |flags| Machine::from_header(Class::Elf32, Endian::Little, 40, flags);
        let (hard, soft, unmarked) = (arm(0x400), arm(0x200), arm(0));
        assert!(hard.matches(&hard) && hard.matches(&unmarked) && unmarked.matches(&soft));
        assert!(!hard.matches(&soft));
        let mips = |flags| Machine::from_header(Class::Elf32, Endian::Big, 8, flags);
        assert!(!mips(0).matches(&mips(EF_MIPS_NAN2008)));
        assert!(!mips(0).matches(&mips(EF_MIPS_FP64)));
        let float = |fp_abi| Machine { float: MipsFloat::from_abi_flags(fp_abi), ..mips(0) };
        let [any, double, single, soft, xx, fp64, fp64a] = [0, 1, 2, 3, 5, 6, 7].map(float);
        for (one, other, together) in [
            (any, fp64, true),
            (double, xx, true),
            (double, fp64a, true),
            (mips(0), soft, true),
            (mips(0), fp64, false),
            (double, single, false),
            (double, soft, false),
            (double, fp64, false),
            (single, soft, false),
            (any, float(4), false),
        ] {
            assert_eq!(one.matches(&other), together, "{one:?} {other:?}");
        }
        assert_eq!(soft.to_string(), "32-bit MIPS (soft float)");
        let x32 = Machine::from_header(Class::Elf32, Endian::Little, 62, 0);
        assert!(!x32.matches(&Machine::from_uname("x86_64").unwrap()));
    }

    #[test]
    fn some_machines_also_run_another() {
        let machine = |name| Machine::from_uname(name).unwrap();
        assert!(machine("x86_64").also_runs(&machine("i686")));
        assert!(!machine("i686").also_runs(&machine("x86_64")));
        // Not all 64-bit processors of ARM run programs of the 32-bit ones.
        assert!(!machine("aarch64").also_runs(&machine("armv7l")));
    }
}
