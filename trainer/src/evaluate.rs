//! `trainer evaluate`: a checkpoint, or a counted trigram, measured on one part of the prepared data.
//!
//! One pass gives both contexts: `whole`, the state carried to each file's end, and `1000`, the same file's first
//! 1,000 tokens, which no later token can influence.

use std::path::PathBuf;

use anyhow::{Context, Result};
use candle_core::{Device, Tensor};
use minicopilot::checkpoint::Checkpoint;
use minicopilot::metrics::{Metrics, Surfaces};
use minicopilot::model::{Model, Training};
use minicopilot::vocabulary::PAD;
use rayon::prelude::*;
use serde_json::json;

use crate::data::{Batch, Dataset, Split, Streams};

/// Lanes that are measured together, and their steps a batch: wide enough for the matrix products.
const LANES: usize = 32;
const STEPS: usize = 64;

/// Tokens of a file in the original experiment, the first included.
const ORIGINAL: usize = 1000;

/// Arguments of `trainer evaluate`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A checkpoint folder
    #[arg(value_name = "CHECKPOINT")]
    checkpoint: PathBuf,
    /// A folder made by `trainer prepare`
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// validation or test
    #[arg(long, value_enum, default_value_t = Part::Validation)]
    split: Part,
    /// Measure only the first files, up to so many tokens
    #[arg(long, value_name = "N")]
    max_tokens: Option<u64>,
    /// cpu, cuda or cuda:N
    #[arg(long, default_value = "cpu")]
    device: String,
    /// JSON instead of a table
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Part {
    Validation,
    Test,
}

/// The same targets under both contexts.
#[derive(Default)]
pub struct Measured {
    pub whole: Metrics,
    pub original: Metrics,
}
