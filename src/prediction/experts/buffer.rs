//! The scores of the experts that know the buffer, by word.

use super::normalise::{largest, normalise};
use crate::context::BufferWord;
use crate::prediction::expert::{Expert, Scope};

/// How many experts know the buffer.
const COLUMNS: usize = Scope::Buffer.experts();

/// A row for each word of the buffer, a column for each expert that knows it.
#[derive(Clone, Debug, Default)]
pub(in crate::prediction) struct BufferScores {
    rows: Vec<[f32; COLUMNS]>,
    has_mass: [bool; COLUMNS],
}

impl BufferScores {
    /// Nothing scored yet, for so many words.
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

    /// The scores of a word, to be added to: see [`Expert::column`].
    pub(super) fn row(&mut self, word: BufferWord) -> &mut [f32; COLUMNS] {
        &mut self.rows[word.index()]
    }

    /// Multiplies the scores of an expert.
    pub(super) fn map(&mut self, expert: Expert, scale: impl Fn(f32) -> f32) {
        for row in &mut self.rows {
            let score = &mut row[expert.column()];
            *score = scale(*score);
        }
    }

    /// Makes every expert's scores a distribution.
    pub(in crate::prediction) fn normalise(&mut self) {
        self.has_mass = normalise(&mut self.rows, |row| row);
    }

    /// Whether an expert scored any word.
    pub(in crate::prediction) fn has_mass(&self, expert: Expert) -> bool {
        self.has_mass[expert.column()]
    }

    /// What an expert gives the largest score.
    pub(in crate::prediction) fn best(&self, expert: Expert) -> Option<(BufferWord, f32)> {
        let column = expert.column();
        let scores = self.rows.iter().map(|row| row[column]);
        let scores = scores.enumerate();
        largest(scores.map(|(word, score)| (BufferWord::at(word), score)))
    }
}
