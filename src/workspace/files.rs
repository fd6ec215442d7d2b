//! A map of files by path that tracks their total tokens and memory.
//!
//! The totals change only in [`Files::insert`] and [`Files::remove`], by the file's [`Counted::totals`]. Files cannot
//! be changed in place.

use std::collections::BTreeMap;
use std::ops::{AddAssign, Deref, SubAssign};

/// Tokens and memory of files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Totals {
    pub(super) tokens: usize,
    pub(super) bytes: usize,
}

/// Files by path. Derefs to the map for reading.
#[derive(Debug)]
pub(super) struct Files<F> {
    by_path: BTreeMap<Box<str>, F>,
    totals: Totals,
}

/// A file that can report its size.
pub(super) trait Counted {
    fn totals(&self) -> Totals;
}

impl<F> Default for Files<F> {
    fn default() -> Self {
        Self {
            by_path: BTreeMap::new(),
            totals: Totals::default(),
        }
    }
}

impl<F: Counted> Files<F> {
    /// The totals of all files.
    pub(super) fn totals(&self) -> Totals {
        self.totals
    }

    /// Adds a file. Returns the file that it replaces.
    pub(super) fn insert(&mut self, path: &str, file: F) -> Option<F> {
        let before = self.remove(path);
        self.totals += file.totals();
        self.by_path.insert(path.into(), file);
        before
    }

    /// Removes a file and returns it.
    pub(super) fn remove(&mut self, path: &str) -> Option<F> {
        let file = self.by_path.remove(path)?;
        self.totals -= file.totals();
        Some(file)
    }
}

impl<F> Deref for Files<F> {
    type Target = BTreeMap<Box<str>, F>;

    fn deref(&self) -> &Self::Target {
        &self.by_path
    }
}

impl AddAssign for Totals {
    fn add_assign(&mut self, other: Self) {
        self.tokens += other.tokens;
        self.bytes += other.bytes;
    }
}

impl SubAssign for Totals {
    fn sub_assign(&mut self, other: Self) {
        self.tokens -= other.tokens;
        self.bytes -= other.bytes;
    }
}
