//! The numberings of names that meet in a buffer: the vocabulary's, the buffer's own and its project's.

use std::sync::LazyLock;

use super::buffer::BufferTokens;
use super::syntax::Syntax;
use crate::symbols::{Name, Names, Numbering, ProjectSymbols, Role, Sources};

static NO_PROJECT: LazyLock<ProjectSymbols> = LazyLock::new(ProjectSymbols::default);

/// The names of a buffer and of what is around it.
#[derive(Clone, Copy)]
pub(crate) struct BufferNames<'a> {
    pub(crate) document: &'a BufferTokens,
    pub(crate) syntax: &'a Syntax,
}

impl BufferNames<'_> {
    /// What declarations are read from.
    pub(crate) fn sources(&self) -> Sources<'_> {
        let around = self.document.surroundings();
        Sources {
            buffer: self.document.symbols(),
            project: around.map_or(&NO_PROJECT, |around| around.symbols()),
            names: self,
        }
    }

    /// The [candidate](crate::prediction::Prediction) that a name is.
    pub(crate) fn candidate(&self, name: Name) -> usize {
        let size = self.syntax.vocabulary_size();
        match self.in_buffer(name).numbering() {
            Numbering::Vocabulary(id) => id as usize,
            Numbering::Buffer(word) => size + word as usize,
            Numbering::Project(name) => size + self.document.words().len() + name as usize,
        }
    }

    /// How a name outside the vocabulary is spelled.
    fn spelling(&self, name: Name) -> Option<&str> {
        match name.numbering() {
            Numbering::Vocabulary(_) => None,
            Numbering::Buffer(word) => Some(&self.document.words().get(word as usize)?.text),
            Numbering::Project(name) => {
                let names = self.document.surroundings()?.names();
                names.get(name as usize).map(|name| &**name)
            }
        }
    }
}

impl Names for BufferNames<'_> {
    fn in_buffer(&self, name: Name) -> Name {
        let word = match name.numbering() {
            Numbering::Project(name) => self.document.here(name as usize),
            _ => None,
        };
        word.map_or(name, |word| Name::new(Numbering::Buffer(word as u32)))
    }

    fn in_project(&self, name: Name) -> Option<Name> {
        match name.numbering() {
            Numbering::Buffer(word) => {
                let around = self.document.name_around(word as usize)?;
                Some(Name::new(Numbering::Project(around)))
            }
            _ => Some(name),
        }
    }

    fn role(&self, name: Name) -> Role {
        match name.numbering() {
            Numbering::Vocabulary(id) => self.syntax.role(id),
            Numbering::Buffer(word) => self.document.role(word as usize),
            Numbering::Project(name) => {
                let around = self.document.surroundings();
                around.map_or(Role::Other, |around| around.role(name as usize))
            }
        }
    }

    fn is_private(&self, name: Name) -> bool {
        match name.numbering() {
            Numbering::Vocabulary(id) => self.syntax.is_private(id),
            _ => self
                .spelling(name)
                .is_some_and(|text| text.starts_with('_')),
        }
    }

    fn rank(&self, name: Name) -> usize {
        // The vocabulary is in the order of frequency, and outside it are the rarest.
        match name.numbering() {
            Numbering::Vocabulary(id) => id as usize,
            _ => 2 * self.syntax.vocabulary_size(),
        }
    }

    fn of_enum(&self) -> [Name; 2] {
        self.syntax
            .of_enum
            .map(|id| Name::new(Numbering::Vocabulary(id)))
    }
}
