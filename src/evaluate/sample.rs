//! Sampling of targets: all targets of some files, or blocks drawn from all files.
//!
//! Every target is in exactly one block, and blocks are drawn without replacement. So a file counts in proportion to its
//! number of tokens, and no single file fills the sample.

use std::ops::Range;
use std::path::PathBuf;

use anyhow::bail;
use tracing::warn;

use crate::files::python_files;
use crate::model::{SplitMix64, shuffle};
use crate::python::{self, Token};

/// Targets per block. The model must read the file up to the first target, so smaller blocks would take longer overall.
const BLOCK: usize = 250;

const NOTHING_TO_COMPLETE: &str = "these files contain nothing to complete";

/// The size and seed of a sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample {
    /// Approximate number of targets; 0 for all.
    pub targets: usize,
    /// Random seed for drawing blocks.
    pub seed: u64,
}

/// Consecutive targets of one file. The file end counts as the last target.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Block {
    /// Index of the file.
    pub file: usize,
    /// Index of the first target.
    pub start: usize,
    /// Index after the last target.
    pub end: usize,
}

impl Block {
    /// Range of target indices.
    pub fn targets(&self) -> Range<usize> {
        self.start..self.end
    }
}

/// Draws blocks. Returns the readable files and the drawn blocks, in order.
pub fn draw(files: Vec<PathBuf>, sample: Sample) -> anyhow::Result<(Vec<PathBuf>, Vec<Block>)> {
    let (readable, mut blocks) = shuffled(files, sample.seed)?;
    if sample.targets > 0 {
        let mut drawn = 0;
        let enough = |block: &Block| {
            let before = drawn;
            drawn += block.targets().len();
            before >= sample.targets
        };
        let end = blocks.iter().position(enough).unwrap_or(blocks.len());
        blocks.truncate(end);
    }
    blocks.sort();
    Ok((readable, joined(blocks)))
}

/// Draws blocks with tokens. Returns the readable files and at most `places` of these blocks (0 for all), in random order.
pub fn draw_places(
    files: Vec<PathBuf>,
    places: usize,
    seed: u64,
) -> anyhow::Result<(Vec<PathBuf>, Vec<Block>)> {
    let (readable, mut blocks) = shuffled(files, seed)?;
    blocks.retain(|block| block.targets().len() > 1); // a block of one target is a file's end
    if blocks.is_empty() {
        bail!(NOTHING_TO_COMPLETE);
    }
    if places > 0 {
        blocks.truncate(places);
    }
    Ok((readable, blocks))
}

/// A drawn token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Index of the file.
    pub file: usize,
    /// Index of the token in it.
    pub token: usize,
}

/// Draws tokens. Returns the readable files and `count` of their wanted tokens in order; all of them if `count` is 0. Every
/// wanted token is equally likely, and no two come from the same block, so small files give fewer than `count`.
pub fn draw_tokens(
    files: Vec<PathBuf>,
    count: usize,
    seed: u64,
    is_wanted: &dyn Fn(Token, &str) -> bool,
) -> anyhow::Result<(Vec<PathBuf>, Vec<Place>)> {
    let (readable, blocks) = shuffled(files, seed)?;
    let mut random = SplitMix64::new(seed);
    let (mut drawn, mut has_wanted) = (Vec::new(), false);
    for block in blocks {
        if count > 0 && drawn.len() == count {
            break;
        }
        let text = python_files::read(&readable[block.file])?;
        let tokens = python::lex(&text);
        let within = block.start..block.end.min(tokens.len());
        let wanted: Vec<usize> = within.filter(|&at| is_wanted(tokens[at], &text)).collect();
        has_wanted |= !wanted.is_empty();
        let chosen = if count == 0 {
            &wanted[..]
        } else {
            // A block yields at most one token, with probability (wanted tokens) / `BLOCK`.
            let place = (random.next_u64() % BLOCK as u64) as usize;
            wanted.get(place..=place).unwrap_or_default()
        };
        let file = block.file;
        drawn.extend(chosen.iter().map(|&token| Place { file, token }));
    }
    if !has_wanted {
        bail!(NOTHING_TO_COMPLETE);
    }
    if drawn.is_empty() {
        bail!(
            "no place could be drawn: a sample takes at most one from every {BLOCK} tokens; pass --sample 0 to take all"
        );
    }
    if drawn.len() < count {
        warn!(
            "only {} of {count} places could be drawn: a sample takes at most one from every {BLOCK} tokens",
            drawn.len()
        );
    }
    drawn.sort_unstable();
    Ok((readable, drawn))
}

/// The readable files, and all their blocks shuffled with `seed`.
fn shuffled(files: Vec<PathBuf>, seed: u64) -> anyhow::Result<(Vec<PathBuf>, Vec<Block>)> {
    let mut readable = Vec::new();
    let mut blocks = Vec::new();
    for path in files {
        match python_files::read(&path) {
            Ok(text) => {
                split(readable.len(), python::lex(&text).len() + 1, &mut blocks);
                readable.push(path);
            }
            Err(error) => warn!("{error:#}; skipping this file"),
        }
    }
    if readable.is_empty() {
        bail!("none of the files can be read");
    }
    let mut random = SplitMix64::new(seed);
    shuffle(&mut blocks, |n| random.next_u64() % n);
    Ok((readable, blocks))
}

/// Splits a file with `targets` targets into blocks.
fn split(file: usize, targets: usize, blocks: &mut Vec<Block>) {
    blocks.extend((0..targets).step_by(BLOCK).map(|start| Block {
        file,
        start,
        end: targets.min(start + BLOCK),
    }));
}

/// Sorts blocks and merges adjacent ones, so that whole files are typed from start to end.
fn joined(blocks: Vec<Block>) -> Vec<Block> {
    let mut joined: Vec<Block> = Vec::new();
    for block in blocks {
        match joined.last_mut() {
            Some(last) if (last.file, last.end) == (block.file, block.start) => {
                last.end = block.end;
            }
            _ => joined.push(block),
        }
    }
    joined
}

/// Groups drawn items by project: the path that contains the file, or `None` for files opened without a workspace.
pub(super) fn projects<'a, T>(
    paths: &'a [PathBuf],
    files: &[PathBuf],
    drawn: &'a [T],
    file: impl Fn(&T) -> usize,
    in_project: bool,
) -> Vec<(Option<&'a PathBuf>, Vec<&'a T>)> {
    let mut projects: Vec<(Option<&PathBuf>, Vec<&T>)> = Vec::new();
    for one in drawn {
        let is_above = |path: &&PathBuf| in_project && files[file(one)].starts_with(path);
        let project = paths.iter().find(is_above);
        match projects.last_mut() {
            Some((last, all)) if *last == project => all.push(one),
            _ => projects.push((project, vec![one])),
        }
    }
    projects
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files() -> (tempfile::TempDir, Vec<PathBuf>) {
        let folder = tempfile::tempdir().unwrap();
        let write = |(name, lines)| {
            let path = folder.path().join(name);
            std::fs::write(&path, "x = 1\n".repeat(lines)).unwrap();
            path
        };
        let paths = [("a.py", 500), ("b.py", 1), ("c.py", 0), ("d.py", 200)].map(write);
        (folder, paths.to_vec())
    }

    #[test]
    fn a_full_sample_is_one_block_per_file() {
        let (_folder, paths) = files();
        let (readable, blocks) = draw(
            paths.clone(),
            Sample {
                targets: 0,
                seed: 1,
            },
        )
        .unwrap();
        assert_eq!(readable, paths);
        let ends: Vec<_> = blocks
            .iter()
            .map(|block| (block.file, block.start, block.end))
            .collect();
        // Four tokens per line, without a final line end, plus the file end.
        assert_eq!(ends, [(0, 0, 2000), (1, 0, 4), (2, 0, 1), (3, 0, 800)]);
    }

    #[test]
    fn a_token_sample_is_drawn_from_blocks_or_is_everything() {
        let (_folder, paths) = files();
        let is_name = |token: Token, _: &str| token.kind == python::Kind::Name;
        let names = |range: Range<usize>, count| {
            let drawn = draw_tokens(paths[range].to_vec(), count, 1, &is_name);
            drawn.map_err(|error| error.to_string())
        };
        assert_eq!(names(0..4, 0).unwrap().1.len(), 701);
        assert_eq!(names(0..4, 1).unwrap().1.len(), 1);
        let most = names(0..4, 1000).unwrap().1;
        assert!((1..=12).contains(&most.len()), "{most:?}");
        assert!(most.is_sorted());
        assert_eq!(names(1..2, 0).unwrap().1, [Place { file: 0, token: 0 }]);
        insta::assert_snapshot!(names(1..2, 1).unwrap_err(), @"no place could be drawn: a sample takes at most one from every 250 tokens; pass --sample 0 to take all");
        insta::assert_snapshot!(names(2..3, 0).unwrap_err(), @"these files contain nothing to complete");
    }

    #[test]
    fn places_are_drawn_from_blocks_with_tokens() {
        let (_folder, paths) = files();
        let (_, all) = draw_places(paths.clone(), 0, 1).unwrap();
        assert_eq!(all.len(), 8 + 1 + 4);
        assert_eq!(draw_places(paths.clone(), 2, 1).unwrap().1, all[..2]);
        let empty = draw_places(paths[2..3].to_vec(), 2, 1).unwrap_err();
        assert_eq!(empty.to_string(), NOTHING_TO_COMPLETE);
    }

    #[test]
    fn a_sample_depends_on_the_seed_alone() {
        let (_folder, mut paths) = files();
        paths.insert(1, PathBuf::from("/does/not/exist.py"));
        let draw = |seed| {
            draw(paths.clone(), Sample { targets: 700, seed })
                .unwrap()
                .1
        };
        let size = |blocks: &[Block]| {
            blocks
                .iter()
                .map(|block| block.targets().len())
                .sum::<usize>()
        };
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
        for seed in 0..20 {
            let blocks = draw(seed);
            assert!((700..700 + BLOCK).contains(&size(&blocks)), "{blocks:?}");
            assert!(blocks.is_sorted());
        }
    }
}
