//! `minicopilot complete --line FILE:LINE:COL`: the rest of a line as the network alone predicts it, without the
//! experts that the server mixes in.

use std::fmt::Write as _;
use std::num::NonZeroUsize;
use std::ops::Bound::{Excluded, Included};
use std::process::ExitCode;

use clap::Args;
use serde::Serialize;

use super::complete::Place;
use super::number::number;
use super::output::print;
use crate::inference::{Engine, EngineError, StateHistory};
use crate::model::checkpoint::Checkpoint;
use crate::model::{Search, StepModel, Stop, decode};
use crate::python::{self, CursorIn, END, EOL, IncrementalLexer, START};
use crate::tokenizer::{TokenId, Vocabulary};

/// The maximum number of tokens.
const MAX_TOKENS: usize = 64;
/// The maximum width of a beam.
const MAX_WIDTH: NonZeroUsize = NonZeroUsize::new(100).unwrap();

#[derive(Args, Debug)]
pub struct LineArguments {
    /// Show the rest of the line as the network alone predicts it: its log probability, and its tokens up to `<EOL>`,
    /// at most 64. Greedy search, unless --beam or --temperature is given
    #[arg(long)]
    line: bool,
    /// Beam search: the N best hypotheses, at most 100, ordered by score (see --length-penalty)
    #[arg(long, value_name = "N", requires = "line", allow_negative_numbers = true,
        value_parser = number(NonZeroUsize::MIN..=MAX_WIDTH, "a whole number from 1 to 100"))]
    beam: Option<NonZeroUsize>,
    /// Rank hypotheses of n tokens by their score, the log probability divided by ((5 + n) / 6)^A. The number shown is the log
    /// probability
    #[arg(long, value_name = "A", requires = "beam", default_value_t = 0.6, allow_negative_numbers = true,
        value_parser = number(0.0..=10.0, "a number from 0 to 10"))]
    length_penalty: f64,
    /// Sample, with logits divided by T
    #[arg(long, value_name = "T", requires = "line", conflicts_with = "beam", allow_negative_numbers = true,
        value_parser = number(0.01..=100.0, "a number from 0.01 to 100"))]
    temperature: Option<f64>,
    /// Sample from the K most probable tokens only
    #[arg(long, value_name = "K", requires = "temperature", allow_negative_numbers = true,
        value_parser = number(NonZeroUsize::MIN.., "a whole number of at least 1"))]
    top_k: Option<NonZeroUsize>,
    /// Sample from the fewest most probable tokens only whose probabilities sum to at least P
    #[arg(long, value_name = "P", requires = "temperature", allow_negative_numbers = true,
        value_parser = number((Excluded(0.0), Included(1.0)), "a number above 0 and at most 1"))]
    top_p: Option<f64>,
    /// Random seed for the sample
    #[arg(long, value_name = "S", requires = "temperature", default_value_t = 42, allow_negative_numbers = true,
        value_parser = number(0_u64.., "a whole number of at least 0"))]
    seed: u64,
}

impl LineArguments {
    /// How to search for the rest of the line; `None` if it is not wanted.
    pub(super) fn search(&self) -> Option<Search> {
        let search = match (self.beam, self.temperature) {
            (Some(width), _) => Search::Beam {
                width,
                length_penalty: self.length_penalty,
            },
            (None, Some(temperature)) => Search::Sample {
                temperature,
                top_k: self.top_k,
                top_p: self.top_p,
                seed: self.seed,
            },
            (None, None) => Search::Greedy,
        };
        self.line.then_some(search)
    }
}

#[derive(Serialize)]
struct JsonAnswer<'v> {
    lines: Vec<Line<'v>>,
}

#[derive(Serialize)]
struct Line<'v> {
    tokens: Vec<&'v str>,
    log_probability: f64,
}

/// Prints what `search` finds for the rest of the line, best first.
pub fn run(
    checkpoint: &Checkpoint,
    place: &Place,
    search: &Search,
    json: bool,
) -> anyhow::Result<ExitCode> {
    let (text, cursor) = place.read()?;
    let engine = Engine::of(checkpoint, None)?;
    let lines = rest_of_line(&engine, &checkpoint.vocabulary, &text, cursor, search)?;
    if json {
        print(&(serde_json::to_string(&JsonAnswer { lines })? + "\n"))?;
    } else if lines.is_empty() {
        print(
            "No prediction here: the cursor is in a string or comment, or no token of the vocabulary starts with the \
             typed prefix.\n",
        )?;
    } else {
        let mut printed = String::new();
        for line in &lines {
            // Writing to a string cannot fail.
            let _ = writeln!(
                printed,
                "{:9.3}  {}",
                line.log_probability,
                line.tokens.join(" ")
            );
        }
        print(&printed)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// What `search` finds after the tokens before `cursor`; nothing in strings and comments.
fn rest_of_line<'v>(
    engine: &Engine,
    vocabulary: &'v Vocabulary,
    text: &str,
    cursor: usize,
    search: &Search,
) -> Result<Vec<Line<'v>>, EngineError> {
    let mut lexer = IncrementalLexer::default();
    let context = lexer.context(text, cursor);
    if context.place != CursorIn::Code {
        return Ok(Vec::new());
    }
    // The last token is read by the first step.
    let (mut read, mut last) = (Vec::new(), vocabulary.id(START));
    let mut spelling = String::new();
    for &token in context.tokens {
        python::surface(text, token, &mut spelling);
        read.push(last);
        last = vocabulary.id(&spelling);
    }
    let mut model = LineModel {
        engine,
        vocabulary,
        states: StateHistory::new(),
        context: read.len() + 1,
        prefix: &text[context.prefix],
    };
    let end: Vec<TokenId> = [EOL, END]
        .into_iter()
        .filter_map(|token| vocabulary.get(token))
        .collect();
    let stop = Stop {
        end: &end,
        max_tokens: MAX_TOKENS,
    };
    let found = decode(&mut model, read, last, search, stop)?;
    let lines = found.into_iter().map(|hypothesis| Line {
        tokens: hypothesis
            .tokens
            .iter()
            .filter_map(|&id| vocabulary.token(id))
            .collect(),
        log_probability: hypothesis.log_probability,
    });
    Ok(lines.collect())
}

/// The network after a document. The first token must start with the typed prefix; its probability is that among such tokens.
struct LineModel<'m> {
    engine: &'m Engine,
    vocabulary: &'m Vocabulary,
    /// Shared by all hypotheses: it goes back to where two of them differ.
    states: StateHistory,
    /// The number of ids before the first predicted token.
    context: usize,
    prefix: &'m str,
}

impl StepModel for LineModel<'_> {
    /// The ids read so far.
    type State = Vec<TokenId>;
    type Error = EngineError;

    fn step(&mut self, read: &mut Vec<TokenId>, token: TokenId) -> Result<Vec<f32>, EngineError> {
        read.push(token);
        let answer = self.states.distribution(self.engine, read)?;
        let ids = (0..answer.vocabulary_size()).map(TokenId::at);
        let mut logits: Vec<f32> = ids.map(|id| answer.probability(id).ln()).collect();
        logits[TokenId::PAD.index()] = f32::NEG_INFINITY;
        if read.len() == self.context && !self.prefix.is_empty() {
            for ((_, token), logit) in self.vocabulary.entries().zip(&mut logits) {
                if !token.starts_with(self.prefix) {
                    *logit = f32::NEG_INFINITY;
                }
            }
        }
        Ok(logits)
    }
}
