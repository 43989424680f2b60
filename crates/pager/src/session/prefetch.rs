//! The prefetch thread of a session: brings the working set ahead of its first touch, in the order of access.

use std::os::fd::AsFd;
use std::sync::Arc;

use super::{spawn, Session, PAGE, REGISTRATION_RETRY};
use crate::snapshots::Piece;
use crate::uffd::{self, Outcome};

impl Session {
    /// Puts the working set in place while the clone already runs. A loss is left to the fault that meets it.
    pub(super) fn prefetch(self: &Arc<Self>) {
        let chunks = self.snapshot.working_set_chunks();
        self.cache.ask_ahead(chunks.iter());
        if self.cache.is_worth_loading(chunks) {
            let session = Arc::clone(self);
            spawn("load", move || session.load());
        }
        self.inner.lock().stats.prefetch_start_ms = self.now_ms();
        for Piece { pid, address, pages, place } in &self.snapshot.ahead {
            let size = pages * PAGE;
            let is_going_on = match place {
                None => self.prefetch_run(*pid, *address, &Ahead::Zeros(size)),
                Some((chunk, offset)) => {
                    let Ok(content) = self.cache.get(chunk) else { return };
                    self.prefetch_run(*pid, *address, &Ahead::Content(&content[*offset..*offset + size as usize]))
                }
            };
            if !is_going_on {
                return;
            }
        }
        self.inner.lock().stats.prefetch_end_ms = self.now_ms();
    }

    /// Decrypts and decompresses ahead of the copying, which takes as long.
    fn load(&self) {
        for chunk in self.snapshot.working_set_chunks() {
            if self.inner.lock().is_over || self.cache.get(chunk).is_err() {
                return;
            }
        }
    }

    /// Returns false where the session is over.
    fn prefetch_run(&self, pid: u32, address: u64, ahead: &Ahead) -> bool {
        let size = ahead.size();
        let mut done = 0;
        while done < size {
            let mut inner = self.inner.lock();
            if inner.is_over || inner.is_complete {
                return false;
            }
            let at = address + done;
            let Some(index) = inner.processes.iter().position(|process| process.pid == pid) else {
                if inner.is_restored {
                    return true;
                }
                drop(self.changed.wait_timeout(inner, REGISTRATION_RETRY));
                continue;
            };
            let process = &inner.processes[index];
            let origin = process.map.origin(at);
            if origin.image != Some(at) {
                done += (origin.end - at).max(PAGE).min(size - done);
                continue;
            }
            let length = (size - done).min(origin.end - at);
            let (placed, outcome) = match ahead {
                Ahead::Content(content) => {
                    uffd::copy(process.uffd.as_fd(), at, &content[done as usize..(done + length) as usize])
                }
                Ahead::Zeros(_) => uffd::zero(process.uffd.as_fd(), at, length as usize),
            }
            .unwrap_or((0, Outcome::Gone));
            if matches!(ahead, Ahead::Content(_)) {
                inner.stats.prefetched_pages += placed as u64 / PAGE;
            }
            done += placed as u64;
            match outcome {
                Outcome::Done => {}
                Outcome::Present => done += PAGE,
                Outcome::Gone => return false,
                // Not there any more, or protected by the kernel: it will fault if it is needed.
                Outcome::Unregistered if inner.is_restored => return true,
                Outcome::Unregistered | Outcome::Changing => drop(self.changed.wait_timeout(inner, REGISTRATION_RETRY)),
            }
        }
        true
    }
}

/// A part of the working set, put in place before it is touched.
enum Ahead<'a> {
    Content(&'a [u8]),
    /// Size in bytes.
    Zeros(u64),
}

impl Ahead<'_> {
    fn size(&self) -> u64 {
        match self {
            Ahead::Content(content) => content.len() as u64,
            Ahead::Zeros(size) => *size,
        }
    }
}
