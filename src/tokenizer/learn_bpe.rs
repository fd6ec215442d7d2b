//! Learns the merges of byte-pair encoding from token counts (Sennrich et al. 2016, algorithm 1).

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use rustc_hash::FxHashMap;

use super::bpe::{END, alphabet, byte_of, byte_piece};
use super::token_id::RESERVED;

/// A symbol: an index into the list of pieces.
type Symbol = u32;
type Pair = [Symbol; 2];

/// The pieces, and the merges in the order of their ranks.
pub(super) struct Learned {
    /// The pieces of one character or byte, then the result of each merge.
    pub(super) pieces: Vec<String>,
    /// Pieces of each merge.
    pub(super) merges: Vec<[String; 2]>,
}

/// A token of the corpus.
struct Word {
    symbols: Vec<Symbol>,
    count: u64,
}

/// Repeatedly merges the most frequent pair of neighbours, until there are `size` pieces or no pair occurs twice. Ties go to the
/// pair with the smaller piece indices.
pub(super) fn learn<'w>(counts: impl Iterator<Item = (&'w str, u64)>, size: usize) -> Learned {
    let mut pieces: Vec<String> = alphabet().collect();
    let mut known: FxHashMap<String, Symbol> = pieces.iter().cloned().zip(0..).collect();
    let mut words: Vec<Word> = counts
        .map(|(word, count)| Word {
            symbols: symbols(word, &known),
            count,
        })
        .collect();
    let mut pairs = Pairs::default();
    for (index, word) in words.iter().enumerate() {
        for pair in word.symbols.windows(2) {
            pairs.add([pair[0], pair[1]], word.count as i64, index);
        }
    }
    let mut queue: BinaryHeap<(u64, Reverse<Pair>)> = BinaryHeap::new();
    pairs.queue_changed(&mut queue);

    let mut merges = Vec::new();
    while pieces.len() < size
        && let Some((count, Reverse(pair))) = queue.pop()
    {
        let now = pairs.count(pair);
        if now != count {
            if now > 0 {
                queue.push((now, Reverse(pair)));
            }
            continue;
        }
        if count < 2 {
            break;
        }
        let [left, right] = pair.map(|symbol| pieces[symbol as usize].clone());
        let spelling = format!("{left}{right}");
        if RESERVED.contains(&&*spelling) || byte_of(&spelling).is_some() {
            continue; // source text that looks like one of these
        }
        let into = *known.entry(spelling.clone()).or_insert_with(|| {
            pieces.push(spelling);
            pieces.len() as Symbol - 1
        });
        merges.push([left, right]);
        for index in pairs.words_with(pair) {
            merge(&mut words[index], index, pair, into, &mut pairs);
        }
        pairs.queue_changed(&mut queue);
    }
    Learned { pieces, merges }
}

/// The symbols of a word before any merge.
fn symbols(word: &str, known: &FxHashMap<String, Symbol>) -> Vec<Symbol> {
    let mut pieces: Vec<String> = word.bytes().map(byte_piece).collect();
    match pieces.last_mut() {
        Some(last) if word.ends_with(|c: char| c.is_ascii_graphic()) => last.push(END),
        Some(_) => pieces.push(byte_piece(END as u8)),
        None => {}
    }
    pieces.iter().map(|piece| known[piece]).collect()
}

/// Replaces each occurrence of `pair` in a word, from left to right, and updates the counts of its neighbours.
fn merge(word: &mut Word, index: usize, pair: Pair, into: Symbol, pairs: &mut Pairs) {
    let count = word.count as i64;
    let symbols = &mut word.symbols;
    let mut at = 0;
    while at + 1 < symbols.len() {
        if [symbols[at], symbols[at + 1]] != pair {
            at += 1;
            continue;
        }
        pairs.add(pair, -count, index);
        if at > 0 {
            pairs.add([symbols[at - 1], pair[0]], -count, index);
            pairs.add([symbols[at - 1], into], count, index);
        }
        if let Some(&after) = symbols.get(at + 2) {
            pairs.add([pair[1], after], -count, index);
            pairs.add([into, after], count, index);
        }
        symbols[at] = into;
        symbols.remove(at + 1);
        at += 1;
    }
}

/// How often each pair of neighbours occurs, and where.
#[derive(Default)]
struct Pairs {
    counts: FxHashMap<Pair, i64>,
    /// Indices of words in which a pair occurs or occurred.
    words: FxHashMap<Pair, Vec<u32>>,
    /// Pairs that have gained occurrences since they were last queued.
    grown: Vec<Pair>,
}

impl Pairs {
    fn add(&mut self, pair: Pair, count: i64, word: usize) {
        *self.counts.entry(pair).or_default() += count;
        if count > 0 {
            self.words.entry(pair).or_default().push(word as u32);
            self.grown.push(pair);
        }
    }

    fn count(&self, pair: Pair) -> u64 {
        self.counts
            .get(&pair)
            .map_or(0, |&count| count.max(0) as u64)
    }

    /// The words that may contain `pair`, which will be gone from them.
    fn words_with(&mut self, pair: Pair) -> impl Iterator<Item = usize> + use<> {
        let mut words = self.words.remove(&pair).unwrap_or_default();
        words.sort_unstable();
        words.dedup();
        words.into_iter().map(|word| word as usize)
    }

    fn queue_changed(&mut self, queue: &mut BinaryHeap<(u64, Reverse<Pair>)>) {
        let mut grown = std::mem::take(&mut self.grown);
        grown.sort_unstable();
        grown.dedup();
        for pair in grown {
            let count = self.count(pair);
            if count > 0 {
                queue.push((count, Reverse(pair)));
            }
        }
    }
}
