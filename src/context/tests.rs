//! Checks the project index and the candidate space against exhaustive search.

use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::tokenizer::{TokenId, Vocabulary};

/// Size of the vocabulary: `<PAD>`, `<UNK>`, `.`, `<s>`, `a` and `b`.
const KNOWN: u32 = 6;

fn syntax() -> Syntax {
    let known = ["<s>", ".", "a", "b"].map(|token| (token.to_owned(), 1));
    let vocabulary = Vocabulary::from_counts(known, 10);
    assert_eq!(vocabulary.len(), KNOWN as usize);
    Syntax::new(&vocabulary)
}

fn spelled(token: u32) -> String {
    format!("name{token}")
}

/// A project of one file: tokens from [`KNOWN`] on are out-of-vocabulary names.
fn project(tokens: &[u32]) -> ProjectContext {
    let words: Vec<Box<str>> = (KNOWN..12).map(|token| spelled(token).into()).collect();
    ProjectContext::new(
        &syntax(),
        [&words, &[]],
        &[],
        std::iter::once(tokens),
        Declarations::default(),
        ImportableModules::default(),
    )
}

fn id(token: u32) -> TokenId {
    if token < KNOWN {
        TokenId::new(token)
    } else {
        TokenId::UNK
    }
}

fn push(buffer: &mut BufferTokens, token: u32) {
    buffer.push(id(token), &spelled(token), true, None);
}

/// The project's token for a number, if it has one.
fn in_project(project: &ProjectContext, token: u32) -> Option<ProjectToken> {
    if token < KNOWN {
        return Some(ProjectToken::new(token));
    }
    let name = project.name(&spelled(token));
    name.map(|name| ProjectToken::new(KNOWN + name.get()))
}

proptest! {
    #[test]
    fn the_longest_match_is_found_with_what_follows_it(
        file in prop::collection::vec(4..9u32, 1..60),
        context in prop::collection::vec(4..9u32, 1..8),
    ) {
        let project = project(&file);
        let last_first = context.iter().rev();
        let found = project.continuations(last_first.map(|&token| in_project(&project, token)));
        // Exhaustive search.
        let longest = (1..=context.len())
            .rev()
            .find(|&length| file[..file.len() - 1].windows(length).any(|w| w == &context[context.len() - length..]))
            .unwrap_or(0);
        prop_assert_eq!(found.match_length, longest);
        if longest > 0 {
            let wanted = &context[context.len() - longest..];
            let mut followers: Vec<ProjectToken> = file
                .windows(longest + 1)
                .filter(|window| &window[..longest] == wanted)
                .filter_map(|window| in_project(&project, window[longest]))
                .collect();
            prop_assert_eq!(found.occurrences, followers.len());
            followers.sort_unstable();
            followers.dedup();
            let matched = found.scores.iter().filter(|(_, [_, matched])| *matched > 0.0);
            prop_assert_eq!(matched.map(|&(token, _)| token).collect::<Vec<_>>(), followers);
        }
    }

    /// Each token is exactly one candidate, whether it is found by spelling, in the buffer or in the project, after any
    /// sequence of pushes and truncations. Conversions are inverse to each other.
    #[test]
    fn a_token_is_one_candidate(
        file in prop::collection::vec(3..12u32, 1..40),
        written in prop::collection::vec((3..12u32, 0..4usize), 0..40),
        is_late in any::<bool>(),
    ) {
        let project = Arc::new(project(&file));
        let mut buffer = BufferTokens::new();
        if !is_late {
            buffer.set_project(Arc::clone(&project));
        }
        for (token, removed) in written {
            push(&mut buffer, token);
            buffer.truncate(buffer.len().saturating_sub(removed));
        }
        buffer.set_project(Arc::clone(&project));
        let space = CandidateSpace::new(KNOWN as usize, &buffer);
        let named: Vec<_> = space.names().collect();
        for token in 3..12 {
            let found = space.find(id(token), &spelled(token));
            let there = in_project(&project, token);
            if let Some(there) = there {
                prop_assert_eq!(found, Some(space.of_project_token(there)));
            }
            let Some(candidate) = found else { continue };
            prop_assert!(candidate.index() < space.len());
            prop_assert_eq!(space.of(space.token(candidate)), candidate);
            prop_assert_eq!(space.project_token(candidate), there);
            if let Some(word) = space.word(candidate) {
                prop_assert_eq!(space.of(Token::Buffer(word)), candidate);
            }
            let is_name = token >= KNOWN;
            prop_assert_eq!(space.is_out_of_vocabulary(candidate), is_name);
            let spelling = is_name.then(|| spelled(token));
            prop_assert_eq!(space.spelling(candidate), spelling.as_deref());
            let occurs = file.contains(&token) || space.word(candidate).is_some_and(|w| buffer.lexeme(w).count > 0);
            let times = named.iter().filter(|&&(name, _)| name == candidate).count();
            prop_assert_eq!(times, usize::from(is_name && occurs));
            let prefix = spelled(token);
            let prefixed: Vec<_> = space.names_with_prefix(&prefix).collect();
            let expected = named.iter().filter(|(_, text)| text.starts_with(&prefix));
            prop_assert_eq!(prefixed, expected.copied().collect::<Vec<_>>());
        }
        for at in (0..buffer.len()).map(Position::at) {
            let lexeme = buffer.lexeme(buffer.word_at(at));
            prop_assert_eq!(Some(space.candidate_at(at)), space.find(lexeme.id, &lexeme.text));
        }
    }
}
