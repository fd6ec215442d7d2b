//! Adapts the name numberings of the vocabulary, the buffer and the project to the symbol table.
//!
//! A [`Name`] packs a plain number, since symbol tables know no vocabulary. Typed ids are converted here.

use super::candidates::CandidateSpace;
use super::ids::{BufferWord, CandidateId, ProjectName, Token};
use super::syntax::Syntax;
use crate::symbols::{Name, Names, Numbering, ResolverInputs, TokenKind};
use crate::tokenizer::TokenId;

/// Converts between the symbol table's [`Name`]s and [`Token`]s.
#[derive(Clone, Copy)]
pub(crate) struct BufferNames<'a> {
    pub(crate) space: CandidateSpace<'a>,
    pub(crate) syntax: &'a Syntax,
}

impl BufferNames<'_> {
    /// The inputs of name resolution.
    pub(crate) fn resolver_inputs(&self) -> ResolverInputs<'_> {
        let buffer = self.space.buffer();
        ResolverInputs {
            buffer: buffer.symbols(),
            project: buffer.project().symbols(),
            names: self,
        }
    }

    /// The candidate of a name.
    pub(crate) fn candidate(&self, name: Name) -> CandidateId {
        self.space.of(token(name))
    }
}

/// The token of a name.
fn token(name: Name) -> Token {
    match name.numbering() {
        Numbering::Vocabulary(id) => Token::Known(TokenId::new(id)),
        Numbering::Buffer(word) => Token::Buffer(BufferWord::new(word)),
        Numbering::Project(name) => Token::Project(ProjectName::new(name)),
    }
}

impl Names for BufferNames<'_> {
    fn in_buffer(&self, name: Name) -> Name {
        let word = match token(name) {
            Token::Project(name) => self.space.buffer().word_of_name(name),
            _ => None,
        };
        word.map_or(name, |word| Name::new(Numbering::Buffer(word.get())))
    }

    fn in_project(&self, name: Name) -> Option<Name> {
        match token(name) {
            Token::Buffer(word) => {
                let name = self.space.buffer().name_of_word(word)?;
                Some(Name::new(Numbering::Project(name.get())))
            }
            _ => Some(name),
        }
    }

    fn token_kind(&self, name: Name) -> TokenKind {
        match token(name) {
            Token::Known(id) => self.syntax.token_kind(id),
            Token::Buffer(word) => self.space.buffer().token_kind(word),
            Token::Project(name) => self.space.buffer().project().token_kind(name),
        }
    }

    fn is_private(&self, name: Name) -> bool {
        if let Token::Known(id) = token(name) {
            return self.syntax.is_private(id);
        }
        let text = self.space.spelling(self.candidate(name));
        text.is_some_and(|text| text.starts_with('_'))
    }

    fn frequency_rank(&self, name: Name) -> usize {
        // The vocabulary is sorted by frequency, and the rarest names are outside it.
        match token(name) {
            Token::Known(id) => id.index(),
            _ => 2 * self.syntax.vocabulary_size(),
        }
    }

    fn enum_attributes(&self) -> [Name; 2] {
        let name = |id: TokenId| Name::new(Numbering::Vocabulary(id.get()));
        self.syntax.of_enum.map(name)
    }
}
