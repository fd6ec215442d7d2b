//! Checks every figure against a naive implementation of its formula.

use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::tokenizer::TokenId;

/// Ids 0 and 1 are `<PAD>` and `<UNK>`, as in every vocabulary.
const TOKENS: [&str; 20] = [
    "<PAD>",
    "<UNK>",
    "<s>",
    "</s>",
    "<EOL>",
    ".",
    "(",
    ")",
    "self",
    "selected",
    "selection",
    "sell",
    "append",
    "add",
    "if",
    "import",
    "\"<STR_LIT>\"",
    "<NUM_LIT>",
    "<NUM_LIT:0>",
    "x",
];
/// The five tokens without a text, which are not answers.
const SILENT: [&str; 5] = ["<PAD>", "<UNK>", "<s>", "</s>", "<NUM_LIT>"];
const NAMES: [&str; 7] = [
    "self",
    "selected",
    "selection",
    "sell",
    "append",
    "add",
    "x",
];

/// One target: (logits, its id, the id before it).
fn targets() -> impl Strategy<Value = Vec<(Vec<f32>, TokenId, TokenId)>> {
    // Few distinct logits, so that ties are common.
    let logits = prop::collection::vec((-12i8..12).prop_map(|l| f32::from(l) / 2.0), TOKENS.len());
    let from = |first: usize| (first..TOKENS.len()).prop_map(TokenId::at);
    prop::collection::vec((logits, from(1), from(2)), 1..40)
}

/// Tokens with their probabilities, most probable first.
fn sorted(logits: &[f32]) -> Vec<(&'static str, f64)> {
    let sum: f64 = logits.iter().map(|&l| f64::from(l).exp()).sum();
    let mut all: Vec<_> = TOKENS
        .iter()
        .zip(logits)
        .map(|(&t, &l)| (t, f64::from(l).exp() / sum))
        .collect();
    all.sort_by(|a, b| b.1.total_cmp(&a.1));
    all
}

/// Simulates typing: checks the list before each character.
fn keys(list: &[(&str, f64)], target: &str) -> usize {
    let offered: Vec<&str> = list
        .iter()
        .filter(|(token, _)| !SILENT.contains(token) && *token != "<EOL>")
        .map(|(token, _)| match *token {
            "\"<STR_LIT>\"" => "\"\"",
            "<NUM_LIT:0>" => "0",
            token => token,
        })
        .collect();
    for typed in 0..target.len() {
        if offered
            .iter()
            .filter(|o| o.starts_with(&target[..typed]))
            .take(5)
            .any(|&o| o == target)
        {
            return typed + 1;
        }
    }
    target.len()
}

fn close(a: Option<f64>, b: Option<f64>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => (a - b).abs() < 1e-6,
        (a, b) => a == b,
    }
}

fn mean(values: impl IntoIterator<Item = f64>) -> Option<f64> {
    let values: Vec<f64> = values.into_iter().collect();
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

proptest! {
    #[test]
    fn figures_are_their_formulas(targets in targets()) {
        let surfaces = Surfaces::new(TOKENS, 1.0);
        let mut metrics = Metrics::default();
        for (logits, target, previous) in &targets {
            let mut seen = surfaces.observe(logits, *target, *previous);
            if *target == TokenId::UNK {
                prop_assert_eq!(seen.keystrokes, None);
                seen.keystrokes = Some(Keystrokes { keys: 10, characters: 10 }); // unheard_of
            }
            metrics.add(&seen);
        }
        let figures = metrics.figures();

        let token = |id: &TokenId| TOKENS[id.index()];
        let place = |logits: &[f32], id: &TokenId| sorted(logits).iter().position(|(t, _)| *t == token(id)).unwrap_or(99);
        let strict = |logits: &[f32], id: &TokenId| {
            let answers: Vec<_> = sorted(logits).into_iter().filter(|(t, _)| !SILENT.contains(t)).collect();
            answers.iter().position(|(t, _)| *t == token(id)).unwrap_or(99)
        };
        let identifier = |id: &TokenId| NAMES.contains(&token(id)) || *id == TokenId::UNK;
        let of = |ok: bool| f64::from(u8::from(ok));

        let nats = |logits: &[f32], id: &TokenId| -sorted(logits).iter().find(|(t, _)| *t == token(id)).map_or(0.0, |x| x.1.ln());
        prop_assert!(close(figures.loss, mean(targets.iter().map(|(l, t, _)| nats(l, t)))));
        prop_assert!(close(figures.perplexity, figures.loss.map(f64::exp)));
        prop_assert!(close(figures.top1, mean(targets.iter().map(|(l, t, _)| of(place(l, t) < 1)))));
        prop_assert!(close(figures.top5, mean(targets.iter().map(|(l, t, _)| of(place(l, t) < 5)))));
        prop_assert!(close(figures.strict.top1, mean(targets.iter().map(|(l, t, _)| of(strict(l, t) < 1)))));
        prop_assert!(close(figures.strict.top5, mean(targets.iter().map(|(l, t, _)| of(strict(l, t) < 5)))));
        let mrr = |l: &[f32], t: &TokenId| if strict(l, t) < 10 { 1.0 / (strict(l, t) + 1) as f64 } else { 0.0 };
        prop_assert!(close(figures.strict.mrr10, mean(targets.iter().map(|(l, t, _)| mrr(l, t)))));
        let codexglue = targets.iter().filter(|(_, t, _)| !["<s>", "</s>", "<EOL>"].contains(&token(t)));
        prop_assert!(close(figures.codexglue_accuracy, mean(codexglue.map(|(l, t, _)| of(place(l, t) == 0 && *t != TokenId::UNK)))));
        let names = targets.iter().filter(|(_, t, _)| identifier(t));
        prop_assert!(close(figures.identifiers.top5, mean(names.map(|(l, t, _)| of(strict(l, t) < 5)))));
        let attributes = targets.iter().filter(|(_, t, p)| identifier(t) && token(p) == ".");
        prop_assert!(close(figures.attributes.mrr10, mean(attributes.map(|(l, t, _)| mrr(l, t)))));

        let name = |id: &TokenId| if *id == TokenId::UNK { "unheard_of" } else { token(id) };
        let typed: Vec<_> = targets.iter().filter(|(_, t, _)| identifier(t) && name(t).len() >= 3).collect();
        let used: usize = typed.iter().map(|(l, t, _)| keys(&sorted(l), name(t))).sum();
        let characters: usize = typed.iter().map(|(_, t, _)| name(t).len()).sum();
        let saved = (characters > 0).then(|| 1.0 - used as f64 / characters as f64);
        prop_assert!(close(figures.keystrokes_saved, saved));

        let firsts: Vec<(f64, bool)> = targets.iter().map(|(l, t, _)| {
            let first = *sorted(l).iter().find(|(t, _)| !SILENT.contains(t)).expect("some answer");
            (first.1, first.0 == token(t))
        }).collect();
        let mut error = 0.0;
        for bin in 0..15 {
            let inside: Vec<_> = firsts.iter().filter(|(p, _)| ((p * 15.0) as usize).min(14) == bin).collect();
            let gap = inside.iter().map(|(p, right)| of(*right) - p).sum::<f64>() / inside.len().max(1) as f64;
            error += gap.abs() * inside.len() as f64 / firsts.len() as f64;
        }
        prop_assert!(close(figures.ece, Some(error)), "{:?} {}", figures.ece, error);
    }

    /// Every target is in one class and one position range, and each part equals a filtered recount.
    #[test]
    fn the_parts_are_those_of_the_whole(targets in targets(), file in 1usize..20_000) {
        let surfaces = Surfaces::new(TOKENS, 1.0);
        let mut parts = Breakdown::default();
        let mut calibration = Calibration::default();
        let seen: Vec<_> = targets.iter().enumerate().map(|(k, (logits, target, previous))| {
            let (seen, at) = (surfaces.observe(logits, *target, *previous), (k + 1) * file / targets.len());
            parts.add(&seen, at);
            seen.shown.iter().for_each(|&shown| calibration.add(shown));
            (seen, at, *target)
        }).collect();
        let view = |seen: &Observation| seen.model.expect("of the network");
        let of = |ok: bool| f64::from(u8::from(ok));

        let classes = parts.classes();
        prop_assert_eq!(classes.iter().map(|c| c.figures.targets).sum::<u64>(), targets.len() as u64);
        for part in &classes {
            let inside: Vec<_> = seen.iter().filter(|(seen, _, target)| match (&*part.class, TOKENS[target.index()]) {
                ("out of vocabulary", token) => token == "<UNK>",
                ("attributes", token) => NAMES.contains(&token) && seen.class == Class::Attribute,
                ("identifiers", token) => NAMES.contains(&token) && seen.class != Class::Attribute,
                ("keywords", token) => token == "if" || token == "import",
                ("operators", token) => [".", "(", ")"].contains(&token),
                ("strings", token) => token.contains("<STR_LIT"),
                ("numbers", token) => token.contains("<NUM_LIT"),
                ("</s>", token) => token == "</s>" || token == "<s>",
                (class, token) => class == token,
            }).collect();
            prop_assert_eq!(part.figures.targets, inside.len() as u64, "{}", &part.class);
            prop_assert!(close(Some(part.figures.loss), mean(inside.iter().map(|s| -view(&s.0).log_probability))));
            prop_assert!(close(Some(part.figures.top5), mean(inside.iter().map(|s| of(view(&s.0).rank < 5)))));
            prop_assert!(close(part.figures.strict.top1, mean(inside.iter().map(|s| of(s.0.rank == Some(0))))));
        }

        let positions = parts.positions();
        prop_assert_eq!(positions.iter().map(|p| p.figures.targets).sum::<u64>(), targets.len() as u64);
        for part in &positions {
            prop_assert!(part.from == 0 && part.to == Some(63) || part.from >= 64 && part.from.is_power_of_two());
            prop_assert!(part.to.map_or(part.from == 8192, |to| to + 1 == (2 * part.from).max(64)));
            let inside: Vec<_> = seen.iter().filter(|s| (part.from..=part.to.unwrap_or(usize::MAX)).contains(&s.1)).collect();
            prop_assert!(close(Some(part.figures.top1), mean(inside.iter().map(|s| of(view(&s.0).rank == 0)))));
        }

        let bins = calibration.bins();
        let answers: u64 = bins.iter().map(|bin| bin.answers).sum();
        let error = bins.iter().map(|bin| (bin.accuracy - bin.confidence).abs() * bin.answers as f64).sum::<f64>();
        prop_assert!(close(calibration.error(), Some(error / answers as f64)));
        prop_assert!(bins.iter().all(|bin| (bin.from - 1e-9..=bin.to + 1e-9).contains(&bin.confidence)));
    }

    /// Observations from a server's answers agree with those from the full distribution.
    #[test]
    fn answers_tell_the_same(targets in targets()) {
        let surfaces = Surfaces::new(TOKENS, 1.0);
        for (logits, target, previous) in &targets {
            let inside = surfaces.observe(logits, *target, *previous);
            let answers: Vec<_> = sorted(logits).into_iter().map(|(token, p)| (token, p as f32)).collect();
            let name = if *target == TokenId::UNK { "unheard_of" } else { TOKENS[target.index()] };
            let outside = Observation::from_answers(name, TOKENS[previous.index()], &answers, inside.keystrokes);
            prop_assert_eq!(outside.class, inside.class);
            prop_assert_eq!(outside.rank, inside.rank);
            prop_assert_eq!(outside.exact, inside.exact);
            prop_assert_eq!(outside.shown.map(|s| s.right), inside.shown.map(|s| s.right));
        }
    }

    #[test]
    fn parts_merge_into_the_whole(targets in targets(), cut in any::<prop::sample::Index>()) {
        let surfaces = Surfaces::new(TOKENS, 1.0);
        let count = |part: &[(Vec<f32>, TokenId, TokenId)]| {
            let mut metrics = Metrics::default();
            for (logits, target, previous) in part {
                metrics.add(&surfaces.observe(logits, *target, *previous));
            }
            metrics
        };
        let parts = |part: &[(Vec<f32>, TokenId, TokenId)]| {
            let mut parts = Breakdown::default();
            for (at, (logits, target, previous)) in part.iter().enumerate() {
                parts.add(&surfaces.observe(logits, *target, *previous), at * at * 20);
            }
            parts
        };
        let (left, right) = targets.split_at(cut.index(targets.len()));
        let mut twice = parts(left);
        twice += &parts(left);
        for (once, twice) in parts(left).classes().iter().zip(twice.classes()) {
            prop_assert_eq!(once.figures.targets * 2, twice.figures.targets);
            prop_assert!(close(Some(once.figures.loss), Some(twice.figures.loss)));
        }
        prop_assert_eq!(parts(left).positions().len(), twice.positions().len());
        let mut merged = count(left);
        merged += &count(right);
        for ((name, whole), (_, merged)) in count(&targets).figures().rows().into_iter().zip(merged.figures().rows()) {
            prop_assert!(close(whole, merged), "{}", name);
        }
    }

    #[test]
    fn percentiles_are_nearest_ranks(micros in prop::collection::vec(0u32..100_000, 1..300)) {
        let mut latency = Latency::default();
        for &us in &micros {
            latency.add(Duration::from_micros(u64::from(us)));
        }
        let figures = latency.figures().expect("not empty");
        for (percent, value) in [(50, figures.p50_ms), (95, figures.p95_ms), (99, figures.p99_ms), (100, figures.max_ms)] {
            let at_most = micros.iter().filter(|&&us| f64::from(us) / 1000.0 <= value).count();
            let below = micros.iter().filter(|&&us| f64::from(us) / 1000.0 < value).count();
            prop_assert!(at_most * 100 >= micros.len() * percent && below * 100 < micros.len() * percent);
        }
    }
}

#[test]
fn the_table_omits_what_was_not_measured() {
    let mut metrics = Metrics::default();
    let answers = [("<UNK>", 0.5), ("self", 0.25), (".", 0.125)];
    metrics.add(&Observation::from_answers("self", "(", &answers, None));
    metrics.add(&Observation::from_answers(
        "unheard_of",
        ".",
        &answers,
        None,
    ));
    insta::assert_snapshot!(metrics.figures(), @r"
    strict top1                       0.5000
    strict top5                       0.5000
    strict mrr@10                     0.5000
    codexglue accuracy                0.0000
    identifier top1                   0.5000
    identifier top5                   0.5000
    identifier mrr@10                 0.5000
    attribute top1                    0.0000
    attribute top5                    0.0000
    attribute mrr@10                  0.0000
    calibration error                 0.2500
    targets                                2
    ");
}
