//! Deduplication: exact and near duplicates of earlier files.
//!
//! Near duplicates are found with MinHash and banding (Leskovec, Rajaraman and Ullman, Mining of Massive Datasets,
//! chapter 3): files that share a band of their signatures are candidates, and the Jaccard similarity of their sets of
//! token 5-grams decides. The first of several duplicates is kept. 5-grams are compared by 64-bit hashes of the tokens'
//! text, so a file's hashes do not depend on other files.

use rayon::prelude::*;
use rustc_hash::{FxHashMap, FxHashSet};

use super::documents::{Document, Documents};
use super::filter::Rule;

const GRAM: usize = 5;
const BANDS: usize = 32;
const ROWS: usize = 4;
/// Minimum similarity of near duplicates within one split, then across splits.
const SAME_PART: f64 = 0.8;
const OTHER_PART: f64 = 0.5;

/// A file's bands, each the hash of four rows of its signature.
type Bands = [u64; BANDS];

/// For each file in order, the rule that removes it, if any. An error from `check` aborts the search.
pub fn find<E>(
    documents: &Documents,
    mut check: impl FnMut() -> Result<(), E>,
) -> Result<Vec<Option<Rule>>, E> {
    let words: Vec<u64> = documents.words.iter().map(|word| text_hash(word)).collect();
    let grams = |document: &Document| grams(&document.tokens, &words);
    let mut rules = Vec::with_capacity(documents.list.len());
    let mut exact: FxHashSet<&[u32]> = FxHashSet::default();
    let mut kept: FxHashMap<(usize, u64), Vec<usize>> = FxHashMap::default();
    // In groups: signatures are computed on all cores, decisions are made in order.
    for (group, some) in documents.list.chunks(GROUP).enumerate() {
        check()?;
        let bands: Vec<Bands> = some
            .par_iter()
            .map(|document| bands(&grams(document)))
            .collect();
        for (i, (document, bands)) in some.iter().zip(&bands).enumerate() {
            if !exact.insert(&document.tokens) {
                rules.push(Some(Rule::Duplicate));
                continue;
            }
            let bands = bands.iter().copied().enumerate();
            let candidates = bands.clone().filter_map(|band| kept.get(&band));
            let mut candidates: Vec<usize> = candidates.flatten().copied().collect();
            candidates.sort_unstable();
            candidates.dedup();
            let own = grams(document);
            let is_near = candidates.par_iter().any(|&candidate| {
                let other = &documents.list[candidate];
                let least = if other.test == document.test {
                    SAME_PART
                } else {
                    OTHER_PART
                };
                similarity(&own, &grams(other)) >= least
            });
            if is_near {
                rules.push(Some(Rule::NearDuplicate));
                continue;
            }
            for band in bands {
                kept.entry(band).or_default().push(group * GROUP + i);
            }
            rules.push(None);
        }
    }
    Ok(rules)
}

/// Files whose signatures are computed together.
const GROUP: usize = 1_024;

/// The set of 5-grams, sorted.
fn grams(tokens: &[u32], words: &[u64]) -> Vec<u64> {
    let mut grams: Vec<u64> = tokens
        .windows(GRAM)
        .map(|gram| {
            let mix = |hash: u64, &token: &u32| mixed(hash.rotate_left(5) ^ words[token as usize]);
            gram.iter().fold(0, mix)
        })
        .collect();
    grams.sort_unstable();
    grams.dedup();
    grams
}

/// Jaccard similarity of two sorted sets.
fn similarity(one: &[u64], other: &[u64]) -> f64 {
    let (mut both, mut i, mut j) = (0_usize, 0, 0);
    while let (Some(a), Some(b)) = (one.get(i), other.get(j)) {
        both += usize::from(a == b);
        i += usize::from(a <= b);
        j += usize::from(b <= a);
    }
    both as f64 / (one.len() + other.len() - both).max(1) as f64
}

fn bands(grams: &[u64]) -> Bands {
    // The minimum of all 5-grams under each hash function. The probability that two files agree equals their
    // similarity.
    let mut signature = [u64::MAX; BANDS * ROWS];
    for gram in grams {
        for (row, least) in signature.iter_mut().enumerate() {
            *least = (*least).min(mixed(gram ^ SEEDS[row]));
        }
    }
    let mut bands = [0; BANDS];
    for (band, rows) in bands.iter_mut().zip(signature.chunks(ROWS)) {
        *band = rows
            .iter()
            .fold(0, |hash: u64, row| mixed(hash.rotate_left(5) ^ row));
    }
    bands
}

/// One seed per hash function.
static SEEDS: [u64; BANDS * ROWS] = {
    let mut seeds = [0; BANDS * ROWS];
    let mut row = 0;
    while row < seeds.len() {
        seeds[row] = mixed(row as u64 + 1);
        row += 1;
    }
    seeds
};

/// FNV-1a with a finalizer: stable across versions and machines.
fn text_hash(text: &str) -> u64 {
    let step = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    mixed(text.bytes().fold(0xcbf2_9ce4_8422_2325, step))
}

/// The finalizer of SplitMix64 (Steele, Lea and Flood, Fast Splittable Pseudorandom Number Generators).
const fn mixed(mut x: u64) -> u64 {
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::convert::Infallible;

    use super::*;
    use crate::random::{below, generator};

    /// Files of 300 tokens: either new, or an earlier one with some tokens changed.
    fn documents() -> Documents {
        let mut random = generator(*b"near\0\0\0\0", 1, 0);
        let words = (0..500).map(|i| format!("word{i}")).collect();
        let mut list: Vec<Document> = Vec::new();
        for number in 0..200 {
            let mut tokens: Vec<u32> = (0..300).map(|_| below(&mut random, 500) as u32).collect();
            if number % 2 == 1 {
                let earlier = below(&mut random, number) as usize;
                let changes = [0, 1, 4, 8, 30][below(&mut random, 5) as usize];
                tokens.clone_from(&list[earlier].tokens);
                for _ in 0..changes {
                    tokens[below(&mut random, 300) as usize] = below(&mut random, 500) as u32;
                }
            }
            list.push(Document::new(
                number.to_string(),
                0,
                below(&mut random, 2) == 1,
                tokens,
            ));
        }
        Documents::of(list, words)
    }

    /// The oracle: compares every pair.
    fn expected(documents: &[Document]) -> Vec<Option<Rule>> {
        let grams = |document: &Document| -> BTreeSet<Vec<u32>> {
            document.tokens.windows(GRAM).map(<[u32]>::to_vec).collect()
        };
        let mut rules: Vec<Option<Rule>> = Vec::new();
        for (i, document) in documents.iter().enumerate() {
            let earlier = &documents[..i];
            let own = grams(document);
            let is_near = |(other, rule): (&Document, &Option<Rule>)| {
                let others = grams(other);
                let both = own.intersection(&others).count();
                let similarity = both as f64 / (own.len() + others.len() - both) as f64;
                let least = if other.test == document.test {
                    0.8
                } else {
                    0.5
                };
                rule.is_none() && similarity >= least
            };
            rules.push(
                if earlier.iter().any(|other| other.tokens == document.tokens) {
                    Some(Rule::Duplicate)
                } else if earlier.iter().zip(&rules).any(is_near) {
                    Some(Rule::NearDuplicate)
                } else {
                    None
                },
            );
        }
        rules
    }

    #[test]
    fn near_duplicates_match_a_comparison_of_all_pairs() {
        let documents = documents();
        let found = find(&documents, || Ok::<_, Infallible>(())).unwrap();
        assert_eq!(found, expected(&documents.list));
        for rule in [None, Some(Rule::Duplicate), Some(Rule::NearDuplicate)] {
            assert!(found.iter().filter(|&&other| other == rule).count() > 5);
        }
    }
}
