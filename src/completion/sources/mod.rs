//! Sources of candidates besides the model: dictionary keys, importable modules, and new names with known suffixes.
//!
//! The sources do not know the completer or how candidates are ranked.

pub(super) mod dictionary_keys;
pub(super) mod modules;
pub(super) mod name_suffixes;
