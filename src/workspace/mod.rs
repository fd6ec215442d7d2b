//! The files of a project, and which of them are near another one.
//!
//! [`WorkspaceIndex`] holds the tokens of every file in memory, 4 bytes each; [`WorkspaceIndex::surroundings`] chooses those that a file is
//! likeliest to speak of: what it imports, who imports it, its neighbours in the tree of folders, and who imports the same.
//! What stands below a buffer in its own file comes before all of them. Of what it imports, in the project or from elsewhere, there
//! are outlines, which say what is declared there.
//! Knows nothing of disks or editors: whoever finds files reads them, and gives their tokens and paths.

#[cfg(feature = "server")]
pub mod environment;
mod files;
mod imports;
mod modules;
mod outline;
#[cfg(test)]
mod tests;

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use rustc_hash::FxHashMap;

use files::{Files, Totals};
pub use imports::Imports;
use imports::{ImportPaths, ImportSet};

use crate::context::{ImportableModules, ModuleRef, ProjectContext, Syntax};
use crate::python;
use crate::tokenizer::{UNK, Vocabulary};

/// Tokens that surroundings have at most.
pub const NEAREST: usize = 300_000;

/// Tokens of what stands below a document that count.
const BELOW: usize = 20_000;
/// Tokens of outlines that are kept.
const LIBRARIES: usize = 2_000_000;

/// Files, by path. A path is relative to anything, as long as it is the same for all, and has `/` between its parts.
#[derive(Debug)]
pub struct WorkspaceIndex {
    syntax: Syntax,
    /// The names outside the vocabulary. Grows only: names that are gone cost a few bytes.
    words: Vec<Box<str>>,
    word_bytes: usize,
    /// Names, of the vocabulary too, and their tokens.
    by_text: FxHashMap<Box<str>, u32>,
    files: Files,
    /// What can be imported of the files without a dot, once it is asked for.
    top_modules: Option<Arc<[Box<str>]>>,
    /// Outlines of what is imported from elsewhere.
    libraries: Files,
    /// Files that were read so far.
    version: u64,
}

/// What stands below a document in its own file: [`WorkspaceIndex::below`], [`WorkspaceIndex::rest`].
#[derive(Clone, Debug, Default, Hash)]
pub struct SuffixText {
    tokens: Vec<u32>,
    /// Its names that the project has not: their numbers go on from those of its own.
    words: Vec<Box<str>>,
}

/// What stands around a document.
#[derive(Clone, Debug, Default)]
pub struct ContextSelection<'a> {
    /// What stands in its own file, below it.
    pub below: SuffixText,
    /// The paths of files near it, the nearest first: [`WorkspaceIndex::nearest`].
    pub near: Vec<&'a str>,
    /// The paths of those of the project's files whose [outlines](WorkspaceIndex::read_outline) tell what they declare.
    pub outlined: Vec<&'a str>,
    /// The paths of files that it imports, of which only the declarations count: those of [`WorkspaceIndex::read_library`], or others.
    pub libraries: Vec<&'a str>,
    /// Modules of which only the names are known: [`WorkspaceIndex::module`], [`WorkspaceIndex::modules_in`].
    pub submodules: Vec<ModuleRef>,
    /// What can be imported without a dot.
    pub importable: ImportableModules,
}

#[derive(Debug)]
struct File {
    version: u64,
    names: ModuleRef,
    /// `<s>` first; ids, or the vocabulary's size plus an index of `words`.
    tokens: Vec<u32>,
    imports: Imports,
    resolved: ImportPaths,
    /// What it declares, if that was read: [`WorkspaceIndex::read_outline`].
    outline: Option<Vec<u32>>,
}

impl File {
    fn totals(&self) -> Totals {
        Totals {
            tokens: self.tokens.len(),
            outline_tokens: self.outline.as_ref().map_or(0, Vec::len),
            import_bytes: self.imports.bytes() + self.resolved.bytes(),
        }
    }
}

impl WorkspaceIndex {
    /// Without files.
    pub fn new(vocabulary: &Vocabulary) -> Self {
        let ids = 0..vocabulary.len() as u32;
        let tokens = ids.filter_map(|id| Some((vocabulary.token(id)?, id)));
        let names = tokens.filter(|(token, _)| python::is_name(token));
        Self {
            syntax: Syntax::new(vocabulary),
            words: Vec::new(),
            word_bytes: 0,
            by_text: names.map(|(name, id)| (name.into(), id)).collect(),
            files: Files::default(),
            top_modules: None,
            libraries: Files::default(),
            version: 0,
        }
    }

    /// Adds a file or replaces it: its tokens from `<s>` on, each an id and how it is spelled. Whether that changes anything.
    pub fn insert<'a>(&mut self, path: &str, tokens: impl Iterator<Item = (u32, &'a str)>) -> bool {
        let mut imports = Imports::default();
        let mut reader = imports::ImportReader::default();
        let tokens = self.numbered(tokens.inspect(|(_, text)| reader.read(text, &mut imports)));
        reader.finish(&mut imports);
        if self
            .files
            .get(path)
            .is_some_and(|file| file.tokens == tokens)
        {
            // Its lines may begin elsewhere now.
            self.files.update(path, |file| file.outline = None);
            return false;
        }
        let names = self.module_name(path);
        self.version += 1;
        let file = File {
            version: self.version,
            names,
            tokens,
            resolved: imports.resolve(path),
            imports,
            outline: None,
        };
        if self.files.insert(path, file).is_none() {
            self.top_modules = None;
        }
        true
    }

    /// The same from a file's text.
    pub fn read(&mut self, vocabulary: &Vocabulary, path: &str, text: &str) -> bool {
        let spelled = python::surfaces(text);
        let tokens = std::iter::once(python::START).chain(spelled.iter().map(|token| &**token));
        self.insert(path, tokens.map(|token| (vocabulary.id(token), token)))
    }

    /// Adds the outline of a file that is no part of the project: that of the module which is imported as `name`, dotted.
    pub fn read_library(&mut self, vocabulary: &Vocabulary, path: &str, text: &str, name: &str) {
        let package = name.split('.').next().unwrap_or_default();
        let spelled = outline::outline(text, |other| other == package);
        let tokens = spelled.iter().map(|token| (vocabulary.id(token), &**token));
        let tokens = self.numbered(tokens);
        let imports = Imports::of_text(text);
        if self.library_tokens() + tokens.len() > LIBRARIES {
            self.libraries = Files::default(); // what is still imported is read again
        }
        let mut parts = name.rsplit('.');
        let mut part = || parts.next().unwrap_or_default();
        let names = ModuleRef {
            is_top: !name.contains('.'),
            is_package: path.ends_with("__init__.py"),
            is_outline: true,
            ..self.module(part(), part())
        };
        self.version += 1;
        let file = File {
            version: self.version,
            names,
            tokens,
            resolved: ImportPaths::default(),
            imports,
            outline: None,
        };
        self.libraries.insert(path, file);
    }

    /// What a file that was read so imports, and how many tokens its outline has.
    pub fn library(&self, path: &str) -> Option<(&Imports, usize)> {
        let file = self.libraries.get(path)?;
        Some((&file.imports, file.tokens.len()))
    }

    /// Forgets an outline, since its file may have changed.
    pub fn forget_library(&mut self, path: &str) {
        self.libraries.remove(path);
    }

    /// What stands in a text from a byte offset on, where a line begins, for [`ContextSelection`]: [`BELOW`] tokens at most.
    pub fn below(&self, vocabulary: &Vocabulary, text: &str, offset: usize) -> SuffixText {
        let spelled = python::surfaces_from(text, offset, BELOW);
        let mut below = SuffixText::default();
        let mut own = FxHashMap::default();
        for token in &spelled {
            let id = vocabulary.id(token);
            let known = self.number(id, token);
            below.tokens.push(known.unwrap_or_else(|| {
                *own.entry(token).or_insert_with(|| {
                    below.words.push((&**token).into());
                    let word = self.words.len() + below.words.len() - 1;
                    (self.syntax.vocabulary_size() + word) as u32
                })
            }));
        }
        if !below.tokens.is_empty() {
            // A line has ended before it.
            below.tokens.insert(0, vocabulary.id(python::EOL));
        }
        below
    }

    /// The tokens of a file from the one at `from` on, for [`ContextSelection`].
    pub fn rest(&self, path: &str, from: usize) -> SuffixText {
        let file = self.files.get(path);
        let tokens = file.and_then(|file| file.tokens.get(from..)).unwrap_or(&[]);
        SuffixText {
            tokens: tokens[..tokens.len().min(BELOW)].to_vec(),
            words: Vec::new(),
        }
    }

    /// Whether a file is there.
    pub fn contains(&self, path: &str) -> bool {
        self.files.contains_key(path)
    }

    /// How many tokens.
    pub fn tokens(&self) -> usize {
        self.files.totals().tokens
    }

    fn library_tokens(&self) -> usize {
        self.libraries.totals().tokens
    }

    /// Tokens, each an id and how it is spelled.
    fn numbered<'a>(&mut self, tokens: impl Iterator<Item = (u32, &'a str)>) -> Vec<u32> {
        tokens.map(|(id, text)| self.token(id, text)).collect()
    }

    /// A number that changes with what stands around a document: which files, their order and their contents.
    pub fn state_of(&self, around: &ContextSelection<'_>) -> u64 {
        let mut hasher = rustc_hash::FxHasher::default();
        (&around.below, &around.submodules, &around.importable).hash(&mut hasher);
        for path in &around.outlined {
            let outline = self.files.get(*path).map(|file| &file.outline);
            (path, outline).hash(&mut hasher);
        }
        let near = around.near.iter().map(|path| (path, self.files.get(*path)));
        let libraries = around
            .libraries
            .iter()
            .map(|path| (path, self.declaring(path)));
        for (path, file) in near.chain(libraries) {
            (path, file.map(|file| file.version)).hash(&mut hasher);
        }
        hasher.finish()
    }

    /// Takes a file out; whether it was there.
    pub fn remove(&mut self, path: &str) -> bool {
        let is_there = self.files.remove(path).is_some();
        if is_there {
            self.top_modules = None;
        }
        is_there
    }

    /// Takes a file out, or all below a folder.
    pub fn remove_below(&mut self, path: &str) {
        let folder = format!("{path}/");
        let mut gone: Vec<Box<str>> = Vec::new();
        for other in self.files.keys() {
            if **other == *path || other.starts_with(&folder) {
                gone.push(other.clone());
            }
        }
        gone.iter().for_each(|path| {
            self.remove(path);
        });
    }

    /// How many files.
    pub fn len(&self) -> usize {
        self.files.len()
    }

    /// Forgets all files, and their names; numbers of [states](WorkspaceIndex::state_of) go on.
    pub fn clear(&mut self, vocabulary: &Vocabulary) {
        let version = self.version;
        *self = Self::new(vocabulary);
        self.version = version;
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// Memory, in bytes, less that of what is imported from elsewhere.
    pub fn bytes(&self) -> usize {
        let Totals {
            tokens,
            outline_tokens,
            import_bytes,
        } = self.files.totals();
        4 * (tokens + outline_tokens) + self.word_bytes + import_bytes + 200 * self.files.len()
    }

    /// The paths of the files nearest to the one at `path`, which imports `imports` and is not among them, as many as have
    /// [`NEAREST`] tokens together; the nearest first.
    pub fn nearest(&self, path: &str, imports: &Imports) -> Vec<&str> {
        let folders: Vec<&str> = path.split('/').collect();
        let imported = imports.resolve(path);
        let imported = ImportSet::of(std::iter::once(&imported));
        let mut scored: Vec<(f32, &str, usize)> = self
            .files
            .iter()
            .filter(|(other, _)| ***other != *path)
            .map(|(other, file)| {
                let imports_it = imported.contains(other);
                let is_imported = file.resolved.contains(path);
                let shared = folders
                    .iter()
                    .zip(other.split('/'))
                    .take_while(|(a, b)| **a == *b);
                let near = shared.count() as f32 / folders.len() as f32;
                let common = imports.in_common(&file.imports);
                let score = 4.0 * f32::from(imports_it)
                    + 2.0 * f32::from(is_imported)
                    + 2.0 * near
                    + common;
                (score, &**other, file.tokens.len())
            })
            .collect();
        scored.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(b.1)));
        let mut left = NEAREST;
        scored.retain(|&(_, _, tokens)| {
            let fits = tokens <= left;
            left -= if fits { tokens } else { 0 };
            fits
        });
        scored.iter().map(|&(_, path, _)| path).collect()
    }

    /// What stands around the document at `path`.
    pub fn surroundings(&self, path: &str, around: &ContextSelection<'_>) -> ProjectContext {
        // A file's own package is the folder that it is in.
        let folders = path.rsplit('/').skip(1).map(nameable);
        let packages = folders.map(|part| self.by_text.get(part).copied().unwrap_or(UNK));
        let packages = packages.collect();
        let file = |path: &str| {
            let file = self.files.get(path)?;
            let is_top = file.names.is_top && !self.is_in_package(path);
            Some((
                ModuleRef {
                    is_top,
                    ..file.names
                },
                file,
            ))
        };
        let near = around.near.iter().filter_map(|path| {
            let (mut names, file) = file(path)?;
            if file.outline.is_some() && around.outlined.contains(path) {
                names.module = UNK; // that is what the outline is called
            }
            Some((names, &file.tokens[..]))
        });
        let outlines = around.outlined.iter().filter_map(|path| {
            let (names, file) = file(path)?;
            let names = ModuleRef {
                is_outline: true,
                ..names
            };
            Some((names, file.outline.as_deref()?))
        });
        let libraries = around.libraries.iter().filter_map(|path| {
            let file = self.declaring(path)?;
            Some((file.names, &file.tokens[..]))
        });
        let SuffixText { tokens, words } = &around.below;
        ProjectContext::new(
            &self.syntax,
            [&self.words, words],
            packages,
            tokens,
            near,
            (outlines.chain(libraries))
                .chain(around.submodules.iter().map(|&names| (names, &[][..]))),
            around.importable.clone(),
        )
    }

    /// How a module of a package is called, of which nothing else is known.
    pub fn module(&mut self, module: &str, package: &str) -> ModuleRef {
        ModuleRef {
            module: self.token(UNK, module),
            package: self.token(UNK, package),
            is_top: false,
            is_package: false,
            is_outline: false,
        }
    }

    fn declaring(&self, path: &str) -> Option<&File> {
        self.libraries.get(path).or_else(|| self.files.get(path))
    }

    fn module_name(&mut self, path: &str) -> ModuleRef {
        let module = path.strip_suffix(".py").unwrap_or(path);
        let is_package = module.ends_with("/__init__");
        let module = module.strip_suffix("/__init__").unwrap_or(module);
        let mut parts = module.rsplit('/').map(nameable);
        let mut part = || parts.next().unwrap_or_default();
        let (module, package) = (part(), part());
        ModuleRef {
            module: self.token(UNK, module),
            package: self.token(UNK, package),
            // In the workspace's folder, or in one such as `src`.
            is_top: package.is_empty() || parts.count() <= 1,
            is_package,
            is_outline: false,
        }
    }

    /// The number of a token, unless it is a name that was never met.
    fn number(&self, id: u32, text: &str) -> Option<u32> {
        if id != UNK || !python::is_name(text) {
            return Some(id);
        }
        self.by_text.get(text).copied()
    }

    fn token(&mut self, id: u32, text: &str) -> u32 {
        if let Some(token) = self.number(id, text) {
            return token;
        }
        let token = (self.syntax.vocabulary_size() + self.words.len()) as u32;
        // It stands in the list and in the map, whose entries are a third empty.
        self.word_bytes += 2 * (text.len() + 16) + 40;
        self.words.push(text.into());
        self.by_text.insert(text.into(), token);
        token
    }
}

/// A part of a path, unless nobody could name it in an import.
fn nameable(part: &str) -> &str {
    if is_nameable(part) { part } else { "" }
}

/// Whether a part of a path has the letters of a name, as `0001_initial` has not.
pub fn is_nameable(part: &str) -> bool {
    let is_word = part.chars().all(|c| c == '_' || c.is_alphanumeric());
    is_word && !part.starts_with(|c: char| c.is_ascii_digit())
}
