//! The working set: pages that were touched between a restore and its first response, in order of access, merged over
//! several recordings. Stored beside the manifest in an envelope of its own.

use serde::{Deserialize, Serialize};

use crate::envelope::{self, DataKey};
use crate::{damaged, Result, PAGES_PER_CHUNK_MAX, PAGE_SIZE_BYTES};

/// Size of a batch in pages: within one, pages come by address instead of in the order of access.
const BATCH_PAGES: usize = 4 * PAGES_PER_CHUNK_MAX;

#[derive(Serialize, Deserialize, Clone, PartialEq, Eq, Debug)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Header {
    pub snapshot: String,
    pub recordings: u32,
}

/// Pages that follow one another in the address space of process `pid`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TouchedRun {
    pub pid: u32,
    pub address: u64,
    pub pages: u32,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WorkingSet {
    pub header: Header,
    pub runs: Vec<TouchedRun>,
}

impl WorkingSet {
    /// Fails with `TooLarge` where the function has more to describe than a file may hold.
    pub fn seal(&self, key: &DataKey) -> Result<Vec<u8>> {
        self.seal_with(key, envelope::new_nonce())
    }

    pub(crate) fn seal_with(&self, key: &DataKey, nonce: envelope::Nonce12) -> Result<Vec<u8>> {
        envelope::seal_with(
            key,
            nonce,
            &serde_json::to_vec(&self.header).expect("plain data"),
            &[],
            encode_runs(&self.runs),
        )
    }

    pub fn open(key: &DataKey, file: &[u8]) -> Result<Self> {
        let (clear, secret) = envelope::open(key, file)?;
        let header = serde_json::from_slice(clear.header).or_else(|error| damaged(format!("unreadable: {error}")))?;
        Ok(WorkingSet { header, runs: decode_runs(&secret)? })
    }

    pub fn pages(&self) -> u64 {
        self.runs.iter().map(|run| u64::from(run.pages)).sum()
    }
}

/// Adds pages behind what is there: to the last run where they follow it.
pub fn push_run(runs: &mut Vec<TouchedRun>, run: TouchedRun) {
    match runs.last_mut() {
        Some(last)
            if last.pid == run.pid && last.address + u64::from(last.pages) * PAGE_SIZE_BYTES as u64 == run.address =>
        {
            last.pages += run.pages
        }
        _ => runs.push(run),
    }
}

/// The order in which the pages of `runs` are laid out in chunks, and put in place. Who runs touches page after page
/// here and there, and a copy for each costs as much again as the copying. So within a batch neighbours come together;
/// a clone that needs a page sooner than its batch brings it asks for it.
pub fn by_batches(runs: &[TouchedRun]) -> Vec<TouchedRun> {
    let mut ordered = Vec::with_capacity(runs.len());
    let mut rest = runs;
    while !rest.is_empty() {
        let mut pages = 0;
        let count = rest
            .iter()
            .take_while(|run| {
                let has_room = pages < BATCH_PAGES;
                pages += run.pages as usize;
                has_room
            })
            .count();
        let (batch, later) = rest.split_at(count);
        let mut batch = batch.to_vec();
        batch.sort_unstable_by_key(|run| (run.pid, run.address));
        batch.into_iter().for_each(|run| push_run(&mut ordered, run));
        rest = later;
    }
    ordered
}

const RUN_SIZE_BYTES: usize = 16;

/// `pid` (u32), pages (u32), address (u64).
pub fn encode_runs(runs: &[TouchedRun]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(runs.len() * RUN_SIZE_BYTES);
    for run in runs {
        bytes.extend_from_slice(&run.pid.to_le_bytes());
        bytes.extend_from_slice(&run.pages.to_le_bytes());
        bytes.extend_from_slice(&run.address.to_le_bytes());
    }
    bytes
}

pub fn decode_runs(bytes: &[u8]) -> Result<Vec<TouchedRun>> {
    if bytes.len() % RUN_SIZE_BYTES != 0 {
        return damaged("its runs are cut short");
    }
    let mut runs = Vec::with_capacity(bytes.len() / RUN_SIZE_BYTES);
    for entry in bytes.chunks_exact(RUN_SIZE_BYTES) {
        let run = TouchedRun {
            pid: u32::from_le_bytes(entry[..4].try_into().expect("four bytes")),
            pages: u32::from_le_bytes(entry[4..8].try_into().expect("four bytes")),
            address: u64::from_le_bytes(entry[8..].try_into().expect("eight bytes")),
        };
        let end = run.address.checked_add(u64::from(run.pages) * PAGE_SIZE_BYTES as u64);
        if run.pages == 0 || run.address % PAGE_SIZE_BYTES as u64 != 0 || end.is_none() {
            return damaged("a run is out of range");
        }
        runs.push(run);
    }
    Ok(runs)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_bytes_are_runs_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            if let Ok(runs) = decode_runs(&bytes) { prop_assert_eq!(encode_runs(&runs), bytes); }
        }
    }

    #[test]
    fn neighbours_within_a_batch_are_one_run() {
        const PAGE: u64 = PAGE_SIZE_BYTES as u64;
        let page = |number: u64| TouchedRun { pid: 1, address: number * PAGE, pages: 1 };
        let shape = |pages: Vec<TouchedRun>| -> Vec<(u64, usize)> {
            by_batches(&pages).iter().map(|run| (run.address / PAGE, run.pages as usize)).collect()
        };
        assert_eq!(shape(vec![page(7), page(9), page(6), page(5), page(10)]), [(5, 3), (9, 2)]);
        let later: Vec<TouchedRun> = (100..).take(BATCH_PAGES).chain([99, 98]).map(page).collect();
        assert_eq!(shape(later), [(100, BATCH_PAGES), (98, 2)], "what is needed later comes later");
        let other = TouchedRun { pid: 2, ..page(6) };
        assert_eq!(by_batches(&[page(5), other]), [page(5), other]);
    }

    #[test]
    fn gives_back_what_was_sealed() {
        let set = WorkingSet {
            header: Header { snapshot: "snap-1".into(), recordings: 2 },
            runs: vec![
                TouchedRun { pid: 1001, address: 0x2000, pages: 3 },
                TouchedRun { pid: 1002, address: 0x1000, pages: 1 },
            ],
        };
        assert_eq!(WorkingSet::open(&[1; 32], &set.seal(&[1; 32]).expect("small")).expect("opens"), set);
        assert_eq!(set.pages(), 4);
    }

    #[test]
    fn no_flipped_bit_is_accepted() {
        let file = WorkingSet {
            header: Header { snapshot: "snap-1".into(), recordings: 1 },
            runs: vec![TouchedRun { pid: 1, address: 0x1000, pages: 3 }],
        }
        .seal(&[1; 32])
        .expect("small");
        for bit in 0..file.len() * 8 {
            let mut changed = file.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(WorkingSet::open(&[1; 32], &changed).is_err(), "bit {bit}");
        }
    }
}
