//! Converts paths on disk to paths in the index.
//!
//! A workspace file has an index path: the name of its folder, then its path within that folder, separated by `/`. A
//! library file keeps its path on disk, also with `/`.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

/// The index path of a file, if it is in one of the folders.
pub(super) fn to_index_path(folders: &[PathBuf], path: &Path) -> Option<String> {
    let mut numbered = folders.iter().enumerate();
    let (number, folder) = numbered.find(|(_, folder)| path.starts_with(folder))?;
    let parts = path.strip_prefix(folder).ok()?.components();
    let parts = parts.map(|part| part.as_os_str().to_string_lossy());
    Some(
        std::iter::once(folder_name(folders, number))
            .chain(parts)
            .collect::<Vec<_>>()
            .join("/"),
    )
}

/// The index path of a library file.
pub(super) fn to_library_path(path: &Path) -> String {
    let path = path.to_string_lossy();
    if cfg!(windows) {
        path.replace('\\', "/")
    } else {
        path.into_owned()
    }
}

/// A folder's unique name in the index.
fn folder_name(folders: &[PathBuf], number: usize) -> Cow<'_, str> {
    let name = folders[number].file_name();
    let has_same_name = |other: &PathBuf| other.file_name() == name;
    let is_first = !folders[..number].iter().any(has_same_name);
    let name = name.unwrap_or_default().to_string_lossy();
    if is_first {
        name
    } else {
        format!("{name}:{number}").into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_of_the_same_name_are_told_apart() {
        let folders = ["/a/src", "/b/src", "/b/lib"].map(PathBuf::from);
        let index_path = |path: &str| to_index_path(&folders, Path::new(path));
        assert_eq!(index_path("/a/src/x/y.py").as_deref(), Some("src/x/y.py"));
        assert_eq!(index_path("/b/src/y.py").as_deref(), Some("src:1/y.py"));
        assert_eq!(index_path("/b/lib").as_deref(), Some("lib"));
        assert_eq!(index_path("/c/y.py"), None);
    }
}
