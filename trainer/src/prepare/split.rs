//! Assigns each file of a corpus to training, validation or test. Independent of sources and ids.

use anyhow::{Result, ensure};
use rand_chacha::ChaCha8Rng;
use sha2::{Digest, Sha256};

use super::corpus::{Corpus, Package};
use super::spool::Entry;
use crate::data::{Split, SplitBy};
use crate::random::{below, generator};

/// A rule that assigns files to splits in corpus order.
pub struct Assignment {
    by: By,
}

enum By {
    /// Holds out `held_out` of `files` files, uniformly at random.
    File {
        files: u64,
        held_out: u64,
        seed: u64,
    },
    /// Whether each package is held out.
    Package(Vec<bool>),
}

impl Assignment {
    /// Holds out about `share` of the files, or of the tokens in whole packages.
    pub fn new(corpus: &Corpus, by: SplitBy, share: f64, seed: u64) -> Result<Self> {
        let packages = &corpus.packages;
        let by = match by {
            SplitBy::File => {
                let files = packages.iter().map(|package| package.files).sum();
                By::File {
                    files,
                    held_out: (files as f64 * share).round() as u64,
                    seed,
                }
            }
            SplitBy::Package => {
                let held_out = held_out_packages(packages, share, seed);
                let is_training = packages.iter().any(|package| package.files > 0);
                ensure!(
                    share == 0.0 || !is_training || held_out.contains(&true),
                    "no package is small enough to be held out for validation (packages: {}); \
                     use --split-by file or a larger --validation",
                    packages.iter().filter(|package| package.files > 0).count()
                );
                By::Package(held_out)
            }
        };
        Ok(Self { by })
    }

    /// Holds out the packages of these names.
    pub fn of_packages(corpus: &Corpus, names: &[String]) -> Result<Self> {
        let packages = &corpus.packages;
        for name in names {
            ensure!(
                packages
                    .iter()
                    .any(|package| package.name == *name && package.files > 0),
                "--hold-out {name}: the sources, apart from those of --test, contain no such package"
            );
        }
        let is_held_out = |package: &Package| names.contains(&package.name);
        ensure!(
            packages
                .iter()
                .any(|package| package.files > 0 && !is_held_out(package)),
            "--hold-out names every package; nothing would be left to train on"
        );
        Ok(Self {
            by: By::Package(packages.iter().map(is_held_out).collect()),
        })
    }

    /// A fresh assignment; call the result for each entry of the spool, in order.
    pub fn start(&self) -> impl FnMut(&Entry) -> Split + '_ {
        let mut sampling = match self.by {
            By::File {
                files,
                held_out,
                seed,
            } => Some(Sampling::new(files, held_out, seed)),
            By::Package(_) => None,
        };
        move |entry| {
            if entry.test {
                return Split::Test;
            }
            let is_held_out = match (&self.by, &mut sampling) {
                (By::Package(held_out), _) => held_out[entry.package as usize],
                (By::File { .. }, sampling) => sampling.as_mut().is_some_and(Sampling::next),
            };
            if is_held_out {
                Split::Validation
            } else {
                Split::Train
            }
        }
    }

    /// The held-out packages in byte order; None when splitting by file.
    pub fn held_out(&self, packages: &[Package]) -> Option<Vec<String>> {
        let By::Package(held_out) = &self.by else {
            return None;
        };
        let held_out = packages
            .iter()
            .zip(held_out)
            .filter(|&(_, is_held_out)| *is_held_out);
        let mut names: Vec<String> = held_out.map(|(package, _)| package.name.clone()).collect();
        names.sort_unstable();
        Some(names)
    }
}

/// Visits packages in the order of SHA-256 of `seed\0name` and takes each one that still fits the share.
fn held_out_packages(packages: &[Package], share: f64, seed: u64) -> Vec<bool> {
    let total: u64 = packages.iter().map(|package| package.tokens).sum();
    let mut budget = (total as f64 * share) as u64;
    let mut order: Vec<usize> = (0..packages.len()).collect();
    order.sort_by_cached_key(|&i| Sha256::digest(format!("{seed}\0{}", packages[i].name)));
    let mut held_out = vec![false; packages.len()];
    for i in order {
        let Package { files, tokens, .. } = packages[i];
        if files > 0 && tokens <= budget {
            budget -= tokens;
            held_out[i] = true;
        }
    }
    held_out
}

/// Selection sampling (Knuth, The Art of Computer Programming, 3.4.2, algorithm S): decides item by item.
struct Sampling {
    left: u64,
    wanted: u64,
    random: ChaCha8Rng,
}

impl Sampling {
    fn new(left: u64, wanted: u64, seed: u64) -> Self {
        Self {
            left,
            wanted,
            random: generator(*b"holdout\0", seed, 0),
        }
    }

    fn next(&mut self) -> bool {
        let is_chosen = below(&mut self.random, self.left) < self.wanted;
        self.left -= 1;
        self.wanted -= u64::from(is_chosen);
        is_chosen
    }
}
