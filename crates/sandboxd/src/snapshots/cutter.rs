//! Cuts streams of pages and of bytes into chunks.

use std::io;

use thaw_snapshot::manifest::{Extent, Run};
use thaw_snapshot::{CHUNK_SIZE_BYTES_MAX, PAGES_PER_CHUNK_MAX, PAGE_SIZE_BYTES};

use super::zeros::is_zero;

/// Takes the chunks of a snapshot that is being made.
pub trait Sink: Send {
    /// Stores a chunk. Returns its number in the snapshot: the same one for the same content.
    fn add(&mut self, content: Vec<u8>) -> io::Result<u32>;
}

/// A chunk of pages ends where the content of its last page says so, after at least this many: pages that were added or
/// left out change the chunks around them only, and the rest is stored already.
const PAGES_PER_CHUNK_MIN: usize = 64;
const BOUNDARY_MASK: u64 = 31;
const PAGE: u64 = PAGE_SIZE_BYTES as u64;

/// Number of the chunk and of the page in it; `None`: all zero.
pub type PagePlace = Option<(u32, u32)>;

/// Adds a page to the last run where it goes on in address and in place.
pub fn push_page(runs: &mut Vec<Run>, address: u64, place: PagePlace, is_lazy: bool) {
    if let Some(last) = runs.last_mut() {
        let follows = match (last.place, place) {
            (None, None) => true,
            (Some((chunk, slot)), Some((other, next))) => chunk == other && slot + last.pages == next,
            _ => false,
        };
        if follows
            && last.is_lazy == is_lazy
            && last.address + u64::from(last.pages) * PAGE == address
            && last.pages < u32::MAX
        {
            last.pages += 1;
            return;
        }
    }
    runs.push(Run { address, pages: 1, place, is_lazy });
}

/// Pages in the order in which they come.
#[derive(Default)]
pub struct PageCutter {
    places: Vec<PagePlace>,
    current: Vec<u8>,
    /// Numbers of the pages in `current`.
    waiting: Vec<usize>,
}

fn is_boundary(page: &[u8]) -> bool {
    let mut hash = 0xcbf2_9ce4_8422_2325u64;
    for word in page.chunks_exact(8) {
        hash = (hash ^ u64::from_le_bytes(word.try_into().expect("eight bytes")))
            .wrapping_mul(0x0100_0000_01b3)
            .rotate_left(23);
    }
    (hash >> 17) & BOUNDARY_MASK == 0
}

impl PageCutter {
    pub fn push(&mut self, page: &[u8], sink: &mut dyn Sink) -> io::Result<()> {
        assert_eq!(page.len(), PAGE_SIZE_BYTES, "cutter: not a page");
        let number = self.places.len();
        self.places.push(None);
        if is_zero(page) {
            return Ok(());
        }
        self.current.extend_from_slice(page);
        self.waiting.push(number);
        let count = self.waiting.len();
        if count == PAGES_PER_CHUNK_MAX || (count >= PAGES_PER_CHUNK_MIN && is_boundary(page)) {
            self.flush(sink)?;
        }
        Ok(())
    }

    fn flush(&mut self, sink: &mut dyn Sink) -> io::Result<()> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        let chunk = sink.add(std::mem::take(&mut self.current))?;
        for (slot, number) in self.waiting.drain(..).enumerate() {
            self.places[number] = Some((chunk, slot as u32));
        }
        Ok(())
    }

    pub fn finish(mut self, sink: &mut dyn Sink) -> io::Result<Vec<PagePlace>> {
        self.flush(sink)?;
        Ok(self.places)
    }
}

/// Bytes of several files, packed one after the other. A chunk may hold the ends of many.
#[derive(Default)]
pub struct ByteCutter {
    current: Vec<u8>,
    /// Extents in `current`: which file they belong to.
    waiting: Vec<(usize, Extent)>,
    files: Vec<Vec<Extent>>,
}

impl ByteCutter {
    /// Begins a new file. Returns its number.
    pub fn begin(&mut self) -> usize {
        self.files.push(Vec::new());
        self.files.len() - 1
    }

    /// Bytes of `file` at `at`.
    pub fn push(&mut self, file: usize, mut at: u64, mut bytes: &[u8], sink: &mut dyn Sink) -> io::Result<()> {
        while !bytes.is_empty() {
            let length = bytes.len().min(CHUNK_SIZE_BYTES_MAX - self.current.len());
            let extent = Extent { at, chunk: 0, offset: self.current.len() as u32, length: length as u32 };
            self.current.extend_from_slice(&bytes[..length]);
            self.waiting.push((file, extent));
            at += length as u64;
            bytes = &bytes[length..];
            if self.current.len() == CHUNK_SIZE_BYTES_MAX {
                self.flush(sink)?;
            }
        }
        Ok(())
    }

    fn flush(&mut self, sink: &mut dyn Sink) -> io::Result<()> {
        if self.current.is_empty() {
            return Ok(());
        }
        let chunk = sink.add(std::mem::take(&mut self.current))?;
        for (file, extent) in self.waiting.drain(..) {
            self.files[file].push(Extent { chunk, ..extent });
        }
        Ok(())
    }

    /// Gives the extents of each file.
    pub fn finish(mut self, sink: &mut dyn Sink) -> io::Result<Vec<Vec<Extent>>> {
        self.flush(sink)?;
        Ok(self.files)
    }
}

#[cfg(test)]
pub mod testing {
    use super::*;

    /// For tests of lists: what contents there are does not matter.
    pub struct NoSink;

    impl Sink for NoSink {
        fn add(&mut self, _content: Vec<u8>) -> io::Result<u32> {
            Ok(0)
        }
    }
}
