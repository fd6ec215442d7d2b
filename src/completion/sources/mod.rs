//! Sources of candidates beside the model: keys of dictionaries, importable modules, and new names with known suffixes.
//!
//! None of them knows the completer or how candidates are ranked.

pub(super) mod dictionary_keys;
pub(super) mod modules;
pub(super) mod name_suffixes;
