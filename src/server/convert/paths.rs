//! Converts document URIs to paths.

use std::borrow::Cow;
use std::path::PathBuf;

use tower_lsp::ls_types::Uri;

/// The paths of the URIs that name files on disk. Skips others, such as unsaved documents.
pub fn paths<'a>(uris: impl IntoIterator<Item = &'a Uri>) -> Vec<PathBuf> {
    let paths = uris.into_iter().filter_map(Uri::to_file_path);
    paths.map(Cow::into_owned).collect()
}
