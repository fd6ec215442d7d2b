//! Arguments of `trainer corpus`.

use std::path::PathBuf;

use crate::corpus::Settings;

/// Arguments of `trainer corpus`.
#[derive(Debug, clap::Args)]
pub struct CorpusArgs {
    /// The manifest of packages, such as trainer/corpus/manifest.tsv
    manifest: PathBuf,
    /// The folder to write; downloads are kept in it, so that a second run continues where the first one stopped
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Use only this package of the manifest; may be repeated
    #[arg(long = "package", value_name = "NAME")]
    packages: Vec<String>,
    /// Keep duplicates and all files of large packages, to inspect what the other rules keep
    #[arg(long)]
    keep_duplicates: bool,
    /// Mark where blocks begin and end with <INDENT> and <DEDENT>, which the py150 format lacks
    #[arg(long)]
    blocks: bool,
}

impl CorpusArgs {
    /// The library settings for these arguments.
    pub fn settings(self) -> Settings {
        Settings {
            manifest: self.manifest,
            out: self.out,
            packages: self.packages,
            keep_duplicates: self.keep_duplicates,
            blocks: self.blocks,
        }
    }
}
