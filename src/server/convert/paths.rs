//! Document addresses as paths.

use std::borrow::Cow;
use std::path::PathBuf;

use tower_lsp::ls_types::Uri;

/// The paths of the addresses that name files on the disk; others, such as unsaved documents, are left out.
pub fn paths<'a>(uris: impl IntoIterator<Item = &'a Uri>) -> Vec<PathBuf> {
    let paths = uris.into_iter().filter_map(Uri::to_file_path);
    paths.map(Cow::into_owned).collect()
}
