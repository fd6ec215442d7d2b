//! What an edit changes besides the document's text: the line that is being edited, and with it the project context.
//!
//! A document's project context contains its own lines below the edited one and the modules that it imports. It is
//! selected again when either may have changed, rather than at every keystroke. This module knows texts and edits, but
//! no protocol state.

use tower_lsp::ls_types::{TextDocumentContentChangeEvent, Uri};

use super::documents::Document;
use crate::{python, symbols};

/// The line that was edited last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EditedLine {
    /// The document that it is in.
    pub uri: Uri,
    /// The length of the text below it, in bytes. Unlike its offset, this does not change while the line is edited.
    pub suffix_bytes: usize,
}

/// An edit that has been applied.
pub struct Edit {
    /// The document after the edit.
    pub document: Document,
    /// The byte offset where the last change ends, usually the cursor.
    pub end: usize,
    /// The byte offset of the line after the edited one, or the end of the text if the text below is not used.
    pub line_end: usize,
    /// The project context must be selected again.
    pub affects_context: bool,
    /// The document that was edited before this one, if it is a different one and still open.
    pub left: Option<(Uri, Document)>,
}

/// Whether one of the changes contains an import statement.
pub fn brings_imports(changes: &[TextDocumentContentChangeEvent]) -> bool {
    changes.iter().any(|change| change.text.contains("import "))
}

/// Whether the line that an edit ends in, or the line before it, is an import statement. Typing Enter completes a
/// statement and ends one line further down.
pub fn touches_import(text: &str, end: usize) -> bool {
    let line = python::line_start(text, end);
    let previous = python::line_start(text, line.saturating_sub(1));
    let rest = python::line_break(text, end).map_or(text.len(), |found| found.start);
    let edited = &text[previous..rest];
    python::lines(edited).any(|line| symbols::is_import(&edited[line]))
}

/// The byte offset of the line after the one at `end`, or the end of the text if the text below the cursor is not used.
pub fn line_end(text: &str, end: usize, use_suffix_context: bool) -> usize {
    match python::line_break(text, end) {
        Some(found) if use_suffix_context => found.end,
        _ => text.len(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_end_counts() {
        for line_break in ["\n", "\r\n", "\r"] {
            let lines = ["import a", "b", "c", ""];
            let text = lines.join(line_break);
            let end_of = |line: &str| text.rfind(line).unwrap() + line.len();
            assert!(touches_import(&text, 3));
            assert!(touches_import(&text, end_of("b")));
            assert!(!touches_import(&text, end_of("c")));
            assert_eq!(
                line_end(&text, 3, true),
                "import a".len() + line_break.len()
            );
            assert_eq!(line_end(&text, text.len(), true), text.len());
            assert_eq!(line_end(&text, 3, false), text.len());
        }
    }
}
