//! Scores of all experts except the network, for each candidate.

use super::expert::{Expert, Scope};
use super::experts::buffer_ngrams::{self, BufferContinuations};
use super::experts::{BufferScores, Members, ProjectScores, continuous_cache, recency};
use super::tuning::FEATURE_FLOOR;
use crate::context::{BufferWord, CandidateId, CandidateSpace, Syntax, Token};
use crate::inference::{CosineScores, Distribution};
use crate::tokenizer::TokenId;

/// The distributions of all experts except the network, for the token after a buffer.
#[derive(Clone, Debug, Default)]
pub struct ExpertScores {
    pub(super) buffer: BufferScores,
    /// The continuations of the last tokens in the buffer.
    pub(super) continuations: BufferContinuations,
    pub(super) project: ProjectScores,
    pub(super) members: Members,
}

impl ExpertScores {
    /// Runs all experts, given the `cosines` of earlier network states with the current one.
    pub fn new(space: &CandidateSpace<'_>, syntax: &Syntax, cosines: &CosineScores) -> Self {
        let tokens = space.buffer();
        let mut buffer = BufferScores::new(tokens.lexemes().len());
        recency::score(tokens, &mut buffer);
        let continuations = buffer_ngrams::score(tokens, &mut buffer);
        continuous_cache::score(tokens, cosines, &mut buffer);
        buffer.normalise();
        Self {
            buffer,
            continuations,
            project: ProjectScores::new(space),
            members: Members::new(space, syntax),
        }
    }

    /// Whether an expert gives any candidate a score. The network always does.
    pub fn has_mass(&self, expert: Expert) -> bool {
        match expert.scope() {
            Scope::Network => true,
            Scope::Buffer => self.buffer.has_mass(expert),
            Scope::Project => self.project.has_mass(expert),
            Scope::Declarations => !self.members.shares.is_empty(),
        }
    }

    /// The score of a candidate by each expert; 0 for the network.
    pub fn scores_for(
        &self,
        space: &CandidateSpace<'_>,
        candidate: CandidateId,
    ) -> [f32; Expert::COUNT] {
        let mut scores = [0.0; Expert::COUNT];
        let mut put = |scope, of_scope: &[f32]| {
            for (expert, &score) in Expert::of(scope).zip(of_scope) {
                scores[expert as usize] = score;
            }
        };
        if let Some(word) = space.word(candidate) {
            put(Scope::Buffer, &self.buffer.rows()[word.index()]);
        }
        if let Some(token) = space.project_token(candidate) {
            let project = space.buffer().project();
            put(Scope::Project, &self.project.of(project, token));
        }
        if let Some(share) = self.members.share(candidate) {
            put(Scope::Declarations, &[share]);
        }
        scores
    }

    /// The probability of a candidate by each expert. The network's is normalized without `<UNK>`, since the network does
    /// not predict out-of-vocabulary names.
    pub fn expert_probabilities(
        &self,
        space: &CandidateSpace<'_>,
        distribution: &Distribution,
        candidate: CandidateId,
    ) -> [f32; Expert::COUNT] {
        let mut probabilities = self.scores_for(space, candidate);
        let id = space.token_id(candidate);
        if let Some(id) = id.filter(|&id| id != TokenId::UNK) {
            let known = (1.0 - distribution.probability(TokenId::UNK)).max(FEATURE_FLOOR);
            probabilities[Expert::Network as usize] = distribution.probability(id) / known;
        }
        probabilities
    }

    /// The candidate with the largest probability of an expert other than the network, and the probability.
    pub(super) fn best(
        &self,
        space: &CandidateSpace<'_>,
        expert: Expert,
    ) -> Option<(CandidateId, f32)> {
        if !self.has_mass(expert) {
            return None;
        }
        match expert.scope() {
            Scope::Network => None,
            Scope::Buffer => {
                let (word, p) = self.buffer.best(expert)?;
                Some((space.of(Token::Buffer(word)), p))
            }
            Scope::Project => {
                let (token, p) = self.project.best(space.buffer().project(), expert)?;
                Some((space.of_project_token(token), p))
            }
            Scope::Declarations => {
                let shares = self.members.shares.iter().copied();
                shares.reduce(|a, b| if b.1 > a.1 { b } else { a })
            }
        }
    }

    /// Adds the weighted probabilities of the experts to those of all candidates.
    pub(super) fn add_to(
        &self,
        probabilities: &mut [f32],
        space: &CandidateSpace<'_>,
        weights: &[f32; Expert::COUNT],
    ) {
        let of_buffer = of_scope::<{ Scope::Buffer.experts() }>(weights, Scope::Buffer);
        for (word, scores) in self.buffer.rows().iter().enumerate() {
            let candidate = space.of(Token::Buffer(BufferWord::at(word)));
            let weighted = scores.iter().zip(of_buffer).map(|(p, weight)| p * weight);
            probabilities[candidate.index()] += weighted.sum::<f32>();
        }
        let of_members = weights[Expert::Members as usize];
        for &(member, p) in &self.members.shares {
            probabilities[member.index()] += of_members * p;
        }
        let of_project = of_scope(weights, Scope::Project);
        self.project.add_to(probabilities, space, of_project);
    }

    /// Number of distinct out-of-vocabulary tokens in the buffer.
    pub(super) fn unknown_words(space: &CandidateSpace<'_>) -> usize {
        let lexemes = space.buffer().lexemes().iter();
        lexemes
            .filter(|lexeme| lexeme.id == TokenId::UNK && lexeme.count > 0)
            .count()
    }

    /// Memory in bytes.
    pub(super) fn bytes(&self) -> usize {
        size_of_val(self.buffer.rows())
    }

    /// Whether no expert has been run.
    pub(super) fn is_empty(&self) -> bool {
        self.buffer.rows().is_empty()
    }
}

/// The weights of the experts of a scope.
fn of_scope<const N: usize>(weights: &[f32; Expert::COUNT], scope: Scope) -> [f32; N] {
    let mut of_scope = [0.0; N];
    for (expert, weight) in Expert::of(scope).zip(&mut of_scope) {
        *weight = weights[expert as usize];
    }
    of_scope
}
