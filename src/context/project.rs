//! The project around a buffer: the text after the cursor in its own file, the project's other files, the nearest first, and after
//! them outlines of libraries, of which only the declarations count.
//!
//! Made in the background and never changed: when the project changes, it gets a new one. Knows nothing of experts.

use std::iter::repeat;
use std::ops::Range;

use rustc_hash::FxHashMap;

use super::ids::{ProjectName, ProjectToken, TokenId};
use super::modules::{ImportableModules, ModuleRef};
use super::suffix_array::SuffixArray;
use super::syntax::Syntax;
use crate::tokenizer::UNK;

/// How far from the buffer, in tokens, the weight of an occurrence has nearly fallen to [`FAR_WEIGHT`]. Chosen, not measured.
const NEAR: f32 = 20_000.0;
const FAR_WEIGHT: f32 = 0.25;

/// The tokens of a buffer's project. Immutable: share it. The default has none: that of a buffer without a project.
#[derive(Debug, Default)]
pub struct ProjectContext {
    /// The out-of-vocabulary names, sorted.
    names: Vec<Box<str>>,
    /// File after file.
    pub(super) suffixes: SuffixArray,
    /// Relative frequencies of names that do not follow a dot, and of those that do.
    unigrams: [Unigrams; 2],
    /// How many tokens, the first ones, are the text after the cursor.
    below: usize,
    /// How many tokens precede the libraries.
    code: usize,
    /// Keywords that declare the name after them, these names, and the keywords' positions; ascending.
    declarations: Vec<(u32, u32, u32)>,
    /// The nearest first.
    files: Vec<File>,
    /// The last parts of the buffer's own package, of the one around it, and so on.
    packages: Vec<u32>,
    /// The token of a dot.
    dot: Option<ProjectToken>,
    importable: ImportableModules,
}

/// A file of the project, or a library.
#[derive(Debug)]
struct File {
    names: ModuleRef,
    range: Range<usize>,
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
    /// The context of a buffer that is a module of the first of `packages`, this of the next, and so on. `below` are the tokens after
    /// the cursor in its own file, `near` the files, the nearest first: how each one's module is called, and its tokens from `<s>` on;
    /// `libraries` are the same. A token is an id or the vocabulary's size plus an index of `words`, the second of which continues the
    /// first.
    pub fn new<'a>(
        syntax: &Syntax,
        words: [&[Box<str>]; 2],
        mut packages: Vec<u32>,
        below: &[u32],
        near: impl Iterator<Item = (ModuleRef, &'a [u32])>,
        libraries: impl Iterator<Item = (ModuleRef, &'a [u32])>,
        importable: ImportableModules,
    ) -> Self {
        let vocabulary_size = syntax.vocabulary_size();
        let (mut tokens, mut files) = (below.to_vec(), Vec::new());
        let mut code = tokens.len();
        let (near, libraries) = (near.zip(repeat(false)), libraries.zip(repeat(true)));
        for ((names, file), is_library) in near.chain(libraries) {
            let range = tokens.len()..tokens.len() + file.len();
            files.push(File { names, range });
            tokens.extend_from_slice(file);
            if !is_library {
                code = tokens.len();
            }
        }
        let modules = files
            .iter_mut()
            .flat_map(|file| [&mut file.names.module, &mut file.names.package]);
        let all = tokens.iter_mut().chain(modules).chain(&mut packages);
        let names = renumber(all.collect(), vocabulary_size, words);
        let tokens: Vec<ProjectToken> = tokens.into_iter().map(ProjectToken::new).collect();
        let dot = ProjectToken::new(syntax.dot);
        let ignored = [syntax.start, UNK].map(ProjectToken::new);
        Self {
            unigrams: unigrams(&tokens[..code], dot, syntax, names.len()),
            declarations: declarations(&tokens, syntax),
            suffixes: SuffixArray::new(tokens, code, ignored),
            names,
            below: below.len(),
            code,
            files,
            packages,
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
        self.tokens().is_empty() && self.files.is_empty() && self.importable.is_empty()
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
        let names: usize = self.names.iter().map(|name| 16 + name.len()).sum();
        let unigrams = self.unigrams.iter().map(|names| 8 * names.shares.len());
        self.suffixes.bytes()
            + names
            + unigrams.sum::<usize>()
            + 24 * self.files.len()
            + 12 * self.declarations.len()
    }

    /// The tokens, file after file.
    pub(crate) fn tokens(&self) -> &[ProjectToken] {
        self.suffixes.tokens()
    }

    /// How many tokens, the first ones, are the text after the cursor.
    pub(crate) fn below(&self) -> usize {
        self.below
    }

    /// The modules of the files, with their numbers; the nearest first.
    pub(crate) fn files(&self) -> impl Iterator<Item = (usize, ModuleRef)> {
        self.files.iter().map(|file| file.names).enumerate()
    }

    /// The module of a file, and the range of its tokens.
    pub(crate) fn file(&self, file: usize) -> (ModuleRef, Range<usize>) {
        let File { names, range } = &self.files[file];
        (*names, range.clone())
    }

    /// The last parts of the buffer's own package, of the one around it, and so on; [`UNK`] for one that cannot be named.
    pub(crate) fn packages(&self) -> &[u32] {
        &self.packages
    }

    /// The last parts of the modules in a package.
    pub(crate) fn modules(&self, package: u32) -> impl Iterator<Item = u32> {
        let files = self.files.iter().map(|file| file.names);
        let inside = files.filter(move |names| package != UNK && names.package == package);
        inside
            .map(|names| names.module)
            .filter(|&module| module != UNK)
    }

    /// How many tokens there are without the libraries'.
    pub(crate) fn code_len(&self) -> usize {
        self.code
    }

    /// The nearest position in `range` of a keyword that declares a name.
    pub(crate) fn declared(&self, keyword: u32, name: u32, range: Range<usize>) -> Option<usize> {
        let before =
            |&(k, n, at): &(u32, u32, u32)| (k, n, at as usize) < (keyword, name, range.start);
        let first = self
            .declarations
            .get(self.declarations.partition_point(before))?;
        let is_it = first.0 == keyword && first.1 == name && (first.2 as usize) < range.end;
        is_it.then_some(first.2 as usize)
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

/// Numbers the names among `tokens`, which index `words`, in their alphabetical order; the names.
fn renumber(
    tokens: Vec<&mut u32>,
    vocabulary_size: usize,
    words: [&[Box<str>]; 2],
) -> Vec<Box<str>> {
    let outside = |token: u32| (token as usize).checked_sub(vocabulary_size);
    let [first, second] = words;
    let spelled = |word: usize| {
        first
            .get(word)
            .unwrap_or_else(|| &second[word - first.len()])
    };
    let mut used: Vec<usize> = tokens.iter().filter_map(|token| outside(**token)).collect();
    used.sort_unstable();
    used.dedup();
    used.sort_unstable_by_key(|&word| spelled(word));
    let mut numbers = FxHashMap::default();
    numbers.extend(used.iter().enumerate().map(|(n, &word)| (word, n)));
    for token in tokens {
        if let Some(word) = outside(*token) {
            *token = (vocabulary_size + numbers[&word]) as u32;
        }
    }
    used.iter().map(|&word| spelled(word).clone()).collect()
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

fn declarations(tokens: &[ProjectToken], syntax: &Syntax) -> Vec<(u32, u32, u32)> {
    let pairs = tokens.windows(2).zip(0..);
    let pairs = pairs.map(|(pair, at)| (pair[0].get(), pair[1].get(), at));
    let declare = pairs.filter(|(keyword, ..)| [syntax.class, syntax.def].contains(keyword));
    let mut found: Vec<_> = declare.collect();
    found.sort_unstable();
    found
}

/// The weight of an occurrence at a position: what is near the buffer counts more.
pub(super) fn weight(position: usize) -> f32 {
    FAR_WEIGHT + (1.0 - FAR_WEIGHT) * (-(position as f32) / NEAR).exp()
}
