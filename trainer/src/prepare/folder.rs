//! Walks a folder for Python files in byte order of names. Visits each real folder once, so that links cannot form
//! cycles.

use std::collections::HashSet;
use std::io;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use super::document::Skip;

/// An item found by the walk.
pub enum Found {
    /// A Python file and its size.
    File(PathBuf, u64),
    /// A path that could not be read.
    Broken(Skip),
}

type Visit<'a> = &'a mut dyn FnMut(String, Found) -> ControlFlow<()>;

/// Calls `visit` for each `.py` file below `root`, with its relative path separated by `/`. Skips names that begin with
/// a dot (version control, environments, caches).
pub fn walk(root: &Path, visit: Visit) -> ControlFlow<()> {
    Walk {
        entered: HashSet::new(),
        visit,
    }
    .folder(root, "")
}

struct Walk<'a> {
    entered: HashSet<PathBuf>,
    visit: Visit<'a>,
}

impl Walk<'_> {
    fn folder(&mut self, path: &Path, name: &str) -> ControlFlow<()> {
        let real = path.canonicalize();
        match real.and_then(|real| Ok((real, entries(path)?))) {
            Err(error) => self.broken(name, "a folder that cannot be read", &error),
            Ok((real, entries)) => {
                if !self.entered.insert(real) {
                    let skip = Skip::new("a link to a folder that was read already", "");
                    return (self.visit)(name.to_owned(), Found::Broken(skip));
                }
                entries.iter().try_for_each(|entry| self.entry(entry, name))
            }
        }
    }

    fn entry(&mut self, path: &Path, folder: &str) -> ControlFlow<()> {
        let own = path.file_name().unwrap_or_default().to_string_lossy();
        if own.starts_with('.') {
            return ControlFlow::Continue(());
        }
        let name = if folder.is_empty() {
            own.into_owned()
        } else {
            format!("{folder}/{own}")
        };
        let is_python = path.extension().is_some_and(|extension| extension == "py");
        match path.metadata() {
            Ok(metadata) if metadata.is_dir() => self.folder(path, &name),
            Ok(metadata) if is_python && metadata.is_file() => {
                (self.visit)(name, Found::File(path.to_owned(), metadata.len()))
            }
            Err(error) if is_python => self.broken(&name, "cannot be read", &error),
            _ => ControlFlow::Continue(()),
        }
    }

    fn broken(&mut self, name: &str, why: &'static str, error: &io::Error) -> ControlFlow<()> {
        (self.visit)(name.to_owned(), Found::Broken(Skip::new(why, error)))
    }
}

fn entries(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = folder.read_dir()?.map(|entry| Ok(entry?.path()));
    let mut entries = entries.collect::<io::Result<Vec<_>>>()?;
    entries.sort_unstable();
    Ok(entries)
}
