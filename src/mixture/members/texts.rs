//! The tokens in which declarations are looked for: the document's, and those around it, numbered alike.

use std::ops::Range;

use crate::mixture::document::Document;
use crate::mixture::surroundings::Surroundings;
use crate::vocabulary::UNK;

/// Earlier places of a name that are asked what it is.
const LOOKED_AT: usize = 1024;

/// Which text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    /// The document.
    Here,
    /// What stands around it.
    Around,
}

/// A place in one of the texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Spot {
    pub(super) side: Side,
    pub(super) at: usize,
}

impl Spot {
    pub(super) fn here(at: usize) -> Self {
        Self {
            side: Side::Here,
            at,
        }
    }

    pub(super) fn around(at: usize) -> Self {
        Self {
            side: Side::Around,
            at,
        }
    }

    /// So many tokens further on.
    pub(super) fn plus(self, count: usize) -> Self {
        Self {
            at: self.at + count,
            ..self
        }
    }
}

/// Both texts. Every token is given as the [candidate](crate::mixture::Prediction) that it is.
#[derive(Clone, Copy)]
pub(super) struct Texts<'a> {
    pub(super) document: &'a Document,
    pub(super) around: Option<&'a Surroundings>,
    pub(super) vocabulary_size: usize,
    /// What stands behind the end of a text.
    pub(super) eol: u32,
}

impl<'a> Texts<'a> {
    pub(super) fn len(&self, side: Side) -> usize {
        match side {
            Side::Here => self.document.len(),
            Side::Around => self.around.map_or(0, Surroundings::len),
        }
    }

    /// The token at a place; the end of a line behind the end.
    pub(super) fn at(&self, spot: Spot) -> u32 {
        if spot.at >= self.len(spot.side) {
            return self.eol;
        }
        match (spot.side, self.around) {
            (Side::Around, Some(around)) => self.candidate(around.tokens()[spot.at]),
            _ => self.here(spot.at),
        }
    }

    /// The document's token at a position.
    pub(super) fn here(&self, at: usize) -> u32 {
        if at < self.document.len() {
            self.document.token(at, self.vocabulary_size)
        } else {
            self.eol
        }
    }

    /// Whether a name, which is not a vocabulary entry, begins with an underscore.
    pub(super) fn is_private(&self, name: u32) -> bool {
        let words = self.document.words();
        let Some(beyond) = (name as usize).checked_sub(self.vocabulary_size) else {
            return false;
        };
        let names = self.around.map_or(&[][..], Surroundings::names);
        let around = || names.get(beyond - words.len()).map(|name| &**name);
        let text = match words.get(beyond) {
            Some(word) => Some(&*word.text),
            None => around(),
        };
        text.is_some_and(|text| text.starts_with('_'))
    }

    /// The latest places of a name in the document, the last one first.
    pub(super) fn places(&self, name: u32) -> impl Iterator<Item = usize> + use<'a> {
        let document = self.document;
        let word = match (name as usize).checked_sub(self.vocabulary_size) {
            Some(word) => Some(word).filter(|&word| word < document.words().len()),
            None => document.word(name),
        };
        let places = word.map(|word| document.places(word).take(LOOKED_AT));
        places.into_iter().flatten()
    }

    /// Where a keyword stands that declares a name: the last place in the document, else the nearest one around it.
    pub(super) fn declared(&self, keyword: u32, name: u32) -> Option<Spot> {
        let mut before = self.places(name).filter_map(|place| place.checked_sub(1));
        let here = before.find(|&before| self.here(before) == keyword);
        here.map(Spot::here).or_else(|| {
            let at = self
                .around?
                .declared(keyword, self.token(name)?, 0..usize::MAX)?;
            Some(Spot::around(at))
        })
    }

    /// The same in some of what stands around.
    pub(super) fn declared_in(&self, range: Range<usize>, keyword: u32, name: u32) -> Option<Spot> {
        let at = self.around?.declared(keyword, self.token(name)?, range)?;
        Some(Spot::around(at))
    }

    /// The file around that is the module of this name: one of this package, if it is known; else one that is in none, as
    /// what is installed, or the nearest.
    pub(super) fn module(&self, module: u32, package: Option<u32>) -> Option<usize> {
        let module = self.token(module)?;
        let package = package.map_or(Some(UNK), |package| self.token(package));
        let around = self.around?;
        let named = || {
            around
                .files()
                .filter(move |(_, names)| names.module == module)
        };
        let first = named().find(|(_, names)| Some(names.package) == package);
        first.or_else(|| named().next()).map(|(file, _)| file)
    }

    /// The file around that is a module of a package.
    pub(super) fn module_in(&self, module: u32, package: u32) -> Option<usize> {
        let (module, package) = (self.token(module)?, self.token(package)?);
        let mut files = self.around?.files();
        let found = files.find(|(_, names)| names.module == module && names.package == package);
        found.map(|(file, _)| file)
    }

    /// How a file's module is called, and where its tokens are.
    pub(super) fn file(&self, file: usize) -> (u32, Range<usize>) {
        self.around.map_or((UNK, 0..0), |around| {
            let (names, range) = around.file(file);
            (self.candidate(names.module), range)
        })
    }

    /// The file around that a place is in.
    pub(super) fn file_of(&self, spot: Spot) -> Option<Range<usize>> {
        let around = self.around.filter(|_| spot.side == Side::Around)?;
        let ranges = around.files().map(|(file, _)| around.file(file).1);
        ranges.into_iter().find(|range| range.contains(&spot.at))
    }

    /// The modules in a package, or in the document's own.
    pub(super) fn modules(&self, package: Option<u32>) -> Vec<u32> {
        let package = match package {
            None => Some(None),
            Some(package) => self.token(package).map(Some),
        };
        let (Some(around), Some(package)) = (self.around, package) else {
            return Vec::new();
        };
        let modules = around.modules(package);
        modules.map(|module| self.candidate(module)).collect()
    }

    /// The last part of the document's own package; [`UNK`] if it is in none.
    pub(super) fn package(&self) -> u32 {
        let package = self.around.map_or(UNK, Surroundings::package);
        self.candidate(package)
    }

    /// The document's own package, as a file around.
    pub(super) fn own_package(&self) -> Option<usize> {
        let around = self.around?;
        let package = Some(around.package()).filter(|&package| package != UNK)?;
        let mut files = around.files();
        let found = files.find(|(_, names)| names.module == package);
        found.map(|(file, _)| file)
    }

    /// A token of what is around as a candidate.
    fn candidate(&self, token: u32) -> u32 {
        self.document.candidate_of(token, self.vocabulary_size) as u32
    }

    /// A candidate as a token of what is around.
    fn token(&self, candidate: u32) -> Option<u32> {
        let words = self.document.words().len();
        let beyond = (candidate as usize).checked_sub(self.vocabulary_size);
        match beyond.and_then(|beyond| beyond.checked_sub(words)) {
            Some(name) => Some((self.vocabulary_size + name) as u32),
            None => self.document.around(candidate, self.vocabulary_size),
        }
    }
}
