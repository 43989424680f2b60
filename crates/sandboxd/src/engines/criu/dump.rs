//! A dump with CRIU: its files go into chunks as they come, its page maps tell where each page of a process is.

use std::collections::{HashMap, HashSet};
use std::io;
use std::os::fd::AsFd;
use std::thread;

use thaw_snapshot::manifest::{Run, Space};
use thaw_snapshot::PAGE_SIZE_BYTES;

use super::capture::{capture, Files, Listeners};
use super::images::{read_pagemap, read_private_size, read_wiped_ranges, Pagemap};
use super::judge::{judge, Expected};
use super::refusals;
use super::work_directory::WorkDirectory;
use super::CriuEngine;
use crate::engines::{Captured, Original};
use crate::error::{Code, Error, Result};
use crate::keeper::{Command, Reply};
use crate::snapshots::cutter::{push_page, PagePlace, Sink};

const PAGE: u64 = PAGE_SIZE_BYTES as u64;
/// Half of a process's addresses, with room for what CRIU itself needs.
const PRIVATE_SIZE_BYTES_MAX: u64 = 60 << 40;

pub fn dump(engine: &CriuEngine, original: &Original, sink: &mut dyn Sink) -> Result<Captured> {
    let work = WorkDirectory::new(&engine.work, original.sandbox)?;
    let listeners = Listeners::bind(&work.path)?;
    let (cancel, ended) = nix::unistd::pipe().map_err(io::Error::from)?;
    let command = Command::Dump { ghost_limit_bytes: original.tmp_mib * 1024 * 1024 };
    let (reply, captured) = thread::scope(|scope| {
        let capturing = thread::Builder::new().spawn_scoped(scope, || capture(listeners, cancel.as_fd(), sink))?;
        let fds = [engine.program.file.as_fd(), work.fd.as_fd(), work.fd.as_fd()];
        let reply = original.keeper.ask(&command, &fds);
        // CRIU has ended: if it has not connected by now, it never will.
        drop(ended);
        let captured = capturing.join().map_err(|_| Error::new(Code::Failed, "the capture panicked"))?;
        Ok::<_, Error>((reply, captured))
    })?;
    match (reply?, captured) {
        (Reply::Dumped { supervisor_pid, clocks, cut_connections }, Ok(files)) => {
            judge_state(&files, original.uid)?;
            let spaces = compose_spaces(&files)?;
            Ok(Captured { supervisor_pid, clocks, cut_connections, images: files.images, spaces })
        }
        (_, Err(error)) if matches!(error.code, Code::DiskFull | Code::SnapshotRefused) => Err(error),
        (Reply::Dumped { .. }, Err(error)) => Err(error),
        (Reply::Refused { what }, _) => Err(Error::new(Code::SnapshotRefused, what)),
        (reply, _) => {
            let tail = work.log_tail("dump.log");
            if tail.contains("No space left") {
                return Err(Error::new(Code::DiskFull, format!("criu: {tail}")));
            }
            let code = if let Reply::CriuFailed { code } = reply { code } else { 0 };
            // The first line is for the function's owner, the rest for the operator.
            Err(Error::new(Code::SnapshotRefused, format!("{}\ncriu: {tail}", refusals::explain(&tail, code))))
        }
    }
}

/// Fails a publish whose state no restore would accept.
fn judge_state(files: &Files, uid: u32) -> Result<()> {
    let refuse = |why: String| Error::new(Code::SnapshotRefused, refusals::explain_state(&why));
    // Deleted files are not kept whole, and a function makes no devices. Links in /tmp have not been read yet.
    let names = files.images.iter().map(|image| image.name.as_str()).filter(|name| !name.starts_with("ghost-file-"));
    let expected = Expected { uid, links: &HashSet::new() };
    judge(names, &expected, |name| files.kept.get(name).cloned().ok_or_else(|| format!("{name} is missing")))
        .map_err(refuse)
}

/// Composes the spaces: `pagemap-PID.img` is the memory of a process, `pagemap-shmem-ID.img` that of a shared mapping.
fn compose_spaces(files: &Files) -> Result<Vec<Space>> {
    let mut spaces = Vec::new();
    for (name, content) in files.kept.iter().filter(|(name, _)| name.starts_with("pagemap-")) {
        let pagemap = read_pagemap(content)?;
        let pid = name["pagemap-".len()..].strip_suffix(".img").and_then(|text| text.parse().ok()).unwrap_or(0);
        let wiped = match files.kept.get(&format!("mm-{pid}.img")) {
            Some(content) => {
                check_reservations(content)?;
                read_wiped_ranges(content)?
            }
            None => Vec::new(),
        };
        spaces.push(compose_space(pid, &pagemap, &wiped, &files.pages)?);
    }
    spaces.sort_unstable_by_key(|space| space.pages_id);
    Ok(spaces)
}

/// Refuses a process that could not be restored: better at publish than at each restore.
fn check_reservations(memory_map: &[u8]) -> Result<()> {
    if read_private_size(memory_map)? <= PRIVATE_SIZE_BYTES_MAX {
        return Ok(());
    }
    Err(Error::new(
        Code::SnapshotRefused,
        "The execution environment could not be saved: a process has reserved more than 60 TiB of addresses, which \
         can't be restored. Reserve less.",
    ))
}

fn compose_space(
    pid: u32,
    pagemap: &Pagemap,
    wiped: &[(u64, u64)],
    pages: &HashMap<u32, Vec<PagePlace>>,
) -> Result<Space> {
    let wiped = join_ranges(wiped);
    let none = Vec::new();
    let places = pages.get(&pagemap.pages_id).unwrap_or(&none);
    let mut runs: Vec<Run> = Vec::new();
    let mut next = 0;
    for range in &pagemap.ranges {
        for page in 0..range.pages {
            let address = range.address + page * PAGE;
            let Some(place) = places.get(next) else {
                return Err(Error::new(Code::SnapshotFailed, "CRIU wrote fewer pages than its page map has"));
            };
            next += 1;
            let after = wiped.partition_point(|(start, _)| *start <= address);
            let is_wiped = after > 0 && address < wiped[after - 1].1;
            push_page(&mut runs, address, if is_wiped { None } else { *place }, range.is_lazy);
        }
    }
    if next != places.len() {
        return Err(Error::new(Code::SnapshotFailed, "CRIU wrote more pages than its page map has"));
    }
    Ok(Space { pid, pages_id: pagemap.pages_id, runs })
}

/// Sorts ranges, and joins those that overlap: a page is then found by bisection, however many a function has.
fn join_ranges(ranges: &[(u64, u64)]) -> Vec<(u64, u64)> {
    let mut sorted = ranges.to_vec();
    sorted.sort_unstable();
    let mut joined: Vec<(u64, u64)> = Vec::new();
    for (start, end) in sorted {
        match joined.last_mut() {
            Some(last) if start <= last.1 => last.1 = last.1.max(end),
            _ => joined.push((start, end)),
        }
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::super::images::PageRange;
    use super::*;

    #[test]
    fn joins_pages_into_runs_and_leaves_out_what_must_not_be_cloned() {
        let range = |address, pages, is_lazy| PageRange { address, pages, is_lazy };
        let pagemap = Pagemap { pages_id: 3, ranges: vec![range(0x1000, 3, true), range(0x8000, 2, false)] };
        let pages = HashMap::from([(3, vec![Some((0, 0)), Some((0, 1)), None, Some((0, 2)), Some((1, 0))])]);
        let space = compose_space(9, &pagemap, &[(0x2000, 0x3000)], &pages).expect("composes");
        let run = |address, pages, place, is_lazy| Run { address, pages, place, is_lazy };
        assert_eq!(
            space.runs,
            vec![
                run(0x1000, 1, Some((0, 0)), true),
                run(0x2000, 2, None, true),
                run(0x8000, 1, Some((0, 2)), false),
                run(0x9000, 1, Some((1, 0)), false),
            ]
        );
    }

    #[test]
    fn finds_wiped_pages_among_ranges_in_any_order() {
        let ranges = [(0x9000, 0xa000), (0x1000, 0x8000), (0x2000, 0x3000), (0x8000, 0x8000), (0xa000, 0xb000)];
        assert_eq!(join_ranges(&ranges), vec![(0x1000, 0x8000), (0x9000, 0xb000)]);
        // As many as there may be mappings, each with a page beside it: a look at each range for each page would be
        // 10¹⁰ looks.
        let ranges: Vec<(u64, u64)> = (0..100_000).map(|n| (n * 0x2000, n * 0x2000 + 0x1000)).rev().collect();
        let pagemap = Pagemap { pages_id: 3, ranges: vec![PageRange { address: 0, pages: 200_000, is_lazy: true }] };
        let pages = HashMap::from([(3, vec![Some((0, 0)); 200_000])]);
        let space = compose_space(9, &pagemap, &ranges, &pages).expect("composes");
        let kept = |run: &&Run| run.place.is_some();
        assert_eq!(space.runs.iter().filter(kept).map(|run| u64::from(run.pages)).sum::<u64>(), 100_000);
        assert!(space.runs.iter().filter(kept).all(|run| run.address % 0x2000 == 0x1000));
    }

    #[test]
    fn refuses_pages_that_do_not_fit_their_map() {
        let pagemap = Pagemap { pages_id: 3, ranges: vec![PageRange { address: 0x1000, pages: 2, is_lazy: true }] };
        for places in [vec![None], vec![None; 3]] {
            assert!(compose_space(9, &pagemap, &[], &HashMap::from([(3, places)])).is_err());
        }
    }
}
