//! Names of the hub's data sets and of their parts.
//!
//! A source `hf://OWNER/NAME` is never a path. `hf://OWNER/NAME@REVISION/PART` also selects a branch, tag or commit
//! (`~parquet` for the hub's own conversion) and a part of the data set's Parquet files, since training and test parts
//! are often in the same data set. A part is the common prefix of its file names: `python/train` consists of
//! `python/train-00000-of-00002.parquet` and so on, or of `python/train/0000.parquet`.

use std::path::Path;

use anyhow::{Result, ensure};

/// URL scheme of data-set names.
pub const SCHEME: &str = "hf://";

/// A parsed data-set name.
#[derive(Debug, PartialEq, Eq)]
pub struct DataSet<'s> {
    /// `OWNER/NAME`
    pub id: &'s str,
    pub revision: &'s str,
    pub part: Option<&'s str>,
}

/// Whether a source is a data-set name.
pub fn is_name(source: &Path) -> bool {
    source.to_str().is_some_and(|name| name.starts_with(SCHEME))
}

impl<'s> DataSet<'s> {
    /// Parses `hf://…`.
    pub fn parse(source: &'s str) -> Result<Self> {
        let rest = source.strip_prefix(SCHEME).unwrap_or(source);
        let mut parts = rest.splitn(3, '/');
        let (owner, name) = (
            parts.next().unwrap_or_default(),
            parts.next().unwrap_or_default(),
        );
        let (plain, revision) = name.split_once('@').unwrap_or((name, "main"));
        let part = parts.next().map(|part| part.trim_end_matches('/'));
        let is_name = |text: &str| {
            let allowed = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
            !text.is_empty() && !text.starts_with('.') && text.chars().all(allowed)
        };
        ensure!(
            is_name(owner) && is_name(plain) && (is_name(revision) || revision == CONVERTED.0),
            "{source}: not a data set name; write hf://OWNER/NAME, hf://OWNER/NAME/PART or hf://OWNER/NAME@REVISION/PART"
        );
        Ok(Self {
            id: &rest[..owner.len() + 1 + plain.len()],
            revision,
            part: part.filter(|part| !part.is_empty()),
        })
    }

    /// The full name of the revision in the hub's API.
    pub fn full_revision(&self) -> &str {
        if self.revision == CONVERTED.0 {
            CONVERTED.1
        } else {
            self.revision
        }
    }
}

/// Short and full name of the branch with the hub's own conversion to Parquet.
const CONVERTED: (&str, &str) = ("~parquet", "refs/convert/parquet");

/// The part of a file, if it is a Parquet file whose name is safe as a path.
pub fn part(file: &str) -> Option<&str> {
    let stem = file.strip_suffix(".parquet")?;
    let is_harmless = |name: &str| !matches!(name, "" | "." | "..") && !name.contains(['\\', ':']);
    if !file.split('/').all(is_harmless) {
        return None;
    }
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let numbered = stem.rsplit_once("-of-").and_then(|(front, count)| {
        let (part, number) = front.rsplit_once('-')?;
        (is_number(number) && is_number(count)).then_some(part)
    });
    let in_folder = || {
        let (folder, name) = stem.rsplit_once('/')?;
        is_number(name).then_some(folder)
    };
    Some(numbered.or_else(in_folder).unwrap_or(stem))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        let parse = |source| DataSet::parse(source).map_err(|error| error.to_string());
        let set = |id, revision, part| Ok(DataSet { id, revision, part });
        assert_eq!(parse("hf://a/b"), set("a/b", "main", None));
        assert_eq!(
            parse("hf://a/b.c@v1/d/train/"),
            set("a/b.c", "v1", Some("d/train"))
        );
        assert_eq!(
            parse("hf://a/b@~parquet/x"),
            set("a/b", "~parquet", Some("x"))
        );
        for wrong in [
            "hf://",
            "hf://a",
            "hf://a/",
            "hf://../b",
            "hf://a/b@",
            "hf://a/b?c",
            "hf://a/b@../..",
        ] {
            let error = parse(wrong).unwrap_err();
            assert!(
                error.starts_with(&format!("{wrong}: not a data set name; ")),
                "{error}"
            );
        }
        assert!(is_name(Path::new("hf://a/b")) && !is_name(Path::new("hf:/a/b")));
    }

    #[test]
    fn parts() {
        for (file, expected) in [
            ("python/train-00000-of-00002.parquet", Some("python/train")),
            ("python/train/0000.parquet", Some("python/train")),
            ("test.parquet", Some("test")),
            ("part-of-it.parquet", Some("part-of-it")),
            ("README.md", None),
            ("../up.parquet", None),
            ("/root.parquet", None),
        ] {
            assert_eq!(part(file), expected, "{file}");
        }
    }
}
