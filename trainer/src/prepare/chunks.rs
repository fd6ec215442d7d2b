//! Groups a source's files into chunks large enough to process on another thread.

use std::ops::ControlFlow;

use super::document::{Raw, RawChunk};
use super::ordered::Sink;

/// Raw bytes per chunk: enough work for milliseconds, small enough for many chunks in flight.
const CHUNK_BYTES: u64 = 1 << 20;
/// Maximum files per chunk.
const CHUNK_FILES: usize = 256;

/// Groups files into chunks.
pub struct Chunks<'a> {
    sink: Sink<'a, RawChunk>,
    chunk: RawChunk,
}

impl<'a> Chunks<'a> {
    pub fn new(sink: Sink<'a, RawChunk>) -> Self {
        let chunk = RawChunk::default();
        Self { sink, chunk }
    }

    /// Adds a file that accounts for `bytes` of the source and takes `in_memory` bytes until it is tokenised.
    pub fn push(&mut self, raw: Raw, bytes: u64) -> ControlFlow<()> {
        self.chunk.files.push(raw);
        self.chunk.bytes += bytes;
        if self.chunk.bytes >= CHUNK_BYTES || self.chunk.files.len() >= CHUNK_FILES {
            return self.flush();
        }
        ControlFlow::Continue(())
    }

    /// Passes on the current chunk.
    pub fn flush(&mut self) -> ControlFlow<()> {
        if self.chunk.files.is_empty() {
            return ControlFlow::Continue(());
        }
        (self.sink)(std::mem::take(&mut self.chunk))
    }
}
