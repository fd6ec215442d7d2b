//! The completion list: candidates that match the typed prefix and can be inserted, from all sources.

use tracing::debug_span;

use super::candidate::Completions;
use super::completer::Completer;
use super::context::CompletionContext;
use super::effort::{Answer, Effort};
use super::options::Options;
use super::predict::Coverage;
use super::rank::InsertionSite;
use super::session::{CachedPrediction, CompletionSession};
use super::sources::dictionary_keys::{self, DictionaryKeys};
use super::sources::modules::{self, Modules};
use crate::context::BufferTokens;
use crate::inference::EngineError;

impl Completer {
    /// The candidates for insertion at byte `cursor`, best first, as far as `effort` allows.
    pub fn complete(
        &self,
        session: &mut CompletionSession,
        text: &str,
        cursor: usize,
        options: &Options,
        effort: Effort<'_>,
    ) -> Result<Answer, EngineError> {
        let Some(context) = CompletionContext::within(effort, session, &self.lexicon, text, cursor)
        else {
            return Ok(Answer::Unavailable);
        };
        let keys = dictionary_keys::at(&context, session.lexer.tokens(), options);
        if let Some(keys) = keys.as_ref().filter(|keys| keys.is_open) {
            return Ok(Answer::Full(keys.completions(text, options.max_items)));
        }
        if !options.includes(context.place) {
            return Ok(Answer::Full(context.completions(Vec::new())));
        }
        let coverage = self.predict(session, effort)?;
        let (Some(coverage), Some(cached)) = (coverage, &session.prediction) else {
            return Ok(Answer::Unavailable);
        };
        let is_immediate = matches!(effort, Effort::Immediate);
        let searched = if is_immediate {
            options.exact()
        } else {
            *options
        };
        let found = self.candidates(&session.buffer, cached, &context, keys, &searched);
        // The search for abbreviated and new names takes longer.
        let can_find_more = searched != *options && !context.typed().is_empty();
        if can_find_more && found.items.is_empty() {
            return Ok(Answer::Unavailable);
        }
        Ok(match coverage {
            Coverage::Full => Answer::Full(found),
            Coverage::Truncated => Answer::Truncated(found),
        })
    }

    /// Builds the completion list from a prediction.
    fn candidates(
        &self,
        buffer: &BufferTokens,
        cached: &CachedPrediction,
        context: &CompletionContext<'_>,
        keys: Option<DictionaryKeys>,
        options: &Options,
    ) -> Completions {
        let _span = debug_span!("rank").entered();
        let prediction = &cached.prediction;
        let typed = context.typed();
        let importable = buffer.project().importable();
        let is_module = prediction.restriction.is_module
            && !importable.is_empty()
            && context.rest_of_word().is_empty();
        let modules = is_module.then_some(Modules(importable));
        let mut ranked = *options;
        if let Some(modules) = modules {
            ranked.max_items = ranked.max_items.max(modules::MIN_CANDIDATES);
            if modules.has_prefix(typed) {
                ranked = ranked.exact();
            }
        }
        let site = InsertionSite {
            prefix: typed,
            suffix: context.after(),
        };
        let space = prediction.space(buffer);
        let best = |fitting| self.best(&space, cached, fitting, ranked.max_items);
        let mut items = self.table.rank(&space, prediction, site, &ranked, best);
        if let Some(modules) = modules {
            modules.merge(&mut items, typed, options.max_items);
        }
        if let Some(keys) = keys {
            keys.merge(&mut items, options.max_items);
        }
        context.completions(items)
    }
}
