//! Atomic replacement of files and folders.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Writes a file and syncs it to disk.
pub fn write_synced(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Writes a file atomically: readers see either the old or the complete new contents.
pub fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".writing");
    let new = path.with_file_name(name);
    let written = write_synced(&new, bytes).and_then(|()| fs::rename(&new, path));
    if written.is_err() {
        let _ = fs::remove_file(&new); // report the first error
    }
    written
}

/// Calls `write` to fill a new folder next to `folder`, then moves it into place. On an error, the new folder is
/// removed and the old one stays. If the program is killed between the two renames, `folder.old` is left: see
/// [`recover_folder`].
pub fn replace_folder(
    folder: &Path,
    write: impl FnOnce(&Path) -> io::Result<()>,
) -> io::Result<()> {
    let parent = folder
        .parent()
        .filter(|p| !p.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    fs::create_dir_all(parent)?;
    let mut builder = tempfile::Builder::new();
    builder.prefix(".writing-");
    #[cfg(unix)]
    // The default permissions of a new folder, subject to the umask: the contents are not secret.
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o777));
    let new = builder.tempdir_in(parent)?;
    write(new.path())?;
    let old = old_name(folder);
    if folder.exists() {
        if old.exists() {
            fs::remove_dir_all(&old)?;
        }
        fs::rename(folder, &old)?;
    }
    let new = new.keep();
    if let Err(error) = fs::rename(&new, folder) {
        // Best effort: report the first error.
        let _ = fs::rename(&old, folder);
        let _ = fs::remove_dir_all(&new);
        return Err(error);
    }
    File::open(parent)?.sync_all()?;
    match fs::remove_dir_all(&old) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Restores the old folder if a replacement was interrupted between its two renames.
pub fn recover_folder(folder: &Path) -> io::Result<()> {
    let old = old_name(folder);
    if folder.exists() || !old.exists() {
        return Ok(());
    }
    fs::rename(old, folder)
}

fn old_name(folder: &Path) -> PathBuf {
    let mut name = folder.file_name().unwrap_or_default().to_owned();
    name.push(".old");
    folder.with_file_name(name)
}
