//! The search for packages that have what a plan lacks: the cheapest question first.
//!
//! A library is first looked for by a table of names, which costs nothing. Only what that does not bring is looked for in
//! the lists of all files of the archive, which are large.

use super::{
    choose::FoundRoots,
    found::{Found, likely, why},
};
use crate::Error;
use debian::index::Index;
use plan::Want;
use std::collections::{BTreeMap, BTreeSet};

/// What was looked for so far.
#[derive(Default)]
pub(super) struct Search {
    /// By the table, with the package that it named.
    by_table: BTreeMap<Want, Option<String>>,
    /// In the lists of the archive, or by name where there were none.
    by_list: BTreeSet<Want>,
}

impl Search {
    /// Is there any question left?
    pub fn has_more(&self, wants: &BTreeSet<Want>) -> bool {
        wants.iter().any(|want| !self.by_list.contains(want))
    }

    /// Looks for what is wanted, and adds what is found. False: nothing new was found. `lists` are the files of the
    /// archive's packages, if they can be had; `path` is the PATH of the image.
    ///
    /// # Errors
    /// When the lists cannot be read.
    pub fn go_on<'o>(
        &mut self,
        wants: BTreeSet<Want>,
        index: &Index,
        lists: &dyn Fn() -> Result<Found<'o>, Error>,
        path: Option<&str>,
        chosen: &dyn Fn(&str) -> bool,
        found: &mut FoundRoots,
    ) -> Result<bool, Error> {
        let mut grown = false;
        let add = |want: &Want, name: String, found: &mut FoundRoots| {
            let is_new = !chosen(&name) || !found.contains_key(&name);
            found.entry(name).or_default().insert(why(want));
            is_new
        };
        for want in &wants {
            if let (Want::Library(soname), false) = (want, self.by_table.contains_key(want)) {
                let name = likely(index, soname).filter(|name| !chosen(name));
                if let Some(name) = &name {
                    grown |= add(want, name.clone(), found);
                }
                self.by_table.insert(want.clone(), name);
            }
        }
        if grown {
            // What these bring may be all that is wanted.
            return Ok(true);
        }
        let left: Vec<&Want> = wants.iter().filter(|want| !self.by_list.contains(*want)).collect();
        if left.is_empty() {
            return Ok(false);
        }
        let lists = lists()?;
        for want in left {
            self.by_list.insert(want.clone());
            // What the table named did not have it.
            if let Some(Some(name)) = self.by_table.get(want) {
                forget(found, name, want);
            }
            if let Some(name) = lists.package(want, path, chosen) {
                grown |= add(want, name, found);
            }
        }
        Ok(grown)
    }
}

fn forget(found: &mut FoundRoots, name: &str, want: &Want) {
    if let Some(whys) = found.get_mut(name) {
        whys.remove(&why(want));
        if whys.is_empty() {
            found.remove(name);
        }
    }
}
