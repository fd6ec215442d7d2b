//! Files by path, and what they take together.
//!
//! The totals change in [`Files::insert`], [`Files::remove`] and [`Files::update`] alone, by what a file itself says that it
//! takes: whoever changes a file cannot forget to count it.

use std::collections::BTreeMap;
use std::ops::{AddAssign, Deref, SubAssign};

use super::File;

/// What files take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Totals {
    pub(super) tokens: usize,
    pub(super) outline_tokens: usize,
    pub(super) import_bytes: usize,
}

/// Files by path; read as the map that it is.
#[derive(Debug, Default)]
pub(super) struct Files {
    by_path: BTreeMap<Box<str>, File>,
    totals: Totals,
}

impl Files {
    /// What all files take together.
    pub(super) fn totals(&self) -> Totals {
        self.totals
    }

    /// Adds a file; the one that it replaces.
    pub(super) fn insert(&mut self, path: &str, file: File) -> Option<File> {
        let before = self.remove(path);
        self.totals += file.totals();
        self.by_path.insert(path.into(), file);
        before
    }

    /// Takes a file out.
    pub(super) fn remove(&mut self, path: &str) -> Option<File> {
        let file = self.by_path.remove(path)?;
        self.totals -= file.totals();
        Some(file)
    }

    /// Changes a file, if it is there.
    pub(super) fn update(&mut self, path: &str, change: impl FnOnce(&mut File)) {
        if let Some(file) = self.by_path.get_mut(path) {
            self.totals -= file.totals();
            change(file);
            self.totals += file.totals();
        }
    }
}

impl Deref for Files {
    type Target = BTreeMap<Box<str>, File>;

    fn deref(&self) -> &Self::Target {
        &self.by_path
    }
}

impl AddAssign for Totals {
    fn add_assign(&mut self, other: Self) {
        self.tokens += other.tokens;
        self.outline_tokens += other.outline_tokens;
        self.import_bytes += other.import_bytes;
    }
}

impl SubAssign for Totals {
    fn sub_assign(&mut self, other: Self) {
        self.tokens -= other.tokens;
        self.outline_tokens -= other.outline_tokens;
        self.import_bytes -= other.import_bytes;
    }
}
