//! Names weighted by how recently they occurred in the buffer: all names, and out-of-vocabulary names.

use super::buffer::BufferScores;
use crate::context::{BufferTokens, Position};
use crate::inference::WINDOW;
use crate::prediction::expert::Expert;
use crate::prediction::tuning;
use crate::tokenizer::TokenId;

const UNKNOWN: usize = Expert::UnknownNames.column();
const RECENT: usize = Expert::RecentNames.column();

/// Scores the names of the last [`WINDOW`] tokens by their last occurrence.
pub(in crate::prediction) fn score(buffer: &BufferTokens, scores: &mut BufferScores) {
    let end = buffer.len();
    for position in (end.saturating_sub(WINDOW).max(1)..end).rev() {
        let word = buffer.word_at(Position::at(position));
        let row = scores.row(word);
        let lexeme = buffer.lexeme(word);
        if row[RECENT] > 0.0 || !lexeme.is_name {
            continue;
        }
        row[RECENT] = tuning::recency((end - position) as f32);
        if lexeme.id == TokenId::UNK {
            row[UNKNOWN] = row[RECENT];
        }
    }
}
