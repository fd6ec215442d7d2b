//! The project experts: name unigrams, n-grams and the longest match in the project.

use super::normalise::{largest, normalise};
use crate::context::{CandidateSpace, Continuations, Position, ProjectContext, ProjectToken};
use crate::prediction::expert::{Expert, Scope};

/// Number of project experts.
const COLUMNS: usize = Scope::Project.experts();
const NAMES: usize = Expert::ProjectNames.column();
/// The columns of the scores in [`Continuations`], in order.
const CONTINUATIONS: [usize; 2] = [
    Expert::ProjectNgrams.column(),
    Expert::ProjectMatch.column(),
];

/// Scores of the project experts, by project token.
#[derive(Clone, Debug, Default)]
pub(in crate::prediction) struct ProjectScores {
    /// Continuations of the last tokens in the project; their scores are distributions.
    pub(in crate::prediction) continuations: Continuations,
    /// The buffer's last token, if the project has it. It selects the unigrams: after a dot or elsewhere.
    last: Option<ProjectToken>,
    has_mass: [bool; COLUMNS],
}

impl ProjectScores {
    /// Scores for the token after a buffer.
    pub(in crate::prediction) fn new(space: &CandidateSpace<'_>) -> Self {
        let buffer = space.buffer();
        let last_first = || {
            let positions = (0..buffer.len()).rev().map(Position::at);
            positions.map(|at| space.project_token(space.candidate_at(at)))
        };
        let last = last_first().next().flatten();
        let mut continuations = buffer.project().continuations(last_first());
        let of_continuations = normalise(&mut continuations.scores, |(_, scores)| scores);
        let mut has_mass = [false; COLUMNS];
        has_mass[NAMES] = !buffer.project().unigrams(last).is_empty();
        for (column, mass) in CONTINUATIONS.into_iter().zip(of_continuations) {
            has_mass[column] = mass;
        }
        Self {
            continuations,
            last,
            has_mass,
        }
    }

    /// Whether an expert scored any token.
    pub(in crate::prediction) fn has_mass(&self, expert: Expert) -> bool {
        self.has_mass[expert.column()]
    }

    /// Each expert's probability of a token.
    pub(in crate::prediction) fn of(
        &self,
        project: &ProjectContext,
        token: ProjectToken,
    ) -> [f32; COLUMNS] {
        let mut scores = [0.0; COLUMNS];
        let names = project.unigrams(self.last);
        if let Ok(at) = names.binary_search_by_key(&token, |&(name, _)| name) {
            scores[NAMES] = names[at].1;
        }
        let continuations = &self.continuations.scores;
        if let Ok(at) = continuations.binary_search_by_key(&token, |&(other, _)| other) {
            for (column, score) in CONTINUATIONS.into_iter().zip(continuations[at].1) {
                scores[column] = score;
            }
        }
        scores
    }

    /// The token with an expert's largest probability, and the probability.
    pub(in crate::prediction) fn best(
        &self,
        project: &ProjectContext,
        expert: Expert,
    ) -> Option<(ProjectToken, f32)> {
        let among = CONTINUATIONS
            .iter()
            .position(|&column| column == expert.column());
        let Some(among) = among else {
            return project.best_unigram(self.last);
        };
        let scores = self.continuations.scores.iter();
        largest(scores.map(|&(token, scores)| (token, scores[among])))
    }

    /// Adds the weighted probabilities of the experts to those of all candidates.
    pub(in crate::prediction) fn add_to(
        &self,
        probabilities: &mut [f32],
        space: &CandidateSpace<'_>,
        weights: [f32; COLUMNS],
    ) {
        for &(token, p) in space.buffer().project().unigrams(self.last) {
            let candidate = space.of_project_token(token);
            probabilities[candidate.index()] += weights[NAMES] * p;
        }
        let [of_ngrams, of_match] = CONTINUATIONS.map(|column| weights[column]);
        for &(token, [ngrams, matched]) in &self.continuations.scores {
            let candidate = space.of_project_token(token);
            probabilities[candidate.index()] += of_ngrams * ngrams + of_match * matched;
        }
    }
}
