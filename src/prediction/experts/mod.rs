//! All experts except the network. Each is a distribution over tokens known around the cursor:
//!
//! ```text
//! recency            names and out-of-vocabulary names, weighted by how recently they occurred in the buffer
//! buffer_ngrams      interpolated n-grams (Witten & Bell 1991) with decay (a cache as in Kuhn & De Mori 1990, nested as in
//!                    Hellendoorn & Devanbu 2017), and the longest match
//! continuous_cache   tokens that followed similar hidden states (Grave, Joulin & Usunier 2017)
//! project            unigrams, n-grams and the longest match in the project's files
//! members            names that fit according to declarations
//! ```
//!
//! The first three write to the columns of one table, [`BufferScores`]. To add an expert, add a file here, a line in the
//! list of [`expert`](super::expert) and a call in [`ExpertScores::new`](super::scores::ExpertScores::new).

mod buffer;
pub(super) mod buffer_ngrams;
pub(super) mod continuous_cache;
mod members;
mod normalise;
mod project;
pub(super) mod recency;

pub(super) use buffer::BufferScores;
pub(super) use members::Members;
pub(super) use project::ProjectScores;
