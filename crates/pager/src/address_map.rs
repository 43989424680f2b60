//! Where each address of a running clone comes from: the address in the snapshot, or zeros. Starts as the identity and follows what
//! the clone does to its address space (mremap, munmap, madvise).

use std::collections::BTreeMap;

/// End of user addresses on x86_64.
const ADDRESS_END: u64 = 1 << 47;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Source {
    /// Address in the snapshot of the piece's first byte.
    Image(u64),
    Zero,
}

#[derive(Clone, Copy, Debug)]
struct Piece {
    end: u64,
    source: Source,
}

#[derive(Clone, Debug)]
pub struct AddressMap {
    /// By start; they cover all addresses and do not overlap.
    pieces: BTreeMap<u64, Piece>,
}

/// What an address holds, and up to where the same rule holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Origin {
    /// `None`: zeros.
    pub image: Option<u64>,
    pub end: u64,
}

/// A range of the clone that still holds what the snapshot has at `image`.
#[derive(Clone, Copy, Debug)]
pub struct ImagePiece {
    pub address: u64,
    pub image: u64,
    pub length: u64,
}

impl AddressMap {
    pub fn new() -> Self {
        AddressMap { pieces: BTreeMap::from([(0, Piece { end: ADDRESS_END, source: Source::Image(0) })]) }
    }

    pub fn origin(&self, address: u64) -> Origin {
        match self.pieces.range(..=address).next_back() {
            Some((start, piece)) if address < piece.end => Origin {
                image: match piece.source {
                    Source::Image(base) => Some(base + (address - start)),
                    Source::Zero => None,
                },
                end: piece.end,
            },
            _ => Origin { image: None, end: address },
        }
    }

    pub fn image_pieces(&self) -> Vec<ImagePiece> {
        let piece = |(start, piece): (&u64, &Piece)| match piece.source {
            Source::Image(image) => Some(ImagePiece { address: *start, image, length: piece.end - start }),
            Source::Zero => None,
        };
        self.pieces.iter().filter_map(piece).collect()
    }

    pub fn remove(&mut self, start: u64, end: u64) {
        let end = end.min(ADDRESS_END);
        if start >= end {
            return;
        }
        self.cut(start);
        self.cut(end);
        self.take(start, end);
        self.pieces.insert(start, Piece { end, source: Source::Zero });
    }

    pub fn remap(&mut self, from: u64, to: u64, length: u64) {
        let (from_end, to_end) = (from.saturating_add(length), to.saturating_add(length));
        if length == 0 || from_end > ADDRESS_END || to_end > ADDRESS_END {
            return;
        }
        self.cut(from);
        self.cut(from_end);
        let moved = self.take(from, from_end);
        self.pieces.insert(from, Piece { end: from_end, source: Source::Zero });
        self.remove(to, to_end);
        self.pieces.remove(&to);
        for (start, piece) in moved {
            self.pieces.insert(start - from + to, Piece { end: piece.end - from + to, source: piece.source });
        }
    }

    /// Makes `at` the start of a piece.
    fn cut(&mut self, at: u64) {
        let Some((&start, &piece)) = self.pieces.range(..at).next_back() else { return };
        if piece.end <= at {
            return;
        }
        let source = match piece.source {
            Source::Image(base) => Source::Image(base + (at - start)),
            Source::Zero => Source::Zero,
        };
        self.pieces.insert(start, Piece { end: at, ..piece });
        self.pieces.insert(at, Piece { end: piece.end, source });
    }

    fn take(&mut self, start: u64, end: u64) -> Vec<(u64, Piece)> {
        let taken: Vec<(u64, Piece)> = self.pieces.range(start..end).map(|(start, piece)| (*start, *piece)).collect();
        for (start, _) in &taken {
            self.pieces.remove(start);
        }
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const PAGE: u64 = 4096;
    const PAGES: u64 = 64;

    #[derive(Clone, Debug)]
    enum Step {
        Remove(u64, u64),
        Remap(u64, u64, u64),
    }

    fn step() -> impl Strategy<Value = Step> {
        let place = 0..PAGES;
        let length = 1..16u64;
        prop_oneof![
            (place.clone(), length.clone()).prop_map(|(at, length)| Step::Remove(at, length)),
            (place.clone(), place, length).prop_map(|(from, to, length)| Step::Remap(from, to, length)),
        ]
    }

    proptest! {
        /// Against the plainest model: an array with the origin of every page.
        #[test]
        fn follows_every_change(steps in proptest::collection::vec(step(), 0..40)) {
            let mut map = AddressMap::new();
            let mut model: Vec<Option<u64>> = (0..PAGES + 16).map(|page| Some(page * PAGE)).collect();
            for step in steps {
                match step {
                    Step::Remove(at, length) => {
                        map.remove(at * PAGE, (at + length) * PAGE);
                        for page in at..at + length { model[page as usize] = None; }
                    }
                    Step::Remap(from, to, length) => {
                        if from < to + length && to < from + length { continue; }
                        map.remap(from * PAGE, to * PAGE, length * PAGE);
                        for offset in 0..length {
                            model[(to + offset) as usize] = model[(from + offset) as usize];
                            model[(from + offset) as usize] = None;
                        }
                    }
                }
                for page in 0..PAGES + 16 {
                    let origin = map.origin(page * PAGE);
                    prop_assert_eq!(origin.image, model[page as usize], "page {}", page);
                    prop_assert!(origin.end > page * PAGE);
                }
            }
        }
    }
}
