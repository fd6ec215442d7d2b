//! Which file goes to which part.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use super::SplitBy;
use super::spill::FileEntry;
use crate::data::Split;
use crate::shuffle::{generator, shuffle};

/// Assigns every file. Test sources are the test part; of the others, `share` becomes validation.
pub fn assign(files: &mut [FileEntry], by: SplitBy, share: f64, seed: u64) {
    let ours: Vec<usize> = (0..files.len()).filter(|&i| !files[i].is_test).collect();
    for &index in &ours {
        files[index].split = Split::Train;
    }
    match by {
        SplitBy::File => {
            let count = (ours.len() as f64 * share).round() as usize;
            let mut order = ours;
            shuffle(&mut order, &mut generator(b"split\0\0\0", seed, 0));
            for &index in &order[..count] {
                files[index].split = Split::Validation;
            }
        }
        SplitBy::Package => {
            let mut sizes: BTreeMap<&str, u64> = BTreeMap::new();
            for &index in &ours {
                *sizes.entry(&files[index].package).or_default() += files[index].length;
            }
            let total: u64 = sizes.values().sum();
            let held_out: Vec<String> = held_out(&sizes, (total as f64 * share) as u64, seed)
                .into_iter()
                .map(str::to_owned)
                .collect();
            for &index in &ours {
                if held_out.contains(&files[index].package) {
                    files[index].split = Split::Validation;
                }
            }
        }
    }
}

/// Packages, in the order of a hash of seed and name, as long as they fit into `budget` tokens. Whether a package is held
/// out depends little on which others there are.
fn held_out<'a>(sizes: &BTreeMap<&'a str, u64>, mut budget: u64, seed: u64) -> Vec<&'a str> {
    let mut packages: Vec<(&str, u64)> = sizes.iter().map(|(&name, &size)| (name, size)).collect();
    packages.sort_by_key(|(name, _)| Sha256::digest(format!("{seed}\0{name}")));
    packages.retain(|(_, size)| {
        let fits = *size <= budget;
        budget -= if fits { *size } else { 0 };
        fits
    });
    packages.into_iter().map(|(name, _)| name).collect()
}
