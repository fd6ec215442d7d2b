//! Data sets of the Hugging Face hub: downloads their Parquet files to the hub's cache, which other programs share.
//! [`name`] parses data-set names.

mod name;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail, ensure};
use serde::Deserialize;
use ureq::http::StatusCode;

pub use self::name::is_name;
use self::name::{DataSet, SCHEME, part};
use crate::host::{Host, Unit};
use crate::http::{Client, PAUSE, Refused, shown};

const HUB: &str = "https://huggingface.co";

/// Address of the hub, and its cache folder.
#[derive(Debug)]
pub struct Hub {
    endpoint: String,
    cache: PathBuf,
    token: Option<String>,
}

/// A Parquet file in the cache.
pub struct Fetched {
    /// `hf://OWNER/NAME@COMMIT/FILE`
    pub name: String,
    pub path: PathBuf,
}

/// The hub's response for a revision of a data set.
#[derive(Deserialize)]
struct Listing {
    sha: String,
    #[serde(default)]
    siblings: Vec<Sibling>,
}

#[derive(Deserialize)]
struct Sibling {
    rfilename: String,
    size: Option<u64>,
    lfs: Option<Lfs>,
}

#[derive(Deserialize)]
struct Lfs {
    sha256: String,
}

impl Hub {
    /// Settings from `HF_ENDPOINT`, `HF_HUB_CACHE`, `HF_HOME` and `HF_TOKEN`, as in the hub's own tools.
    pub fn of_environment() -> Self {
        let variable = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
        let folder = |name| variable(name).map(PathBuf::from);
        let caches = || folder("XDG_CACHE_HOME").or_else(|| Some(folder("HOME")?.join(".cache")));
        let home = || folder("HF_HOME").or_else(|| Some(caches()?.join("huggingface")));
        let cache = folder("HF_HUB_CACHE").or_else(|| Some(home()?.join("hub")));
        Self::new(
            &variable("HF_ENDPOINT").unwrap_or_else(|| HUB.to_owned()),
            cache.unwrap_or_else(|| "huggingface/hub".into()),
            variable("HF_TOKEN"),
        )
    }

    pub fn new(endpoint: &str, cache: PathBuf, token: Option<String>) -> Self {
        Self {
            endpoint: endpoint.trim_end_matches('/').to_owned(),
            cache,
            token,
        }
    }

    /// The Parquet files of the source `hf://…`, in order. Downloads those that are not cached.
    pub fn fetch(&self, source: &Path, host: &dyn Host) -> Result<Vec<Fetched>> {
        let source = source.to_string_lossy();
        let set = DataSet::parse(&source)?;
        let client = Client::new(None, PAUSE, host)?;
        let listing = self.listing(&client, &source, &set)?;
        let files = chosen(&source, &set, &listing.siblings)?;
        let folder = self
            .cache
            .join(format!("datasets--{}", set.id.replace('/', "--")));
        let snapshot = folder.join("snapshots").join(&listing.sha);
        let total = files.iter().filter_map(|file| file.size).sum();
        let progress = host.progress(Unit::Bytes, total, 0);
        let mut done = 0;
        let mut fetched = Vec::new();
        for file in files {
            let path = snapshot.join(&file.rfilename);
            progress.message(&file.rfilename);
            if !is_there(&path, file) {
                let url = format!(
                    "{}/datasets/{}/resolve/{}/{}",
                    self.endpoint,
                    set.id,
                    listing.sha,
                    encoded(&file.rfilename)
                );
                self.download(&client, &url, file, &path, |length| {
                    progress.set(done + length);
                })
                .map_err(|error| client.check().err().unwrap_or(error))
                .with_context(|| source.clone().into_owned())?;
            }
            done += file.size.unwrap_or_default();
            progress.set(done);
            fetched.push(Fetched {
                name: format!("{SCHEME}{}@{}/{}", set.id, listing.sha, file.rfilename),
                path,
            });
        }
        drop(progress);
        // The hub's own tools use this file to map a branch to a snapshot.
        if set.revision != listing.sha {
            let reference = folder.join("refs").join(set.full_revision());
            let write = || -> std::io::Result<()> {
                fs::create_dir_all(reference.parent().unwrap_or(&folder))?;
                fs::write(&reference, &listing.sha)
            };
            write().with_context(|| format!("{}: cannot be written", reference.display()))?;
        }
        Ok(fetched)
    }

    fn listing(&self, client: &Client<'_>, source: &str, set: &DataSet) -> Result<Listing> {
        let hub = shown(&self.endpoint);
        let revision = set.full_revision().replace('/', "%2F");
        let url = format!(
            "{}/api/datasets/{}/revision/{revision}?blobs=true",
            self.endpoint, set.id
        );
        let page = self.with_token(|header| client.page(&url, "application/json", header));
        let page = page.map_err(|error| match error.downcast_ref::<Refused>() {
            Some(Refused { status, .. }) if is_refusal(*status) => anyhow!(
                "{source}: the hub {hub} has no such data set or revision that you may read ({status}); check the \
                 name, and set \
                 HF_TOKEN if the data set is not public"
            ),
            _ => match client.check() {
                Err(interrupted) => interrupted,
                Ok(()) => error.context(format!(
                    "{source}: the hub cannot be reached; check the network and HF_ENDPOINT, or name local Parquet files"
                )),
            },
        })?;
        let listing: Listing = serde_json::from_str(&page.text).with_context(|| {
            format!("{source}: {hub} does not answer like the hub; check HF_ENDPOINT")
        })?;
        // The commit becomes a folder name.
        let is_commit = listing.sha.bytes().all(|byte| byte.is_ascii_hexdigit());
        ensure!(
            is_commit && listing.sha.len() >= 7,
            "{source}: {hub} returned no commit; check HF_ENDPOINT"
        );
        Ok(listing)
    }

    /// Downloads to a `.part` file and renames it once size and hash match.
    fn download(
        &self,
        client: &Client<'_>,
        url: &str,
        file: &Sibling,
        path: &Path,
        progress: impl FnMut(u64),
    ) -> Result<()> {
        let name = &file.rfilename;
        let mut part = path.as_os_str().to_owned();
        part.push(".part");
        let (part, most) = (PathBuf::from(part), file.size.unwrap_or(u64::MAX));
        let folder = path.parent().unwrap_or(path);
        fs::create_dir_all(folder)
            .with_context(|| format!("{}: cannot be created", folder.display()))?;
        let found = self
            .with_token(|header| client.download(url, header, &part, most, progress))
            .with_context(|| {
                format!(
                    "{name}: cannot be downloaded; check the network and run the same command again"
                )
            })?;
        if let Some(Lfs { sha256 }) = &file.lfs
            && *sha256 != found
        {
            let _ = fs::remove_file(&part);
            bail!(
                "{name}: its SHA-256 is {found}, but the hub says {sha256}; run the same command again"
            );
        }
        if !is_there(&part, file) {
            let _ = fs::remove_file(&part);
            bail!(
                "{name}: its size differs from the one that the hub gives; run the same command again"
            );
        }
        fs::rename(&part, path).with_context(|| format!("{}: cannot be written", path.display()))
    }

    fn with_token<T>(&self, call: impl FnOnce(Option<(&str, &str)>) -> T) -> T {
        let bearer = self.token.as_ref().map(|token| format!("Bearer {token}"));
        call(bearer.as_deref().map(|bearer| ("Authorization", bearer)))
    }
}

/// Percent-encodes a path for a URL (RFC 3986).
fn encoded(path: &str) -> String {
    let encode = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
            char::from(byte).to_string()
        }
        _ => format!("%{byte:02X}"),
    };
    path.bytes().map(encode).collect()
}

/// The files of the requested part, or of the only part.
fn chosen<'f>(source: &str, set: &DataSet, files: &'f [Sibling]) -> Result<Vec<&'f Sibling>> {
    let mut parts: BTreeMap<&str, Vec<&Sibling>> = BTreeMap::new();
    for file in files {
        if let Some(part) = part(&file.rfilename) {
            parts.entry(part).or_default().push(file);
        }
    }
    let names = || parts.keys().copied().collect::<Vec<_>>().join(", ");
    let id = set.id;
    let mut chosen = match set.part {
        _ if parts.is_empty() => bail!(
            "{source}: contains no Parquet files; try hf://{id}@~parquet, the hub's conversion, or download the data \
             set another way"
        ),
        Some(part) => parts
            .get(part)
            .cloned()
            .with_context(|| format!("{source}: has no part {part}; its parts are {}", names()))?,
        None if parts.len() > 1 => bail!(
            "{source}: has several parts; name one, as in hf://{id}/PART: {}",
            names()
        ),
        None => parts.values().flatten().copied().collect(),
    };
    chosen.sort_by(|a, b| a.rfilename.cmp(&b.rfilename));
    Ok(chosen)
}

/// Whether the cache holds the complete file. Files are renamed into place when complete, but other programs may write
/// there too.
fn is_there(path: &Path, file: &Sibling) -> bool {
    let length = path
        .metadata()
        .ok()
        .filter(fs::Metadata::is_file)
        .map(|metadata| metadata.len());
    length.is_some_and(|length| file.size.is_none_or(|size| size == length))
}

/// The hub also returns 401 for data sets that do not exist.
fn is_refusal(status: StatusCode) -> bool {
    [
        StatusCode::UNAUTHORIZED,
        StatusCode::FORBIDDEN,
        StatusCode::NOT_FOUND,
    ]
    .contains(&status)
}
