//! The manifest: packages and files to download, with their SHA-256 and split.
//!
//! Tab-separated with a header line. The columns `name`, `version`, `file`, `sha256`, `bytes` and `split` are read.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context, Result, anyhow, bail, ensure};

/// A line: one file to download.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    pub package: String,
    pub version: String,
    /// A file name without folders.
    pub file: String,
    /// 64 hexadecimal digits in lower case.
    pub sha256: String,
    pub bytes: u64,
    /// Whether the file belongs to the test split.
    pub test: bool,
}

const COLUMNS: [&str; 6] = ["name", "version", "file", "sha256", "bytes", "split"];
/// The archive types that [`archive`](super::archive) reads.
const ARCHIVES: [&str; 4] = [".tar.gz", ".tgz", ".zip", ".whl"];

/// Reads a manifest. Returns the packages in `wanted`, or all if it is empty.
pub fn read(path: &Path, wanted: &[String]) -> Result<Vec<Item>> {
    let name = path.display();
    let text = std::fs::read_to_string(path).with_context(|| {
        format!("{name}: cannot be read; the project's own is trainer/corpus/manifest.tsv")
    })?;
    let mut items = parse(&text).map_err(|(line, error)| {
        anyhow!("{name} line {line}: {error}; correct it, or use trainer/corpus/manifest.tsv")
    })?;
    for package in wanted {
        ensure!(
            items.iter().any(|item| item.package == *package),
            "{package}: not in {name}; --package takes a name from its first column"
        );
    }
    items.retain(|item| wanted.is_empty() || wanted.contains(&item.package));
    Ok(items)
}

fn parse(text: &str) -> Result<Vec<Item>, (usize, anyhow::Error)> {
    let mut lines = text.lines().enumerate().map(|(i, line)| (i + 1, line));
    let header = lines.next().unwrap_or((1, "")).1;
    let places = COLUMNS.map(|column| header.split('\t').position(|name| name == column));
    if let Some(missing) = places.iter().position(Option::is_none) {
        return Err((1, anyhow!("no column `{}`", COLUMNS[missing])));
    }
    let places = places.map(Option::unwrap_or_default);
    let (mut items, mut packages, mut files) = (Vec::new(), BTreeSet::new(), BTreeSet::new());
    for (number, line) in lines.filter(|(_, line)| !line.trim().is_empty()) {
        let item = Item::parse(line, places).map_err(|error| (number, error))?;
        if !packages.insert(item.package.clone()) || !files.insert(item.file.clone()) {
            return Err((number, anyhow!("{} is listed twice", item.package)));
        }
        items.push(item);
    }
    if items.is_empty() {
        return Err((1, anyhow!("it lists no packages")));
    }
    Ok(items)
}

impl Item {
    fn parse(line: &str, places: [usize; COLUMNS.len()]) -> Result<Self> {
        let fields: Vec<&str> = line.split('\t').collect();
        let mut values = [""; COLUMNS.len()];
        for ((value, place), column) in values.iter_mut().zip(places).zip(COLUMNS) {
            *value = fields.get(place).copied().unwrap_or_default();
            ensure!(!value.is_empty(), "`{column}` is missing");
        }
        let [package, version, file, sha256, bytes, split] = values;
        let is_plain = |text: &str| {
            let allowed = |c: char| c.is_ascii_alphanumeric() || "-_.+!".contains(c);
            text.chars().all(allowed) && !text.starts_with('.')
        };
        ensure!(is_plain(package), "{package:?} is not a package name");
        ensure!(
            is_plain(file) && ARCHIVES.iter().any(|end| file.ends_with(end)),
            "{file:?} is not the name of a .tar.gz, .zip or .whl file"
        );
        ensure!(
            sha256.len() == 64 && sha256.bytes().all(|byte| byte.is_ascii_hexdigit()),
            "{sha256:?} is not a SHA-256 of 64 hexadecimal digits"
        );
        let test = match split {
            "train" => false,
            "test" => true,
            _ => bail!("split {split:?} is neither train nor test"),
        };
        let bytes = bytes
            .parse()
            .map_err(|_| anyhow!("{bytes:?} is not a number of bytes"))?;
        Ok(Self {
            package: package.to_owned(),
            version: version.to_owned(),
            file: file.to_owned(),
            sha256: sha256.to_ascii_lowercase(),
            bytes,
            test,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    /// Every permissive licence in the project's manifests, as the packages name it.
    const PERMISSIVE: [&str; 27] = [
        "0BSD",
        "Apache 2.0",
        "Apache 2.0 License",
        "Apache License",
        "Apache License 2.0",
        "Apache License Version 2.0",
        "Apache License, Version 2.0",
        "Apache Software License",
        "Apache-2.0",
        "BSD",
        "BSD 2-Clause License",
        "BSD License",
        "BSD-2-Clause",
        "BSD-3-Clause",
        "CC0-1.0",
        "ISC",
        "ISC License (ISCL)",
        "LicenseRef-Biopython-License-Agreement",
        "LicenseRef-Repoze-BSD-derived",
        "MIT",
        "MIT AND (Apache-2.0 OR BSD-2-Clause)",
        "MIT License",
        "MIT-CMU",
        "Python Software Foundation License",
        "The MIT License",
        "Unlicense",
        "Zlib",
    ];

    fn manifest(name: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("corpus")
            .join(name)
    }

    #[test]
    fn the_project_s_manifest_is_read() {
        let path = manifest("manifest.tsv");
        let items = read(&path, &[]).unwrap();
        let test = items.iter().filter(|item| item.test).count();
        assert_eq!((items.len(), test), (111, 26));
        let two = read(&path, &["flask".to_owned(), "kivy".to_owned()]).unwrap();
        let files: Vec<_> = two.iter().map(|item| item.file.as_str()).collect();
        assert_eq!(files, ["flask-3.1.3.tar.gz", "Kivy-2.3.1.tar.gz"]);
        let error = read(&path, &["flusk".to_owned()]).unwrap_err();
        assert!(error.to_string().starts_with("flusk: not in "), "{error}");
    }

    #[test]
    fn the_wide_manifest_adds_training_packages_to_the_project_s() {
        let [base, wide] = ["manifest.tsv", "wide.tsv"].map(manifest);
        let [base_text, wide_text] =
            [&base, &wide].map(|path| std::fs::read_to_string(path).unwrap());
        assert!(base_text.ends_with('\n'));
        assert!(wide_text.starts_with(&base_text), "its rows come first");
        let items = read(&wide, &[]).unwrap();
        let added = &items[read(&base, &[]).unwrap().len()..];
        assert_eq!(added.len(), 149);
        assert!(added.iter().all(|item| !item.test));
        // `read` compares names literally; the index does not distinguish these spellings.
        let names: BTreeSet<_> = items
            .iter()
            .map(|item| item.package.to_lowercase().replace(['_', '.'], "-"))
            .collect();
        assert_eq!(names.len(), items.len());
    }

    #[test]
    fn licences_are_permissive() {
        for path in ["manifest.tsv", "wide.tsv"].map(manifest) {
            let text = std::fs::read_to_string(&path).unwrap();
            let mut rows = text
                .lines()
                .map(|line| line.split('\t').collect::<Vec<_>>());
            let header = rows.next().unwrap();
            let column = header.iter().position(|&name| name == "licence").unwrap();
            for row in rows {
                let licence = row[column];
                let is_permissive = |name| PERMISSIVE.contains(&name);
                assert!(
                    is_permissive(licence) || licence.split(" AND ").all(is_permissive),
                    "{}: {licence}",
                    row[0]
                );
            }
        }
    }

    #[test]
    fn broken_lines_are_named() {
        let good =
            "name\tversion\tfile\tsha256\tbytes\tsplit\tmore\na\t1\ta-1.whl\tHASH\t5\ttrain\n";
        let hash = "0123456789ABCDEF".repeat(4);
        let broken = |from: &str, to: &str| {
            let text = good.replace(from, to).replace("HASH", &hash);
            parse(&text).map_err(|(line, error)| format!("{line}: {error}"))
        };
        assert_eq!(broken("", "").unwrap()[0].sha256, hash.to_lowercase());
        for (from, to, expected) in [
            ("sha256", "sha", "1: no column `sha256`"),
            ("\t5\ttrain", "", "2: `bytes` is missing"),
            ("\t5\t", "\tfive\t", "2: \"five\" is not a number of bytes"),
            (
                "train",
                "validation",
                "2: split \"validation\" is neither train nor test",
            ),
            (
                "HASH",
                "00",
                "2: \"00\" is not a SHA-256 of 64 hexadecimal digits",
            ),
            (
                "a-1.whl",
                "../a-1.whl",
                "2: \"../a-1.whl\" is not the name of a .tar.gz, .zip or .whl file",
            ),
            (
                "a-1.whl",
                "a-1.exe",
                "2: \"a-1.exe\" is not the name of a .tar.gz, .zip or .whl file",
            ),
            (
                "train\n",
                "train\na\t1\tb-1.whl\tHASH\t5\ttest\n",
                "3: a is listed twice",
            ),
        ] {
            assert_eq!(broken(from, to), Err(expected.to_owned()));
        }
        assert!(parse("").is_err());
    }
}
