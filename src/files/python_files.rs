//! Finds and reads Python files. An error names the file that cannot be read.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use crate::python;

/// A file's text, decoded as the file declares.
pub fn read(path: &Path) -> anyhow::Result<String> {
    Ok(python::decode(&bytes(path)?).into_owned())
}

/// A file's raw bytes.
pub fn bytes(path: &Path) -> anyhow::Result<Vec<u8>> {
    let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    if bytes.contains(&0) {
        bail!(
            "{} is not Python source: it contains NUL bytes",
            path.display()
        );
    }
    Ok(bytes)
}

/// The files in `paths`, and the `.py` files below the folders in `paths`, sorted. Skips hidden folders and symbolic
/// links to folders.
pub fn find(paths: &[PathBuf]) -> anyhow::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for path in paths {
        let kind = fs::metadata(path).with_context(|| format!("cannot read {}", path.display()))?;
        if kind.is_dir() {
            walk(path, &mut found)?;
        } else {
            found.push(path.clone());
        }
    }
    found.sort();
    found.dedup();
    Ok(found)
}

fn walk(folder: &Path, found: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    let unreadable = || format!("cannot read {}", folder.display());
    for entry in fs::read_dir(folder).with_context(unreadable)? {
        let entry = entry.with_context(unreadable)?;
        let path = entry.path();
        let kind = entry.file_type().with_context(unreadable)?;
        if kind.is_dir() && !entry.file_name().as_encoded_bytes().starts_with(b".") {
            walk(&path, found)?;
        } else if !kind.is_dir()
            && path.extension().is_some_and(|extension| extension == "py")
            && path.is_file()
        {
            found.push(path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn python_files_are_found_in_order() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["b.py", "a/c.py", "a/d.txt", ".hidden/e.py", "f.pyi"] {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "x = 1\n").unwrap();
        }
        let at = |name| folder.path().join(name);
        let paths = [at("b.py"), folder.path().to_owned(), at("f.pyi")];
        assert_eq!(
            find(&paths).unwrap(),
            [at("a/c.py"), at("b.py"), at("f.pyi")]
        );
        let missing = find(&[at("missing")]).unwrap_err();
        assert!(
            format!("{missing:#}").starts_with("cannot read "),
            "{missing:#}"
        );
    }

    #[test]
    fn files_that_are_not_source_are_reported() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.py");
        fs::write(
            &path,
            "# coding: latin-1\nx = '\u{e9}'\n"
                .chars()
                .map(|c| c as u8)
                .collect::<Vec<_>>(),
        )
        .unwrap();
        assert!(read(&path).unwrap().ends_with("'\u{e9}'\n"));
        fs::write(&path, b"\x7fELF\0").unwrap();
        assert!(
            read(&path)
                .unwrap_err()
                .to_string()
                .ends_with("contains NUL bytes")
        );
        assert!(read(folder.path()).is_err());
    }
}
