//! Options of a completion list.

use crate::python::CursorIn;

/// The options of [`Completer::complete`](super::Completer::complete).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "each is an independent user setting"
)]
pub struct Options {
    /// The maximum number of candidates.
    pub max_items: usize,
    /// Complete inside string literals.
    pub in_strings: bool,
    /// Complete inside comments.
    pub in_comments: bool,
    /// Offer keys of dictionaries, also inside string literals.
    pub dictionary_keys: bool,
    /// Offer names that the typed prefix abbreviates, if no name starts with it.
    pub fuzzy: bool,
    /// Offer new names with the suffixes of known ones, if no name starts with the typed prefix.
    pub new_names: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            max_items: 5,
            in_strings: false,
            in_comments: false,
            dictionary_keys: true,
            fuzzy: true,
            new_names: true,
        }
    }
}

impl Options {
    /// The same options, restricted to names that start with the typed prefix.
    pub(super) fn exact(self) -> Self {
        Self {
            fuzzy: false,
            new_names: false,
            ..self
        }
    }

    /// Whether to complete at such a position.
    pub(super) fn includes(&self, place: CursorIn) -> bool {
        match place {
            CursorIn::Code => true,
            CursorIn::String => self.in_strings,
            CursorIn::Comment => self.in_comments,
        }
    }
}
