//! Arguments of `trainer corpus`.

use std::path::PathBuf;

use crate::corpus::Settings;

/// Arguments of `trainer corpus`.
#[derive(Debug, clap::Args)]
pub struct CorpusArgs {
    /// The packages: trainer/corpus/manifest.tsv, or one like it
    manifest: PathBuf,
    /// The folder to write; downloads are kept in it, so that a second run goes on where the first one ended
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Take this package of the manifest only; may be given several times
    #[arg(long = "package", value_name = "NAME")]
    packages: Vec<String>,
    /// Keep duplicates, and all files of a large package: to look at what the other rules keep
    #[arg(long)]
    keep_duplicates: bool,
}

impl CorpusArgs {
    /// What they ask for.
    pub fn settings(self) -> Settings {
        Settings {
            manifest: self.manifest,
            out: self.out,
            packages: self.packages,
            keep_duplicates: self.keep_duplicates,
        }
    }
}
