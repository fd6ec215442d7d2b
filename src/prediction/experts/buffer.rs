//! Score table of the buffer experts, by word.

use super::normalise::{largest, normalise};
use crate::context::BufferWord;
use crate::prediction::expert::{Expert, Scope};

/// Number of buffer experts.
const COLUMNS: usize = Scope::Buffer.experts();

/// One row per word of the buffer, one column per buffer expert.
#[derive(Clone, Debug, Default)]
pub(in crate::prediction) struct BufferScores {
    rows: Vec<[f32; COLUMNS]>,
    has_mass: [bool; COLUMNS],
}

impl BufferScores {
    /// An all-zero table for `words` words.
    pub(in crate::prediction) fn new(words: usize) -> Self {
        Self {
            rows: vec![[0.0; COLUMNS]; words],
            has_mass: [false; COLUMNS],
        }
    }

    /// The scores of all words.
    pub(in crate::prediction) fn rows(&self) -> &[[f32; COLUMNS]] {
        &self.rows
    }

    /// A word's scores, for accumulation; columns are given by [`Expert::column`].
    pub(super) fn row(&mut self, word: BufferWord) -> &mut [f32; COLUMNS] {
        &mut self.rows[word.index()]
    }

    /// Applies `scale` to every score of an expert.
    pub(super) fn map(&mut self, expert: Expert, scale: impl Fn(f32) -> f32) {
        for row in &mut self.rows {
            let score = &mut row[expert.column()];
            *score = scale(*score);
        }
    }

    /// Normalizes the scores of each expert to a distribution.
    pub(in crate::prediction) fn normalise(&mut self) {
        self.has_mass = normalise(&mut self.rows, |row| row);
    }

    /// Whether an expert scored any word.
    pub(in crate::prediction) fn has_mass(&self, expert: Expert) -> bool {
        self.has_mass[expert.column()]
    }

    /// The word with an expert's largest score, and the score.
    pub(in crate::prediction) fn best(&self, expert: Expert) -> Option<(BufferWord, f32)> {
        let column = expert.column();
        let scores = self.rows.iter().map(|row| row[column]);
        let scores = scores.enumerate();
        largest(scores.map(|(word, score)| (BufferWord::at(word), score)))
    }
}
