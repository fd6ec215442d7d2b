//! Whole tokens as targets of a network over pieces, so that its figures can be compared with those of a network over tokens.

use minicopilot::metrics::{Class, ModelView, Observation};
use minicopilot::python;
use minicopilot::tokenizer::{TokenId, Vocabulary};

/// Merges the observations of each token's pieces, in several lanes.
///
/// The log-probability of a token is the sum over its pieces. A token of one piece has that piece's rank among all pieces. This
/// is an upper bound on the token's rank, because a piece ranked above it may stand for several tokens that are each less
/// probable. A token of several pieces has rank 0 if each of its pieces has, as greedy decoding would find it, and
/// otherwise none. Probabilities of other tokens and keystrokes would need a search over pieces and are not observed.
///
/// Marks of blocks are not tokens of the format: they count as pieces of the token that follows them, which could not be
/// predicted without predicting them.
pub struct TokenObserver<'v> {
    vocabulary: &'v Vocabulary,
    lanes: Vec<Lane>,
}

/// The token that is being read in a lane, and the one before it.
#[derive(Clone, Default)]
struct Lane {
    previous: String,
    text: String,
    pieces: usize,
    log_probability: f64,
    is_first: bool,
    /// Whether this is the rest of `<s>`, which is an input and never predicted.
    is_start: bool,
}

impl<'v> TokenObserver<'v> {
    pub fn new(vocabulary: &'v Vocabulary, lanes: usize) -> Self {
        let lanes = vec![Lane::default(); lanes];
        Self { vocabulary, lanes }
    }

    /// Forgets the tokens of a lane: a new file begins with the piece `first`.
    pub fn restart(&mut self, lane: usize, first: TokenId) {
        self.lanes[lane] = Lane {
            is_start: !self.vocabulary.ends_token(first),
            ..Lane::default()
        };
    }

    /// Adds the observation of a piece; returns the token's if the piece ends it.
    pub fn add(&mut self, lane: usize, piece: TokenId, seen: &Observation) -> Option<Observation> {
        let lane = &mut self.lanes[lane];
        let view = seen.model?;
        lane.is_first = view.rank == 0 && (lane.pieces == 0 || lane.is_first);
        lane.pieces += 1;
        lane.log_probability += view.log_probability;
        lane.text.push_str(self.vocabulary.token(piece)?);
        if !self.vocabulary.ends_token(piece) {
            return None;
        }
        let text = std::mem::take(&mut lane.text).trim_end().to_owned();
        if lane.is_start {
            *lane = Lane::default();
            return None;
        }
        if [python::INDENT, python::DEDENT].contains(&text.as_str()) {
            return None;
        }
        let (model_rank, rank) = match (lane.is_first, lane.pieces) {
            (true, _) => (0, Some(0)),
            (false, 1) => (view.rank, seen.rank),
            (false, _) => (usize::MAX, None),
        };
        let token = Observation {
            class: Class::of(&text, &lane.previous),
            model: Some(ModelView {
                log_probability: lane.log_probability,
                rank: model_rank,
                unknown: false,
            }),
            rank,
            exact: lane.is_first,
            shown: None,
            raw: None,
            keystrokes: None,
        };
        *lane = Lane {
            previous: text,
            ..Lane::default()
        };
        Some(token)
    }
}

#[cfg(test)]
mod tests {
    use Class::{Attribute, Identifier, Operator};

    use super::*;

    #[test]
    #[expect(clippy::too_many_lines, reason = "one scenario")]
    fn a_token_is_right_if_all_its_pieces_are() {
        let counts = [("self", 90), (".", 9), ("<INDENT>", 9)];
        let counts = counts.map(|(token, count)| (token.to_owned(), count));
        let vocabulary = Vocabulary::from_pieces(counts, 400);
        let mut mark = Vec::new();
        vocabulary.encode("<INDENT>", &mut mark);
        let mark = mark.len();
        let mut observer = TokenObserver::new(&vocabulary, 1);
        let mut observe = |token: &str, ranks: &[usize]| {
            let mut pieces = Vec::new();
            vocabulary.encode(token, &mut pieces);
            assert_eq!(pieces.len(), ranks.len(), "{token}");
            let seen = pieces.iter().zip(ranks).map(|(&piece, &rank)| {
                let seen = Observation {
                    class: Class::Operator,
                    model: Some(ModelView {
                        log_probability: -1.0,
                        rank,
                        unknown: false,
                    }),
                    rank: Some(rank),
                    exact: rank == 0,
                    shown: None,
                    raw: None,
                    keystrokes: None,
                };
                observer.add(0, piece, &seen)
            });
            let all: Vec<_> = seen.collect();
            assert!(all[..all.len() - 1].iter().all(Option::is_none), "{token}");
            let seen = all.last().copied().flatten()?;
            let view = seen.model?;
            let is_counted = view.rank < 10;
            assert_eq!(is_counted, seen.rank.is_some(), "{token}");
            Some((seen.class, seen.rank, seen.exact, -view.log_probability))
        };
        assert_eq!(
            observe("self", &[0]),
            Some((Identifier, Some(0), true, 1.0))
        );
        assert_eq!(observe(".", &[3]), Some((Operator, Some(3), false, 1.0)));
        assert_eq!(
            observe("xyz", &[0, 0, 0]),
            Some((Attribute, Some(0), true, 3.0))
        );
        assert_eq!(
            observe("xyz", &[0, 2, 0]),
            Some((Identifier, None, false, 3.0))
        );
        assert_eq!(
            observe("xyz", &[1, 0, 0]),
            Some((Identifier, None, false, 3.0))
        );
        assert_eq!(
            observe("xyz", &[0, 0, 0]),
            Some((Identifier, Some(0), true, 3.0))
        );
        assert_eq!(observe(".", &[0]), Some((Operator, Some(0), true, 1.0)));
        // A mark counts as part of the token that follows.
        assert_eq!(observe("<INDENT>", &vec![0; mark]), None);
        let nats = mark as f64 + 1.0;
        assert_eq!(observe("x", &[0]), Some((Attribute, Some(0), true, nats)));
        assert_eq!(observe("<INDENT>", &vec![1; mark]), None);
        assert_eq!(observe("x", &[0]), Some((Identifier, None, false, nats)));
    }
}
