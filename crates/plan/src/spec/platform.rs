//! Platforms: `linux/amd64`, `linux/arm/v7`.

use elf::{Abi, Machine};
use std::{fmt, str::FromStr};

/// An operating system and processor that an image is for; the system is always Linux.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Platform {
    /// The processor, with its variant.
    pub architecture: Architecture,
}

/// The processors that bantam knows, by the names of the OCI image specification.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs)]
pub enum Architecture {
    Amd64,
    Arm64,
    ArmV7,
    ArmV6,
    ArmV5,
    I386,
    Ppc64le,
    Riscv64,
    S390x,
    Mips64le,
    Loong64,
}

/// The text is no platform that bantam builds for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no platform that bantam builds for; known are {known}", known = Platform::known())]
pub struct PlatformError {
    /// The text.
    pub text: String,
}

/// One row a processor: OCI architecture, variant, `uname -m`, Debian's name, target triple.
const TABLE: &[(Architecture, &str, &str, &str, &str, &str)] = &[
    (Architecture::Amd64, "amd64", "", "x86_64", "amd64", "x86_64-unknown-linux-gnu"),
    (Architecture::Arm64, "arm64", "", "aarch64", "arm64", "aarch64-unknown-linux-gnu"),
    (Architecture::ArmV7, "arm", "v7", "armv7l", "armhf", "armv7-unknown-linux-gnueabihf"),
    (Architecture::ArmV6, "arm", "v6", "armv6l", "armel", "arm-unknown-linux-gnueabi"),
    (Architecture::ArmV5, "arm", "v5", "armv5tel", "armel", "armv5te-unknown-linux-gnueabi"),
    (Architecture::I386, "386", "", "i686", "i386", "i686-unknown-linux-gnu"),
    (Architecture::Ppc64le, "ppc64le", "", "ppc64le", "ppc64el", "powerpc64le-unknown-linux-gnu"),
    (Architecture::Riscv64, "riscv64", "", "riscv64", "riscv64", "riscv64gc-unknown-linux-gnu"),
    (Architecture::S390x, "s390x", "", "s390x", "s390x", "s390x-unknown-linux-gnu"),
    (Architecture::Mips64le, "mips64le", "", "mips64", "mips64el", "mips64el-unknown-linux-gnuabi64"),
    (Architecture::Loong64, "loong64", "", "loongarch64", "loong64", "loongarch64-unknown-linux-gnu"),
];

impl Platform {
    /// Linux on this processor.
    pub fn linux(architecture: Architecture) -> Self {
        Platform { architecture }
    }

    /// The platforms that bantam knows, for messages.
    fn known() -> String {
        TABLE.iter().map(|row| Platform::linux(row.0).to_string()).collect::<Vec<_>>().join(", ")
    }

    /// `linux`.
    pub fn os(self) -> &'static str {
        "linux"
    }
}

impl Architecture {
    /// Every processor, in the order of the table.
    pub fn all() -> impl Iterator<Item = Architecture> {
        TABLE.iter().map(|row| row.0)
    }

    /// The architecture in an image config: `amd64`, `arm`.
    pub fn oci(self) -> &'static str {
        self.row().1
    }

    /// The variant in an image config: `v7`.
    pub fn variant(self) -> Option<&'static str> {
        Some(self.row().2).filter(|variant| !variant.is_empty())
    }

    /// What `uname -m` says there: `x86_64`.
    pub fn uname(self) -> &'static str {
        self.row().3
    }

    /// What files of it say in their headers; none if bantam cannot tell.
    pub fn machine(self) -> Option<Machine> {
        match self {
            // Linux gives both byte orders of MIPS one name.
            Architecture::Mips64le => Machine::from_uname("mips64el"),
            // Debian passes floats in integer registers there, others in those of the floating point unit.
            Architecture::ArmV6 => {
                Machine::from_uname("armv6l").map(|machine| Machine { abi: Abi::Any, ..machine })
            }
            architecture => Machine::from_uname(architecture.uname()),
        }
    }

    /// Debian's name: `armhf`.
    pub fn debian(self) -> &'static str {
        self.row().4
    }

    /// The GNU target triple as Rust writes it: `x86_64-unknown-linux-gnu`.
    pub fn target(self) -> &'static str {
        self.row().5
    }

    /// The processor whose `uname -m` this is, as `std::env::consts::ARCH` writes it too.
    pub fn from_uname(name: &str) -> Option<Self> {
        let name = match name {
            "x86" => "i686",
            "arm" => "armv7l",
            "powerpc64" => "ppc64le",
            name => name,
        };
        TABLE.iter().find(|row| row.3 == name).map(|row| row.0)
    }

    fn row(
        self,
    ) -> &'static (Architecture, &'static str, &'static str, &'static str, &'static str, &'static str) {
        // Every variant has a row; a test looks.
        TABLE.iter().find(|row| row.0 == self).unwrap_or(&TABLE[0])
    }
}

impl FromStr for Platform {
    type Err = PlatformError;

    fn from_str(text: &str) -> Result<Self, PlatformError> {
        let error = || PlatformError { text: text.into() };
        let mut parts = text.split('/');
        if parts.next() != Some("linux") {
            return Err(error());
        }
        let architecture = parts.next().ok_or_else(error)?;
        let variant = match (architecture, parts.next().unwrap_or("")) {
            // What the names mean when nothing is said, and the variants that say nothing.
            ("arm", "") => "v7",
            ("arm64", "v8") | ("amd64", "v1") => "",
            (_, variant) => variant,
        };
        if parts.next().is_some() {
            return Err(error());
        }
        TABLE
            .iter()
            .find(|row| row.1 == architecture && row.2 == variant)
            .map(|row| Platform::linux(row.0))
            .ok_or_else(error)
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "linux/{}", self.architecture.oci())?;
        match self.architecture.variant() {
            Some(variant) => write!(f, "/{variant}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_platform_reads_back() {
        for architecture in Architecture::all() {
            let platform = Platform::linux(architecture);
            assert_eq!(platform.to_string().parse::<Platform>().unwrap(), platform);
            assert_eq!(architecture.row().0, architecture);
        }
    }

    #[test]
    fn customary_spellings() {
        for (text, want) in [("linux/arm", "linux/arm/v7"), ("linux/arm64/v8", "linux/arm64")] {
            assert_eq!(text.parse::<Platform>().unwrap().to_string(), want);
        }
        for text in ["", "linux", "windows/amd64", "linux/amd64/v3", "linux/arm/v7/x", "amd64"] {
            assert!(text.parse::<Platform>().is_err(), "{text}");
        }
    }
}
