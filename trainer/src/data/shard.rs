//! A split's encoded files in one memory-mapped file, little-endian:
//!
//! | bytes | what |
//! |---|---|
//! | 0..8 | magic `mcshard\0` |
//! | 8..12 | version, 1 |
//! | 12..16 | vocabulary size V: every id is below it |
//! | 16..24 | number of files F |
//! | 24..32 | number of tokens N |
//! | 32..64 | SHA-256 of all bytes from 64 on |
//! | 64..64+2N | ids, 16 bits each, file after file, each `<s>` … `</s>` |
//! | … | zeros up to a multiple of 8 |
//! | 8(F+1) bytes | offsets, 64 bits each: file i is the ids from offset i to offset i+1; the last is N |
//!
//! All invariants are checked on opening, so reading cannot fail. Does not depend on tokens or paths.

use std::fs::File;
use std::io::{BufWriter, Seek, SeekFrom, Write};
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use memmap2::Mmap;
use sha2::{Digest, Sha256};

const MAGIC: [u8; 8] = *b"mcshard\0";
const VERSION: u32 = 1;
const HEADER: usize = 64;

// Ids and offsets are read in place.
const _: () = assert!(cfg!(target_endian = "little"), "shards are little-endian");

/// The encoded files of one split.
pub struct Shards {
    map: Mmap,
    files: usize,
    tokens: usize,
}

impl Shards {
    /// Opens and checks a shard whose ids belong to a vocabulary of `vocabulary_size` tokens.
    pub fn open(path: &Path, vocabulary_size: usize) -> Result<Self> {
        Self::read(path, vocabulary_size).with_context(|| {
            let path = path.display();
            format!("{path}: not a usable shard; recreate the folder with `trainer prepare`")
        })
    }

    fn read(path: &Path, vocabulary_size: usize) -> Result<Self> {
        let file = File::open(path)?;
        // SAFETY: `prepare` renames finished files into place and never modifies them. A user who truncates the file
        // under a running trainer gets SIGBUS, as with any memory map.
        let map = unsafe { Mmap::map(&file)? };
        ensure!(
            map.len() >= HEADER,
            "{} bytes are too few for a shard",
            map.len()
        );
        ensure!(map[..8] == MAGIC, "it does not start like a shard");
        let version = u32::from_le_bytes(map[8..12].try_into()?);
        ensure!(
            version == VERSION,
            "version {version}, but this trainer reads version {VERSION}"
        );
        let size = u32::from_le_bytes(map[12..16].try_into()?) as usize;
        ensure!(
            size == vocabulary_size,
            "made for a vocabulary of {size} tokens, but the one next to it has {vocabulary_size}"
        );
        let files = u64::from_le_bytes(map[16..24].try_into()?) as usize;
        let tokens = u64::from_le_bytes(map[24..32].try_into()?) as usize;
        let expected =
            expected_len(files, tokens).context("the counts in its header are impossible")?;
        ensure!(
            map.len() == expected,
            "{} bytes, but its header requires {expected}",
            map.len()
        );
        ensure!(
            Sha256::digest(&map[HEADER..])[..] == map[32..64],
            "its checksum does not match"
        );

        let shards = Self { map, files, tokens };
        let offsets = shards.offsets();
        let in_order = offsets.windows(2).all(|w| w[0] + 2 <= w[1]);
        if offsets[0] != 0 || offsets[files] != tokens as u64 || !in_order {
            bail!("its file offsets are out of order");
        }
        let largest = shards.ids().iter().max().copied().unwrap_or(0);
        ensure!(
            usize::from(largest) < vocabulary_size,
            "id {largest} is outside the vocabulary"
        );
        Ok(shards)
    }

    /// Number of files.
    pub fn len(&self) -> usize {
        self.files
    }

    /// Whether the split has no files.
    pub fn is_empty(&self) -> bool {
        self.files == 0
    }

    /// Number of tokens in all files.
    pub fn tokens(&self) -> u64 {
        self.tokens as u64
    }

    /// The ids of file `i` as they are stored, 16-bit numbers, including `<s>` and `</s>`: at least two.
    ///
    /// # Panics
    ///
    /// If `i` is not below [`Shards::len`].
    pub fn file(&self, i: usize) -> &[u16] {
        let offsets = self.offsets();
        &self.ids()[offsets[i] as usize..offsets[i + 1] as usize]
    }

    /// Number of ids of file `i`, without reading them.
    pub fn file_len(&self, i: usize) -> usize {
        let offsets = self.offsets();
        (offsets[i + 1] - offsets[i]) as usize
    }

    /// The number of files, from the first, that contain `max_tokens` targets (every token except a file's first).
    pub fn files_within(&self, max_tokens: u64) -> usize {
        let offsets = self.offsets();
        (0..self.files)
            .find(|&file| offsets[file] - file as u64 >= max_tokens)
            .unwrap_or(self.files)
    }

    fn ids(&self) -> &[u16] {
        let bytes = &self.map[HEADER..HEADER + 2 * self.tokens];
        // A map is page-aligned, and the header is a multiple of 8 bytes.
        bytemuck::cast_slice(bytes)
    }

    fn offsets(&self) -> &[u64] {
        let bytes = &self.map[self.map.len() - 8 * (self.files + 1)..];
        // As above; `expected_len` is also a multiple of 8.
        bytemuck::cast_slice(bytes)
    }
}

/// Length of a shard in bytes, or None if it overflows.
fn expected_len(files: usize, tokens: usize) -> Option<usize> {
    let ids = tokens.checked_mul(2)?.checked_next_multiple_of(8)?;
    let offsets = files.checked_add(1)?.checked_mul(8)?;
    HEADER.checked_add(ids)?.checked_add(offsets)
}

/// Writes a shard file by file. Only [`ShardWriter::finish`] makes it valid.
pub struct ShardWriter {
    out: BufWriter<File>,
    hash: Sha256,
    offsets: Vec<u64>,
    bytes: Vec<u8>,
}

impl ShardWriter {
    /// Creates a shard at a path that must not exist.
    pub fn create(path: &Path) -> std::io::Result<Self> {
        let mut out = BufWriter::with_capacity(1 << 20, File::create_new(path)?);
        out.write_all(&[0; HEADER])?;
        Ok(Self {
            out,
            hash: Sha256::new(),
            offsets: vec![0],
            bytes: Vec::new(),
        })
    }

    /// Appends a file's ids, at least `<s>` and `</s>`.
    pub fn push(&mut self, ids: &[u16]) -> std::io::Result<()> {
        debug_assert!(ids.len() >= 2, "a file has at least <s> and </s>");
        self.bytes.clear();
        self.bytes
            .extend(ids.iter().flat_map(|id| id.to_le_bytes()));
        self.offsets.push(self.tokens() + ids.len() as u64);
        self.write()
    }

    /// Writes offsets and header, and syncs the file to disk.
    pub fn finish(mut self, vocabulary_size: usize) -> std::io::Result<()> {
        let (files, tokens) = (self.offsets.len() as u64 - 1, self.tokens());
        let padding = (2 * tokens).next_multiple_of(8) - 2 * tokens;
        self.bytes.clear();
        self.bytes.resize(padding as usize, 0);
        self.bytes
            .extend(self.offsets.iter().flat_map(|o| o.to_le_bytes()));
        self.write()?;

        let mut header = Vec::with_capacity(HEADER);
        header.extend(MAGIC);
        header.extend(VERSION.to_le_bytes());
        header.extend((vocabulary_size as u32).to_le_bytes());
        header.extend(files.to_le_bytes());
        header.extend(tokens.to_le_bytes());
        header.extend(self.hash.finalize());
        self.out.seek(SeekFrom::Start(0))?;
        self.out.write_all(&header)?;
        self.out.flush()?;
        self.out.get_ref().sync_all()
    }

    fn tokens(&self) -> u64 {
        self.offsets.last().copied().unwrap_or(0)
    }

    fn write(&mut self) -> std::io::Result<()> {
        self.hash.update(&self.bytes);
        self.out.write_all(&self.bytes)
    }
}
