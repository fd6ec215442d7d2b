//! Builds small packages.

use std::io::{Cursor, Write};
use std::ops::Range;

use flate2::Compression;
use flate2::write::GzEncoder;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::test_server::Answer;

/// A package in the index and in the manifest.
#[derive(Clone)]
pub struct Package {
    pub name: String,
    pub file: String,
    pub bytes: Vec<u8>,
    pub split: &'static str,
}

impl Package {
    /// Its line of the manifest.
    pub fn line(&self) -> String {
        let sha256 = minicopilot::files::fingerprint::of(&self.bytes);
        let Self {
            name, file, split, ..
        } = self;
        format!(
            "{name}\t1\t{file}\t{sha256}\t{}\t{split}\n",
            self.bytes.len()
        )
    }

    /// The index's response for this path, if it belongs to the package.
    pub fn answer(&self, path: &str) -> Option<Answer> {
        let page = format!("/simple/{}/", self.name.to_lowercase().replace('.', "-"));
        let file = format!("/files/{}", self.file);
        if path == page {
            let link = format!("<a href=\"../..{file}#sha256=00\">{}</a>", self.file);
            Some(Answer::ok(format!("<html><body>{link}</body></html>")))
        } else if path == file {
            Some(Answer::ok(self.bytes.clone()))
        } else {
            None
        }
    }
}

/// Source code that is unique per name, one function per number.
pub fn code(name: &str, functions: Range<u32>) -> String {
    let function =
        |i| format!("def {name}_{i}(x_{i}):\n    return {name}.go(x_{i}, {name}_{i})[x_{i}]\n\n");
    functions.map(function).collect()
}

/// A source distribution in the training split. File names are written unchanged, even malicious ones.
pub fn sdist(name: &str, files: &[(&str, String)]) -> Package {
    let mut archive = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    for (path, text) in files {
        let mut header = tar::Header::new_gnu();
        header.as_gnu_mut().unwrap().name[..path.len()].copy_from_slice(path.as_bytes());
        header.set_size(text.len() as u64);
        header.set_cksum();
        archive.append(&header, text.as_bytes()).unwrap();
    }
    Package {
        name: name.to_owned(),
        file: format!("{name}-1.tar.gz"),
        bytes: archive.into_inner().unwrap().finish().unwrap(),
        split: "train",
    }
}

/// A wheel in the test split.
pub fn wheel(name: &str, files: &[(&str, String)]) -> Package {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    for (path, text) in files {
        archive
            .start_file(*path, SimpleFileOptions::default())
            .unwrap();
        archive.write_all(text.as_bytes()).unwrap();
    }
    Package {
        name: name.to_owned(),
        file: format!("{name}-1-py3-none-any.whl"),
        bytes: archive.finish().unwrap().into_inner(),
        split: "test",
    }
}
