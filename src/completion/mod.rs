//! From a text and a cursor to ranked candidates.
//!
//! The context before the cursor goes to the engine; what comes back is filtered by the word already begun, and by
//! what can be inserted at all. Knows nothing of documents, requests or protocols; a position is a byte offset.

mod dictionary_keys;
mod fuzzy;
mod inline;
mod modules;
mod name_suffixes;
mod rank;
#[cfg(test)]
mod tests;

use std::ops::Range;
use std::sync::Arc;

use tracing::debug_span;

use crate::context::{
    BufferTokens, CandidateId, CandidateSpace, Position, ProjectContext, TokenId,
};
use crate::inference::{self, CosineScores, Distribution, Engine, EngineError, TruncatedContext};
use crate::model::checkpoint::{Checkpoint, CheckpointError};
use crate::prediction::{Expert, Mixture, Prediction};
use crate::python::{self, CursorIn, IncrementalLexer, Kind};
use crate::tokenizer::{UNK, Vocabulary};
use dictionary_keys::DictionaryKeys;
pub use inline::InlineCompletion;
use modules::Modules;
use rank::{CandidateTable, InsertionSite};

/// Bytes that are lexed in microseconds.
const AT_ONCE: usize = 4096;

/// Answers what comes next at a cursor. Shared by all documents; each brings its own [`CompletionSession`].
#[derive(Debug)]
pub struct Completer {
    engine: Engine,
    vocabulary: Vocabulary,
    offers: CandidateTable,
    /// The gate and the reranker, if the checkpoint has them.
    mixture: Option<Mixture>,
    /// By id: whether it is a name that is not a keyword.
    names: Vec<bool>,
}

/// What a completer remembers of one document, so that a question costs what has changed since the one before it. Belongs
/// to one completer.
#[derive(Debug, Default)]
pub struct CompletionSession {
    reader: IncrementalLexer,
    /// Of the last context's tokens, `<s>` first.
    ids: Vec<u32>,
    /// The same tokens, and where they have stood before.
    document: BufferTokens,
    states: inference::StateHistory,
    /// While so much is unread that nobody waits for it.
    glimpse: Option<TruncatedContext>,
    known: Option<CachedPrediction>,
    spelling: String,
}

/// What comes next after a context.
#[derive(Debug)]
struct CachedPrediction {
    answer: Arc<Distribution>,
    prediction: Prediction,
}

/// The cursor of a question, and what it is in.
struct Cursor {
    prefix: Range<usize>,
    place: CursorIn,
    /// Where one of a dictionary may stand.
    keys: Option<DictionaryKeys>,
}

/// What is asked of [`Completer::complete`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools, reason = "switches of a user")]
pub struct Options {
    /// How many candidates at most.
    pub max_items: usize,
    /// Whether to answer inside string literals.
    pub in_strings: bool,
    /// Whether to answer inside comments.
    pub in_comments: bool,
    /// Whether keys of dictionaries are offered, inside string literals too.
    pub keys: bool,
    /// Whether names that the typed prefix abbreviates are offered where nothing starts with it.
    pub fuzzy: bool,
    /// Whether new names that end like known ones are offered where nothing starts with the typed prefix.
    pub new_names: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            max_items: 5,
            in_strings: false,
            in_comments: false,
            keys: true,
            fuzzy: true,
            new_names: true,
        }
    }
}

impl Options {
    /// The same, with only those names that start with the typed prefix.
    fn exact(self) -> Self {
        Self {
            fuzzy: false,
            new_names: false,
            ..self
        }
    }
}

/// The likeliest next tokens, whether or not they can be inserted.
#[derive(Clone, Debug, PartialEq)]
pub struct NextTokens {
    /// The word begun before the cursor; the tokens are those that could stand in its place.
    pub prefix: Range<usize>,
    /// Most probable first.
    pub tokens: Vec<NextToken>,
}

/// A token and its probability: a vocabulary entry, or a name of the buffer outside it.
#[derive(Clone, Debug, PartialEq)]
pub struct NextToken {
    /// The py150 surface token, `<EOL>` and `<UNK>` among them.
    pub token: String,
    /// Its vocabulary id; [`UNK`] for every name outside the vocabulary.
    pub id: u32,
    /// Share of everything that could come.
    pub probability: f32,
    /// The same by the network alone.
    pub network: f32,
    /// Which experts it is from, and their shares; none where there is but the network.
    pub sources: Vec<(Expert, f32)>,
}

/// What can be inserted at the cursor.
#[derive(Clone, Debug, PartialEq)]
pub struct Completions {
    /// The bytes that any of the candidates replaces: the word begun before the cursor.
    pub replace: Range<usize>,
    /// Where that word ends, if the cursor is in its midst.
    pub word_end: usize,
    /// Most probable first.
    pub items: Vec<Candidate>,
}

/// One completion.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    /// The text that replaces the word begun.
    pub text: String,
    /// The py150 surface token behind it.
    pub token: String,
    /// What kind of token that is.
    pub kind: Kind,
    /// Share among all that fits the word begun and can be inserted; of names that are not known, how often such are right.
    pub probability: f32,
}

impl Completer {
    /// A completer over the network, vocabulary and gate of `checkpoint`, on the CPU.
    pub fn new(checkpoint: &Checkpoint) -> Result<Self, CheckpointError> {
        let config = &checkpoint.config;
        let engine = Engine::new(&config.model, checkpoint.parameters(), config.temperature)?;
        let vocabulary = checkpoint.vocabulary.clone();
        Ok(Self::over(engine, vocabulary, Mixture::of(checkpoint)?))
    }

    fn over(mut engine: Engine, vocabulary: Vocabulary, mixture: Option<Mixture>) -> Self {
        if let Some(mixture) = &mixture {
            engine.keep_hidden_states(mixture.mean_hidden().to_vec());
        }
        let tokens = || (0..vocabulary.len() as u32).filter_map(|id| vocabulary.token(id));
        Self {
            offers: CandidateTable::new(tokens()),
            names: tokens().map(python::is_name).collect(),
            engine,
            vocabulary,
            mixture,
        }
    }

    /// What tokens are numbered by.
    pub fn vocabulary(&self) -> &Vocabulary {
        &self.vocabulary
    }

    /// The `k` most probable next tokens in place of the word begun at `cursor`, raw.
    pub fn next_tokens(
        &self,
        session: &mut CompletionSession,
        text: &str,
        cursor: usize,
        k: usize,
    ) -> Result<NextTokens, EngineError> {
        let Cursor { prefix, .. } = self.lex(session, text, cursor);
        self.know(session)?;
        let CompletionSession {
            document, known, ..
        } = session;
        let all = known
            .iter()
            .flat_map(|CachedPrediction { answer, prediction }| {
                let space = prediction.space(document);
                let everything = prediction.candidates().collect();
                let best = self.best(&space, answer, prediction, everything, k);
                best.into_iter()
                    .filter_map(move |(candidate, probability)| {
                        let (token, id) = self.token_of(&space, candidate)?;
                        Some(NextToken {
                            token: token.to_owned(),
                            id,
                            probability,
                            network: match id {
                                UNK if candidate.get() != UNK => 0.0,
                                id => answer.probabilities[id as usize],
                            },
                            sources: prediction.sources(&space, answer, candidate),
                        })
                    })
            });
        Ok(NextTokens {
            prefix,
            tokens: all.collect(),
        })
    }

    /// The candidates to insert at `cursor`, best first.
    pub fn complete(
        &self,
        session: &mut CompletionSession,
        text: &str,
        cursor: usize,
        options: &Options,
    ) -> Result<Completions, EngineError> {
        let cursor = self.find(session, text, cursor, options);
        if !cursor.is_asked(options) {
            return Ok(cursor.outside_code(text, options));
        }
        self.know(session)?;
        Ok(match &session.known {
            Some(known) => self.offer(&session.document, known, text, cursor, options),
            None => cursor.nothing(),
        })
    }

    /// The same, if that takes microseconds: because nothing is wanted at this place, or because the network has been
    /// asked there already, as it has when a word goes on.
    pub fn complete_at_once(
        &self,
        session: &mut CompletionSession,
        text: &str,
        cursor: usize,
        options: &Options,
    ) -> Option<Completions> {
        if session.reader.unread(text, cursor) > AT_ONCE {
            return None;
        }
        let cursor = self.find(session, text, cursor, options);
        if !cursor.is_asked(options) {
            return Some(cursor.outside_code(text, options));
        }
        let known = session.at_hand()?;
        let is_begun = !cursor.prefix.is_empty();
        let found = self.offer(&session.document, known, text, cursor, &options.exact());
        // The search for abbreviated and new names takes longer.
        let is_inexact = *options != options.exact();
        let is_short = is_inexact && is_begun && found.items.is_empty();
        (!is_short).then_some(found)
    }

    /// The same after the last thousand tokens alone, if so much stands unread before them that a person would notice.
    pub fn complete_early(
        &self,
        session: &mut CompletionSession,
        text: &str,
        cursor: usize,
        options: &Options,
    ) -> Result<Option<Completions>, EngineError> {
        let cursor = self.find(session, text, cursor, options);
        let CompletionSession {
            document,
            ids,
            states,
            glimpse,
            known,
            ..
        } = session;
        if !TruncatedContext::is_wanted(glimpse.as_ref(), states.unread(&self.engine, ids)) {
            *glimpse = None;
            return Ok(None);
        }
        if !cursor.is_asked(options) {
            return Ok(Some(cursor.outside_code(text, options)));
        }
        let glimpse = glimpse.get_or_insert_default();
        let (answer, similar) = glimpse.answer(&self.engine, ids)?;
        let is_another = |known: &CachedPrediction| !Arc::ptr_eq(&known.answer, &answer);
        if known.as_ref().is_none_or(is_another) {
            *known = Some(CachedPrediction {
                prediction: self.predict(document, &answer, &similar),
                answer,
            });
        }
        Ok(Some(match known {
            Some(known) => self.offer(document, known, text, cursor, options),
            None => cursor.nothing(),
        }))
    }

    /// Whether there is nothing to read before somebody asks: [`Completer::complete_at_once`] would answer, or the cursor
    /// is in a string or a comment, which seldom ends with the next key.
    pub fn is_read(&self, session: &mut CompletionSession, text: &str, cursor: usize) -> bool {
        session.reader.unread(text, cursor) <= AT_ONCE && {
            let cursor = self.lex(session, text, cursor);
            cursor.place != CursorIn::Code || session.at_hand().is_some()
        }
    }

    /// Reads what stands before `cursor`, and computes what an answer there needs, until all is done or `stop` says so;
    /// whether all is read. A document that has just been changed is best read so, before anybody asks.
    pub fn read(
        &self,
        session: &mut CompletionSession,
        text: &str,
        cursor: usize,
        stop: &dyn Fn() -> bool,
    ) -> Result<bool, EngineError> {
        let cursor = self.lex(session, text, cursor);
        let done = session.states.read(&self.engine, &session.ids, stop)?;
        if done {
            session.glimpse = None;
        }
        if done && cursor.place == CursorIn::Code {
            self.know(session)?;
        }
        Ok(done)
    }

    fn offer(
        &self,
        document: &BufferTokens,
        known: &CachedPrediction,
        text: &str,
        cursor: Cursor,
        options: &Options,
    ) -> Completions {
        let _span = debug_span!("rank").entered();
        let CachedPrediction { answer, prediction } = known;
        let Cursor { prefix, keys, .. } = cursor;
        let begun = &text[prefix.clone()];
        let word_end = prefix.end + rank::word(&text[prefix.end..]).len();
        let modules = self.modules(document);
        let modules = modules.filter(|_| word_end == prefix.end);
        let is_module = modules.is_some_and(|modules| modules.has_some(begun));
        let mut ranked = *options;
        if is_module {
            ranked = ranked.exact();
        }
        if modules.is_some() {
            ranked.max_items = ranked.max_items.max(modules::LOOKED_AT);
        }
        let gap = InsertionSite {
            prefix: begun,
            right: &text[prefix.end..],
            only_names: self.needs_a_name(document),
        };
        let space = prediction.space(document);
        let best = |fitting| self.best(&space, answer, prediction, fitting, ranked.max_items);
        let mut items = self.offers.rank(&space, prediction, &gap, &ranked, best);
        if let Some(modules) = modules {
            modules.join(&mut items, begun, options.max_items);
        }
        if let Some(keys) = keys.filter(|keys| !keys.is_open && prefix.is_empty()) {
            keys.join(&mut items, options.max_items);
        }
        Completions {
            replace: prefix,
            word_end,
            items,
        }
    }

    /// Whether only a name can follow, for all that is known.
    fn needs_a_name(&self, document: &BufferTokens) -> bool {
        let mixture = self.mixture.as_ref();
        mixture.is_some_and(|mixture| mixture.needs_a_name(document))
    }

    /// What can be imported, if that is known, where the name of a module is.
    fn modules<'a>(&self, document: &'a BufferTokens) -> Option<Modules<'a>> {
        let mixture = self.mixture.as_ref()?;
        let importable = document.project().importable();
        let is_asked = !importable.is_empty() && mixture.begins_module(document);
        is_asked.then_some(Modules(importable))
    }

    /// How a candidate is spelled, and its id: [`UNK`] outside the vocabulary.
    fn token_of<'a>(
        &'a self,
        space: &CandidateSpace<'a>,
        candidate: CandidateId,
    ) -> Option<(&'a str, u32)> {
        if let Some(token) = self.vocabulary.token(candidate.get()) {
            return Some((token, candidate.get()));
        }
        Some((space.spelling(candidate)?, UNK))
    }

    /// The likeliest of `fitting`, as the reranker orders them if there is one.
    fn best(
        &self,
        space: &CandidateSpace<'_>,
        answer: &Distribution,
        prediction: &Prediction,
        fitting: Vec<CandidateId>,
        most: usize,
    ) -> Vec<(CandidateId, f32)> {
        let fitting = fitting.into_iter();
        match &self.mixture {
            Some(mixture) => mixture.rank(prediction, space, answer, fitting, most),
            None => prediction.best(fitting, most),
        }
    }

    fn predict(
        &self,
        document: &BufferTokens,
        answer: &Distribution,
        similar: &CosineScores,
    ) -> Prediction {
        match &self.mixture {
            Some(mixture) => mixture.predict(document, answer, similar),
            None => Prediction::of_network(answer),
        }
    }

    /// Brings what comes next in a session up to date with its ids.
    fn know(&self, session: &mut CompletionSession) -> Result<(), EngineError> {
        let answer = session.states.answer(&self.engine, &session.ids)?;
        if session.at_hand().is_none() {
            let _span = debug_span!("mix").entered();
            let (states, ids) = (&session.states, &session.ids);
            let similar = states.similarities(&self.engine, ids, &answer);
            session.known = Some(CachedPrediction {
                prediction: self.predict(&session.document, &answer, &similar),
                answer,
            });
        }
        Ok(())
    }

    /// Brings a session's ids up to date, and finds what else may stand at `cursor`.
    fn find(
        &self,
        session: &mut CompletionSession,
        text: &str,
        cursor: usize,
        options: &Options,
    ) -> Cursor {
        let mut found = self.lex(session, text, cursor);
        if options.keys && found.place != CursorIn::Comment && found.prefix.is_empty() {
            let context = session.reader.context(text, cursor);
            found.keys = dictionary_keys::keys(text, context.tokens, found.prefix.end);
        }
        found
    }

    /// Brings a session's ids up to date.
    fn lex(&self, session: &mut CompletionSession, text: &str, cursor: usize) -> Cursor {
        let _span = debug_span!("lex").entered();
        let CompletionSession {
            reader,
            ids,
            document,
            known,
            spelling,
            ..
        } = session;
        let context = reader.context(text, cursor);
        if ids.is_empty() {
            ids.push(self.vocabulary.id(python::START));
            document.push(TokenId::new(ids[0]), python::START, false, None);
        }
        let length = 1 + context.tokens.len();
        let mut is_same = length == ids.len();
        for (at, &token) in (1..length).zip(context.tokens).skip(context.unchanged) {
            python::surface(text, token, spelling);
            let id = self.vocabulary.id(spelling);
            let column = begins_line(context.tokens, at - 1)
                .then(|| python::column(text, token))
                .flatten();
            let (position, token) = (Position::at(at), TokenId::new(id));
            let is_there = ids.get(at) == Some(&id) && document.is_at(position, token, spelling);
            if is_there && document.column(position) == column {
                continue;
            }
            is_same = false; // another name outside the vocabulary is another document, though its id is the same
            ids.truncate(at);
            document.truncate(at);
            let is_name = match id {
                UNK => python::is_name(spelling),
                id => self.names[id as usize],
            };
            ids.push(id);
            document.push(token, spelling, is_name, column);
        }
        ids.truncate(length);
        document.truncate(length);
        if document.compact() || !is_same {
            *known = None;
        }
        Cursor {
            prefix: context.prefix,
            place: context.place,
            keys: None,
        }
    }
}

/// Whether a token of a text is the first of its line.
fn begins_line(tokens: &[python::Token], at: usize) -> bool {
    tokens[at].kind != Kind::Eol
        && at
            .checked_sub(1)
            .is_none_or(|before| tokens[before].kind == Kind::Eol)
}

impl Cursor {
    /// Whether the network is to be asked.
    fn is_asked(&self, options: &Options) -> bool {
        let is_key = |keys: &DictionaryKeys| keys.is_open && !keys.shares.is_empty();
        options.want(self.place) && !self.keys.as_ref().is_some_and(is_key)
    }

    /// What is offered in a string literal or a comment: keys of dictionaries, if it may be one.
    fn outside_code(self, text: &str, options: &Options) -> Completions {
        match self.keys {
            Some(keys) if keys.is_open => Completions {
                replace: keys.typed.clone(),
                word_end: keys.typed.end,
                items: keys.items(text, options.max_items),
            },
            _ => self.nothing(),
        }
    }

    fn nothing(self) -> Completions {
        Completions {
            word_end: self.prefix.end,
            replace: self.prefix,
            items: Vec::new(),
        }
    }
}

impl Options {
    fn want(&self, place: CursorIn) -> bool {
        match place {
            CursorIn::Code => true,
            CursorIn::String => self.in_strings,
            CursorIn::Comment => self.in_comments,
        }
    }
}

impl CompletionSession {
    /// Nothing read yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Memory, in bytes.
    pub fn bytes(&self) -> usize {
        let known = self.known.as_ref();
        self.reader.bytes()
            + size_of_val(&self.ids[..])
            + self.document.bytes()
            + self.states.bytes()
            + self.glimpse.as_ref().map_or(0, TruncatedContext::bytes)
            + known.map_or(0, |known| known.prediction.bytes())
    }

    /// Whether the document stands in these surroundings, or in none.
    pub fn stands_in(&self, surroundings: Option<&Arc<ProjectContext>>) -> bool {
        match surroundings {
            Some(surroundings) => Arc::ptr_eq(self.document.project(), surroundings),
            None => self.document.project().is_empty(),
        }
    }

    /// Puts the document into other surroundings, or into none; that takes a millisecond.
    pub fn surround(&mut self, surroundings: Option<Arc<ProjectContext>>) {
        if !self.stands_in(surroundings.as_ref()) {
            self.document.set_project(surroundings.unwrap_or_default());
            self.known = None;
        }
    }

    /// What comes next after the session's ids, if that is known.
    fn at_hand(&self) -> Option<&CachedPrediction> {
        let answer = self.states.answered(&self.ids)?;
        let known = self.known.as_ref();
        known.filter(|known| Arc::ptr_eq(&known.answer, &answer))
    }
}
