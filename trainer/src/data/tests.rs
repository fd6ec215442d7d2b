//! Shards round-trip, and batches contain every token once.

use std::fs;
use std::path::PathBuf;

use proptest::prelude::*;
use tempfile::TempDir;

use super::shard::ShardWriter;
use super::*;

/// Vocabulary size of all shards in these tests.
const SIZE: usize = 50;

fn shard(files: &[Vec<u16>]) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("train.shard");
    let mut writer = ShardWriter::create(&path).unwrap();
    files.iter().for_each(|file| writer.push(file).unwrap());
    writer.finish(SIZE).unwrap();
    (folder, path)
}

/// Files whose tokens identify file and position, as far as [`SIZE`] allows.
fn files(longest: usize, most: usize) -> impl Strategy<Value = Vec<Vec<u16>>> {
    let file = prop::collection::vec(2..SIZE as u16, 2..longest);
    prop::collection::vec(file, 0..most)
}

/// The files in a stream of batches, read lane by lane.
fn read_back(batches: &[Batch]) -> Vec<Vec<u16>> {
    let mut files = Vec::new();
    let lanes = batches.iter().map(|batch| batch.lanes).max().unwrap_or(0);
    for lane in 0..lanes {
        for batch in batches.iter().filter(|batch| lane < batch.lanes) {
            for t in 0..batch.steps {
                let at = t * batch.lanes + lane;
                let (input, target) = (batch.inputs[at] as u16, batch.targets[at] as u16);
                assert_eq!(input == 0, target == 0, "padding is for both");
                if batch.starts[at] {
                    files.push(vec![input]);
                }
                if target != 0 {
                    let file = files.last_mut().expect("a file begins with a start");
                    assert_eq!(
                        file.last(),
                        Some(&input),
                        "an input is the target before it"
                    );
                    file.push(target);
                }
            }
        }
    }
    files.sort();
    files
}

/// Batches after a skip equal the batches after iterating, at any point.
fn check_skip<I: Iterator<Item = Batch>>(epoch: impl Fn() -> I, batches: &[Batch]) {
    for n in [0, 1, 2, batches.len() / 2, batches.len(), batches.len() + 1] {
        let rest: Vec<Batch> = epoch().skip(n).collect();
        assert_eq!(rest, batches[n.min(batches.len())..]);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn shards_come_back(files in files(40, 12)) {
        let (_folder, path) = shard(&files);
        let shards = Shards::open(&path, SIZE).unwrap();
        prop_assert_eq!(shards.len(), files.len());
        prop_assert_eq!(shards.tokens(), files.iter().map(Vec::len).sum::<usize>() as u64);
        for (i, file) in files.iter().enumerate() {
            prop_assert_eq!(shards.file(i), &file[..]);
            prop_assert_eq!(shards.file_len(i), file.len());
        }
        for wanted in [0, 1, 30, 1000] {
            let targets = |n: usize| files[..n].iter().map(|file| file.len() as u64 - 1).sum::<u64>();
            let n = shards.files_within(wanted);
            prop_assert!(targets(n) >= wanted || n == files.len());
            prop_assert!(n == 0 || targets(n - 1) < wanted);
        }
    }

    #[test]
    fn streams_hold_every_token_once(mut files in files(40, 60), lanes in 1_usize..6, steps in 1_usize..20, seed: u64) {
        let (_folder, path) = shard(&files);
        let shards = Shards::open(&path, SIZE).unwrap();
        let epoch = || Streams::new(&shards, lanes, steps, seed, 3);
        let batches: Vec<Batch> = epoch().collect();
        let in_order: Vec<Batch> = Streams::in_order(&shards, lanes, steps, u64::MAX).collect();
        files.sort();
        prop_assert_eq!(read_back(&batches), files.clone());
        prop_assert_eq!(read_back(&in_order), files);
        check_skip(epoch, &batches);

        // The reported targets equal those of the first batches.
        let of = |batches: &[Batch]| batches.iter().flat_map(|batch| &batch.targets).filter(|&&id| id != 0).count() as u64;
        for n in 0..batches.len() {
            let stretches = epoch().stretches(of(&batches[..n]));
            let mut targets: Vec<u32> = stretches.iter().flat_map(|(file, at)| &shards.file(*file)[at.clone()]).map(|&id| id.into()).collect();
            let mut expected: Vec<u32> = batches[..n].iter().flat_map(|batch| batch.targets.iter().copied()).filter(|&id| id != 0).collect();
            targets.sort_unstable();
            expected.sort_unstable();
            prop_assert_eq!(targets, expected);
        }
    }

    #[test]
    fn sequences_hold_the_head_of_every_file(lengths in prop::collection::vec(2_usize..1100, 0..20), lanes in 1_usize..6, seed: u64) {
        let mut files: Vec<Vec<u16>> = lengths.iter().map(|&n| (0..n).map(|i| 2 + (i * n) as u16 % 48).collect()).collect();
        let (_folder, path) = shard(&files);
        let shards = Shards::open(&path, SIZE).unwrap();
        let epoch = || Sequences::new(&shards, lanes, seed, 0);
        let batches: Vec<Batch> = epoch().collect();
        for batch in &batches {
            let lengths = (0..batch.lanes).map(|lane| (0..batch.steps).filter(|t| batch.targets[t * batch.lanes + lane] != 0).count());
            prop_assert_eq!(lengths.max(), Some(batch.steps), "padded to the longest of the batch");
        }
        prop_assert_eq!(epoch().stretches(u64::MAX).len(), files.len());
        files.iter_mut().for_each(|file| file.truncate(SEQUENCE_LEN));
        files.sort();
        prop_assert_eq!(read_back(&batches), files);
        check_skip(epoch, &batches);
    }
}

#[test]
fn seed_and_epoch_decide_the_order() {
    let files: Vec<Vec<u16>> = (0..200).map(|i| vec![2 + i % 40, 3, 4]).collect();
    let (_folder, path) = shard(&files);
    let shards = Shards::open(&path, SIZE).unwrap();
    let first = |seed, epoch| {
        let stream = Streams::new(&shards, 4, 8, seed, epoch).next().unwrap();
        let sequence = Sequences::new(&shards, 4, seed, epoch).next().unwrap();
        (stream, sequence)
    };
    assert_eq!(first(1, 0), first(1, 0));
    for (seed, epoch) in [(1, 1), (2, 0)] {
        assert_ne!(first(1, 0).0, first(seed, epoch).0);
        assert_ne!(first(1, 0).1, first(seed, epoch).1);
    }
}

/// An invalid shard gives an error with its name, the cause and the remedy.
#[test]
fn damaged_shards_are_refused() {
    type Damage = fn(&mut Vec<u8>);
    let (_folder, path) = shard(&[vec![2, 3, 4], vec![5, 6, 49]]);
    let whole = fs::read(&path).unwrap();
    let resigned = |bytes: &mut Vec<u8>| {
        use sha2::{Digest, Sha256};
        let digest = Sha256::digest(&bytes[64..]);
        bytes[32..64].copy_from_slice(&digest);
    };
    let damages: [(Damage, bool, &str); 10] = [
        (Vec::clear, false, "0 bytes are too few for a shard"),
        (
            |b| b.truncate(63),
            false,
            "63 bytes are too few for a shard",
        ),
        (|b| b[0] = b'x', false, "does not start like a shard"),
        (|b| b[8] = 9, false, "version 9"),
        (
            |b| b[12] = 51,
            false,
            "made for a vocabulary of 51 tokens, but the one next to it has 50",
        ),
        (
            |b| b[16..24].fill(0xff),
            false,
            "the counts in its header are impossible",
        ),
        (
            |b| b.truncate(b.len() - 1),
            false,
            "but its header requires",
        ),
        (|b| b[70] ^= 1, false, "its checksum does not match"),
        (|b| b[74] = 50, true, "id 50 is outside the vocabulary"),
        (|b| b[88] = 5, true, "its file offsets are out of order"),
    ];
    for (damage, sign, cause) in damages {
        let mut bytes = whole.clone();
        damage(&mut bytes);
        if sign {
            resigned(&mut bytes);
        }
        fs::write(&path, bytes).unwrap();
        let error = Shards::open(&path, SIZE)
            .err()
            .map(|error| format!("{error:#}"));
        let error = error.unwrap_or_else(|| panic!("accepted, but: {cause}"));
        assert!(error.contains(cause), "{error}\nis not: {cause}");
        assert!(
            error.contains("train.shard") && error.contains("`trainer prepare`"),
            "{error}"
        );
    }
}
