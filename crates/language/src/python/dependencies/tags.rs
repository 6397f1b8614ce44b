//! Which wheels fit a Python and a platform, and which of them fits best: PEP 425, 600 and 656, in pip's order.

use crate::python::interpreter::{Interpreter, Libc};
use plan::spec::Architecture;
use std::collections::BTreeSet;

/// The oldest minor version of Python 3 whose stable ABI there is.
const FIRST_STABLE: u32 = 2;

/// What the name of a wheel says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct WheelName {
    /// The name of the distribution, normalized.
    pub name: String,
    /// Its version, as written.
    pub version: String,
    /// The build tag: of wheels that fit alike, the higher one counts.
    build: (u64, String),
    pythons: Vec<String>,
    abis: Vec<String>,
    platforms: Vec<String>,
}

/// How well a wheel fits: less is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Rank {
    sort: u8,
    python: u32,
    platform: usize,
}

/// What fits an interpreter.
pub(super) struct Tags {
    minor: u32,
    /// From the best to the worst.
    platforms: Vec<String>,
}

/// The name of a distribution as all spellings of it are compared: PEP 503.
pub(super) fn normalized(name: &str) -> String {
    let parts = name.split(['-', '_', '.']).filter(|part| !part.is_empty());
    parts.map(str::to_ascii_lowercase).collect::<Vec<_>>().join("-")
}

impl WheelName {
    /// Reads the name of a file; none where it is no wheel's.
    pub fn parse(file: &str) -> Option<Self> {
        let parts: Vec<&str> = file.strip_suffix(".whl")?.split('-').collect();
        let (name, version, build, tags) = match parts[..] {
            [name, version, python, abi, platform] => (name, version, None, [python, abi, platform]),
            [name, version, build, python, abi, platform] => {
                (name, version, Some(build), [python, abi, platform])
            }
            _ => return None,
        };
        if name.is_empty() || version.is_empty() || file.contains(['/', '\\', '\0']) {
            return None;
        }
        let [pythons, abis, platforms] = tags.map(|set| set.split('.').map(str::to_owned).collect());
        let build = build.map_or((0, String::new()), |build| {
            let digits = build.find(|c: char| !c.is_ascii_digit()).unwrap_or(build.len());
            let (number, rest) = build.split_at(digits);
            (number.parse().unwrap_or(u64::MAX), rest.to_owned())
        });
        Some(WheelName { name: normalized(name), version: version.into(), build, pythons, abis, platforms })
    }

    /// Is it the same for every platform and Python 3?
    pub fn is_pure(&self) -> bool {
        self.abis.iter().any(|abi| abi == "none") && self.platforms.iter().any(|platform| platform == "any")
    }

    /// Python and platform that it is for, in words.
    pub fn target(&self) -> String {
        let join = |set: &[String]| set.join(".");
        let python = if self.abis.iter().all(|abi| abi == "none") { &self.pythons } else { &self.abis };
        format!("{} on {}", join(python), join(&self.platforms))
    }
}

impl Tags {
    /// What fits this interpreter.
    pub fn of(interpreter: &Interpreter) -> Self {
        let arch = match interpreter.architecture {
            // Python calls a little-endian MIPS by what the kernel says.
            Architecture::Mips64le => "mips64",
            architecture => architecture.uname(),
        };
        let mut platforms: Vec<String> = match interpreter.libc {
            Libc::Glibc(minor) => {
                let oldest = if matches!(arch, "x86_64" | "i686") { 5 } else { 17 };
                (oldest..=minor).rev().flat_map(|version| manylinux(version, arch)).collect()
            }
            Libc::Musl(minor) => {
                (0..=minor).rev().map(|version| format!("musllinux_1_{version}_{arch}")).collect()
            }
        };
        platforms.push(format!("linux_{arch}"));
        Tags { minor: interpreter.version.1, platforms }
    }

    /// How well a wheel fits; none where it does not.
    pub fn rank(&self, wheel: &WheelName) -> Option<Rank> {
        let pythons = wheel.pythons.iter();
        let all = pythons.flat_map(|python| wheel.abis.iter().map(move |abi| (python, abi)));
        let ranks = all.flat_map(|(python, abi)| {
            wheel.platforms.iter().filter_map(move |platform| self.rank_of(python, abi, platform))
        });
        ranks.min()
    }

    /// Does a tag, as `WHEEL` writes it, fit?
    pub fn fits(&self, tag: &str) -> bool {
        match tag.split('-').collect::<Vec<_>>()[..] {
            [pythons, abis, platforms] => pythons.split('.').any(|python| {
                abis.split('.').any(|abi| {
                    platforms.split('.').any(|platform| self.rank_of(python, abi, platform).is_some())
                })
            }),
            _ => false,
        }
    }

    /// Of files, the wheel that fits best.
    pub fn best<'f, T>(&self, files: &'f [T], name: impl Fn(&T) -> &str) -> Option<&'f T> {
        let ranked = files.iter().filter_map(|file| {
            let wheel = WheelName::parse(name(file))?;
            Some((self.rank(&wheel)?, std::cmp::Reverse(wheel.build), file))
        });
        ranked.min_by(|one, other| (one.0, &one.1).cmp(&(other.0, &other.1))).map(|(_, _, file)| file)
    }

    fn rank_of(&self, python: &str, abi: &str, platform: &str) -> Option<Rank> {
        let own = format!("cp3{}", self.minor);
        let any = platform == "any";
        let at = match self.platforms.iter().position(|known| known == platform) {
            Some(at) => at,
            None if any => 0,
            None => return None,
        };
        let rank = |sort, python| Some(Rank { sort, python, platform: at });
        match (minor_of(python, "cp"), minor_of(python, "py"), abi) {
            (Some(minor), _, _) if abi == own && minor == self.minor && !any => rank(0, 0),
            (Some(minor), _, "abi3") if minor == self.minor && !any => rank(1, 0),
            (Some(minor), _, "none") if minor == self.minor => rank(if any { 5 } else { 2 }, 0),
            (Some(minor), _, "abi3") if (FIRST_STABLE..self.minor).contains(&minor) && !any => {
                rank(3, self.minor - minor)
            }
            (_, Some(minor), "none") if minor == self.minor => rank(if any { 6 } else { 4 }, 0),
            (_, Some(minor), "none") if minor < self.minor => {
                rank(if any { 6 } else { 4 }, 1 + self.minor - minor)
            }
            (_, _, "none") if python == "py3" => rank(if any { 6 } else { 4 }, 1),
            _ => None,
        }
    }
}

/// What is there of something of which nothing fits, in words; empty where no file is a wheel.
pub(super) fn shown<'f>(files: impl IntoIterator<Item = &'f str>) -> String {
    let targets: BTreeSet<String> =
        files.into_iter().filter_map(WheelName::parse).map(|wheel| wheel.target()).collect();
    let (most, count) = (4, targets.len());
    let mut words = targets.into_iter().take(most).collect::<Vec<_>>().join(", ");
    if count > most {
        words += &format!(" and {} more", count - most);
    }
    words
}

/// The tags of wheels that need glibc 2 of this minor version or newer.
fn manylinux(minor: u32, arch: &str) -> Vec<String> {
    let mut tags = vec![format!("manylinux_2_{minor}_{arch}")];
    let old = match minor {
        17 => "manylinux2014",
        12 => "manylinux2010",
        5 => "manylinux1",
        _ => return tags,
    };
    tags.push(format!("{old}_{arch}"));
    tags
}

/// The minor version of such as `cp313`.
fn minor_of(python: &str, prefix: &str) -> Option<u32> {
    let digits = python.strip_prefix(prefix)?.strip_prefix('3')?;
    (!digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())).then(|| digits.parse().ok())?
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail")]
mod tests {
    use super::*;
    use crate::python::dependencies::testing::interpreter;

    fn tags(minor: u32, libc: Libc, architecture: Architecture) -> Tags {
        Tags::of(&Interpreter { version: (3, minor), libc, architecture, ..interpreter() })
    }

    #[test]
    fn wheels_fit_by_python_abi_and_platform() {
        let trixie = tags(13, Libc::Glibc(41), Architecture::Amd64);
        for (tag, fits) in [
            ("py3-none-any", true),
            ("py2.py3-none-any", true),
            ("py30-none-any", true),
            ("py314-none-any", false),
            ("py2-none-any", false),
            ("cp313-cp313-manylinux_2_17_x86_64.manylinux2014_x86_64", true),
            ("cp313-cp313-manylinux_2_41_x86_64", true),
            ("cp313-cp313-manylinux_2_42_x86_64", false),
            ("cp313-cp313-manylinux1_x86_64", true),
            ("cp313-cp313-linux_x86_64", true),
            ("cp313-cp313-manylinux_2_17_aarch64", false),
            ("cp313-cp313-musllinux_1_2_x86_64", false),
            ("cp313-cp313t-manylinux_2_17_x86_64", false),
            ("cp312-cp312-manylinux_2_17_x86_64", false),
            ("cp37-abi3-manylinux2014_x86_64", true),
            ("cp314-abi3-manylinux2014_x86_64", false),
            ("cp313-none-manylinux2014_x86_64", true),
            ("py3-none-manylinux2014_x86_64", true),
            ("cp313-cp313-any", false),
            ("py3-none-win_amd64", false),
            ("pp310-pypy310_pp73-manylinux2014_x86_64", false),
            ("cp313-none", false),
        ] {
            assert_eq!(trixie.fits(tag), fits, "{tag}");
        }
        let arm = tags(11, Libc::Glibc(36), Architecture::Arm64);
        assert!(arm.fits("cp311-cp311-manylinux2014_aarch64"));
        assert!(!arm.fits("cp311-cp311-manylinux2010_aarch64"), "there is none of that age");
        let alpine = tags(12, Libc::Musl(2), Architecture::Amd64);
        assert!(alpine.fits("cp312-cp312-musllinux_1_1_x86_64"));
        assert!(!alpine.fits("cp312-cp312-musllinux_1_3_x86_64"));
        assert!(!alpine.fits("cp312-cp312-manylinux_2_17_x86_64"));
        let hard_float = tags(11, Libc::Glibc(36), Architecture::ArmV7);
        assert!(hard_float.fits("cp311-cp311-manylinux_2_31_armv7l"));
    }

    #[test]
    fn the_best_is_what_pip_would_take() {
        let tags = tags(13, Libc::Glibc(36), Architecture::Amd64);
        // From the best to the worst; each is the best of itself and all after it.
        let order = [
            "a-1-7_x-cp313-cp313-manylinux_2_28_x86_64.whl",
            "a-1-7-cp313-cp313-manylinux_2_28_x86_64.whl",
            "a-1-cp313-cp313-manylinux_2_28_x86_64.whl",
            "a-1-cp313-cp313-manylinux_2_17_x86_64.manylinux2014_x86_64.whl",
            "a-1-cp313-cp313-manylinux2014_x86_64.whl",
            "a-1-cp313-cp313-linux_x86_64.whl",
            "a-1-cp313-abi3-manylinux_2_17_x86_64.whl",
            "a-1-cp313-none-manylinux_2_17_x86_64.whl",
            "a-1-cp312-abi3-manylinux_2_28_x86_64.whl",
            "a-1-cp37-abi3-manylinux_2_28_x86_64.whl",
            "a-1-py313-none-manylinux_2_17_x86_64.whl",
            "a-1-py3-none-manylinux_2_17_x86_64.whl",
            "a-1-cp313-none-any.whl",
            "a-1-py313-none-any.whl",
            "a-1-py2.py3-none-any.whl",
            "a-1-py36-none-any.whl",
        ];
        for (at, best) in order.iter().enumerate() {
            let mut files: Vec<&str> = order[at..].to_vec();
            files.reverse();
            files.push("a-1-cp312-cp312-manylinux_2_17_x86_64.whl");
            files.push("a-1.tar.gz");
            assert_eq!(tags.best(&files, |file| file), Some(best));
        }
    }

    #[test]
    fn names_are_read() {
        let wheel = WheelName::parse("Foo_Bar.baz-1.0+cpu-1a-cp313-abi3-manylinux_2_17_x86_64.whl").unwrap();
        assert_eq!((&*wheel.name, &*wheel.version), ("foo-bar-baz", "1.0+cpu"));
        assert_eq!(wheel.build, (1, "a".into()));
        assert_eq!(wheel.target(), "abi3 on manylinux_2_17_x86_64");
        for no in ["a-1.tar.gz", "a-1-py3-none.whl", "-1-py3-none-any.whl", "a/b-1-py3-none-any.whl"] {
            assert_eq!(WheelName::parse(no), None, "{no}");
        }
    }
}
