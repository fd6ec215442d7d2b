//! The project around a buffer: the text after the cursor in its own file and the project's other files, the nearest first; and
//! what these files and the modules that they import declare.
//!
//! Made in the background and never changed: when the project changes, it gets a new one. Knows nothing of experts.

use rustc_hash::FxHashMap;

use super::ids::{ProjectName, ProjectToken, TokenId};
use super::modules::ImportableModules;
use super::suffix_array::SuffixArray;
use super::syntax::Syntax;
use crate::symbols::{Module, Name, Numbering, ProjectSymbols, Role, Symbols};
use crate::tokenizer::UNK;

/// How far from the buffer, in tokens, the weight of an occurrence has nearly fallen to [`FAR_WEIGHT`]. Chosen, not measured.
const NEAR: f32 = 20_000.0;
const FAR_WEIGHT: f32 = 0.25;

/// The tokens of a buffer's project. Immutable: share it. The default has none: that of a buffer without a project.
#[derive(Debug, Default)]
pub struct ProjectContext {
    /// The out-of-vocabulary names, sorted.
    names: Vec<Box<str>>,
    /// By name: what it is to declarations.
    roles: Vec<Role>,
    /// File after file.
    pub(super) suffixes: SuffixArray,
    /// Relative frequencies of names that do not follow a dot, and of those that do.
    unigrams: [Unigrams; 2],
    symbols: ProjectSymbols,
    /// The token of a dot.
    dot: Option<ProjectToken>,
    importable: ImportableModules,
}

/// What is declared around a buffer. Its names are numbered as the words that [`ProjectContext::new`] is given.
#[derive(Debug, Default)]
pub struct Declarations {
    /// Of the text after the cursor.
    pub below: Symbols,
    /// Of the modules around, the nearest first.
    pub modules: Vec<Module>,
    /// The last parts of the buffer's own package, of the one around it, and so on; [`Name::NONE`] for one that cannot be named.
    pub packages: Vec<Name>,
}

/// A unigram distribution of names.
#[derive(Debug, Default)]
struct Unigrams {
    /// Ascending by token.
    shares: Vec<(ProjectToken, f32)>,
    /// The one with the largest share.
    best: Option<(ProjectToken, f32)>,
}

impl ProjectContext {
    /// Of the tokens after the cursor in the buffer's own file, `below`, and of those of the files near it, the nearest first, each
    /// from `<s>` on. A token is an id or the vocabulary's size plus an index of `words`, the second of which continues the first.
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
        let [first, second] = words;
        let spelled = |word: usize| {
            first
                .get(word)
                .unwrap_or_else(|| &second[word - first.len()])
        };
        let mut used: Vec<usize> = tokens.iter().filter_map(outside).collect();
        used.extend(declarations.names().map(|name| name as usize));
        used.sort_unstable();
        used.dedup();
        used.sort_unstable_by_key(|&word| spelled(word));
        let mut numbers = FxHashMap::default();
        numbers.extend(used.iter().enumerate().map(|(n, &word)| (word, n)));
        for token in &mut tokens {
            if let Some(word) = outside(token) {
                *token = (vocabulary_size + numbers[&word]) as u32;
            }
        }
        let tokens: Vec<ProjectToken> = tokens.into_iter().map(ProjectToken::new).collect();
        let dot = ProjectToken::new(syntax.dot);
        let ignored = [syntax.start, UNK].map(ProjectToken::new);
        Self {
            unigrams: unigrams(&tokens, dot, syntax, used.len()),
            suffixes: SuffixArray::new(tokens, ignored),
            roles: used.iter().map(|&word| Role::of(spelled(word))).collect(),
            names: used.iter().map(|&word| spelled(word).clone()).collect(),
            symbols: declarations.numbered(|name| numbers[&(name as usize)] as u32),
            dot: Some(dot),
            importable,
        }
    }

    /// Number of tokens.
    pub fn len(&self) -> usize {
        self.tokens().len()
    }

    /// Whether nothing is known of a project.
    pub fn is_empty(&self) -> bool {
        self.tokens().is_empty() && self.symbols.is_empty() && self.importable.is_empty()
    }

    /// The out-of-vocabulary names, sorted.
    pub fn names(&self) -> &[Box<str>] {
        &self.names
    }

    /// The modules that can be imported without a dot.
    pub fn importable(&self) -> &ImportableModules {
        &self.importable
    }

    /// Memory, in bytes.
    pub fn bytes(&self) -> usize {
        let names: usize = self.names.iter().map(|name| 17 + name.len()).sum();
        let unigrams = self.unigrams.iter().map(|names| 8 * names.shares.len());
        self.suffixes.bytes() + names + unigrams.sum::<usize>() + self.symbols.bytes()
    }

    /// The tokens, file after file.
    pub(crate) fn tokens(&self) -> &[ProjectToken] {
        self.suffixes.tokens()
    }

    /// What is declared around the buffer.
    pub(crate) fn symbols(&self) -> &ProjectSymbols {
        &self.symbols
    }

    /// What a name is to declarations.
    pub(super) fn role(&self, name: ProjectName) -> Role {
        let role = self.roles.get(name.index());
        role.copied().unwrap_or(Role::Other)
    }

    /// The name that is spelled so.
    pub fn name(&self, text: &str) -> Option<ProjectName> {
        let found = self.names.binary_search_by(|name| (**name).cmp(text));
        found.ok().map(ProjectName::at)
    }

    /// The relative frequencies of names after a token, ascending by name: those after a dot, or those elsewhere.
    pub(crate) fn unigrams(&self, after: Option<ProjectToken>) -> &[(ProjectToken, f32)] {
        &self.unigrams_after(after).shares
    }

    /// The most frequent of these.
    pub(crate) fn best_unigram(&self, after: Option<ProjectToken>) -> Option<(ProjectToken, f32)> {
        self.unigrams_after(after).best
    }

    fn unigrams_after(&self, token: Option<ProjectToken>) -> &Unigrams {
        &self.unigrams[usize::from(token.is_some() && token == self.dot)]
    }
}

impl Declarations {
    /// The out-of-vocabulary names among them.
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

/// The unigrams of names elsewhere and after a dot, occurrences near the buffer counting more.
fn unigrams(
    tokens: &[ProjectToken],
    dot: ProjectToken,
    syntax: &Syntax,
    names: usize,
) -> [Unigrams; 2] {
    let size = syntax.vocabulary_size();
    let mut counts = [(); 2].map(|()| vec![0.0; size + names]);
    for (position, pair) in tokens.windows(2).enumerate() {
        let token = pair[1];
        // Outside the vocabulary there are only names.
        if token.index() >= size || syntax.is_name(TokenId::new(token.get())) {
            counts[usize::from(pair[0] == dot)][token.index()] += weight(position);
        }
    }
    counts.map(|counts| {
        let total: f32 = counts.iter().sum();
        let counted = (0..).zip(counts).filter(|&(_, count)| count > 0.0);
        let shares = counted.map(|(token, count)| (ProjectToken::new(token), count / total));
        let shares: Vec<_> = shares.collect();
        Unigrams {
            best: shares.iter().copied().max_by(|a, b| a.1.total_cmp(&b.1)),
            shares,
        }
    })
}

/// The weight of an occurrence at a position: what is near the buffer counts more.
pub(super) fn weight(position: usize) -> f32 {
    FAR_WEIGHT + (1.0 - FAR_WEIGHT) * (-(position as f32) / NEAR).exp()
}
