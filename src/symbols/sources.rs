//! The tokens in which declarations are looked for: the document's, and those around it, numbered alike.

use std::ops::Range;

use crate::context::{
    BufferTokens, CandidateId, CandidateSpace, ModuleRef, Position, ProjectContext, ProjectToken,
};
use crate::tokenizer::UNK;

/// Earlier places of a name that are asked what it is.
const LOOKED_AT: usize = 1024;

/// Which text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// The document.
    Here,
    /// What stands around it.
    Around,
}

/// A place in one of the texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Spot {
    pub(crate) side: Side,
    pub(crate) at: usize,
}

impl Spot {
    pub(crate) fn here(at: usize) -> Self {
        Self {
            side: Side::Here,
            at,
        }
    }

    pub(crate) fn around(at: usize) -> Self {
        Self {
            side: Side::Around,
            at,
        }
    }

    /// So many tokens further on.
    pub(crate) fn plus(self, count: usize) -> Self {
        Self {
            at: self.at + count,
            ..self
        }
    }
}

/// Both texts. Every token is given by the number of the [candidate](CandidateSpace) that it is.
#[derive(Clone, Copy)]
pub(crate) struct Texts<'a> {
    pub(crate) space: CandidateSpace<'a>,
    /// What stands behind the end of a text.
    pub(crate) eol: u32,
}

impl<'a> Texts<'a> {
    fn document(&self) -> &'a BufferTokens {
        self.space.buffer()
    }

    /// The files around the document.
    pub(crate) fn around(&self) -> &'a ProjectContext {
        self.document().project()
    }

    pub(crate) fn len(&self, side: Side) -> usize {
        match side {
            Side::Here => self.document().len(),
            Side::Around => self.around().len(),
        }
    }

    /// The token at a place; the end of a line behind the end.
    pub(crate) fn at(&self, spot: Spot) -> u32 {
        match spot.side {
            Side::Here => self.here(spot.at),
            Side::Around => {
                let token = self.around().tokens().get(spot.at);
                token.map_or(self.eol, |token| self.candidate(token.get()))
            }
        }
    }

    /// The document's token at a position.
    pub(crate) fn here(&self, at: usize) -> u32 {
        if at < self.document().len() {
            self.space.candidate_at(Position::at(at)).get()
        } else {
            self.eol
        }
    }

    /// Whether a name is outside the vocabulary, which has only names there.
    pub(crate) fn is_out_of_vocabulary(&self, name: u32) -> bool {
        self.space.is_out_of_vocabulary(CandidateId::new(name))
    }

    /// Whether a name, which is not a vocabulary entry, begins with an underscore.
    pub(crate) fn is_private(&self, name: u32) -> bool {
        let text = self.space.spelling(CandidateId::new(name));
        text.is_some_and(|text| text.starts_with('_'))
    }

    /// The latest places of a name in the document, the last one first.
    pub(crate) fn places(&self, name: u32) -> impl Iterator<Item = usize> + use<'a> {
        let document = self.document();
        let word = self.space.word(CandidateId::new(name));
        let places = word.map(|word| document.positions(word).take(LOOKED_AT));
        places.into_iter().flatten().map(Position::index)
    }

    /// Where a keyword stands that declares a name: the last place in the document, else the nearest one around it.
    pub(crate) fn declared(&self, keyword: u32, name: u32) -> Option<Spot> {
        let mut before = self.places(name).filter_map(|place| place.checked_sub(1));
        let here = before.find(|&before| self.here(before) == keyword);
        here.map(Spot::here).or_else(|| {
            let around = self.around();
            let at = around.declared(keyword, self.token(name)?, 0..usize::MAX)?;
            Some(Spot::around(at))
        })
    }

    /// The same in some of what stands around.
    pub(crate) fn declared_in(&self, range: Range<usize>, keyword: u32, name: u32) -> Option<Spot> {
        let at = self.around().declared(keyword, self.token(name)?, range)?;
        Some(Spot::around(at))
    }

    /// The file around that is a module of a package, or one that is in none.
    pub(crate) fn module(&self, module: u32, package: Option<u32>) -> Option<usize> {
        let module = self.token(module)?;
        let package = match package {
            Some(package) => Some(self.token(package)?),
            None => None,
        };
        let is_it = |names: ModuleRef| {
            let is_inside = |package| package != UNK && names.package == package;
            names.module == module && package.map_or(names.is_top, is_inside)
        };
        let mut files = self.around().files();
        files.find(|(_, names)| is_it(*names)).map(|(file, _)| file)
    }

    /// The file around of a module that another one names without its package: in that, or beside it.
    pub(crate) fn beside(&self, file: usize, module: u32) -> Option<usize> {
        let (around, module) = (self.around(), self.token(module)?);
        let own = around.file(file).0;
        let inside = |package: u32| {
            let is_it = |names: ModuleRef| names.module == module && names.package == package;
            let mut files = around.files();
            files.find(|(other, names)| *other != file && is_it(*names))
        };
        let found = own.is_package.then(|| inside(own.module)).flatten();
        let found = found.or_else(|| inside(own.package));
        found.map(|(file, _)| file)
    }

    /// The nearest file around whose module's last part is this.
    pub(crate) fn called(&self, module: u32) -> Option<usize> {
        let module = self.token(module)?;
        let mut files = self.around().files();
        let found = files.find(|(_, names)| names.module == module);
        found.map(|(file, _)| file)
    }

    /// Whether a file around is an outline, which holds all that its module declares.
    pub(crate) fn is_outline(&self, file: usize) -> bool {
        self.around().file(file).0.is_outline
    }

    /// Whether a file around is a package's own.
    pub(crate) fn is_package(&self, file: usize) -> bool {
        self.around().file(file).0.is_package
    }

    /// How a file's module is called, and where its tokens are.
    pub(crate) fn file(&self, file: usize) -> (u32, Range<usize>) {
        let (names, range) = self.around().file(file);
        (self.candidate(names.module), range)
    }

    /// The file around that a place is in.
    pub(crate) fn file_of(&self, spot: Spot) -> Option<usize> {
        let around = self.around();
        let mut files = around.files().map(|(file, _)| file);
        let is_in = |&file: &usize| around.file(file).1.contains(&spot.at);
        files.find(is_in).filter(|_| spot.side == Side::Around)
    }

    /// The modules in a package.
    pub(crate) fn modules(&self, package: u32) -> Vec<u32> {
        let Some(package) = self.token(package) else {
            return Vec::new();
        };
        let modules = self.around().modules(package);
        modules.map(|module| self.candidate(module)).collect()
    }

    /// The last part of the document's own package, or of the one so many levels up.
    pub(crate) fn packages(&self, level: usize) -> Option<u32> {
        let package = *self.around().packages().get(level.checked_sub(1)?)?;
        (package != UNK).then(|| self.candidate(package))
    }

    /// The document's own package as a file around, or the one so many levels up.
    pub(crate) fn package(&self, level: usize) -> Option<usize> {
        let package = self.packages(level)?;
        let mut files = self.around().files();
        let (package, above) = (self.token(package)?, self.packages(level + 1));
        let above = above.and_then(|above| self.token(above)).unwrap_or(UNK);
        let found = files.find(|(_, names)| (names.module, names.package) == (package, above));
        found.map(|(file, _)| file)
    }

    /// A token of what is around as a candidate.
    fn candidate(&self, token: u32) -> u32 {
        let candidate = self.space.of_project_token(ProjectToken::new(token));
        candidate.get()
    }

    /// A candidate as a token of what is around.
    fn token(&self, candidate: u32) -> Option<u32> {
        let token = self.space.project_token(CandidateId::new(candidate))?;
        Some(token.get())
    }
}
