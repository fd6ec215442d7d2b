//! The completer: the network and everything else that answers need, loaded from a checkpoint.

use super::lexicon::Lexicon;
use super::rank::CandidateTable;
use crate::inference::Engine;
use crate::model::checkpoint::{Checkpoint, CheckpointError};
use crate::prediction::Mixture;
use crate::tokenizer::Vocabulary;

/// Answers completion requests. Shared by all documents; each document has its own [`CompletionSession`](super::CompletionSession).
#[derive(Debug)]
pub struct Completer {
    pub(super) engine: Engine,
    pub(super) lexicon: Lexicon,
    pub(super) table: CandidateTable,
    /// The gate and the reranker, if the checkpoint has them.
    pub(super) mixture: Option<Mixture>,
}

impl Completer {
    /// Creates a completer with the network, vocabulary and gate of `checkpoint`, on the CPU.
    pub fn new(checkpoint: &Checkpoint) -> Result<Self, CheckpointError> {
        let mixture = Mixture::of(checkpoint)?;
        let engine = Engine::of(checkpoint, mixture.as_ref().map(Mixture::mean_hidden))?;
        Ok(Self::over(engine, checkpoint.vocabulary.clone(), mixture))
    }

    pub(super) fn over(engine: Engine, vocabulary: Vocabulary, mixture: Option<Mixture>) -> Self {
        Self {
            table: CandidateTable::new(vocabulary.entries()),
            engine,
            lexicon: Lexicon::new(vocabulary),
            mixture,
        }
    }

    /// The network's vocabulary.
    pub fn vocabulary(&self) -> &Vocabulary {
        self.lexicon.vocabulary()
    }
}
