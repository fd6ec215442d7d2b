//! The project context of a buffer: the text after the cursor, the project's other files (nearest first), and the
//! declarations of these files and of the modules they import.
//!
//! A context is built in the background and is immutable: when the project changes, a new one replaces it. It does not know
//! the experts.

use rustc_hash::FxHashMap;

use super::ids::{ProjectName, ProjectToken};
use super::modules::ImportableModules;
use super::suffix_array::SuffixArray;
use super::syntax::Syntax;
use crate::symbols::{Module, Name, Numbering, ProjectSymbols, SymbolTable, TokenKind};
use crate::tokenizer::TokenId;

/// Distance from the buffer, in tokens, at which an occurrence's weight has nearly fallen to [`FAR_WEIGHT`]. Chosen, not
/// measured.
const NEAR: f32 = 20_000.0;
const FAR_WEIGHT: f32 = 0.25;

/// The tokens of a buffer's project. Immutable, so share it. The default is empty, for a buffer without a project.
#[derive(Debug, Default)]
pub struct ProjectContext {
    /// The out-of-vocabulary names, sorted.
    names: Vec<Box<str>>,
    /// The token kind of each name.
    token_kinds: Vec<TokenKind>,
    /// The tokens, file by file.
    pub(super) suffixes: SuffixArray,
    /// Relative frequencies of names, first those not after a dot, then those after one.
    unigrams: [Unigrams; 2],
    symbols: ProjectSymbols,
    /// The token of a dot.
    dot: Option<ProjectToken>,
    importable: ImportableModules,
}

/// Declarations outside the buffer. Their names are numbered like the words passed to [`ProjectContext::new`].
#[derive(Debug, Default)]
pub struct Declarations {
    /// Declarations after the cursor.
    pub suffix: SymbolTable,
    /// Declarations of modules, nearest first.
    pub modules: Vec<Module>,
    /// Last name parts of the buffer's package, its parent package, and so on; [`Name::NONE`] where a part is not an identifier.
    pub packages: Vec<Name>,
}

/// A unigram distribution of names.
#[derive(Debug, Default)]
struct Unigrams {
    /// Ascending by token.
    shares: Vec<(ProjectToken, f32)>,
    /// The name with the largest share.
    best: Option<(ProjectToken, f32)>,
}

impl ProjectContext {
    /// Builds the context from the tokens after the cursor, `suffix`, and from the tokens of nearby files, nearest first,
    /// each starting with `<s>`. A token is an id, or the vocabulary size plus an index of `words`. The second list of words
    /// continues the first.
    pub fn new<'a>(
        syntax: &Syntax,
        words: [&[Box<str>]; 2],
        suffix: &[u32],
        near: impl Iterator<Item = &'a [u32]>,
        declarations: Declarations,
        importable: ImportableModules,
    ) -> Self {
        let vocabulary_size = syntax.vocabulary_size();
        let mut tokens = suffix.to_vec();
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
        let dot = ProjectToken::from(syntax.dot);
        let ignored = [syntax.start, TokenId::UNK].map(ProjectToken::from);
        Self {
            unigrams: unigrams(&tokens, dot, syntax, used.len()),
            suffixes: SuffixArray::new(tokens, ignored),
            token_kinds: used
                .iter()
                .map(|&word| TokenKind::of(spelled(word)))
                .collect(),
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

    /// Whether the context is empty.
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

    /// Memory in bytes.
    pub fn bytes(&self) -> usize {
        let names: usize = self.names.iter().map(|name| 17 + name.len()).sum();
        let unigrams = self.unigrams.iter().map(|names| 8 * names.shares.len());
        self.suffixes.bytes() + names + unigrams.sum::<usize>() + self.symbols.bytes()
    }

    /// The tokens, file by file.
    pub(crate) fn tokens(&self) -> &[ProjectToken] {
        self.suffixes.tokens()
    }

    /// Declarations outside the buffer.
    pub(crate) fn symbols(&self) -> &ProjectSymbols {
        &self.symbols
    }

    /// A name's token kind.
    pub(super) fn token_kind(&self, name: ProjectName) -> TokenKind {
        let kind = self.token_kinds.get(name.index());
        kind.copied().unwrap_or(TokenKind::Other)
    }

    /// The name spelled `text`.
    pub fn name(&self, text: &str) -> Option<ProjectName> {
        let found = self.names.binary_search_by(|name| (**name).cmp(text));
        found.ok().map(ProjectName::at)
    }

    /// Relative frequencies of names after the token `after`, ascending by name: those after a dot, or those elsewhere.
    pub(crate) fn unigrams(&self, after: Option<ProjectToken>) -> &[(ProjectToken, f32)] {
        &self.unigrams_after(after).shares
    }

    /// The most frequent name after the token `after`.
    pub(crate) fn best_unigram(&self, after: Option<ProjectToken>) -> Option<(ProjectToken, f32)> {
        self.unigrams_after(after).best
    }

    fn unigrams_after(&self, token: Option<ProjectToken>) -> &Unigrams {
        &self.unigrams[usize::from(token.is_some() && token == self.dot)]
    }
}

impl Declarations {
    /// The out-of-vocabulary names that the declarations mention.
    fn names(&self) -> impl Iterator<Item = u32> {
        let tables = self.modules.iter().filter_map(|m| m.symbols.as_ref());
        let tables = tables.chain([&self.suffix]);
        let modules = self.modules.iter().map(|module| module.names);
        let modules = modules.flat_map(|names| [names.name, names.package]);
        let modules = modules.chain(self.packages.iter().copied());
        let modules = modules
            .filter_map(Name::some)
            .filter_map(|name| match name.numbering() {
                Numbering::Project(name) => Some(name),
                _ => None,
            });
        tables.flat_map(SymbolTable::project_names).chain(modules)
    }

    /// The same declarations in another numbering.
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
            self.suffix.renumbered(renumber),
            modules.collect(),
            self.packages.into_iter().map(renumber).collect(),
        )
    }
}

/// Name unigrams, elsewhere and after a dot. Occurrences near the buffer weigh more.
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
        // Out-of-vocabulary tokens are always names.
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

/// Weight of an occurrence at a position: positions near the buffer weigh more.
pub(super) fn weight(position: usize) -> f32 {
    FAR_WEIGHT + (1.0 - FAR_WEIGHT) * (-(position as f32) / NEAR).exp()
}
