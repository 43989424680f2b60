//! Taking a snapshot: CRIU's images and `/tmp` go into chunks as they come, the manifest is written last.

use std::collections::HashMap;
use std::io;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::thread;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::Serialize;
use thaw_faults::fault_point;
use thaw_snapshot::envelope::DataKey;
use thaw_snapshot::manifest::{Clocks, DiskEntry, Header, Manifest, Run, Space};
use thaw_snapshot::PAGE_SIZE_BYTES;

use crate::capture::{capture, Captured, Listeners};
use crate::chunk_store::ChunkWriter;
use crate::criu_images::{read_pagemap, read_private_size, read_wiped_ranges, Pagemap};
use crate::cutter::PagePlace;
use crate::disk;
use crate::error::{Code, Error, Result};
use crate::keeper::{Command, Reply};
use crate::sandboxes::{check_name, Entry, Phases, Sandboxes, Stopwatch, WorkDirectory};

const PAGE: u64 = PAGE_SIZE_BYTES as u64;
/// Half of a process's addresses, with room for what CRIU itself needs.
const PRIVATE_SIZE_BYTES_MAX: u64 = 60 << 40;

pub struct TakeRequest<'a> {
    pub snapshot: &'a str,
    pub fingerprint: &'a str,
    pub key: &'a DataKey,
    /// The account's, for its chunks.
    pub chunk_secret: &'a [u8; 32],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Taken {
    /// Pages of memory that are not all zero, in bytes.
    memory_bytes: u64,
    image_bytes: u64,
    disk_bytes: u64,
    /// Of files that were not there before.
    new_bytes: u64,
    cut_connections: u32,
    phases: Phases,
}

struct Dumped {
    supervisor_pid: i32,
    clocks: Clocks,
    cut_connections: u32,
}

impl Sandboxes {
    /// The sandbox is gone afterwards, whatever the outcome.
    pub fn snapshot(&self, sandbox: &str, request: &TakeRequest) -> Result<Taken> {
        check_name("snapshot", request.snapshot)?;
        let mut watch = Stopwatch::start();
        let entry = self.entry(sandbox)?;
        self.delist(sandbox);
        self.snapshots.check_free(request.snapshot)?;
        entry.keeper.on_exit(|| ());
        entry.keeper.cgroup.lock().expect("no holder panics").freeze(false)?;
        if let Some((session, pager)) = &entry.session {
            // CRIU takes a page that is not there for a hole.
            pager.complete(session)?;
            watch.lap("complete");
        }
        fault_point!("take.stopped");
        let mut writer = ChunkWriter::new(&self.snapshots.chunks, request.chunk_secret);
        let (dumped, captured) = self.dump(sandbox, &entry, &mut writer)?;
        watch.lap("criu");
        fault_point!("take.dumped");
        let disk = disk::read(&entry.keeper.root_path().join("tmp"), &mut writer)?;
        watch.lap("tmp");
        let manifest = compose(request, &entry, &dumped, captured, disk, &writer)?;
        self.snapshots.publish(request.snapshot, &manifest, request.key)?;
        watch.lap("seal");
        fault_point!("take.committed");
        let header = &manifest.header;
        let taken = Taken {
            memory_bytes: header.stored_pages * PAGE,
            image_bytes: header.image_bytes,
            disk_bytes: header.disk_bytes,
            new_bytes: writer.new_bytes,
            cut_connections: dumped.cut_connections,
            phases: watch.phases,
        };
        // The dead sandbox is cleared away after the answer.
        thread::spawn(move || drop(entry));
        Ok(taken)
    }

    fn dump(&self, sandbox: &str, entry: &Arc<Entry>, writer: &mut ChunkWriter) -> Result<(Dumped, Captured)> {
        let criu = self.criu()?;
        let work = WorkDirectory::new(&self.directories.private, sandbox)?;
        let listeners = Listeners::bind(&work.path)?;
        let (cancel, ended) = nix::unistd::pipe().map_err(io::Error::from)?;
        let command = Command::Dump { ghost_limit_bytes: entry.tmp_mib * 1024 * 1024 };
        let (reply, captured) = thread::scope(|scope| {
            let capturing = scope.spawn(|| capture(listeners, cancel.as_fd(), writer));
            let reply = entry.keeper.ask(&command, &[criu.program.as_fd(), work.fd.as_fd(), work.fd.as_fd()]);
            // CRIU has ended: who has not heard of it yet never will.
            drop(ended);
            (reply, capturing.join().expect("the capture does not panic"))
        });
        match (reply?, captured) {
            (Reply::Dumped { supervisor_pid, clocks, cut_connections }, Ok(captured)) => {
                Ok((Dumped { supervisor_pid, clocks, cut_connections }, captured))
            }
            (_, Err(error)) if error.code == Code::DiskFull => Err(error),
            (Reply::Dumped { .. }, Err(error)) => Err(error),
            _ => {
                let tail = work.log_tail("dump.log");
                let code = if tail.contains("No space left") { Code::DiskFull } else { Code::SnapshotFailed };
                Err(Error::new(code, format!("criu: {tail}")))
            }
        }
    }
}

fn compose(
    request: &TakeRequest,
    entry: &Entry,
    dumped: &Dumped,
    captured: Captured,
    disk: Vec<DiskEntry>,
    writer: &ChunkWriter,
) -> Result<Manifest> {
    let spaces = compose_spaces(&captured)?;
    let runs = || spaces.iter().flat_map(|space| &space.runs);
    let pages_of = |run: &Run| u64::from(run.pages);
    let header = Header {
        snapshot: request.snapshot.to_string(),
        fingerprint: request.fingerprint.to_string(),
        uid: entry.uid,
        created_at_ms: SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_millis() as u64),
        generation: 0,
        early_chunks: 0,
        memory_pages: runs().map(pages_of).sum(),
        stored_pages: runs().filter(|run| run.place.is_some()).map(pages_of).sum(),
        image_bytes: captured.images.iter().map(|image| image.size).sum(),
        disk_bytes: disk.iter().map(|entry| entry.size).sum(),
    };
    let mut manifest = Manifest {
        header,
        supervisor_pid: dumped.supervisor_pid,
        clocks: dumped.clocks,
        images: captured.images,
        disk,
        spaces,
        chunks: writer.chunks.clone(),
    };
    manifest.order_chunks(&[]);
    Ok(manifest)
}

/// `pagemap-PID.img` is the memory of a process, `pagemap-shmem-ID.img` that of a shared mapping.
fn compose_spaces(captured: &Captured) -> Result<Vec<Space>> {
    let mut spaces = Vec::new();
    for (name, content) in captured.kept.iter().filter(|(name, _)| name.starts_with("pagemap-")) {
        let pagemap = read_pagemap(content)?;
        let pid = name["pagemap-".len()..].strip_suffix(".img").and_then(|text| text.parse().ok()).unwrap_or(0);
        let wiped = match captured.kept.get(&format!("mm-{pid}.img")) {
            Some(content) => {
                check_reservations(content)?;
                read_wiped_ranges(content)?
            }
            None => Vec::new(),
        };
        spaces.push(compose_space(pid, &pagemap, &wiped, &captured.pages)?);
    }
    spaces.sort_unstable_by_key(|space| space.pages_id);
    Ok(spaces)
}

/// Better told at publish than at each restore.
fn check_reservations(memory_map: &[u8]) -> Result<()> {
    if read_private_size(memory_map)? <= PRIVATE_SIZE_BYTES_MAX {
        return Ok(());
    }
    Err(Error::new(
        Code::SnapshotFailed,
        "a process has reserved more than 60 TiB of addresses, which can't be restored",
    ))
}

fn compose_space(
    pid: u32,
    pagemap: &Pagemap,
    wiped: &[(u64, u64)],
    pages: &HashMap<u32, Vec<PagePlace>>,
) -> Result<Space> {
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
            let is_wiped = wiped.iter().any(|(start, end)| (*start..*end).contains(&address));
            push_page(&mut runs, address, if is_wiped { None } else { *place }, range.is_lazy);
        }
    }
    if next != places.len() {
        return Err(Error::new(Code::SnapshotFailed, "CRIU wrote more pages than its page map has"));
    }
    Ok(Space { pid, pages_id: pagemap.pages_id, runs })
}

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::criu_images::PageRange;

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
    fn refuses_pages_that_do_not_fit_their_map() {
        let pagemap = Pagemap { pages_id: 3, ranges: vec![PageRange { address: 0x1000, pages: 2, is_lazy: true }] };
        for places in [vec![None], vec![None; 3]] {
            assert!(compose_space(9, &pagemap, &[], &HashMap::from([(3, places)])).is_err());
        }
    }
}
