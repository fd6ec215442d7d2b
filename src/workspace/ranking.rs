//! Finds the files near a document: those that it imports, those that import it, those in nearby folders, and those
//! with the same imports.

use super::imports::{ImportSet, Imports};
use super::index::WorkspaceIndex;

/// Maximum number of tokens in all near files together.
const MAX_NEAR_TOKENS: usize = 300_000;

impl WorkspaceIndex {
    /// The paths of the files nearest to the one at `path`, which imports `imports`, nearest first. Skips that file
    /// itself, and any file that exceeds the rest of the budget of 300,000 tokens.
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
        let mut left = MAX_NEAR_TOKENS;
        scored.retain(|&(_, _, tokens)| {
            let fits = tokens <= left;
            left -= if fits { tokens } else { 0 };
            fits
        });
        scored.iter().map(|&(_, path, _)| path).collect()
    }
}
