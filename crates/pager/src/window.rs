//! How many pages come with a touched one.

use std::collections::VecDeque;

use thaw_snapshot::PAGE_SIZE_BYTES;

const PAGE: u64 = PAGE_SIZE_BYTES as u64;
/// At most: a fault costs as much as copying some tens of pages.
const WINDOW_PAGES: u64 = 16;
/// Sequential readers that are followed at once: threads, and copies from here to there.
const STREAMS_MAX: usize = 8;

/// Pages before the touched one, and from it on, that come with it where nothing is recorded.
pub fn around(image: u64) -> (u64, u64) {
    let before = (image / PAGE) % WINDOW_PAGES;
    (before, WINDOW_PAGES - before)
}

/// Streams of faults that go from page to page, while a working set is recorded.
#[derive(Default)]
pub struct Streams(VecDeque<Stream>);

struct Stream {
    pid: u32,
    /// Where its next page is expected, in the image.
    next: u64,
    pages: u64,
}

impl Streams {
    /// As `around`. What is recorded must be what is touched, since every later restore brings it: so one page, and
    /// more only for who reads page after page.
    pub fn window(&mut self, pid: u32, image: u64) -> (u64, u64) {
        let known = self.0.iter().position(|stream| stream.pid == pid && stream.next == image);
        let pages =
            known.and_then(|index| self.0.remove(index)).map_or(1, |stream| (stream.pages * 2).min(WINDOW_PAGES));
        self.0.truncate(STREAMS_MAX - 1);
        self.0.push_front(Stream { pid, next: image + pages * PAGE, pages });
        (0, pages)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_page_for_who_jumps_and_more_for_who_reads_on() {
        let mut streams = Streams::default();
        let mut pages = |pid, page: u64| streams.window(pid, page * PAGE).1;
        assert_eq!([pages(1, 100), pages(1, 300), pages(1, 200)], [1, 1, 1]);
        // From 301 on, beside another process that reads on from 101.
        assert_eq!(
            [pages(1, 301), pages(2, 101), pages(1, 303), pages(1, 307), pages(1, 315), pages(1, 331)],
            [2, 1, 4, 8, 16, 16]
        );
        assert_eq!(pages(1, 101), 2, "it is followed still");
        for jump in 0..STREAMS_MAX as u64 {
            pages(3, 1000 + 10 * jump);
        }
        assert_eq!(pages(1, 347), 1, "forgotten for those that came after");
    }
}
