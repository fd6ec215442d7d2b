//! Arguments of `trainer prepare`.

use std::num::NonZero;
use std::path::PathBuf;

use minicopilot::tokenizer::{MAX_LEN, RESERVED};

use crate::data::{Pieces, SplitBy};
use crate::prepare::Settings;

/// Arguments of `trainer prepare`.
#[derive(Debug, clap::Args)]
pub struct PrepareArgs {
    /// Parquet files (columns path, code and optionally package), CodeXGLUE text (.txt: one file per line, tokens
    /// separated by a space), .py files, folders of them (names that start with a dot are skipped), or a data set of
    /// the Hugging Face hub: hf://OWNER/NAME[@REVISION][/PART]
    #[allow(
        rustdoc::broken_intra_doc_links,
        reason = "the text is shown by --help, where an escape would be visible"
    )]
    #[arg(value_name = "SOURCE", required_unless_present_all = ["test", "vocabulary"])]
    sources: Vec<PathBuf>,
    /// The folder to write
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Hold out single files or whole packages for validation (the parquet column, else a path's first folder)
    #[arg(long, value_enum, default_value_t = SplitBy::File)]
    split_by: SplitBy,
    /// Fraction of the files, or of the tokens when split by package, to hold out
    #[arg(long, default_value_t = 0.2, value_name = "SHARE", value_parser = share)]
    validation: f64,
    /// Hold out these packages instead, such as those that another folder's prepare.json names
    #[arg(long, value_name = "PACKAGE", num_args = 1.., conflicts_with_all = ["split_by", "validation", "seed"])]
    hold_out: Vec<String>,
    /// Random seed for choosing the held-out files
    #[arg(long, default_value_t = 42)]
    seed: u64,
    /// Vocabulary size, excluding `<PAD>` and `<UNK>`
    #[arg(long, default_value_t = 10_000, value_name = "N",
          value_parser = clap::value_parser!(u32).range(1..=(MAX_LEN - RESERVED.len()) as i64))]
    vocabulary_size: u32,
    /// Build a vocabulary of pieces instead of whole tokens, so that no token is out of vocabulary
    #[arg(long, value_enum, value_name = "SCHEME", conflicts_with = "vocabulary")]
    pieces: Option<Pieces>,
    /// Use this tokenizer.json, or the one in this folder, instead of building a vocabulary
    #[arg(long, value_name = "FILE|DIR", conflicts_with = "vocabulary_size")]
    vocabulary: Option<PathBuf>,
    /// Sources of the test split, encoded with the same vocabulary
    #[arg(long, value_name = "SOURCE", num_args = 1..)]
    test: Vec<PathBuf>,
    /// Replace an earlier output of `trainer prepare` in DIR
    #[arg(long)]
    force: bool,
    /// Threads that read sources [default: one per core]
    #[arg(long, value_name = "N")]
    threads: Option<NonZero<usize>>,
}

impl PrepareArgs {
    /// The library settings for these arguments.
    pub fn settings(mut self) -> Settings {
        self.hold_out.sort_unstable();
        self.hold_out.dedup();
        let by_package = !self.hold_out.is_empty();
        Settings {
            sources: self.sources,
            test: self.test,
            out: self.out,
            force: self.force,
            split_by: if by_package {
                SplitBy::Package
            } else {
                self.split_by
            },
            validation: self.validation,
            seed: self.seed,
            hold_out: self.hold_out,
            vocabulary: self.vocabulary,
            vocabulary_size: self.vocabulary_size,
            pieces: self.pieces,
            threads: self.threads,
        }
    }
}

fn share(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(share) if (0.0..1.0).contains(&share) => Ok(share),
        _ => Err("must be a number of at least 0 and less than 1".to_owned()),
    }
}
