//! What stands around a document: the rest of its own file below, and files of its project, the nearest first, sorted by
//! what stands before each token; and what these files and those that it imports declare.
//!
//! A suffix array over reversed contexts: the places where the last k tokens of a buffer have stood are one range, found by
//! two binary searches inside that of the last k - 1. It takes 8 bytes a token, is made once, in the background, and is never
//! changed; a project that changes gets a new one.

use std::cmp::Ordering;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use super::buffer::ORDERS;
use super::syntax::Syntax;
use crate::symbols::{Module, Name, Numbering, ProjectSymbols, Role, Symbols};
use crate::tokenizer::UNK;

/// The longest context that is looked for, in tokens.
const DEEPEST: usize = 12;
/// Places of one context that are looked at, evenly spread.
const SAMPLED: usize = 128;
/// How far from the document, in tokens, a place has lost most of its weight; and what it never loses.
const NEAR: f32 = 20_000.0;
const FAR_WEIGHT: f32 = 0.25;

/// The files around a document. Immutable: share it.
///
/// Its tokens are ids of the vocabulary, or the vocabulary's size plus the number of a name.
#[derive(Debug)]
pub struct ProjectContext {
    vocabulary_size: usize,
    /// The names outside the vocabulary, sorted.
    names: Vec<Box<str>>,
    /// File after file.
    tokens: Vec<u32>,
    /// The positions that a token follows, sorted by the token there, then the one before it, and so on.
    order: Vec<u32>,
    /// Names, and what share of all they have: elsewhere, and behind a dot. Ascending.
    shares: [Vec<(u32, f32)>; 2],
    /// The likeliest of each.
    likeliest: [Option<(u32, f32)>; 2],
    symbols: ProjectSymbols,
    /// What each of the names is to declarations.
    roles: Vec<Role>,
    /// The token of a dot.
    dot: u32,
    importable: ImportableModules,
}

/// What declarations there are around a document. Their names are numbered as its tokens are.
#[derive(Debug, Default)]
pub struct Declarations {
    /// Of the rest of its own file.
    pub below: Symbols,
    /// Of the modules around, the nearest first.
    pub modules: Vec<Module>,
    /// The last parts of its own package, of the one around it, and so on; [`Name::NONE`] for one that cannot be named.
    pub packages: Vec<Name>,
}

/// What can be imported without a dot. Lists are sorted, and shared by many documents.
#[derive(Clone, Debug, Default)]
pub struct ImportableModules {
    /// From the environment; nothing where that is not known.
    pub installed: Arc<[Box<str>]>,
    /// The project's own modules, the document's among them.
    pub own: Arc<[Box<str>]>,
    /// How the document's own is called.
    pub document: Box<str>,
}

/// Which lists it is: they are large, and never changed.
impl Hash for ImportableModules {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let lists = [&self.installed, &self.own].map(|list| (Arc::as_ptr(list).addr(), list.len()));
        (lists, &self.document).hash(state);
    }
}

impl ImportableModules {
    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        self.installed.is_empty() && self.own.is_empty()
    }
}

/// What followed a context in the surroundings.
#[derive(Clone, Debug, Default)]
pub(crate) struct Found {
    /// Tokens, ascending: what the n-grams and what the longest match give each. Neither adds up to one.
    pub(crate) said: Vec<(u32, [f32; 2])>,
    /// The longest match's length.
    pub(crate) length: usize,
    /// How often the longest match stands there.
    pub(crate) occurrences: usize,
    /// How many tokens followed it, and the likeliest's share.
    pub(crate) distinct: usize,
    pub(crate) largest: f32,
    /// By context length, how much it is to be trusted over shorter ones.
    pub(crate) trusts: [f32; ORDERS],
}

impl ProjectContext {
    /// Of the tokens `below` the document in its own file, and of those of files, the nearest first, each from `<s>` on. Tokens are
    /// below the vocabulary's size, or index `words` behind it. `importable` is what can be imported without a dot.
    pub fn new<'a>(
        syntax: &Syntax,
        words: [&[Box<str>]; 2],
        below: &[u32],
        near: impl Iterator<Item = &'a [u32]>,
        declarations: Declarations,
        importable: ImportableModules,
    ) -> Self {
        let vocabulary_size = syntax.vocabulary_size();
        let mut tokens = below.to_vec();
        near.for_each(|file| tokens.extend_from_slice(file));
        let outside = |token: &u32| (*token as usize).checked_sub(vocabulary_size);
        let mut used: Vec<usize> = tokens.iter().filter_map(outside).collect();
        used.extend(declarations.names().map(|name| name as usize));
        used.sort_unstable();
        used.dedup();
        let [first, second] = words;
        let spelled = |word: usize| {
            first
                .get(word)
                .unwrap_or_else(|| &second[word - first.len()])
        };
        used.sort_unstable_by_key(|&word| spelled(word));
        let mut number = rustc_hash::FxHashMap::default();
        number.extend(used.iter().enumerate().map(|(n, &word)| (word, n)));
        for token in &mut tokens {
            if let Some(word) = outside(token) {
                *token = (vocabulary_size + number[&word]) as u32;
            }
        }
        let symbols = declarations.numbered(|name| number[&(name as usize)] as u32);
        let mut surroundings = Self {
            vocabulary_size,
            roles: used.iter().map(|&word| Role::of(spelled(word))).collect(),
            names: used.iter().map(|&word| spelled(word).clone()).collect(),
            order: Vec::new(),
            shares: [Vec::new(), Vec::new()],
            likeliest: [None; 2],
            tokens,
            symbols,
            dot: syntax.dot,
            importable,
        };
        surroundings.sort(syntax.start);
        surroundings.share(syntax);
        surroundings
    }

    /// How many tokens.
    pub fn len(&self) -> usize {
        self.tokens.len()
    }

    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        self.tokens.is_empty() && self.symbols.is_empty() && self.importable.is_empty()
    }

    /// The names outside the vocabulary, sorted.
    pub fn names(&self) -> &[Box<str>] {
        &self.names
    }

    /// What can be imported without a dot, whether anybody does or not.
    pub fn importable(&self) -> &ImportableModules {
        &self.importable
    }

    /// Memory, in bytes.
    pub fn bytes(&self) -> usize {
        let names: usize = self.names.iter().map(|name| 17 + name.len()).sum();
        let shares = self.shares.iter().map(|shares| 8 * shares.len());
        4 * (self.tokens.len() + self.order.len())
            + names
            + shares.sum::<usize>()
            + self.symbols.bytes()
    }

    /// What one of the names is to declarations.
    pub(super) fn role(&self, name: usize) -> Role {
        self.roles.get(name).copied().unwrap_or(Role::Other)
    }

    /// What is declared around the document.
    pub(crate) fn symbols(&self) -> &ProjectSymbols {
        &self.symbols
    }

    /// The number of a name outside the vocabulary.
    pub(crate) fn name(&self, text: &str) -> Option<usize> {
        self.names.binary_search_by(|name| (**name).cmp(text)).ok()
    }

    /// The shares of names behind `token`, ascending by token.
    pub(crate) fn shares(&self, behind: Option<u32>) -> &[(u32, f32)] {
        &self.shares[usize::from(behind == Some(self.dot))]
    }

    /// The one with the largest share.
    pub(crate) fn likeliest(&self, behind: Option<u32>) -> Option<(u32, f32)> {
        self.likeliest[usize::from(behind == Some(self.dot))]
    }

    fn sort(&mut self, start: u32) {
        let tokens = &self.tokens;
        // Three tokens decide nearly always, and lie together.
        let key = |position: usize| {
            let back = |k| {
                position
                    .checked_sub(k)
                    .map_or(0, |at| u64::from(tokens[at]))
            };
            back(0) << 42 | (back(1) & 0x1f_ffff) << 21 | (back(2) & 0x1f_ffff)
        };
        let is_said = |&at: &usize| ![start, UNK].contains(&tokens[at + 1]);
        let followed = (0..self.tokens.len().saturating_sub(1)).filter(is_said);
        let mut keyed: Vec<(u64, u32)> = followed.map(|at| (key(at), at as u32)).collect();
        keyed.sort_unstable_by(|a, b| a.0.cmp(&b.0).then_with(|| deeper(tokens, a.1, b.1)));
        self.order = keyed.into_iter().map(|(_, position)| position).collect();
    }

    fn share(&mut self, syntax: &Syntax) {
        let mut counts = [(); 2].map(|()| vec![0.0; self.vocabulary_size + self.names.len()]);
        for (position, pair) in self.tokens.windows(2).enumerate() {
            // Behind the vocabulary there are names only.
            if pair[1] as usize >= self.vocabulary_size || syntax.is_name(pair[1]) {
                counts[usize::from(pair[0] == self.dot)][pair[1] as usize] += weight(position);
            }
        }
        self.shares = counts.map(|counts| {
            let total: f32 = counts.iter().sum();
            let counted = (0..).zip(counts).filter(|&(_, count)| count > 0.0);
            counted
                .map(|(token, count)| (token, count / total))
                .collect()
        });
        for (likeliest, shares) in self.likeliest.iter_mut().zip(&self.shares) {
            *likeliest = shares.iter().copied().max_by(|a, b| a.1.total_cmp(&b.1));
        }
    }

    /// The token `back` before a position.
    fn token(&self, position: u32, back: usize) -> Option<u32> {
        (position as usize)
            .checked_sub(back)
            .map(|at| self.tokens[at])
    }

    /// Of positions where the same `back` tokens stand, those where `token` stands before them.
    fn range<'a>(&self, range: &'a [u32], back: usize, token: u32) -> &'a [u32] {
        let first = range.partition_point(|&at| self.token(at, back) < Some(token));
        let count = range[first..].partition_point(|&at| self.token(at, back) == Some(token));
        &range[first..first + count]
    }

    /// What followed the places where the same tokens stood as in `context`, the last one first.
    pub(crate) fn find(&self, context: impl Iterator<Item = Option<u32>>) -> Found {
        let mut found = Found::default();
        let mut range = &self.order[..];
        let mut orders: Vec<Vec<(u32, f32)>> = Vec::with_capacity(ORDERS);
        for (back, token) in context.take(DEEPEST).enumerate() {
            let Some(token) = token else { break };
            let longer = self.range(range, back, token);
            if longer.is_empty() {
                break;
            }
            range = longer;
            found.length = back + 1;
            if back < ORDERS {
                let followers = self.followers(range);
                let total: f32 = followers.iter().map(|(_, count)| count).sum();
                found.trusts[back] = total / (total + followers.len() as f32);
                orders.push(followers);
            }
        }
        if found.length == 0 {
            return found;
        }
        let longest = self.followers(range);
        let total: f32 = longest.iter().map(|(_, count)| count).sum();
        let largest = longest.iter().map(|&(_, count)| count).fold(0.0, f32::max);
        found.occurrences = range.len();
        found.distinct = longest.len();
        found.largest = largest / total;
        let mut said: Vec<(u32, [f32; 2])> = Vec::new();
        let mut left = 1.0;
        for (followers, trust) in orders.iter().zip(found.trusts).rev() {
            let total: f32 = followers.iter().map(|(_, count)| count).sum();
            let share = left * trust / total;
            said.extend(
                followers
                    .iter()
                    .map(|&(token, count)| (token, [share * count, 0.0])),
            );
            left *= 1.0 - trust;
        }
        said.extend(longest.iter().map(|&(token, count)| (token, [0.0, count])));
        said.sort_unstable_by_key(|&(token, _)| token);
        said.dedup_by(|next, kept| {
            let is_same = next.0 == kept.0;
            if is_same {
                kept.1[0] += next.1[0];
                kept.1[1] += next.1[1];
            }
            is_same
        });
        found.said = said;
        found
    }

    /// The tokens behind some positions, ascending, and how often they stand there, what is near counting more.
    fn followers(&self, range: &[u32]) -> Vec<(u32, f32)> {
        let sampled = range.len().min(SAMPLED);
        let each = range.len() as f32 / sampled as f32;
        let at = |k: usize| range[k * range.len() / sampled] as usize;
        let mut followers: Vec<(u32, f32)> = (0..sampled)
            .map(|k| (self.tokens[at(k) + 1], each * weight(at(k))))
            .collect();
        followers.sort_unstable_by_key(|&(token, _)| token);
        followers.dedup_by(|next, kept| {
            let is_same = next.0 == kept.0;
            if is_same {
                kept.1 += next.1;
            }
            is_same
        });
        followers
    }
}

impl Declarations {
    /// The names outside the vocabulary that they speak of.
    fn names(&self) -> impl Iterator<Item = u32> {
        let tables = self.modules.iter().filter_map(|m| m.symbols.as_ref());
        let tables = tables.chain([&self.below]);
        let modules = self.modules.iter().map(|module| module.names);
        let modules = modules.flat_map(|names| [names.name, names.package]);
        let modules = modules.chain(self.packages.iter().copied());
        let modules = modules
            .filter_map(Name::some)
            .filter_map(|name| match name.numbering() {
                Numbering::Project(name) => Some(name),
                _ => None,
            });
        tables.flat_map(Symbols::project_names).chain(modules)
    }

    /// The same in another numbering.
    fn numbered(self, number: impl Fn(u32) -> u32) -> ProjectSymbols {
        let renumber = |name: Name| match name.some().map(Name::numbering) {
            Some(Numbering::Project(name)) => Name::new(Numbering::Project(number(name))),
            _ => name,
        };
        let modules = self.modules.into_iter().map(|mut module| {
            module.names.name = renumber(module.names.name);
            module.names.package = renumber(module.names.package);
            let symbols = module.symbols.take();
            module.symbols = symbols.map(|symbols| symbols.renumbered(renumber));
            module
        });
        ProjectSymbols::new(
            self.below.renumbered(renumber),
            modules.collect(),
            self.packages.into_iter().map(renumber).collect(),
        )
    }
}

/// What a place counts for, so many tokens from the document.
fn weight(position: usize) -> f32 {
    FAR_WEIGHT + (1.0 - FAR_WEIGHT) * (-(position as f32) / NEAR).exp()
}

/// The order of two positions whose last three tokens are the same.
fn deeper(tokens: &[u32], a: u32, b: u32) -> Ordering {
    let before = |position: u32, back: usize| {
        let at = (position as usize).checked_sub(back);
        at.map(|at| tokens[at])
    };
    let differing = (3..DEEPEST).map(|back| before(a, back).cmp(&before(b, back)));
    let first = differing.into_iter().find(|order| order.is_ne());
    first.unwrap_or(Ordering::Equal).then(a.cmp(&b))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::context::BufferTokens;
    use crate::tokenizer::Vocabulary;

    /// `<PAD>`, `<UNK>`, `.`, `<s>`, `a` and `b` are 0 to 5.
    fn syntax() -> Syntax {
        let known = ["<s>", ".", "a", "b"].map(|token| (token.to_owned(), 1));
        let vocabulary = Vocabulary::from_counts(known, 10);
        assert_eq!(vocabulary.len(), 6);
        Syntax::new(&vocabulary)
    }

    fn spelled(token: u32) -> String {
        format!("name{token}")
    }

    /// ProjectContext of one file: tokens from 6 on are names outside the vocabulary.
    fn surroundings(tokens: &[u32]) -> ProjectContext {
        let words: Vec<Box<str>> = (6..12).map(|token| spelled(token).into()).collect();
        ProjectContext::new(
            &syntax(),
            [&words, &[]],
            &[],
            std::iter::once(tokens),
            Declarations::default(),
            ImportableModules::default(),
        )
    }

    fn push(document: &mut BufferTokens, token: u32) {
        let id = if token < 6 { token } else { UNK };
        document.push(id, &spelled(token), true, None);
    }

    proptest! {
        #[test]
        fn a_context_is_found_where_it_stands(
            file in prop::collection::vec(4..9u32, 1..60),
            context in prop::collection::vec(4..9u32, 1..8),
        ) {
            let around = surroundings(&file);
            let number = |token: u32| match token {
                ..6 => Some(token),
                _ => around.name(&spelled(token)).map(|name| 6 + name as u32),
            };
            let found = around.find(context.iter().rev().map(|&token| number(token)));
            // By looking everywhere.
            let longest = (1..=context.len())
                .rev()
                .find(|&length| file[..file.len() - 1].windows(length).any(|w| w == &context[context.len() - length..]))
                .unwrap_or(0);
            prop_assert_eq!(found.length, longest);
            if longest > 0 {
                let wanted = &context[context.len() - longest..];
                let mut followers: Vec<u32> = file
                    .windows(longest + 1)
                    .filter(|window| &window[..longest] == wanted)
                    .filter_map(|window| number(window[longest]))
                    .collect();
                prop_assert_eq!(found.occurrences, followers.len());
                followers.sort_unstable();
                followers.dedup();
                let said = found.said.iter().filter(|(_, [_, matched])| *matched > 0.0);
                prop_assert_eq!(said.map(|&(token, _)| token).collect::<Vec<_>>(), followers);
            }
        }

        /// Every name of the surroundings is one candidate, whatever has been written and taken back, and of tokens here and
        /// there the same.
        #[test]
        fn names_have_one_number_each(
            file in prop::collection::vec(3..12u32, 1..40),
            written in prop::collection::vec((3..12u32, 0..4usize), 0..40),
            late in any::<bool>(),
        ) {
            let around = Arc::new(surroundings(&file));
            let mut document = BufferTokens::new();
            if !late {
                document.surround(Some(Arc::clone(&around)));
            }
            for (token, taken) in written {
                push(&mut document, token);
                document.truncate(document.len().saturating_sub(taken));
            }
            document.surround(Some(Arc::clone(&around)));
            let words = document.words().len();
            for token in 6..12 {
                let candidate = document.candidate(6, UNK, &spelled(token));
                let name = around.name(&spelled(token));
                let there = name.map(|name| document.candidate_of(6 + name as u32, 6));
                if let Some(there) = there {
                    prop_assert_eq!(candidate, Some(there));
                }
                if let Some(word) = candidate.and_then(|c| c.checked_sub(6)).filter(|&w| w < words) {
                    prop_assert!(*document.words()[word].text == *spelled(token));
                    let back = document.around(6 + word as u32, 6);
                    prop_assert_eq!(back, name.map(|name| 6 + name as u32));
                }
            }
        }
    }
}
