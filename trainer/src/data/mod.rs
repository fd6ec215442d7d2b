//! Encoded corpora, as `trainer prepare` writes them, and two batch iterators over them.
//!
//! [`Dataset`] opens and checks a prepared folder; [`Shards`] memory-maps the ids of one split, file by file;
//! [`Sequences`] and [`Streams`] cut them into [`Batch`]es. Does not depend on sources, networks or optimisers.

mod batch;
mod dataset;
mod report;
mod sequences;
pub mod shard;
mod split;
mod streams;
#[cfg(test)]
mod tests;

pub use batch::Batch;
pub use dataset::{Dataset, REPORT, TOKENIZER};
pub use report::{
    Counts, Pieces, PrepareReport, RecordedSettings, RecordedSource, Skipped, SourceKind, SplitBy,
    VocabularyPart,
};
pub use sequences::{SEQUENCE_LEN, Sequences};
pub use shard::Shards;
pub use split::Split;
pub use streams::Streams;
