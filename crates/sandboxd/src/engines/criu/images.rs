//! CRIU's own files, as far as Thaw must understand them: which pages a process has, and which of its mappings must not
//! be cloned. Field numbers are those of CRIU's images/*.proto.

use prost::Message;

use crate::error::{Code, Error, Result};

/// Two words of magic in front of the entries.
const MAGIC_SIZE_BYTES: usize = 8;
const PAGE_LAZY: u32 = 1 << 1;
const PAGE_PRESENT: u32 = 1 << 2;
/// Bit of `madv` for MADV_WIPEONFORK.
const WIPE_ON_FORK: u64 = 1 << 18;
/// MAP_DROPPABLE: the vDSO's random state.
const MAP_DROPPABLE: u32 = 0x08;
const MAP_TYPE: u32 = 0x0f;
const MAP_PRIVATE: u32 = 0x02;

#[derive(Clone, PartialEq, Message)]
struct PagemapHead {
    #[prost(uint32, required, tag = "1")]
    pages_id: u32,
}

#[derive(Clone, PartialEq, Message)]
struct PagemapEntry {
    #[prost(uint64, required, tag = "1")]
    vaddr: u64,
    #[prost(uint32, required, tag = "2")]
    compat_nr_pages: u32,
    #[prost(uint32, optional, tag = "4")]
    flags: Option<u32>,
    #[prost(uint64, optional, tag = "5")]
    nr_pages: Option<u64>,
}

#[derive(Clone, PartialEq, Message)]
struct MmEntry {
    #[prost(message, repeated, tag = "14")]
    vmas: Vec<VmaEntry>,
}

#[derive(Clone, PartialEq, Message)]
struct VmaEntry {
    #[prost(uint64, required, tag = "1")]
    start: u64,
    #[prost(uint64, required, tag = "2")]
    end: u64,
    #[prost(uint32, required, tag = "6")]
    flags: u32,
    #[prost(uint64, optional, tag = "9")]
    madv: Option<u64>,
}

/// Pages that follow one another, all of them in `pages-ID.img`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PageRange {
    pub address: u64,
    pub pages: u64,
    pub is_lazy: bool,
}

pub struct Pagemap {
    pub pages_id: u32,
    /// In the order of the pages' file.
    pub ranges: Vec<PageRange>,
}

fn unreadable(what: &str) -> Error {
    Error::new(Code::SnapshotFailed, format!("CRIU wrote a {what} that can't be understood"))
}

fn entries<'a>(file: &'a [u8], what: &str) -> Result<Vec<&'a [u8]>> {
    let mut rest = file.get(MAGIC_SIZE_BYTES..).ok_or_else(|| unreadable(what))?;
    let mut found = Vec::new();
    while !rest.is_empty() {
        let (size, after) = rest.split_first_chunk::<4>().ok_or_else(|| unreadable(what))?;
        let size = u32::from_le_bytes(*size) as usize;
        found.push(after.get(..size).ok_or_else(|| unreadable(what))?);
        rest = &after[size..];
    }
    Ok(found)
}

pub fn read_pagemap(file: &[u8]) -> Result<Pagemap> {
    let entries = entries(file, "pagemap")?;
    let (head, rest) = entries.split_first().ok_or_else(|| unreadable("pagemap"))?;
    let head = PagemapHead::decode(*head).map_err(|_| unreadable("pagemap"))?;
    let mut ranges = Vec::new();
    for entry in rest {
        let entry = PagemapEntry::decode(*entry).map_err(|_| unreadable("pagemap"))?;
        // As CRIU reads an entry without flags.
        let flags = entry.flags.unwrap_or(PAGE_PRESENT);
        if flags & PAGE_PRESENT != 0 {
            let pages = entry.nr_pages.unwrap_or(u64::from(entry.compat_nr_pages));
            ranges.push(PageRange { address: entry.vaddr, pages, is_lazy: flags & PAGE_LAZY != 0 });
        }
    }
    Ok(Pagemap { pages_id: head.pages_id, ranges })
}

fn read_memory_map(file: &[u8]) -> Result<MmEntry> {
    let entries = entries(file, "memory map")?;
    let [entry] = entries[..] else { return Err(unreadable("memory map")) };
    MmEntry::decode(entry).map_err(|_| unreadable("memory map"))
}

/// Bytes of private mappings, touched or not. CRIU reserves them once more while it restores.
pub fn read_private_size(file: &[u8]) -> Result<u64> {
    let memory = read_memory_map(file)?;
    let private = memory.vmas.iter().filter(|vma| vma.flags & MAP_TYPE == MAP_PRIVATE);
    Ok(private.map(|vma| vma.end.saturating_sub(vma.start)).fold(0, u64::saturating_add))
}

/// Address ranges that a clone must find zeroed: MADV_WIPEONFORK and MAP_DROPPABLE mappings.
pub fn read_wiped_ranges(file: &[u8]) -> Result<Vec<(u64, u64)>> {
    let memory = read_memory_map(file)?;
    let is_wiped = |vma: &&VmaEntry| vma.madv.unwrap_or(0) & WIPE_ON_FORK != 0 || vma.flags & MAP_TYPE == MAP_DROPPABLE;
    Ok(memory.vmas.iter().filter(is_wiped).map(|vma| (vma.start, vma.end)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(entries: &[Vec<u8>]) -> Vec<u8> {
        let mut bytes = vec![0; MAGIC_SIZE_BYTES];
        for entry in entries {
            bytes.extend_from_slice(&(entry.len() as u32).to_le_bytes());
            bytes.extend_from_slice(entry);
        }
        bytes
    }

    #[test]
    fn reads_pages_that_are_there() {
        let head = PagemapHead { pages_id: 7 }.encode_to_vec();
        let present = PagemapEntry {
            vaddr: 0x1000,
            compat_nr_pages: 2,
            flags: Some(PAGE_PRESENT | PAGE_LAZY),
            nr_pages: Some(2),
        }
        .encode_to_vec();
        let hole = PagemapEntry { vaddr: 0x9000, compat_nr_pages: 1, flags: Some(1), nr_pages: None }.encode_to_vec();
        let map = read_pagemap(&file(&[head, present, hole])).expect("reads");
        assert_eq!(map.pages_id, 7);
        assert_eq!(map.ranges, vec![PageRange { address: 0x1000, pages: 2, is_lazy: true }]);
    }

    #[test]
    fn finds_mappings_that_must_not_be_cloned() {
        let vma = |start: u64, flags: u32, madv: Option<u64>| VmaEntry { start, end: start + 0x1000, flags, madv };
        let memory = MmEntry {
            vmas: vec![vma(0x1000, 0x22, Some(WIPE_ON_FORK)), vma(0x3000, 0x22, None), vma(0x5000, 0x28, None)],
        };
        assert_eq!(
            read_wiped_ranges(&file(&[memory.encode_to_vec()])).expect("reads"),
            vec![(0x1000, 0x2000), (0x5000, 0x6000)]
        );
    }

    #[test]
    fn refuses_what_is_cut_short() {
        let whole = file(&[PagemapHead { pages_id: 7 }.encode_to_vec()]);
        for length in 0..whole.len() {
            assert!(read_pagemap(&whole[..length]).is_err(), "cut to {length}");
        }
    }

    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(
            bytes in proptest::collection::vec(any::<u8>(), 0..400),
            entries in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..60), 0..5),
        ) {
            for file in [bytes, file(&entries)] {
                let _ = read_pagemap(&file);
                let _ = read_wiped_ranges(&file);
            }
        }
    }
}
