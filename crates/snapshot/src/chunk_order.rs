//! The order of a manifest's chunks: first those that a restore needs before anything runs, then the working set's as
//! it will be touched, then the rest. A host that has none of them brings the first ones (`Header::early_chunks`)
//! without a key.

use std::collections::HashMap;

use crate::manifest::{Manifest, Run};
use crate::working_set::TouchedRun;
use crate::PAGE_SIZE_BYTES;

const PAGE: u64 = PAGE_SIZE_BYTES as u64;

/// New numbers by the old ones, handed out in the order of the first call.
#[derive(Default)]
struct Numbers {
    new: HashMap<u32, u32>,
    old: Vec<u32>,
}

impl Numbers {
    fn of(&mut self, old: u32) -> u32 {
        *self.new.entry(old).or_insert_with(|| {
            self.old.push(old);
            self.old.len() as u32 - 1
        })
    }
}

impl Manifest {
    /// Orders the chunks, and leaves out those that nothing refers to any more.
    pub fn order_chunks(&mut self, working_set: &[TouchedRun]) {
        let mut numbers = Numbers::default();
        let images = self.images.iter_mut().flat_map(|image| &mut image.extents);
        for extent in images.chain(self.disk.iter_mut().flat_map(|entry| &mut entry.extents)) {
            extent.chunk = numbers.of(extent.chunk);
        }
        let eager = self
            .spaces
            .iter()
            .flat_map(|space| &space.runs)
            .filter(|run| !run.is_lazy)
            .filter_map(|run| Some(run.place?.0));
        for chunk in eager.chain(self.touched_chunks(working_set)) {
            numbers.of(chunk);
        }
        self.header.early_chunks = numbers.old.len() as u32;
        for run in self.spaces.iter_mut().flat_map(|space| &mut space.runs) {
            if let Some((chunk, _)) = &mut run.place {
                *chunk = numbers.of(*chunk);
            }
        }
        self.chunks = numbers.old.iter().map(|old| self.chunks[*old as usize]).collect();
    }

    /// Chunks of the pages that come on demand, in the order of access; a chunk may be there more than once.
    fn touched_chunks(&self, working_set: &[TouchedRun]) -> Vec<u32> {
        let mut lazy: HashMap<u32, Vec<&Run>> = HashMap::new();
        for space in self.spaces.iter().filter(|space| space.pid != 0) {
            lazy.entry(space.pid).or_default().extend(space.runs.iter().filter(|run| run.is_lazy));
        }
        for runs in lazy.values_mut() {
            runs.sort_unstable_by_key(|run| run.address);
        }
        let mut chunks = Vec::new();
        for touched in working_set {
            let Some(runs) = lazy.get(&touched.pid) else { continue };
            let end = touched.address + u64::from(touched.pages) * PAGE;
            let first = runs.partition_point(|run| run.address + u64::from(run.pages) * PAGE <= touched.address);
            chunks
                .extend(runs[first..].iter().take_while(|run| run.address < end).filter_map(|run| Some(run.place?.0)));
        }
        chunks
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chunk::ChunkRef;
    use crate::manifest::{Extent, Header, Image, Space};

    fn manifest() -> Manifest {
        let chunk = |byte: u8| ChunkRef { name: [byte; 32], key: [byte; 32], size_bytes: 8192 };
        let run = |address, chunk, is_lazy| Run { address, pages: 2, place: Some((chunk, 0)), is_lazy };
        Manifest {
            header: Header {
                snapshot: "snap-1".into(),
                fingerprint: String::new(),
                engine: String::new(),
                uid: 0,
                created_at_ms: 0,
                generation: 0,
                early_chunks: 0,
                memory_pages: 10,
                stored_pages: 8,
                image_bytes: 5,
                disk_bytes: 0,
            },
            supervisor_pid: 1,
            clocks: Default::default(),
            images: vec![Image {
                name: "core.img".into(),
                size: 5,
                extents: vec![Extent { at: 0, chunk: 5, offset: 0, length: 5 }],
            }],
            disk: Vec::new(),
            spaces: vec![Space {
                pid: 9,
                pages_id: 1,
                runs: vec![run(0x1000, 0, true), run(0x3000, 1, true), run(0x5000, 2, false), run(0x7000, 3, true)],
            }],
            chunks: (0..6).map(chunk).collect(),
        }
    }

    #[test]
    fn what_a_restore_needs_first_is_in_front_and_what_nothing_refers_to_is_gone() {
        let mut manifest = manifest();
        manifest.order_chunks(&[
            TouchedRun { pid: 9, address: 0x8000, pages: 1 },
            TouchedRun { pid: 9, address: 0x2000, pages: 2 },
            TouchedRun { pid: 8, address: 0, pages: 9 },
        ]);
        let old: Vec<u8> = manifest.chunks.iter().map(|chunk| chunk.name[0]).collect();
        assert_eq!(
            old,
            [5, 2, 3, 0, 1],
            "images, pages that CRIU reads, the working set in its order; chunk 4 is nobody's"
        );
        assert_eq!(manifest.header.early_chunks, 5);
        assert_eq!(manifest.images[0].extents[0].chunk, 0);
        let places: Vec<_> = manifest.spaces[0].runs.iter().map(|run| run.place.expect("stored").0).collect();
        assert_eq!(places, [3, 4, 1, 2]);
    }

    #[test]
    fn without_a_working_set_only_what_is_read_at_once_is_early() {
        let mut manifest = manifest();
        manifest.order_chunks(&[]);
        assert_eq!(manifest.header.early_chunks, 2);
        let old: Vec<u8> = manifest.chunks.iter().map(|chunk| chunk.name[0]).collect();
        assert_eq!(old, [5, 2, 0, 1, 3]);
    }
}
