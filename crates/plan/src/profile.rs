//! What every image of a profile contains, beside payload and closure.

mod packages;

use crate::{
    accounts::{Accounts, MAX_ACCOUNTS, NONROOT},
    draft::{APP, BASE, Draft, LIBS, Origin},
    error::PlanError,
    reason::Reason,
    spec::{Profile, Spec},
};
use tree::{Content, Entry, ReadError, TreePath, View};

pub use packages::ProfilePackage;

/// Where an image has its CA certificates.
pub const CA_BUNDLE: &str = "/etc/ssl/certs/ca-certificates.crt";

/// One thing that a profile takes from the source where the source has it.
pub(crate) struct Wanted {
    /// A file, or a directory with all that is below it.
    pub path: &'static str,
    pub purpose: &'static str,
    /// Only with these profiles; empty: with all but `none`.
    profiles: &'static [Profile],
}

/// One library that a profile takes from the source where the source has it.
pub(crate) struct WantedLibrary {
    pub soname: &'static str,
    pub purpose: &'static str,
    profiles: &'static [Profile],
}

use Profile::{Base, BaseNossl, Cc, Static};
const CLASSIC: &[Profile] = &[Static, BaseNossl, Base, Cc];
const WITH_LIBC: &[Profile] = &[BaseNossl, Base, Cc];

const FILES: &[Wanted] = &[
    Wanted { path: CA_BUNDLE, purpose: "certificates to trust servers by", profiles: &[] },
    Wanted { path: "/etc/services", purpose: "names of ports, for getaddrinfo", profiles: &[] },
    Wanted { path: "/etc/protocols", purpose: "names of protocols, for getprotobyname", profiles: &[] },
    Wanted { path: "/etc/host.conf", purpose: "how the resolver reads /etc/hosts", profiles: &[] },
    Wanted { path: "/etc/os-release", purpose: "says which distribution files are of", profiles: &[] },
    Wanted { path: "/usr/share/zoneinfo", purpose: "time zones", profiles: CLASSIC },
    Wanted { path: "/etc/mime.types", purpose: "types of files by name", profiles: CLASSIC },
    Wanted { path: "/etc/ethertypes", purpose: "names of Ethernet types", profiles: CLASSIC },
    Wanted { path: "/etc/rpc", purpose: "names of RPC programs", profiles: CLASSIC },
];

const LIBRARIES: &[WantedLibrary] = &[
    WantedLibrary { soname: "libc.so.6", purpose: "the C library", profiles: WITH_LIBC },
    WantedLibrary { soname: "libm.so.6", purpose: "the C library", profiles: WITH_LIBC },
    WantedLibrary { soname: "libresolv.so.2", purpose: "the C library", profiles: WITH_LIBC },
    WantedLibrary { soname: "libpthread.so.0", purpose: "the C library", profiles: WITH_LIBC },
    WantedLibrary { soname: "libdl.so.2", purpose: "the C library", profiles: WITH_LIBC },
    WantedLibrary { soname: "librt.so.1", purpose: "the C library", profiles: WITH_LIBC },
    WantedLibrary { soname: "libutil.so.1", purpose: "the C library", profiles: WITH_LIBC },
    WantedLibrary { soname: "libssl.so.3", purpose: "TLS", profiles: &[Base, Cc] },
    WantedLibrary { soname: "libcrypto.so.3", purpose: "cryptography", profiles: &[Base, Cc] },
    WantedLibrary { soname: "libgcc_s.so.1", purpose: "run time of C and C++", profiles: &[Cc] },
    WantedLibrary { soname: "libstdc++.so.6", purpose: "run time of C++", profiles: &[Cc] },
    WantedLibrary { soname: "libgomp.so.1", purpose: "run time of OpenMP", profiles: &[Cc] },
];

const NSSWITCH: &str = "passwd: files\ngroup: files\nshadow: files\nhosts: files dns\nnetworks: files\n\
                        protocols: files\nservices: files\nethers: files\nrpc: files\n";

/// For images without a distribution in them.
const OS_RELEASE: &str = "NAME=\"Linux\"\nID=linux\nPRETTY_NAME=\"Linux\"\n";

/// Copies of other files, for programs that no image of ours holds, and what says where the builder is.
const LEFT_OUT: &[&str] = &[
    "/usr/share/zoneinfo/right",
    "/usr/share/zoneinfo/posix",
    "/usr/share/zoneinfo/localtime",
    "/usr/share/zoneinfo/posixrules",
];

impl Profile {
    /// Its name in a spec.
    pub fn name(self) -> &'static str {
        match self {
            Profile::Auto => "auto",
            Profile::None => "none",
            Profile::Static => "static",
            Profile::BaseNossl => "base-nossl",
            Profile::Base => "base",
            Profile::Cc => "cc",
            Profile::Python => "python",
            Profile::Node => "node",
            Profile::Java => "java",
        }
    }

    /// The files and directories that it takes from the source.
    pub(crate) fn files(self) -> impl Iterator<Item = &'static Wanted> {
        let wanted = move |item: &&Wanted| item.profiles.is_empty() || item.profiles.contains(&self);
        FILES.iter().filter(move |item| self != Profile::None && wanted(item))
    }

    /// The libraries that it takes from the source.
    pub(crate) fn libraries(self) -> impl Iterator<Item = &'static WantedLibrary> {
        LIBRARIES.iter().filter(move |item| item.profiles.contains(&self))
    }

    /// Does it take the C library, and with it the loader that programs name?
    pub(crate) fn has_libc(self) -> bool {
        WITH_LIBC.contains(&self)
    }

    /// Does it leave this out, although it takes the directory above?
    pub(crate) fn leaves_out(path: &TreePath) -> bool {
        LEFT_OUT.contains(&path.as_str())
    }
}

/// Puts the directories and files that bantam writes itself.
///
/// # Errors
/// When content that stands in their place cannot be read.
pub(crate) fn put_own(draft: &mut Draft, accounts: &Accounts, spec: &Spec) -> Result<(), PlanError> {
    let profile = spec.runtime.profile;
    if profile == Profile::None {
        return Ok(());
    }
    let directory = |mode| Entry::directory(mode);
    let file = |text: String| Entry::file(Content::bytes(text, "bantam"), 0o644);
    // The accounts of a spec are the app's own, and those of packages stand with them, so that the base layer stays
    // one that images share.
    let people = match accounts.has_some_of_packages() {
        _ if !spec.users.is_empty() => APP,
        true => LIBS,
        false => BASE,
    };
    for (path, text, purpose) in [
        ("/etc/passwd", accounts.passwd(), "names of users"),
        ("/etc/group", accounts.group(), "names of groups"),
    ] {
        add_to_base(draft, profile, path, text, people, purpose)?;
    }
    for (path, entry, layer, purpose) in [
        ("/tmp", directory(0o1777), BASE, "temporary files"),
        ("/root", directory(0o700), BASE, "root's home"),
        ("/home", directory(0o755), BASE, "homes"),
        ("/home/nonroot", directory(0o700).owned_by(NONROOT, NONROOT), BASE, "nonroot's home"),
        ("/etc/passwd", file(accounts.passwd()), people, "names of users"),
        ("/etc/group", file(accounts.group()), people, "names of groups"),
        ("/etc/nsswitch.conf", file(NSSWITCH.into()), BASE, "where names are looked up"),
    ] {
        // A payload that merely has the directory says nothing of its mode; a [[dirs]] does.
        let listed = spec.dirs.iter().any(|dir| dir.path.as_str() == path);
        let explicit = TreePath::parse(path).ok().filter(|path| draft.is_own(path));
        match explicit.and_then(|path| draft.tree.get_mut(&path)) {
            Some(known) if known.is_directory() && entry.is_directory() && !listed => known.meta = entry.meta,
            _ => put(draft, profile, path, entry, layer, purpose)?,
        }
    }
    Ok(())
}

/// Puts an os-release into an image that took none from a source.
///
/// # Errors
/// As [`put_own`].
pub(crate) fn put_os_release(draft: &mut Draft, profile: Profile) -> Result<(), ReadError> {
    let present = |path| TreePath::parse(path).is_ok_and(|path| draft.has(&path));
    if profile == Profile::None || present("/etc/os-release") || present("/usr/lib/os-release") {
        return Ok(());
    }
    let entry = Entry::file(Content::bytes(OS_RELEASE, "bantam"), 0o644);
    put(draft, profile, "/etc/os-release", entry, BASE, "says which distribution files are of")
}

/// Adds to a file of the base, of which `text` has all, and more where there is more.
fn add_to_base(
    draft: &mut Draft,
    profile: Profile,
    path: &str,
    text: String,
    layer: &str,
    purpose: &'static str,
) -> Result<(), PlanError> {
    let Ok(path) = TreePath::parse(path) else { return Ok(()) };
    let found = draft.tree.follow(&path)?;
    let Some(known) = found.entry.as_ref().and_then(Entry::content) else { return Ok(()) };
    if draft.is_of_base(&found.path) && known.read(MAX_ACCOUNTS)? != text.as_bytes() {
        let reason = Reason::Profile { name: profile.name().into(), purpose: purpose.into() };
        draft.renew(&found.path, Content::bytes(text, "bantam"), layer, reason);
    }
    Ok(())
}

fn put(
    draft: &mut Draft,
    profile: Profile,
    path: &str,
    entry: Entry,
    layer: &str,
    purpose: &'static str,
) -> Result<(), ReadError> {
    let Ok(path) = TreePath::parse(path) else { return Ok(()) };
    if draft.has(&path) {
        return Ok(());
    }
    draft.put(
        &path,
        entry,
        Origin::Generated,
        layer,
        Reason::Profile { name: profile.name().into(), purpose: purpose.into() },
    )
}
