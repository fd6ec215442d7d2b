//! Temperature scaling of a network's probabilities, fitted on the validation split (Guo et al. 2017).

use anyhow::Result;
use minicopilot::metrics::TemperatureFit;
use minicopilot::model::Model;
use minicopilot::tokenizer::TokenId;
use rayon::prelude::*;

use super::language_model::each_step;
use crate::data::{Dataset, Split};

/// The temperature that minimises the loss on the first files of the validation split, until they contain `max_tokens`.
/// `progress` receives the number of finished targets; false cancels.
pub fn fit(
    model: &Model,
    dataset: &Dataset,
    max_tokens: u64,
    progress: &dyn Fn(u64) -> bool,
) -> Result<f64> {
    let mut fit = TemperatureFit::default();
    each_step(
        model,
        dataset,
        Split::Validation,
        max_tokens,
        progress,
        &mut |batch, t, logits| {
            let targets = &batch.targets[t * batch.lanes..(t + 1) * batch.lanes];
            let rows = logits
                .par_chunks_exact(logits.len() / batch.lanes)
                .zip(targets);
            let fits: Vec<TemperatureFit> = rows
                .map(|(row, &target)| (row, TokenId::new(target)))
                .filter(|&(_, target)| target != TokenId::PAD)
                .map(|(row, target)| {
                    let mut fit = TemperatureFit::default();
                    fit.add(row, target);
                    fit
                })
                .collect();
            fits.iter().for_each(|one| fit += one); // in order, so that the sum does not depend on the number of threads
        },
    )?;
    Ok(fit.temperature())
}
