//! The argument `--model` and the checkpoint it names.

use std::path::{Path, PathBuf};

use anyhow::bail;
use clap::Args;

use crate::completion::Completer;
use crate::embedded;
use crate::model::checkpoint::Checkpoint;

#[derive(Args, Debug)]
pub struct ModelArgument {
    /// A checkpoint folder to use instead of the embedded model
    #[arg(long = "model", value_name = "DIR")]
    folder: Option<PathBuf>,
}

impl ModelArgument {
    pub(super) fn folder(&self) -> Option<&Path> {
        self.folder.as_deref()
    }

    pub(super) fn load(&self) -> anyhow::Result<Checkpoint> {
        if let Some(file) = self.folder().filter(|path| path.is_file()) {
            bail!(
                "{} is a file; --model takes a checkpoint folder",
                file.display()
            );
        }
        Ok(embedded::load(self.folder())?)
    }

    pub(super) fn completer(&self) -> anyhow::Result<Completer> {
        Ok(Completer::new(&self.load()?)?)
    }
}
