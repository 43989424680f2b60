//! The memory that prepared snapshots may take together: each takes its part of a fixed sum before it is laid out, and
//! gives it back when it goes.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use thaw_locked::{Changed, Locked};
use thaw_snapshot::manifest::Extent;
use thaw_snapshot::PAGE_SIZE_BYTES;

/// Kernel memory of a file, directory or link in a tmpfs, with its name: what it takes beside its pages.
pub const FILE_SIZE_BYTES: u64 = 1024;

pub struct Room {
    pub size_bytes: u64,
    taken_bytes: Locked<u64>,
    changed: Changed,
}

/// A part of the room, until it is dropped.
struct Part {
    room: Arc<Room>,
    size_bytes: u64,
}

impl Room {
    pub fn new(size_bytes: u64) -> Arc<Self> {
        Arc::new(Room { size_bytes, taken_bytes: Locked::default(), changed: Changed::new() })
    }

    fn take(self: &Arc<Self>, size_bytes: u64) -> Option<Part> {
        let mut taken = self.taken_bytes.lock();
        if size_bytes > self.size_bytes - *taken {
            return None;
        }
        *taken += size_bytes;
        Some(Part { room: Arc::clone(self), size_bytes })
    }

    /// Waits until so much is free, or the time is over.
    fn wait_for(&self, size_bytes: u64, until: Instant) {
        let limit = until.saturating_duration_since(Instant::now());
        let taken = self.taken_bytes.lock();
        drop(self.changed.wait_timeout_while(taken, limit, |taken| size_bytes > self.size_bytes - *taken));
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        *self.room.taken_bytes.lock() -= self.size_bytes;
        self.room.changed.notify_all();
    }
}

/// Files in memory below a directory of their own. They go with the value, and then their part of the room is free.
pub struct Kept {
    pub directory: PathBuf,
    _part: Part,
}

impl Kept {
    /// Takes room for files that are about to be laid out in `directory`, which the caller makes. `make_room` drops
    /// something that nobody needs now; false: there is nothing. None where there was not enough room for `patience`.
    pub fn take(
        room: &Arc<Room>,
        (size_bytes, directory): (u64, PathBuf),
        patience: Duration,
        mut make_room: impl FnMut() -> bool,
    ) -> Option<Self> {
        if size_bytes > room.size_bytes {
            return None;
        }
        let until = Instant::now() + patience;
        loop {
            if let Some(part) = room.take(size_bytes) {
                return Some(Kept { directory, _part: part });
            }
            if make_room() {
                continue;
            }
            if Instant::now() >= until {
                return None;
            }
            room.wait_for(size_bytes, until);
        }
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.directory);
    }
}

/// Size of the pages that extents of one file take, which follow one another in it.
pub fn size_of_extents(extents: &[Extent]) -> u64 {
    const PAGE: u64 = PAGE_SIZE_BYTES as u64;
    let (mut pages, mut next) = (0u64, 0u64);
    for extent in extents {
        let first = (extent.at / PAGE).max(next);
        let end = extent.at.saturating_add(u64::from(extent.length)).div_ceil(PAGE);
        pages += end.saturating_sub(first);
        next = next.max(end);
    }
    pages * PAGE
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::testing::TestDirectory;
    use std::thread;

    const AT_ONCE: Duration = Duration::ZERO;

    fn none_to_go() -> bool {
        false
    }

    #[test]
    fn parts_never_sum_up_to_more_than_the_room() {
        let (room, dir) = (Room::new(100), TestDirectory::new());
        let take = |bytes: u64| Kept::take(&room, (bytes, dir.0.join("x")), AT_ONCE, none_to_go);
        let first = take(60).expect("there is room");
        assert!(take(41).is_none());
        let second = take(40).expect("there is room");
        drop(first);
        assert!(take(61).is_none());
        drop((take(60), second));
        assert!(take(101).is_none());
        assert!(take(100).is_some());
    }

    #[test]
    fn room_is_made_before_it_is_waited_for_and_files_go_before_it_is_free() {
        let (room, dir) = (Room::new(100), TestDirectory::new());
        let old = dir.0.join("old");
        fs::create_dir(&old).expect("can be made");
        let mut idle = Kept::take(&room, (80, old.clone()), AT_ONCE, none_to_go);
        assert!(idle.is_some());
        let made = Kept::take(&room, (90, dir.0.join("new")), AT_ONCE, || idle.take().is_some());
        assert!(made.is_some() && !old.exists());
        thread::scope(|scope| {
            let waiting =
                scope.spawn(|| Kept::take(&room, (20, dir.0.join("next")), Duration::from_secs(60), none_to_go));
            drop(made);
            assert!(waiting.join().expect("does not panic").is_some());
        });
    }

    #[test]
    fn pages_of_extents_are_counted_once() {
        let extent = |at: u64, length: u32| Extent { at, chunk: 0, offset: 0, length };
        assert_eq!(size_of_extents(&[]), 0);
        assert_eq!(size_of_extents(&[extent(0, 1), extent(1, 4095), extent(4096, 1)]), 8192);
        assert_eq!(size_of_extents(&[extent(4095, 2), extent(1 << 40, 10)]), 3 * 4096);
        assert_eq!(size_of_extents(&[extent(u64::MAX - 1, 100)]), 4096);
    }
}
