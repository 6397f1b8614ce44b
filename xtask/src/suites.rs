//! Makes `crates/plan/data/suites.tsv` anew: which symbol versions the libraries of each release of a
//! distribution define, read from its packages. The packages are fetched and checked by apt.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use elf::{VersionName, is_private_version};
use tree::Content;

use crate::step::{Outcome, output, root, run as run_command, timed};

/// The releases, oldest first: distribution, release, and its name for people.
const SUITES: [(&str, &str, &str); 12] = [
    ("debian", "bullseye", "Debian 11 (bullseye)"),
    ("debian", "bookworm", "Debian 12 (bookworm)"),
    ("debian", "trixie", "Debian 13 (trixie)"),
    ("debian", "forky", "Debian 14 (forky)"),
    ("debian", "sid", "Debian unstable (sid)"),
    ("ubuntu", "focal", "Ubuntu 20.04 (focal)"),
    ("ubuntu", "jammy", "Ubuntu 22.04 (jammy)"),
    ("ubuntu", "noble", "Ubuntu 24.04 (noble)"),
    ("ubuntu", "plucky", "Ubuntu 25.04 (plucky)"),
    ("ubuntu", "questing", "Ubuntu 25.10 (questing)"),
    ("ubuntu", "resolute", "Ubuntu 26.04 (resolute)"),
    ("ubuntu", "stonking", "Ubuntu 26.10 (stonking)"),
];

/// The packages with libraries that programs bring needs of from elsewhere, by every name they have had.
const PACKAGES: &str = "
    libc6 libcrypt1 libstdc++6 libgcc1 libgcc-s1 libgomp1 libatomic1 libgfortran5 libquadmath0 libitm1
    libssl1.1 libssl3 libssl3t64 libssl4 zlib1g liblzma5
    libcurl4 libcurl4t64 libcurl3-gnutls libcurl3t64-gnutls
    libgnutls30 libgnutls30t64 libnettle8 libnettle8t64 libhogweed6 libhogweed6t64 libtasn1-6 libp11-kit0 libidn2-0
    libgcrypt20 libgpg-error0 libgpgme11 libgpgme11t64 libgpgme45 libssh-4 libssh-gcrypt-4
    libxml2 libxml2-16 libxslt1.1 libexpat1 libjson-c5 libjansson4
    libldap-2.4-2 libldap-2.5-0 libldap2 libsasl2-2 libkrb5-3 libgssapi-krb5-2 libkeyutils1 libtirpc3 libtirpc3t64 libnsl2
    libpam0g libselinux1 libapparmor1 libacl1 libattr1 libaudit1
    libsystemd0 libudev1 libdbus-1-3 libkmod2 libblkid1 libmount1 libuuid1 libsmartcols1 libcryptsetup12
    libdevmapper1.02.1 libfuse2 libfuse2t64 libfuse3-3 libfuse3-4 libaio1 libaio1t64 liburing1 liburing2 libnuma1
    libbpf0 libbpf1 libelf1 libelf1t64 libdw1 libdw1t64 libibverbs1 librdmacm1 librdmacm1t64
    libtinfo6 libncurses6 libncursesw6 libmariadb3 libmysqlclient21 libmysqlclient24 libprotobuf-c1
    libpng16-16 libpng16-16t64 libjpeg62-turbo libjpeg-turbo8 libtiff5 libtiff6
    libasound2 libasound2t64 libpulse0 libva2 libxkbcommon0 libinput10
    libavcodec58 libavcodec59 libavcodec60 libavcodec61 libavcodec62";

/// The libraries of one release: by soname, the package with its version, and the newest of each family.
type Libraries = BTreeMap<String, (String, String)>;

/// Asks the archives, and writes the table.
pub fn run(arguments: &[&str]) -> Outcome {
    let [debian, ubuntu] = arguments else { return Err("cargo xtask suites DEBIAN-URL UBUNTU-URL".into()) };
    let mut suites = vec![];
    for (distribution, suite, title) in SUITES {
        let (url, components) = match distribution {
            "debian" => (debian, "main"),
            _ => (ubuntu, "main universe"),
        };
        let keyring = format!("/usr/share/keyrings/{distribution}-archive-keyring.gpg");
        let line = format!("deb [signed-by={keyring}] {url} {suite} {components}\n");
        let libraries = timed(title, || libraries(&format!("{distribution}-{suite}"), &line))?;
        suites.push((distribution, suite, title, libraries));
    }
    let mut text = String::from(
        "# Which symbol versions the libraries of a release define: of each family the newest, which has the older\n\
         # ones too, or with a `=` that very one. Versions that only files of one build share are left out.\n\
         # `suite` rows: source, name, oldest first. Library rows: soname, source, package with its version, versions;\n\
         # a row holds for later releases of its distribution too, until the next one; `-` is a release without.\n\
         # Made by `cargo xtask suites` from the packages for amd64 of each release as it came out, or was last updated.\n",
    );
    for (distribution, suite, title, _) in &suites {
        text.push_str(&format!("suite\t{distribution}:{suite}\t{title}\n"));
    }
    let sonames: BTreeSet<&String> = suites.iter().flat_map(|(.., libraries)| libraries.keys()).collect();
    for soname in sonames {
        let mut last = ("", "-");
        for (distribution, suite, _, libraries) in &suites {
            let (package, versions) = match libraries.get(soname) {
                Some((package, versions)) => (package.as_str(), versions.as_str()),
                None => ("-", "-"),
            };
            if last.0 != *distribution {
                last = (distribution, "-");
            }
            if last.1 != versions {
                text.push_str(&format!("{soname}\t{distribution}:{suite}\t{package}\t{versions}\n"));
                last.1 = versions;
            }
        }
    }
    let table = root().join("crates/plan/data/suites.tsv");
    fs::write(&table, text).map_err(|error| format!("{}: {error}", table.display()))
}

fn libraries(name: &str, source: &str) -> Outcome<Libraries> {
    let folder = root().join("target/suites").join(name);
    let failed = |path: &Path, error: std::io::Error| format!("{}: {error}", path.display());
    let apt = Apt::new(&folder, source)?;
    let mut libraries = Libraries::new();
    for archive in apt.fetch()? {
        let unpacked = archive.with_extension("unpacked");
        fs::create_dir_all(&unpacked).map_err(|error| failed(&unpacked, error))?;
        run_command(Command::new("dpkg-deb").arg("--extract").args([&archive, &unpacked]))?;
        let package = output(
            Command::new("dpkg-deb").args(["--show", "--showformat=${Package} ${Version}"]).arg(&archive),
        )?;
        for file in find_libraries(&unpacked)? {
            let bytes = fs::read(&file).map_err(|error| failed(&file, error))?;
            let read = elf::read(&Content::bytes(bytes, &file.display().to_string()));
            let Ok(Some(facts)) = read else { continue };
            let public = facts.version_definitions.iter().map(String::as_str);
            let versions = offered(&public.filter(|name| !is_private_version(name)).collect::<Vec<_>>());
            let Some(soname) = facts.soname.filter(|_| !versions.is_empty()) else { continue };
            libraries.insert(soname, (package.clone(), versions));
        }
    }
    Ok(libraries)
}

/// The newest version of each family. Where a family has one version only, its number says nothing of
/// other ones: such a version, and one without a number, stands for itself, with a `=`.
fn offered(versions: &[&str]) -> String {
    let family = |name: &str| VersionName::parse(name).map(|version| version.family.to_owned());
    let many = |name: &str| {
        family(name).is_some_and(|own| {
            versions.iter().filter(|other| family(other).as_ref() == Some(&own)).count() > 1
        })
    };
    let newest = VersionName::newest(versions.iter().copied());
    let words = newest.into_iter().map(|name| if many(name) { name.to_owned() } else { format!("={name}") });
    words.collect::<Vec<_>>().join(" ")
}

/// The files of a package that stand where a loader looks.
fn find_libraries(folder: &Path) -> Outcome<Vec<PathBuf>> {
    let mut found = vec![];
    for dir in ["lib", "lib64", "lib/x86_64-linux-gnu"] {
        for dir in [folder.join(dir), folder.join("usr").join(dir)] {
            let Ok(entries) = fs::read_dir(&dir) else { continue };
            for entry in entries {
                let entry = entry.map_err(|error| format!("{}: {error}", dir.display()))?;
                let is_file = entry.file_type().is_ok_and(|kind| kind.is_file());
                if is_file && entry.file_name().to_string_lossy().contains(".so") {
                    found.push(entry.path());
                }
            }
        }
    }
    found.sort();
    Ok(found)
}

/// An apt that knows one release, and nothing of the machine.
struct Apt {
    config: PathBuf,
    packages: PathBuf,
}

impl Apt {
    fn new(folder: &Path, source: &str) -> Outcome<Self> {
        let shown = folder.display().to_string();
        let text = format!(
            "Dir::Etc::sourcelist \"{shown}/sources.list\";\nDir::Etc::sourceparts \"-\";\n\
             Dir::State \"{shown}/state\";\nDir::State::status \"{shown}/status\";\n\
             Dir::Cache \"{shown}/cache\";\nAPT::Architecture \"amd64\";\n\
             APT::Architectures {{ \"amd64\"; }};\nAcquire::Languages \"none\";\nAPT::Sandbox::User \"root\";\n"
        );
        let failed = |error: std::io::Error| format!("{shown}: {error}");
        for dir in ["state/lists/partial", "cache/archives/partial", "packages"] {
            fs::create_dir_all(folder.join(dir)).map_err(failed)?;
        }
        let apt = Apt { config: folder.join("apt.conf"), packages: folder.join("packages") };
        for (file, text) in [("status", ""), ("sources.list", source), ("apt.conf", &text)] {
            fs::write(folder.join(file), text).map_err(failed)?;
        }
        Ok(apt)
    }

    /// Fetches the packages that the release has, and says where they are.
    fn fetch(&self) -> Outcome<Vec<PathBuf>> {
        run_command(self.command("apt-get").args(["--quiet=2", "update"]))?;
        let known = output(self.command("apt-cache").arg("pkgnames"))?;
        let known: BTreeSet<&str> = known.lines().collect();
        let wanted = PACKAGES.split_whitespace().filter(|name| known.contains(name));
        // A name may be known only because other packages name it.
        let stanzas = output(self.command("apt-cache").args(["show", "--no-all-versions"]).args(wanted))?;
        let wanted = stanzas.lines().filter_map(|line| line.strip_prefix("Package: "));
        output(
            self.command("apt-get").args(["--quiet=2", "download"]).args(wanted).current_dir(&self.packages),
        )?;
        let failed = |error: std::io::Error| format!("{}: {error}", self.packages.display());
        let files =
            fs::read_dir(&self.packages).map_err(failed)?.collect::<Result<Vec<_>, _>>().map_err(failed)?;
        let mut files: Vec<PathBuf> = files.into_iter().map(|file| file.path()).collect();
        files.retain(|path| path.extension().is_some_and(|extension| extension == "deb"));
        files.sort();
        Ok(files)
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.env("APT_CONFIG", &self.config);
        command
    }
}
