//! Invariants of arbitrary text.

use proptest::prelude::*;
use proptest::sample::select;

use super::super::{
    CursorContext, CursorIn, IncrementalLexer, Kind, Lexer, Token, decode, lex, print,
};
use super::fragments::FRAGMENTS;
use super::print::LINES;
use super::spellings;

fn source() -> impl Strategy<Value = String> {
    prop::collection::vec(select(&FRAGMENTS[..]), 0..24).prop_map(|fragments| fragments.concat())
}

/// The tokens without trailing ones that touch the cut and may still be extended by following characters.
fn settled(CursorContext { tokens, prefix, .. }: CursorContext) -> Vec<Token> {
    let mut tokens = tokens.to_vec();
    let mut end = prefix.start;
    if prefix.is_empty() {
        // An operator, a run of dots or a string (an empty one may become a triple quote).
        while let Some(token) =
            tokens.pop_if(|token| token.end as usize == end && token.kind != Kind::Eol)
        {
            end = token.start as usize;
        }
    }
    tokens
}

/// Whether a character outside comments belongs to no token.
fn is_silent(character: char) -> bool {
    character.is_whitespace()
        || character.is_ascii_control()
        || matches!(character, '\\' | '\u{feff}')
}

proptest! {
    #[test]
    fn spans_are_in_order_and_not_empty(text in prop_oneof![source(), any::<String>()]) {
        let mut end = 0;
        let mut after_eol = true;
        for token in Lexer::new(&text) {
            prop_assert!(end <= token.start && token.start < token.end);
            // Only comments (and text hidden by a carriage return) may contain token characters.
            let between = &text[end as usize..token.start as usize];
            prop_assert!(between.contains(['#', '\r']) || between.chars().all(is_silent), "{:?}", between);
            prop_assert!(text.get(token.start as usize..token.end as usize).is_some());
            prop_assert!(!(after_eol && token.kind == Kind::Eol));
            (end, after_eol) = (token.end, token.kind == Kind::Eol);
        }
    }

    #[test]
    fn every_file_has_tokens(bytes: Vec<u8>) {
        let text = decode(&bytes);
        let tokens = spellings(&text, &lex(&text));
        print(&tokens.iter().map(String::as_str).collect::<Vec<_>>());
    }

    #[test]
    fn tokens_of_a_prefix_are_a_prefix_of_the_tokens(text in source(), cut: prop::sample::Index) {
        let cut = text.floor_char_boundary(cut.index(text.len() + 1));
        let all = Lexer::new(&text).collect::<Vec<_>>();
        let settled = settled(IncrementalLexer::default().context(&text, cut));
        prop_assert!(all.starts_with(&settled), "{settled:?}\n{all:?}");
    }

    #[test]
    fn a_context_ends_where_its_tokens_do(text in source(), cursor in 0..99_usize) {
        let mut reader = IncrementalLexer::default();
        let CursorContext { tokens, prefix, place, .. } = reader.context(&text, cursor);
        let before = &text[..prefix.end];
        prop_assert_eq!(prefix.end, text.floor_char_boundary(cursor));
        prop_assert!(tokens.last().is_none_or(|token| token.end as usize <= prefix.start));
        prop_assert!(place == CursorIn::Code || prefix.is_empty());
        // The tokens before the cut, including the line end that a whole file would lose.
        let mut all = Lexer::new(before).collect::<Vec<_>>();
        all.truncate(tokens.len());
        prop_assert_eq!(all, tokens);
    }

    #[test]
    fn a_text_read_again_has_the_context_of_one_read_first(
        text in prop::collection::vec(select(&FRAGMENTS[..]), 0..400),
        edits in prop::collection::vec((any::<prop::sample::Index>(), 0..40_usize, source(), any::<prop::sample::Index>()), 0..8),
    ) {
        let mut text = text.concat();
        let mut reader = IncrementalLexer::default();
        let mut before: Vec<Token> = Vec::new();
        for (at, removed, inserted, cursor) in edits {
            let at = text.floor_char_boundary(at.index(text.len() + 1));
            let end = text.ceil_char_boundary(at + removed);
            text.replace_range(at..end, &inserted);
            let cursor = cursor.index(text.len() + 1);
            let mut fresh = IncrementalLexer::default();
            let fresh = fresh.context(&text, cursor);
            let again = reader.context(&text, cursor);
            prop_assert_eq!((again.tokens, &again.prefix, again.place), (fresh.tokens, &fresh.prefix, fresh.place));
            prop_assert_eq!(before.get(..again.unchanged), again.tokens.get(..again.unchanged));
            before = again.tokens.to_vec();
        }
    }

    #[test]
    fn printed_tokens_are_read_again(lines in prop::collection::vec(select(&LINES[..]), 0..4), skipped in 0..8_usize) {
        // A line without its first tokens is rarely valid Python, but it still lexes.
        let text = lines.join("\n");
        let tokens = spellings(&text, &lex(&text)[skipped.min(lex(&text).len())..]);
        let tokens = tokens.iter().map(String::as_str).skip_while(|token| *token == "<EOL>").collect::<Vec<_>>();
        let printed = print(&tokens);
        prop_assert_eq!(spellings(&printed, &lex(&printed)), tokens, "{}", printed);
    }
}
