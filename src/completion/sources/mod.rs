//! Sources of candidates besides the model: dictionary keys, importable modules, and new names with known suffixes.
//!
//! The sources do not know the completer or how candidates are ranked. To add one, copy the pattern of [`dictionary_keys`]:
//! a function that finds the candidates in a [`CompletionContext`](super::context::CompletionContext), and one that merges
//! them into a list; call both in [`list`](super::list). The others differ for a reason: [`modules`] needs no search, since
//! the project's context holds the modules that can be imported, and [`name_suffixes`] is called by
//! [`rank`](super::rank), since it applies only where no known name fits.
//!
//! In a string, [`Completer::complete`](super::Completer::complete) returns before there is a prediction, unless the
//! option `in_strings` is set. A source for strings must therefore work without one, as the dictionary keys do.
//!
//! A name that the model should rank among all others is better given to an expert: [`crate::prediction`].

pub(super) mod dictionary_keys;
pub(super) mod modules;
pub(super) mod name_suffixes;
