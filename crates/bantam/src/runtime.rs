//! The runtime sources of a run: each is opened once, for all images that take from it.

use crate::{Target, finished::Finished, notes::Notes, open};
use debian::{rootfs::RootFs, scripts::Numbered};
use plan::{
    Memo, PackageAccounts, PackageUser, expand::Vars, finding::Problem, lock::LockedImage,
    spec::RuntimeSource,
};
use source::{Directory, Memory};
use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};
use tree::View;

/// A source, and what is known of it.
#[derive(Default)]
pub(crate) struct Runtime<'a> {
    files: Files<'a>,
    /// What it is known to lack.
    known: Vec<Problem>,
    /// The accounts that its packages make.
    accounts: PackageAccounts,
    /// What plans found out.
    pub memo: Memo,
}

/// The files of a source.
#[derive(Default)]
enum Files<'a> {
    /// The payload brings all.
    #[default]
    None,
    Directory(Directory<'a>),
    Packages(Box<RootFs>),
    Image(Arc<Finished>),
}

impl Runtime<'_> {
    /// A source that is made of packages.
    pub fn of_packages(rootfs: RootFs, known: Vec<Problem>, memo: Memo) -> Self {
        let accounts = accounts_of(&rootfs);
        Runtime { files: Files::Packages(Box::new(rootfs)), known, accounts, memo }
    }

    /// The accounts that its packages make.
    pub fn accounts(&self) -> &PackageAccounts {
        &self.accounts
    }

    /// The files; none where the payload brings all.
    pub fn view(&self) -> Option<&dyn View> {
        match &self.files {
            Files::None => None,
            Files::Directory(directory) => Some(directory),
            Files::Packages(rootfs) => Some(&**rootfs),
            Files::Image(image) => Some(&*image.tree),
        }
    }

    /// What a lock pins of it where it is a finished image.
    pub fn pin(&self) -> Option<LockedImage> {
        match &self.files {
            Files::Image(image) => Some(image.pin),
            _ => None,
        }
    }

    /// What it is known to lack.
    pub fn known(&self) -> &[Problem] {
        &self.known
    }

    /// When each of its packages was built, by its name.
    pub fn dates(&self) -> impl Iterator<Item = (&str, i64)> {
        let packs = match &self.files {
            Files::Packages(rootfs) => rootfs.packages(),
            _ => &[],
        };
        packs.iter().map(|pack| (pack.name(), pack.built()))
    }
}

/// The accounts of packages, as the planner knows them.
fn accounts_of(rootfs: &RootFs) -> PackageAccounts {
    let user = |(name, uid, gid, home): &(String, u32, u32, String)| PackageUser {
        name: name.clone(),
        uid: *uid,
        gid: *gid,
        home: home.clone(),
    };
    let numbers = rootfs.numbers();
    PackageAccounts {
        users: numbers.users.iter().map(user).collect(),
        groups: numbers.groups.clone(),
        of_all: Numbered::of_every_system().users.iter().map(user).collect(),
    }
}

/// The sources that were opened so far.
pub(crate) struct Runtimes<'a> {
    memory: &'a dyn Memory,
    notes: &'a Notes,
    /// By the root; none is the machine itself.
    open: Mutex<HashMap<Option<PathBuf>, Arc<Runtime<'a>>>>,
}

impl<'a> Runtimes<'a> {
    /// `memory` knows files from earlier runs, and `notes` what they are.
    pub fn new(memory: &'a dyn Memory, notes: &'a Notes) -> Self {
        Runtimes { memory, notes, open: Mutex::default() }
    }

    /// The memory of files of earlier runs.
    pub fn memory(&self) -> &'a dyn Memory {
        self.memory
    }

    /// The source that a finished image is.
    pub fn of_image(&self, image: Arc<Finished>) -> Runtime<'a> {
        Runtime { files: Files::Image(image), memo: self.notes.memo(), ..Runtime::default() }
    }

    /// The source of a target.
    ///
    /// # Errors
    /// When it cannot be opened, or its name has a variable that there is not.
    pub fn open(&self, target: &Target, vars: &Vars<'_>) -> Result<Arc<Runtime<'a>>, open::Problem> {
        let root = match &target.spec.runtime.source {
            // What an archive has is known when packages are chosen; images are opened elsewhere.
            RuntimeSource::None | RuntimeSource::Archive(_) | RuntimeSource::Image(_) => {
                return Ok(Arc::new(Runtime { memo: self.notes.memo(), ..Runtime::default() }));
            }
            RuntimeSource::Host => None,
            RuntimeSource::Rootfs(dir) => {
                let dir = plan::expand::expand(dir, vars).map_err(open::Problem::Runtime)?;
                Some(target.folder.join(dir))
            }
        };
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(runtime) = open.get(&root) {
            return Ok(Arc::clone(runtime));
        }
        let directory = root.as_deref().map_or_else(Directory::host, Directory::open);
        let directory = directory.map_err(open::Problem::Source)?.with_memory(self.memory);
        let (files, memo) = (Files::Directory(directory), self.notes.memo());
        let runtime = Arc::new(Runtime { files, memo, ..Runtime::default() });
        open.insert(root, Arc::clone(&runtime));
        Ok(runtime)
    }
}
