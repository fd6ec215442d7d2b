//! The workspace index: the files of a project, and the selection of those relevant to a document.
//!
//! [`WorkspaceIndex`] holds the tokens of every file in memory, 4 bytes each. [`WorkspaceIndex::surroundings`] selects the
//! files most related to a document: files it imports, files that import it, neighbours in the folder tree, and files with
//! the same imports. The text after the cursor in the document's own file precedes all of them. Declarations of these files
//! and of imported libraries are read into symbol tables.
//!
//! The caller finds and reads files and passes in their tokens and paths. This module does not access the disk or know
//! editors.

#[cfg(feature = "server")]
pub mod environment;
mod files;
mod imports;
mod modules;
#[cfg(test)]
mod tests;

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};

use files::{Counted, Files, Totals};
pub use imports::Imports;
use imports::{ImportPaths, ImportSet};

use crate::context::{Declarations, ImportableModules, ProjectContext, Syntax, TokenId};
use crate::python;
use crate::symbols::{
    self, Item, Module, ModuleRef, NO_COLUMN, Name, Numbering, Role, ScopeKind, Symbols,
};
use crate::tokenizer::{UNK, Vocabulary};

/// Maximum number of tokens of the selected files.
pub const NEAREST: usize = 300_000;

/// Maximum number of tokens after the cursor that are used.
const BELOW: usize = 20_000;
/// Memory limit for library symbols, in bytes.
const LIBRARIES: usize = 12_000_000;

/// The indexed files, by path. Paths must share one base and use `/` as separator.
#[derive(Debug)]
pub struct WorkspaceIndex {
    syntax: Syntax,
    /// Out-of-vocabulary names. Append-only: an unused name costs a few bytes.
    words: Vec<Box<str>>,
    /// The role of each word in declarations.
    roles: Vec<Role>,
    word_bytes: usize,
    /// Names, in the vocabulary or not, and their tokens.
    by_text: FxHashMap<Box<str>, u32>,
    files: Files<File>,
    /// Names importable from the project without a dot, computed on demand.
    top_modules: Option<Arc<[Box<str>]>>,
    /// Imported files outside the project.
    libraries: Files<Library>,
    /// Number of files read so far.
    version: u64,
}

/// The text after the cursor in a document: [`WorkspaceIndex::below`], [`WorkspaceIndex::rest`].
#[derive(Clone, Debug, Default, Hash)]
pub struct SuffixText {
    tokens: Vec<u32>,
    /// Its words that the index does not have. Their numbers continue those of the index.
    words: Vec<Box<str>>,
    /// Columns of its lines; empty if unknown.
    columns: Vec<u8>,
    /// The scopes open at its start.
    scopes: Vec<(ScopeKind, u16)>,
}

/// The selection of context for a document.
#[derive(Clone, Debug, Default)]
pub struct ContextSelection<'a> {
    /// The text after the cursor.
    pub below: SuffixText,
    /// Paths of related files, nearest first: [`WorkspaceIndex::nearest`].
    pub near: Vec<&'a str>,
    /// Paths of directly or indirectly imported files: [`WorkspaceIndex::imported`].
    pub imported: Vec<&'a str>,
    /// Paths of files used only for their declarations, such as those from [`WorkspaceIndex::read_library`].
    pub libraries: Vec<&'a str>,
    /// Modules known only by name: [`WorkspaceIndex::module`], [`WorkspaceIndex::modules_in`].
    pub submodules: Vec<ModuleRef>,
    /// Modules importable without a dot.
    pub importable: ImportableModules,
}

#[derive(Debug)]
struct File {
    version: u64,
    names: ModuleRef,
    /// `<s>` first. Each is an id, or the vocabulary size plus an index of `words`.
    tokens: Vec<u32>,
    /// Columns of its lines; empty if unknown.
    columns: Vec<u8>,
    imports: Imports,
    resolved: ImportPaths,
}

/// An imported file outside the project.
#[derive(Debug)]
struct Library {
    version: u64,
    names: ModuleRef,
    symbols: Symbols,
    imports: Imports,
}

impl Counted for File {
    fn totals(&self) -> Totals {
        let imports = self.imports.bytes() + self.resolved.bytes();
        Totals {
            tokens: self.tokens.len(),
            bytes: 4 * self.tokens.len() + self.columns.len() + imports,
        }
    }
}

impl Counted for Library {
    fn totals(&self) -> Totals {
        Totals {
            tokens: 0,
            bytes: self.symbols.bytes(),
        }
    }
}

impl WorkspaceIndex {
    /// An empty index.
    pub fn new(vocabulary: &Vocabulary) -> Self {
        let ids = 0..vocabulary.len() as u32;
        let tokens = ids.filter_map(|id| Some((vocabulary.token(id)?, id)));
        let names = tokens.filter(|(token, _)| python::is_name(token));
        Self {
            syntax: Syntax::new(vocabulary),
            words: Vec::new(),
            roles: Vec::new(),
            word_bytes: 0,
            by_text: names.map(|(name, id)| (name.into(), id)).collect(),
            files: Files::default(),
            top_modules: None,
            libraries: Files::default(),
            version: 0,
        }
    }

    /// Adds or replaces a file, given its tokens from `<s>` on as pairs of id and spelling. The indentation is unknown.
    /// Returns whether the index changed.
    pub fn insert<'a>(&mut self, path: &str, tokens: impl Iterator<Item = (u32, &'a str)>) -> bool {
        let tokens: Vec<(u32, &str)> = tokens.collect();
        let imports = Imports::of(tokens.iter().map(|&(_, text)| text));
        self.replace(path, tokens.into_iter(), Vec::new(), imports)
    }

    /// Adds or replaces a file, given its text. Returns whether the index changed.
    pub fn read(&mut self, vocabulary: &Vocabulary, path: &str, text: &str) -> bool {
        let lexed = python::lex(text);
        let spelled: Vec<String> = lexed
            .iter()
            .map(|&token| python::spelling(text, token))
            .collect();
        let spelled = || std::iter::once(python::START).chain(spelled.iter().map(|token| &**token));
        let imports = Imports::of(spelled());
        let tokens = spelled().map(|token| (vocabulary.id(token), token));
        self.replace(path, tokens, columns(text, &lexed), imports)
    }

    fn replace<'a>(
        &mut self,
        path: &str,
        tokens: impl Iterator<Item = (u32, &'a str)>,
        columns: Vec<u8>,
        imports: Imports,
    ) -> bool {
        let tokens: Vec<u32> = tokens.map(|(id, text)| self.token(id, text)).collect();
        let before = self.files.get(path);
        if before.is_some_and(|file| file.tokens == tokens && file.columns == columns) {
            return false;
        }
        let names = self.module_name(path);
        self.version += 1;
        let file = File {
            version: self.version,
            names,
            tokens,
            columns,
            resolved: imports.resolve(path),
            imports,
        };
        if self.files.insert(path, file).is_none() {
            self.top_modules = None;
        }
        true
    }

    /// Adds the declarations of a file outside the project, imported under the dotted module name `name`.
    pub fn read_library(&mut self, vocabulary: &Vocabulary, path: &str, text: &str, name: &str) {
        let package = name.split('.').next().unwrap_or_default();
        let (mut symbols, spelled) = symbols::read(text);
        let number = |name: Name| match name.numbering() {
            Numbering::Project(number) => spelled[number as usize],
            _ => "",
        };
        symbols.mark_own(|first| number(first) == package);
        let symbols = symbols.renumbered(|name| {
            let text = number(name);
            let token = self.token(vocabulary.id(text), text);
            self.name(token)
        });
        self.forget_library(path);
        if self.libraries.totals().bytes + symbols.bytes() > LIBRARIES {
            self.libraries = Files::default(); // libraries still imported will be read again
        }
        let mut parts = name.rsplit('.');
        let mut part = || parts.next().unwrap_or_default();
        let names = ModuleRef {
            is_top: !name.contains('.'),
            is_package: path.ends_with("__init__.py"),
            is_certain: true,
            ..self.module(part(), part())
        };
        self.version += 1;
        let library = Library {
            version: self.version,
            names,
            symbols,
            imports: Imports::of_text(text),
        };
        self.libraries.insert(path, library);
    }

    /// The imports of a library file and the memory of its symbols in bytes.
    pub fn library(&self, path: &str) -> Option<(&Imports, usize)> {
        let file = self.libraries.get(path)?;
        Some((&file.imports, file.symbols.bytes()))
    }

    /// Removes a library file, since it may have changed.
    pub fn forget_library(&mut self, path: &str) {
        self.libraries.remove(path);
    }

    /// The text after byte `offset`, the start of a line, for a [`ContextSelection`]: at most [`BELOW`] tokens.
    pub fn below(&self, vocabulary: &Vocabulary, text: &str, offset: usize) -> SuffixText {
        let lexed = python::lex(text);
        let above = lexed.partition_point(|token| (token.start as usize) < offset);
        let (above, lexed) = lexed.split_at(above);
        let lexed = &lexed[..lexed.len().min(BELOW)];
        if lexed.is_empty() {
            return SuffixText::default();
        }
        let mut below = SuffixText {
            // A line ended before it.
            tokens: vec![vocabulary.id(python::EOL)],
            words: Vec::new(),
            columns: columns(text, lexed),
            scopes: symbols::open_scopes(text, above),
        };
        let mut own = FxHashMap::default();
        for &token in lexed {
            let spelled = python::spelling(text, token);
            let id = vocabulary.id(&spelled);
            let known = self.number(id, &spelled);
            below.tokens.push(known.unwrap_or_else(|| {
                *own.entry(spelled).or_insert_with_key(|spelled| {
                    below.words.push((&**spelled).into());
                    let word = self.words.len() + below.words.len() - 1;
                    (self.syntax.vocabulary_size() + word) as u32
                })
            }));
        }
        below
    }

    /// The tokens of an indexed file from index `from` on, without indentation, for a [`ContextSelection`].
    pub fn rest(&self, path: &str, from: usize) -> SuffixText {
        let file = self.files.get(path);
        let tokens = file.and_then(|file| file.tokens.get(from..)).unwrap_or(&[]);
        SuffixText {
            tokens: tokens[..tokens.len().min(BELOW)].to_vec(),
            scopes: vec![(ScopeKind::Class, NO_COLUMN)],
            ..SuffixText::default()
        }
    }

    /// Whether the index contains a file.
    pub fn contains(&self, path: &str) -> bool {
        self.files.contains_key(path)
    }

    /// Total number of tokens.
    pub fn tokens(&self) -> usize {
        self.files.totals().tokens
    }

    /// A version number of a document's context. It changes with the set, order and contents of the selected files.
    pub fn state_of(&self, around: &ContextSelection<'_>) -> u64 {
        let mut hasher = rustc_hash::FxHasher::default();
        (&around.below, &around.submodules, &around.importable).hash(&mut hasher);
        let near = around.near.iter().map(|path| (path, self.files.get(*path)));
        for (path, file) in near {
            (path, file.map(|file| file.version)).hash(&mut hasher);
        }
        for path in around.imported.iter().chain(&around.libraries) {
            let file = self.files.get(*path).map(|file| file.version);
            let library = self.libraries.get(*path).map(|file| file.version);
            (path, file, library).hash(&mut hasher);
        }
        hasher.finish()
    }

    /// Removes a file. Returns whether it was there.
    pub fn remove(&mut self, path: &str) -> bool {
        let is_there = self.files.remove(path).is_some();
        if is_there {
            self.top_modules = None;
        }
        is_there
    }

    /// Removes a file, or all files under a folder.
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

    /// Number of files.
    pub fn len(&self) -> usize {
        self.files.len()
    }

    /// Removes all files and names. Numbers of [states](WorkspaceIndex::state_of) continue to grow.
    pub fn clear(&mut self, vocabulary: &Vocabulary) {
        let version = self.version;
        *self = Self::new(vocabulary);
        self.version = version;
    }

    /// Whether there are no files.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// Memory in bytes, excluding libraries.
    pub fn bytes(&self) -> usize {
        self.files.totals().bytes + self.word_bytes + 200 * self.files.len()
    }

    /// Paths of the files most related to the document at `path` with `imports`, nearest first, limited to [`NEAREST`]
    /// tokens in total. The document itself is excluded.
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

    /// The context of the document at `path`.
    pub fn surroundings(&self, path: &str, around: &ContextSelection<'_>) -> ProjectContext {
        // A file's own package is its folder.
        let folders = path.rsplit('/').skip(1).map(nameable);
        let packages = folders.map(|part| {
            let token = self.by_text.get(part).filter(|_| !part.is_empty());
            token.map_or(Name::NONE, |&token| self.name(token))
        });
        let declarations = Declarations {
            packages: packages.collect(),
            modules: self.modules(around),
            below: self.below_symbols(&around.below),
        };
        let files = around.near.iter().filter_map(|path| self.files.get(*path));
        let SuffixText { tokens, words, .. } = &around.below;
        ProjectContext::new(
            &self.syntax,
            [&self.words, words],
            tokens,
            files.map(|file| &file.tokens[..]),
            declarations,
            around.importable.clone(),
        )
    }

    /// The declarations of the selected files.
    fn modules(&self, around: &ContextSelection<'_>) -> Vec<Module> {
        let own = around.importable.own.iter();
        let own: FxHashSet<Name> = own
            .filter_map(|name| self.by_text.get(name))
            .map(|&token| self.name(token))
            .collect();
        let imported: FxHashSet<&str> = around.imported.iter().copied().collect();
        let read = |path: &str| {
            let file = self.files.get(path)?;
            let names = ModuleRef {
                is_top: file.names.is_top && !self.is_in_package(path),
                is_certain: imported.contains(path),
                ..file.names
            };
            let mut symbols = symbols::build(self.items(&file.tokens, &file.columns));
            symbols.mark_own(|first| first == names.name || own.contains(&first));
            Some(Module {
                names,
                symbols: Some(symbols),
            })
        };
        let is_near: FxHashSet<&str> = around.near.iter().copied().collect();
        let others = around
            .imported
            .iter()
            .filter(|path| !is_near.contains(*path));
        let files = around.near.iter().chain(others).copied();
        let libraries = around.libraries.iter().filter_map(|path| {
            let Some(library) = self.libraries.get(*path) else {
                return read(path);
            };
            Some(Module {
                names: library.names,
                symbols: Some(library.symbols.clone()),
            })
        });
        let submodules = around.submodules.iter().map(|&names| Module {
            names,
            symbols: None,
        });
        let files = files.filter_map(read);
        files.chain(libraries).chain(submodules).collect()
    }

    fn below_symbols(&self, below: &SuffixText) -> Symbols {
        let items = self.items(&below.tokens, &below.columns);
        symbols::build_rest(items, &below.scopes)
    }

    /// Converts tokens to items for the declaration parser.
    fn items<'a>(
        &'a self,
        tokens: &'a [u32],
        columns: &'a [u8],
    ) -> impl Iterator<Item = Item> + 'a {
        let mut columns = columns.iter();
        let mut begins = true;
        tokens.iter().map(move |&token| {
            let role = self.role(token);
            let is_blank = matches!(role, Role::Eol | Role::Start);
            let column = columns.as_slice().first().filter(|_| begins && !is_blank);
            if column.is_some() {
                columns.next();
            }
            begins = is_blank;
            Item {
                name: self.name(token),
                column: column.map_or(NO_COLUMN, |&column| column.into()),
                role,
            }
        })
    }

    fn role(&self, token: u32) -> Role {
        match (token as usize).checked_sub(self.syntax.vocabulary_size()) {
            None => self.syntax.role(TokenId::new(token)),
            // The text after the cursor can add words of its own.
            Some(word) => self.roles.get(word).copied().unwrap_or(Role::Name),
        }
    }

    /// The name of a token.
    fn name(&self, token: u32) -> Name {
        let word = (token as usize).checked_sub(self.syntax.vocabulary_size());
        Name::new(match word {
            None => Numbering::Vocabulary(token),
            Some(word) => Numbering::Project(word as u32),
        })
    }

    /// A module of a package, known only by name.
    pub fn module(&mut self, module: &str, package: &str) -> ModuleRef {
        ModuleRef {
            name: self.part(module),
            package: self.part(package),
            is_top: false,
            is_package: false,
            is_certain: false,
        }
    }

    /// The name of a path part.
    fn part(&mut self, part: &str) -> Name {
        if part.is_empty() {
            return Name::NONE;
        }
        let token = self.token(UNK, part);
        if token == UNK {
            Name::NONE
        } else {
            self.name(token)
        }
    }

    fn module_name(&mut self, path: &str) -> ModuleRef {
        let module = path.strip_suffix(".py").unwrap_or(path);
        let is_package = module.ends_with("/__init__");
        let module = module.strip_suffix("/__init__").unwrap_or(module);
        let mut parts = module.rsplit('/').map(nameable);
        let mut part = || parts.next().unwrap_or_default();
        let (module, package) = (part(), part());
        ModuleRef {
            // In the workspace folder, or in a folder such as `src`.
            is_top: package.is_empty() || parts.count() <= 1,
            is_package,
            ..self.module(module, package)
        }
    }

    /// The number of a token; `None` for an out-of-vocabulary name that the index has never seen.
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
        // It is in the list and in the map, a third of whose entries are empty.
        self.word_bytes += 2 * (text.len() + 16) + 40;
        self.words.push(text.into());
        self.roles.push(Role::of(text));
        self.by_text.insert(text.into(), token);
        token
    }
}

/// The column of each line with tokens, in order, capped at 255.
fn columns(text: &str, tokens: &[python::Token]) -> Vec<u8> {
    let is_begin = |at: usize| {
        let is_eol = |at: usize| tokens[at].kind == python::Kind::Eol;
        !is_eol(at) && at.checked_sub(1).is_none_or(is_eol)
    };
    let begins = (0..tokens.len()).filter(|&at| is_begin(at));
    let columns = begins.map(|at| python::column(text, tokens[at]).unwrap_or(0));
    columns.map(|column| column.min(255) as u8).collect()
}

/// A path part, or an empty string if no import can name it.
fn nameable(part: &str) -> &str {
    if is_nameable(part) { part } else { "" }
}

/// Whether a path part is a valid identifier; `0001_initial` is not.
pub fn is_nameable(part: &str) -> bool {
    let is_word = part.chars().all(|c| c == '_' || c.is_alphanumeric());
    is_word && !part.starts_with(|c: char| c.is_ascii_digit())
}
