//! Downloads a manifest's files. A file exists only if it is complete and its SHA-256 matches.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};

use super::index;
use super::manifest::Item;
use crate::host::{Host, Unit};
use crate::http::{Client, shown};

/// Downloads the missing files into `folder`. Returns paths in the order of the items.
pub fn all(
    client: &Client<'_>,
    index: &str,
    items: &[Item],
    folder: &Path,
    host: &dyn Host,
) -> Result<Vec<PathBuf>> {
    fs::create_dir_all(folder)
        .with_context(|| format!("{}: cannot be created", folder.display()))?;
    let total = items.iter().map(|item| item.bytes).sum();
    let progress = host.progress(Unit::Bytes, total, 0);
    let mut done = 0;
    let mut paths = Vec::new();
    for item in items {
        progress.message(&item.file);
        let path = folder.join(&item.file);
        client.check()?;
        if !is_there(&path, item)?
            && let Err(error) = one(client, index, item, &path, &|bytes| {
                progress.set(done + bytes);
            })
        {
            // If the user cancelled, report that.
            client.check()?;
            return Err(error);
        }
        done += item.bytes;
        progress.set(done);
        paths.push(path);
    }
    Ok(paths)
}

/// Whether an earlier run has already downloaded the file.
fn is_there(path: &Path, item: &Item) -> Result<bool> {
    let unreadable = || format!("{}: cannot be read", path.display());
    let mut file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        file => file.with_context(unreadable)?,
    };
    let (mut hash, mut buffer) = (Sha256::new(), vec![0; 1 << 20]);
    loop {
        match file.read(&mut buffer).with_context(unreadable)? {
            0 => return Ok(minicopilot::files::fingerprint::finish(hash) == item.sha256),
            length => hash.update(&buffer[..length]),
        }
    }
}

/// Downloads to a `.part` file and renames it once the hash matches. `progress` receives the bytes of this file so far.
fn one(
    client: &Client<'_>,
    index: &str,
    item: &Item,
    path: &Path,
    progress: &dyn Fn(u64),
) -> Result<()> {
    let Item {
        file,
        sha256,
        bytes,
        ..
    } = item;
    let url = index::url(client, index, item)?;
    let part = path.with_file_name(format!("{file}.part"));
    let found = client
        .download(&url, None, &part, *bytes, progress)
        .with_context(|| {
            format!(
                "{file}: cannot be downloaded; check the network and run the same command again"
            )
        })?;
    if found != *sha256 {
        // Otherwise it would look like an interrupted download.
        let _ = fs::remove_file(&part);
        bail!(
            "{file}: its SHA-256 is {found}, but the manifest says {sha256}; set PIP_INDEX_URL to an index other \
             than {}, or correct the manifest",
            shown(index)
        );
    }
    fs::rename(&part, path).with_context(|| format!("{}: cannot be written", path.display()))
}
