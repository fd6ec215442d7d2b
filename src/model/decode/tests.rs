//! Compares beam search with exhaustive search, and sampling with the exact distribution.

use std::collections::BTreeMap;
use std::convert::Infallible;

use super::*;

const END: TokenId = TokenId::new(0);
const VOCABULARY: usize = 4;

fn numbers(ids: &[TokenId]) -> Vec<u32> {
    ids.iter().map(|id| id.get()).collect()
}

/// Random logits that depend on every token read.
struct RandomModel(u64);

impl StepModel for RandomModel {
    type State = Vec<TokenId>;
    type Error = Infallible;

    fn step(&mut self, state: &mut Vec<TokenId>, token: TokenId) -> Result<Vec<f32>, Infallible> {
        state.push(token);
        let seed = state
            .iter()
            .fold(self.0, |seed, &id| SplitMix64::mix(seed, id.get().into()));
        let mut random = SplitMix64::new(seed);
        Ok((0..VOCABULARY)
            .map(|_| 2.0 * random.normal() as f32)
            .collect())
    }
}

/// The probabilities of the next token by the number of tokens read, and the number of requests for them. The last
/// entry repeats.
struct FixedModel {
    probabilities: Vec<Vec<f32>>,
    steps: usize,
}

impl FixedModel {
    fn new(probabilities: &[&[f32]]) -> Self {
        Self {
            probabilities: probabilities.iter().map(|p| p.to_vec()).collect(),
            steps: 0,
        }
    }
}

impl StepModel for FixedModel {
    type State = usize;
    type Error = Infallible;

    fn step(&mut self, read: &mut usize, _: TokenId) -> Result<Vec<f32>, Infallible> {
        let at = (*read).min(self.probabilities.len() - 1);
        *read += 1;
        self.steps += 1;
        Ok(self.probabilities[at].iter().map(|p| p.ln()).collect())
    }
}

fn search<M: StepModel<Error = Infallible>>(
    model: &mut M,
    search: &Search,
    max_tokens: usize,
) -> Vec<Hypothesis>
where
    M::State: Default,
{
    let stop = Stop {
        end: &[END],
        max_tokens,
    };
    let Ok(found) = decode(model, M::State::default(), END, search, stop);
    found
}

fn beam(width: usize, length_penalty: f64) -> Search {
    let width = NonZeroUsize::new(width).expect("a width");
    Search::Beam {
        width,
        length_penalty,
    }
}

fn sample(temperature: f64, top_k: usize, top_p: Option<f64>, seed: u64) -> Search {
    Search::Sample {
        temperature,
        top_k: NonZeroUsize::new(top_k),
        top_p,
        seed,
    }
}

/// Every sequence that is finished within `max_tokens` tokens or reaches that length, with an independent softmax.
fn all_hypotheses(
    model: &mut RandomModel,
    prefix: &Hypothesis,
    max_tokens: usize,
) -> Vec<Hypothesis> {
    if prefix.tokens.len() == max_tokens || prefix.tokens.last() == Some(&END) {
        return vec![prefix.clone()];
    }
    let mut read = [&[END], &prefix.tokens[..]].concat();
    let last = read.pop().expect("the start token");
    let Ok(logits) = model.step(&mut read, last);
    let sum: f64 = logits.iter().map(|&z| f64::from(z).exp()).sum();
    let extend = |(token, &z): (usize, &f32)| {
        let extended = Hypothesis {
            tokens: [&prefix.tokens[..], &[TokenId::at(token)]].concat(),
            log_probability: prefix.log_probability + (f64::from(z).exp() / sum).ln(),
        };
        all_hypotheses(model, &extended, max_tokens)
    };
    logits.iter().enumerate().flat_map(extend).collect()
}

#[test]
fn a_wide_beam_matches_exhaustive_search() {
    // 1 + 3 + 9 + 27 + 81 finished hypotheses and 243 of the maximum length.
    const ALL: usize = 364;
    for seed in 0..8 {
        for alpha in [0.0, 0.6, 1.0, 3.0] {
            let mut model = RandomModel(seed);
            let mut expected = all_hypotheses(&mut model, &Hypothesis::default(), 5);
            assert_eq!(expected.len(), ALL);
            let penalty = |h: &Hypothesis| ((5.0 + h.tokens.len() as f64) / 6.0).powf(alpha);
            let score = |h: &Hypothesis| h.log_probability / penalty(h);
            expected.sort_by(|a, b| score(b).total_cmp(&score(a)));
            let found = search(&mut model, &beam(ALL, alpha), 5);
            assert_eq!(found.len(), ALL);
            for (found, expected) in found.iter().zip(&expected) {
                assert_eq!(found.tokens, expected.tokens, "seed {seed}, alpha {alpha}");
                assert!((found.log_probability - expected.log_probability).abs() < 1e-9);
            }
        }
    }
}

#[test]
fn greedy_search_is_a_beam_of_width_one() {
    let mut ended = 0;
    for seed in 0..200 {
        let greedy = search(&mut RandomModel(seed), &Search::Greedy, 6);
        assert_eq!(greedy, search(&mut RandomModel(seed), &beam(1, 0.6), 6));
        let tokens = &greedy[0].tokens;
        assert_eq!(
            tokens
                .iter()
                .position(|&id| id == END)
                .map_or(6, |at| at + 1),
            tokens.len()
        );
        ended += usize::from(tokens.last() == Some(&END));
    }
    assert!((20..180).contains(&ended), "both kinds of stop: {ended}");
}

#[test]
fn a_beam_stays_narrow_and_stops_when_nothing_can_change() {
    // Two hypotheses finish after two steps, with probabilities 1/2 and 1/4. The live one also has 1/4, and ranks above
    // the second once it is finished, since it is longer.
    let mut model = FixedModel::new(&[&[0.5, 0.5], &[0.5, 0.5], &[1.0, 0.0]]);
    let found = search(&mut model, &beam(2, 1.0), 9);
    let tokens: Vec<Vec<u32>> = found.iter().map(|h| numbers(&h.tokens)).collect();
    assert_eq!(tokens, [&[0][..], &[1, 1, 0]]);
    // Hypotheses with 0.9 and 0.09 finish after two steps, and the live one has 0.01.
    let mut model = FixedModel::new(&[&[0.9, 0.1]]);
    let found = search(&mut model, &beam(2, 0.0), 50);
    assert_eq!(found.len(), 2);
    assert_eq!(model.steps, 2);
    // At most `width` live hypotheses: one step for the first token, then three for each further token.
    let mut model = FixedModel::new(&[&[0.0, 0.3, 0.3, 0.2, 0.2]]);
    assert_eq!(search(&mut model, &beam(3, 0.6), 5).len(), 3);
    assert_eq!(model.steps, 1 + 4 * 3);
}

/// The log probability of a sequence, from a separate pass of the model.
fn log_probability_of(model: &mut RandomModel, tokens: &[TokenId]) -> f64 {
    let (mut state, mut last, mut sum) = (Vec::new(), END, 0.0);
    for &token in tokens {
        let Ok(logits) = model.step(&mut state, last);
        sum += log_softmax(&logits)[token.index()];
        last = token;
    }
    sum
}

#[test]
fn a_branch_does_not_change_the_state_of_another() {
    for seed in 0..50 {
        for found in search(&mut RandomModel(seed), &beam(3, 0.6), 4) {
            let sum = log_probability_of(&mut RandomModel(seed), &found.tokens);
            assert!((sum - found.log_probability).abs() < 1e-9);
        }
    }
}

#[test]
fn end_tokens_finish_and_a_dead_end_is_dropped() {
    let mut model = FixedModel::new(&[&[0.1, 0.2, 0.7], &[0.1, 0.6, 0.3]]);
    let tokens = |model: &mut FixedModel, end: &[u32], max_tokens, search: &Search| {
        let end: Vec<TokenId> = end.iter().copied().map(TokenId::new).collect();
        let stop = Stop {
            end: &end,
            max_tokens,
        };
        let Ok(found) = decode(model, 0, END, search, stop);
        let found = found.iter().map(|h| numbers(&h.tokens));
        found.collect::<Vec<_>>()
    };
    for search in [Search::Greedy, beam(1, 0.6), sample(1.0, 1, None, 7)] {
        assert_eq!(tokens(&mut model, &[0], 3, &search), [[2, 1, 1]]);
        assert_eq!(tokens(&mut model, &[0, 1], 3, &search), [[2, 1]]);
        assert_eq!(tokens(&mut model, &[2], 3, &search), [[2]]);
        assert_eq!(tokens(&mut model, &[2], 0, &search), [[0; 0]]);
        let mut dead_end = FixedModel::new(&[&[0.5, 0.5], &[0.0, 0.0]]);
        assert_eq!(tokens(&mut dead_end, &[], 3, &search), [[0; 0]; 0]);
    }
    let mut half = FixedModel::new(&[&[0.4, 0.6], &[0.0, 0.0]]);
    assert_eq!(tokens(&mut half, &[0], 3, &beam(2, 0.6)), [[0]]);
}

#[test]
fn cuts_keep_exactly_the_most_probable_tokens() {
    // By decreasing probability: 3, 1, then 0 before 4 for its lower id; 2 is ruled out.
    let logits = [
        0.125f32.ln(),
        0.25f32.ln(),
        f32::NEG_INFINITY,
        0.5f32.ln(),
        0.125f32.ln(),
    ];
    let kept = |temperature, top_k, top_p| {
        let kept = truncated(
            &log_softmax(&logits),
            temperature,
            NonZeroUsize::new(top_k),
            top_p,
        );
        kept.into_iter()
            .map(|(id, _)| id.get())
            .collect::<Vec<u32>>()
    };
    assert_eq!(kept(1.0, 0, None), [3, 1, 0, 4]);
    assert_eq!(kept(1.0, 3, None), [3, 1, 0]);
    assert_eq!(kept(1.0, 9, Some(1.0)), [3, 1, 0, 4]);
    assert_eq!(kept(1.0, 0, Some(0.49)), [3]);
    assert_eq!(kept(1.0, 0, Some(0.51)), [3, 1]);
    assert_eq!(kept(1.0, 0, Some(0.74)), [3, 1]);
    assert_eq!(kept(1.0, 0, Some(0.76)), [3, 1, 0]);
    // Of the two most probable, the first has 2/3; at temperature 1/2, 4/5 of two and 8/11 of all.
    assert_eq!(kept(1.0, 2, Some(0.66)), [3]);
    assert_eq!(kept(0.5, 2, Some(0.79)), [3]);
    assert_eq!(kept(0.5, 2, Some(0.81)), [3, 1]);
    assert_eq!(kept(0.5, 0, Some(0.72)), [3]);
    assert_eq!(kept(0.5, 0, Some(0.73)), [3, 1]);
    assert_eq!(kept(1e-6, 0, Some(1e-9)), [3]);
}

/// Checks that a count out of `n` draws is within 4.5 standard deviations of the binomial mean. A correct program fails
/// once in 150,000.
fn assert_frequency(count: usize, n: usize, probability: f64) {
    let expected = n as f64 * probability;
    let deviation = (expected * (1.0 - probability)).sqrt();
    assert!(
        (count as f64 - expected).abs() <= 4.5 * deviation,
        "{count} of {n}, {expected:.1} ± {deviation:.1} expected"
    );
}

#[test]
fn tokens_are_drawn_as_often_as_the_cut_distribution_says() {
    const N: usize = 20_000;
    let probabilities = [0.4f32, 0.05, 0.2, 0.05, 0.3];
    for (temperature, top_k, top_p, kept) in [
        (1.0, 0, None, &[0, 1, 2, 3, 4][..]),
        (0.5, 0, None, &[0, 1, 2, 3, 4]),
        (2.0, 0, None, &[0, 1, 2, 3, 4]),
        (2.0, 3, None, &[0, 2, 4]),
        (1.0, 0, Some(0.65), &[0, 4]),
        (1.5, 4, Some(0.8), &[0, 2, 4]),
    ] {
        let mut model = FixedModel::new(&[&probabilities]);
        let stop = Stop {
            end: &[],
            max_tokens: N,
        };
        let Ok(drawn) = decode(
            &mut model,
            0,
            END,
            &sample(temperature, top_k, top_p, 42),
            stop,
        );
        let weight = |id: usize| f64::from(probabilities[id]).powf(1.0 / temperature);
        let total: f64 = kept.iter().map(|&id| weight(id)).sum();
        for id in 0..probabilities.len() {
            let count = drawn[0].tokens.iter().filter(|t| t.index() == id).count();
            let probability = if kept.contains(&id) {
                weight(id) / total
            } else {
                0.0
            };
            assert_frequency(count, N, probability);
        }
    }
}

#[test]
fn sequences_are_drawn_as_often_as_their_log_probability_says() {
    const N: usize = 20_000;
    let mut model = RandomModel(3);
    let mut counts = BTreeMap::<Vec<TokenId>, usize>::new();
    for seed in 0..N as u64 {
        let drawn = search(&mut model, &sample(1.0, 0, None, seed), 2).remove(0);
        *counts.entry(drawn.tokens).or_default() += 1;
    }
    let all = all_hypotheses(&mut model, &Hypothesis::default(), 2);
    assert_eq!(all.len(), 13);
    for Hypothesis {
        tokens,
        log_probability,
    } in all
    {
        assert_frequency(
            counts.remove(&tokens).unwrap_or(0),
            N,
            log_probability.exp(),
        );
    }
    assert!(counts.is_empty());
}

#[test]
fn a_seed_determines_the_tokens() {
    let mut model = RandomModel(5);
    let mut drawn = |seed| search(&mut model, &sample(3.0, 0, None, seed), 30).remove(0);
    let first: Vec<Hypothesis> = (0..20).map(&mut drawn).collect();
    assert_eq!(first, (0..20).map(&mut drawn).collect::<Vec<_>>());
    assert!(first.iter().any(|other| other.tokens != first[0].tokens));
    // The log probability is the model's, whatever the temperature.
    for Hypothesis {
        tokens,
        log_probability,
    } in first
    {
        let sum = log_probability_of(&mut model, &tokens);
        assert!((sum - log_probability).abs() < 1e-9);
    }
}
