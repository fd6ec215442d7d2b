//! Files and folders that are replaced only by complete ones.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Writes a file and waits until it is on the disk.
pub fn write_synced(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Writes a file so that nobody ever sees a part of it.
pub fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".writing");
    let new = path.with_file_name(name);
    let written = write_synced(&new, bytes).and_then(|()| fs::rename(&new, path));
    if written.is_err() {
        let _ = fs::remove_file(&new); // the first error is the one to tell
    }
    written
}

/// Has `write` fill a new folder beside `folder`, and only then puts it in `folder`'s place. On an error nothing is left
/// behind and the old folder stays. A program killed between the two renames leaves `folder.old`: see [`recover_folder`].
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
    // What is kept is no secret: as much as the user's umask allows, like any other new folder.
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
        // Best effort: the error to report is the first one.
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

/// Undoes a replacement that was cut off after the old folder had been moved aside.
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
