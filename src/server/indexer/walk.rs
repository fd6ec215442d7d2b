//! Finds the files of the project in a folder: Python files of a size that people write, not links, not ignored by
//! `.gitignore` and the like, not in hidden folders or virtual environments.
//!
//! Other walks differ on purpose: [`python_files`](crate::files::python_files) and the trainer include git-ignored
//! files, since the user names the files to measure or learn from.

use std::fs;
use std::path::{Path, PathBuf};

use ignore::WalkBuilder;
use tracing::debug;

/// Maximum size of a file in bytes: larger files contain data rather than code.
pub(super) const MAX_FILE_BYTES: u64 = 1 << 20;

/// The file that marks a virtual environment.
const ENVIRONMENT_MARK: &str = "pyvenv.cfg";

/// The project's files in a folder, sorted by name.
pub(super) fn project_files(folder: &Path) -> impl Iterator<Item = PathBuf> {
    let walk = WalkBuilder::new(folder)
        .require_git(false)
        .sort_by_file_name(Ord::cmp)
        .filter_entry(|entry| !is_environment(entry.path()))
        .build();
    walk.filter_map(|entry| {
        let path = entry.map_err(|error| debug!("{error}")).ok()?.into_path();
        is_readable(&path).then_some(path)
    })
}

/// Whether a walk through the folders would find this file.
pub(super) fn is_project_file(path: &Path, folders: &[PathBuf]) -> bool {
    let Some(folder) = folders.iter().find(|folder| path.starts_with(folder)) else {
        return false;
    };
    let target = path.to_owned();
    let mut walk = WalkBuilder::new(folder);
    walk.require_git(false).filter_entry(move |entry| {
        target.starts_with(entry.path()) && !is_environment(entry.path())
    });
    let mut found = walk.build().filter_map(Result::ok);
    found.any(|entry| entry.path() == path)
}

/// Whether this is a Python file, not a link, and not too large.
pub(super) fn is_readable(path: &Path) -> bool {
    let is_small_file = |data: fs::Metadata| data.is_file() && data.len() <= MAX_FILE_BYTES;
    is_python(path) && fs::symlink_metadata(path).is_ok_and(is_small_file)
}

/// Whether a path has the extension `.py`.
pub(super) fn is_python(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "py")
}

fn is_environment(folder: &Path) -> bool {
    folder.join(ENVIRONMENT_MARK).exists()
}
