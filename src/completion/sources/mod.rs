//! Sources of candidates besides the model: dictionary keys, importable modules, and new names with known suffixes.
//!
//! The sources do not know the completer or how candidates are ranked. To add one, add a file here with a function that finds
//! its candidates in a [`CompletionContext`](super::context::CompletionContext) and one that merges them into a list, and
//! call both in [`list`](super::list). A name that the model should rank among all others is better given to an expert:
//! [`crate::prediction`].

pub(super) mod dictionary_keys;
pub(super) mod modules;
pub(super) mod name_suffixes;
