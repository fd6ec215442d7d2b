//! The whole completer with a small random network.

use std::sync::Arc;

use insta::assert_snapshot;
use proptest::prelude::*;

use super::completer::Completer;
use super::*;
use crate::context::{Declarations, ImportableModules, ProjectContext, Syntax};
use crate::inference::Engine;
use crate::model::Parameter;
use crate::model::{Architecture, Initialization, ModelConfig, SplitMix64, initial_parameters};
use crate::prediction::{self, Mixture};
use crate::tokenizer::{TokenId, Vocabulary};

/// A small random network over a few words.
fn completer() -> Completer {
    completer_with(None)
}

/// The same, with a random gate and the context model.
pub(super) fn joined_completer() -> Completer {
    let mut generator = SplitMix64::new(11);
    let mut random = || (generator.next_u64() >> 40) as f32 / (1u64 << 24) as f32 - 0.5;
    let parameters = prediction::parameters(8).into_iter().map(|(name, shape)| {
        let positive = if name == "gate.deviation" { 1.0 } else { 0.0 };
        let values: Vec<f32> = (0..shape.iter().product())
            .map(|_| random() + positive)
            .collect();
        (name, Parameter::new(values, shape))
    });
    let mixture = Mixture::new(&parameters.collect(), &vocabulary()).expect("mixture");
    completer_with(Some(mixture))
}

fn vocabulary() -> Vocabulary {
    let words = "<s> </s> <EOL> def return import self os path x ( ) : = . <NUM_LIT> <NUM_LIT:1> \"<STR_LIT>\"";
    Vocabulary::from_counts(words.split(' ').map(|word| (word.to_owned(), 1)), 100)
}

fn completer_with(mixture: Option<Mixture>) -> Completer {
    let vocabulary = vocabulary();
    let config = ModelConfig {
        architecture: Architecture::Lstm,
        vocabulary_size: vocabulary.len(),
        embedding_size: 8,
        hidden_size: 8,
        dropout: 0.0,
        transformer: None,
    };
    let parameters = initial_parameters(&config, Initialization::Pytorch, 7, &[]);
    let mean_hidden = mixture.as_ref().map(Mixture::mean_hidden);
    let engine = Engine::new(&config, &parameters, 1.0, mean_hidden).expect("engine");
    Completer::over(engine, vocabulary, mixture)
}

/// The completion list at byte `cursor`, from all text before it.
fn complete(
    completer: &Completer,
    session: &mut CompletionSession,
    text: &str,
    cursor: usize,
    options: &Options,
) -> Completions {
    let answer = completer.complete(session, text, cursor, options, Effort::UNLIMITED);
    match answer.expect("an answer") {
        Answer::Full(completions) => completions,
        other => panic!("{other:?}"),
    }
}

/// The `k` most probable next tokens at byte `cursor`.
pub(super) fn next_tokens(
    completer: &Completer,
    session: &mut CompletionSession,
    text: &str,
    cursor: usize,
    k: usize,
) -> NextTokens {
    let tokens = completer.next_tokens(session, text, cursor, k, &|| false);
    tokens.expect("tokens").expect("nothing stops it")
}

/// Number of items with the cursor at `$0`.
fn items(completer: &Completer, fixture: &str, options: Options) -> usize {
    let (left, right) = fixture.split_once("$0").expect("a cursor");
    let (mut session, text) = (CompletionSession::new(), format!("{left}{right}"));
    let found = complete(completer, &mut session, &text, left.len(), &options);
    found.items.len()
}

#[test]
fn strings_and_comments_are_left_alone_unless_wanted() {
    let completer = completer();
    let (default, everywhere) = (
        Options::default(),
        Options {
            in_strings: true,
            in_comments: true,
            max_items: 3,
            ..Options::default()
        },
    );
    assert_eq!(items(&completer, "x = $0", default), 5);
    assert_eq!(items(&completer, "x = 'a $0 b'", default), 0);
    assert_eq!(items(&completer, "x = 1  # a $0", default), 0);
    assert_eq!(items(&completer, "x = 'a $0 b'", everywhere), 3);
    assert_eq!(items(&completer, "x = 1  # a $0", everywhere), 3);
}

#[test]
fn a_cursor_outside_the_text_is_clamped() {
    let completer = joined_completer();
    let text = "x = \u{e9}";
    for cursor in [text.len() - 1, text.len() + 9] {
        let mut session = CompletionSession::new();
        let found = complete(&completer, &mut session, text, cursor, &Options::default());
        assert!(found.replace.end <= text.len());
        let line = completer.line(&mut session, text, cursor, 0.0, &|| false);
        let line = line.expect("an answer");
        assert!(line.is_none_or(|line| line.replace.end <= text.len()));
    }
}

#[test]
fn keys_of_dictionaries_are_offered() {
    let completer = completer();
    let check = |fixture: &str| {
        let (left, right) = fixture.split_once("$0").expect("a cursor");
        let text = format!("a['name_1'] = a['other']\n{left}{right}");
        let cursor = text.len() - right.len();
        let options = Options {
            in_strings: text.ends_with(' '),
            ..Options::default()
        };
        let mut session = CompletionSession::new();
        let found = complete(&completer, &mut session, &text, cursor, &options);
        let texts: Vec<String> = found.items.into_iter().map(|item| item.text).collect();
        format!("{:?} {}", &text[found.replace], texts.join(" "))
    };
    assert_snapshot!(check("b = a['$0"), @r#""" other' name_1'"#);
    assert_snapshot!(check("b = a['na$0']"), @r#""na" name_1"#);
    assert_snapshot!(check("b = a['na$0_1']"), @r#""na" name"#);
    assert_snapshot!(check("b = f('na$0')"), @r#""" "#);
    assert_snapshot!(check("b = a['na$0 "), @r#""na" name_1'"#); // in strings too
}

#[test]
fn every_candidate_has_an_origin() {
    let completer = joined_completer();
    let importable = ImportableModules {
        installed: ["orjson", "os"].map(Box::from).into(),
        ..ImportableModules::default()
    };
    let project = Arc::new(ProjectContext::new(
        &Syntax::new(completer.vocabulary()),
        [&[], &[]],
        &[],
        std::iter::empty(),
        Declarations::default(),
        importable,
    ));
    let check = |fixture: &str| {
        let (left, right) = fixture.split_once("$0").expect("a cursor");
        let (mut session, text) = (CompletionSession::new(), format!("{left}{right}"));
        session.set_project_context(Some(Arc::clone(&project)));
        let options = Options::default();
        let found = complete(&completer, &mut session, &text, left.len(), &options);
        let items = found.items.iter();
        let lines = items.map(|item| format!("{:?} {}\n", item.origin, item.text));
        lines.collect::<String>()
    };
    assert_snapshot!(check("import o$0"), @r"
        Model os
        Module orjson
        ");
    assert_snapshot!(check("set_user_name = 1\nx = del_user_n$0"), @"NewName del_user_name");
    assert_snapshot!(check("a['key'] = 1\nx = a['$0']"), @"DictionaryKey key");
    assert_snapshot!(check("a_name = 1\nx = a_n$0"), @"Model a_name");
}

#[test]
fn the_expert_shares_of_a_candidate_are_those_of_its_token() {
    let completer = joined_completer();
    let options = Options {
        max_items: 50,
        ..Options::default()
    };
    // In the second text, only `on` is missing from the out-of-vocabulary name `wonderful`.
    for fixture in ["wonderful = 1\nx = $0", "wonderful = 1\nx = w$0derful"] {
        let (left, right) = fixture.split_once("$0").expect("a cursor");
        let (mut session, text) = (CompletionSession::new(), format!("{left}{right}"));
        let found = complete(&completer, &mut session, &text, left.len(), &options);
        let shares = found.items.iter();
        let shares: Vec<_> = shares
            .map(|item| completer.expert_shares(&session, item))
            .collect();
        let raw = next_tokens(&completer, &mut session, &text, left.len(), 1000);
        assert!(found.items.iter().any(|item| item.token == "wonderful"));
        for (item, shares) in found.items.iter().zip(shares) {
            let mut tokens = raw.tokens.iter();
            let next = tokens.find(|next| next.token == item.token);
            assert!(!shares.is_empty());
            assert_eq!(next.map(|next| &next.expert_shares), Some(&shares));
        }
    }
}

#[test]
fn next_tokens_are_raw_and_stand_in_place_of_the_word_begun() {
    let completer = completer();
    let raw = |text: &str| {
        let mut session = CompletionSession::new();
        next_tokens(&completer, &mut session, text, text.len(), 100)
    };
    let (before, begun) = (raw("import "), raw("import o"));
    assert_eq!(before.tokens, begun.tokens);
    assert_eq!((before.prefix, begun.prefix), (7..7, 7..8));
    assert_eq!(before.tokens.len(), completer.vocabulary().len());
    assert!(
        (before
            .tokens
            .iter()
            .map(|token| token.probability)
            .sum::<f32>()
            - 1.0)
            .abs()
            < 1e-5
    );
}

proptest! {
    /// For any text and cursor, with one session throughout: the answer satisfies the contract and equals that of a fresh
    /// session.
    #[test]
    fn answers_always(
        texts in prop::collection::vec(("\\PC{0,40}|([a-z]{1,2}[.(=, \n]){0,30}|[a-z().'\"# \n]{0,60}", 0..70usize), 1..6),
        is_joined: bool,
    ) {
        let completer = if is_joined { joined_completer() } else { completer() };
        let mut session = CompletionSession::new();
        for (text, cursor) in texts {
            let Completions { replace, items, .. } =
                complete(&completer, &mut session, &text, cursor, &Options::default());
            let prefix = &text[replace];
            prop_assert!(items.len() <= 5);
            prop_assert!(items.iter().all(|item| item.text.starts_with(prefix) && !item.text.is_empty()));
            prop_assert!(items.is_sorted_by(|a, b| a.probability >= b.probability));
            prop_assert!(items.iter().map(|item| item.probability).sum::<f32>() < 1.0 + 1e-4);
            let raw = next_tokens(&completer, &mut session, &text, cursor, 1000);
            prop_assert!((raw.tokens.iter().map(|token| token.probability).sum::<f32>() - 1.0).abs() < 1e-4);
            let fresh = next_tokens(&completer, &mut CompletionSession::new(), &text, cursor, 1000);
            let by_token = |answer: NextTokens| {
                let mut tokens = answer.tokens;
                tokens.sort_by(|a, b| a.token.cmp(&b.token));
                tokens
            };
            for (ours, theirs) in by_token(raw).into_iter().zip(by_token(fresh)) {
                prop_assert_eq!(&ours.token, &theirs.token);
                // Stored states are rounded to 11 bits.
                prop_assert!((ours.probability - theirs.probability).abs() < 2e-3, "{:?} {:?}", ours, theirs);
            }
        }
    }
}

#[test]
fn names_outside_the_vocabulary_are_offered_once_they_stand_in_the_buffer() {
    let completer = joined_completer();
    let offered = |text: &str| -> Vec<String> {
        let options = Options {
            max_items: 50,
            ..Options::default()
        };
        let mut session = CompletionSession::new();
        let found = complete(&completer, &mut session, text, text.len(), &options);
        found.items.into_iter().map(|item| item.text).collect()
    };
    assert_eq!(
        offered("wonderful = 1\nwondrous = 2\nx = wonderf"),
        ["wonderful"]
    );
    assert!(offered("wonderful = 1\nx = ").contains(&"wonderful".to_owned()));
    assert!(offered("x = wonderf").is_empty());
    let text = "wonderful = 1\nx = ";
    let raw = next_tokens(&completer, &mut CompletionSession::new(), text, 18, 100);
    let outside = |next: &&NextToken| next.id == TokenId::UNK;
    let outside: Vec<_> = raw.tokens.iter().filter(outside).collect();
    assert_eq!(outside.len(), 1);
    assert_eq!(outside[0].token, "wonderful");
}

/// Both spellings are `<UNK>` to the network.
#[test]
fn a_name_outside_the_vocabulary_that_is_spelled_anew_is_another_one() {
    let completer = joined_completer();
    let mut session = CompletionSession::new();
    for name in ["wonderful", "wondrous", "wonderful"] {
        let text = format!("{name} = 1\nx = wond");
        let options = Options::default();
        let found = complete(&completer, &mut session, &text, text.len(), &options);
        let texts: Vec<&str> = found.items.iter().map(|item| &*item.text).collect();
        assert_eq!(texts, [name]);
    }
}
