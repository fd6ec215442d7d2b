//! The argument `--model` and the checkpoint it names.

use std::path::{Path, PathBuf};

use clap::Args;

use crate::completion::Completer;
use crate::embedded;

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

    pub(super) fn completer(&self) -> anyhow::Result<Completer> {
        Ok(Completer::new(&embedded::load(self.folder())?)?)
    }
}
