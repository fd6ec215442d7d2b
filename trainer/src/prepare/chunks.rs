//! Gathers a source's files into chunks that are worth handing to another thread.

use std::ops::ControlFlow;

use super::document::{Raw, RawChunk};
use super::ordered::Sink;

/// Raw bytes of a chunk: enough to keep a thread busy for milliseconds, little enough for many to be under way.
const CHUNK_BYTES: u64 = 1 << 20;
/// Files of a chunk, however small.
const CHUNK_FILES: usize = 256;

/// Gathers single files into chunks.
pub struct Chunks<'a> {
    sink: Sink<'a, RawChunk>,
    chunk: RawChunk,
}

impl<'a> Chunks<'a> {
    pub fn new(sink: Sink<'a, RawChunk>) -> Self {
        let chunk = RawChunk::default();
        Self { sink, chunk }
    }

    /// Adds a file that is so many bytes of the source's, which hold `in_memory` bytes until they are tokenised.
    pub fn push(&mut self, raw: Raw, bytes: u64) -> ControlFlow<()> {
        self.chunk.files.push(raw);
        self.chunk.bytes += bytes;
        if self.chunk.bytes >= CHUNK_BYTES || self.chunk.files.len() >= CHUNK_FILES {
            return self.flush();
        }
        ControlFlow::Continue(())
    }

    /// Hands on what has gathered.
    pub fn flush(&mut self) -> ControlFlow<()> {
        if self.chunk.files.is_empty() {
            return ControlFlow::Continue(());
        }
        (self.sink)(std::mem::take(&mut self.chunk))
    }
}
