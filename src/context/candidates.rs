//! The candidate space: the possible next tokens, and all conversions between the indices of the vocabulary, the buffer, the
//! project and the candidates.

use super::buffer::{BufferTokens, Lexeme};
use super::ids::{BufferWord, CandidateId, Position, ProjectName, ProjectToken, Token};
use crate::tokenizer::TokenId;

/// All possible next tokens in one index space: first the vocabulary's entries, then the buffer's words, then the project's
/// names. A buffer word is a candidate only if it is out-of-vocabulary; a project name, only if the buffer does not have it.
/// So each token is exactly one candidate, whatever its source.
#[derive(Clone, Copy, Debug)]
pub struct CandidateSpace<'a> {
    vocabulary_size: usize,
    buffer: &'a BufferTokens,
}

impl<'a> CandidateSpace<'a> {
    /// The candidates for the token after `buffer`, with a vocabulary of `vocabulary_size` entries.
    pub fn new(vocabulary_size: usize, buffer: &'a BufferTokens) -> Self {
        Self {
            vocabulary_size,
            buffer,
        }
    }

    /// The buffer the candidates belong to.
    pub fn buffer(&self) -> &'a BufferTokens {
        self.buffer
    }

    /// The size of the vocabulary.
    pub fn vocabulary_size(&self) -> usize {
        self.vocabulary_size
    }

    /// Size of the index space, including indices that duplicate another candidate.
    #[allow(clippy::len_without_is_empty, reason = "a vocabulary is never empty")]
    pub fn len(&self) -> usize {
        self.first_name() + self.buffer.project().names().len()
    }

    /// The index of the first project name.
    fn first_name(&self) -> usize {
        self.vocabulary_size + self.buffer.lexemes().len()
    }

    /// The candidate of a token.
    pub fn of(&self, token: Token) -> CandidateId {
        match token {
            Token::Known(id) => id.into(),
            Token::Buffer(word) => match self.buffer.lexeme(word).id {
                TokenId::UNK => CandidateId::at(self.vocabulary_size + word.index()),
                id => id.into(),
            },
            Token::Project(name) => match self.buffer.word_of_name(name) {
                Some(word) => CandidateId::at(self.vocabulary_size + word.index()),
                None => CandidateId::at(self.first_name() + name.index()),
            },
        }
    }

    /// The token of a candidate. Buffer and project tokens are always out-of-vocabulary.
    pub fn token(&self, candidate: CandidateId) -> Token {
        let Some(beyond) = candidate.index().checked_sub(self.vocabulary_size) else {
            return Token::Known(TokenId::new(candidate.get()));
        };
        match beyond.checked_sub(self.buffer.lexemes().len()) {
            None => Token::Buffer(BufferWord::at(beyond)),
            Some(name) => Token::Project(ProjectName::at(name)),
        }
    }

    /// A candidate's vocabulary id; `None` if it is out-of-vocabulary.
    pub fn token_id(&self, candidate: CandidateId) -> Option<TokenId> {
        match self.token(candidate) {
            Token::Known(id) => Some(id),
            Token::Buffer(_) | Token::Project(_) => None,
        }
    }

    /// Whether a candidate is out-of-vocabulary.
    pub fn is_out_of_vocabulary(&self, candidate: CandidateId) -> bool {
        candidate.index() >= self.vocabulary_size
    }

    /// The buffer's word for a candidate, in the vocabulary or not.
    pub fn word(&self, candidate: CandidateId) -> Option<BufferWord> {
        match self.token(candidate) {
            Token::Known(id) => self.buffer.word(id),
            Token::Buffer(word) => Some(word),
            Token::Project(_) => None,
        }
    }

    /// The candidate of the token at a position of the buffer.
    pub fn candidate_at(&self, position: Position) -> CandidateId {
        self.of(Token::Buffer(self.buffer.word_at(position)))
    }

    /// The candidate of a project token.
    pub fn of_project_token(&self, token: ProjectToken) -> CandidateId {
        self.of(match token.index().checked_sub(self.vocabulary_size) {
            None => Token::Known(TokenId::new(token.get())),
            Some(name) => Token::Project(ProjectName::at(name)),
        })
    }

    /// The project token of a candidate. `None` for a word that the project does not have.
    pub fn project_token(&self, candidate: CandidateId) -> Option<ProjectToken> {
        let name = match self.token(candidate) {
            Token::Known(id) => return Some(id.into()),
            Token::Buffer(word) => self.buffer.name_of_word(word)?,
            Token::Project(name) => name,
        };
        Some(ProjectToken::at(self.vocabulary_size + name.index()))
    }

    /// The spelling of an out-of-vocabulary candidate.
    pub fn spelling(&self, candidate: CandidateId) -> Option<&'a str> {
        match self.token(candidate) {
            Token::Known(_) => None,
            Token::Buffer(word) => Some(&self.buffer.lexeme(word).text),
            Token::Project(name) => {
                let names = self.buffer.project().names();
                names.get(name.index()).map(|name| &**name)
            }
        }
    }

    /// The candidate with an id and, if that is [`TokenId::UNK`], a spelling. `None` if there is none.
    pub fn find(&self, id: TokenId, text: &str) -> Option<CandidateId> {
        if id != TokenId::UNK {
            return Some(self.of(Token::Known(id)));
        }
        let word = self.buffer.word_spelled(text).map(Token::Buffer);
        let token = word.or_else(|| self.buffer.project().name(text).map(Token::Project));
        token.map(|token| self.of(token))
    }

    /// All candidates: the vocabulary and the out-of-vocabulary names.
    pub fn candidates(&self) -> impl Iterator<Item = CandidateId> + use<'a> {
        let (buffer, vocabulary_size) = (self.buffer, self.vocabulary_size);
        let all = (0..self.len()).filter(move |candidate| {
            let beyond = candidate.checked_sub(vocabulary_size);
            let lexeme = beyond.and_then(|word| buffer.lexemes().get(word));
            lexeme.is_none_or(Lexeme::is_candidate)
        });
        all.map(CandidateId::at)
    }

    /// Out-of-vocabulary names that start with `prefix`, each once, with their spellings.
    pub fn names_with_prefix(&self, prefix: &str) -> impl Iterator<Item = (CandidateId, &'a str)> {
        let names = self.buffer.project().names();
        let first = names.partition_point(|name| **name < *prefix);
        let of_project = self.names_of_project(first);
        let of_project = of_project.take_while(move |(_, name)| name.starts_with(prefix));
        let of_buffer = self.names_of_buffer();
        let of_buffer = of_buffer.filter(move |(_, name)| name.starts_with(prefix));
        of_buffer.chain(self.lacking_in_buffer(of_project))
    }

    /// All out-of-vocabulary names, each once, with their spellings.
    pub fn names(&self) -> impl Iterator<Item = (CandidateId, &'a str)> {
        let of_project = self.lacking_in_buffer(self.names_of_project(0));
        self.names_of_buffer().chain(of_project)
    }

    fn names_of_buffer(&self) -> impl Iterator<Item = (CandidateId, &'a str)> + use<'a> {
        let first = self.vocabulary_size;
        let lexemes = self.buffer.lexemes().iter().zip(first..);
        let names =
            lexemes.filter(|(lexeme, _)| lexeme.id == TokenId::UNK && lexeme.is_candidate());
        names.map(|(lexeme, candidate)| (CandidateId::at(candidate), &*lexeme.text))
    }

    fn names_of_project(
        &self,
        first: usize,
    ) -> impl Iterator<Item = (ProjectName, &'a str)> + use<'a> {
        let names = self.buffer.project().names().iter().enumerate().skip(first);
        names.map(|(name, text)| (ProjectName::at(name), &**text))
    }

    fn lacking_in_buffer(
        &self,
        names: impl Iterator<Item = (ProjectName, &'a str)>,
    ) -> impl Iterator<Item = (CandidateId, &'a str)> {
        let Self { buffer, .. } = *self;
        let first = self.first_name();
        names
            .filter(move |&(name, _)| buffer.word_of_name(name).is_none())
            .map(move |(name, text)| (CandidateId::at(first + name.index()), text))
    }
}
