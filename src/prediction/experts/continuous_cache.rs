//! Continuous cache (Grave, Joulin & Usunier 2017, "Improving Neural Language Models with a Continuous Cache"): scores
//! tokens that followed similar network states, over all tokens and over out-of-vocabulary names.

use super::buffer::BufferScores;
use crate::context::{BufferTokens, Position};
use crate::inference::CosineScores;
use crate::prediction::expert::Expert;
use crate::prediction::tuning::{SHARPNESS, UNKNOWN_SHARPNESS};
use crate::tokenizer::TokenId;

const ALL: usize = Expert::Neighbours.column();
const UNKNOWN: usize = Expert::UnknownNeighbours.column();

/// Scores the tokens that followed earlier states by the states' cosine similarity with the current one.
pub(in crate::prediction) fn score(
    buffer: &BufferTokens,
    cosines: &CosineScores,
    scores: &mut BufferScores,
) {
    let largest = cosines.values.iter().copied().fold(-1.0, f32::max);
    for (position, cosine) in (cosines.first..).zip(&cosines.values) {
        let word = buffer.word_at(Position::at(position));
        let row = scores.row(word);
        row[ALL] += (SHARPNESS * (cosine - largest)).exp();
        let lexeme = buffer.lexeme(word);
        if lexeme.is_name && lexeme.id == TokenId::UNK {
            row[UNKNOWN] += (UNKNOWN_SHARPNESS * (cosine - largest)).exp();
        }
    }
}
