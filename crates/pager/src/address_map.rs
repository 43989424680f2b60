//! Where each address of a running clone comes from: the address in the snapshot, or zeros. Starts as the identity and
//! follows what the clone does to its address space (mremap, munmap, madvise).

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

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

impl Piece {
    /// The source of the byte at `offset` from the piece's start.
    fn source_at(&self, offset: u64) -> Source {
        match self.source {
            Source::Image(base) => Source::Image(base + offset),
            Source::Zero => Source::Zero,
        }
    }
}

/// A clone of it shares its pieces until one of the two changes: a forked child costs nothing.
#[derive(Clone, Debug)]
pub struct AddressMap {
    /// By start; they cover all addresses and do not overlap, and neighbours that could be one piece are one.
    pieces: Arc<BTreeMap<u64, Piece>>,
}

/// The contents that belong at an address, and the end of the range with the same rule.
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
        let whole = Piece { end: ADDRESS_END, source: Source::Image(0) };
        AddressMap { pieces: Arc::new(BTreeMap::from([(0, whole)])) }
    }

    pub fn pieces(&self) -> usize {
        self.pieces.len()
    }

    /// Whether the next change copies all pieces: a parent or child has them, too.
    pub fn is_shared(&self) -> bool {
        Arc::strong_count(&self.pieces) > 1
    }

    /// Number of pieces of all `maps`, shared ones counted once.
    pub fn count_pieces<'a>(maps: impl Iterator<Item = &'a AddressMap>) -> usize {
        let mut seen = HashSet::new();
        maps.filter(|map| seen.insert(Arc::as_ptr(&map.pieces))).map(AddressMap::pieces).sum()
    }

    pub fn origin(&self, address: u64) -> Origin {
        match self.pieces.range(..=address).next_back() {
            Some((start, piece)) if address < piece.end => Origin {
                image: match piece.source_at(address - start) {
                    Source::Image(image) => Some(image),
                    Source::Zero => None,
                },
                end: piece.end,
            },
            _ => Origin { image: None, end: address },
        }
    }

    /// The ranges that still hold what the snapshot has, by their place in the snapshot; no two of them overlap there.
    pub fn image_pieces(&self) -> Vec<ImagePiece> {
        let piece = |(start, piece): (&u64, &Piece)| match piece.source {
            Source::Image(image) => Some(ImagePiece { address: *start, image, length: piece.end - start }),
            Source::Zero => None,
        };
        let mut pieces: Vec<ImagePiece> = self.pieces.iter().filter_map(piece).collect();
        pieces.sort_unstable_by_key(|piece| piece.image);
        pieces
    }

    pub fn remove(&mut self, start: u64, end: u64) {
        let end = end.min(ADDRESS_END);
        if start >= end {
            return;
        }
        let pieces = Arc::make_mut(&mut self.pieces);
        cut(pieces, start);
        cut(pieces, end);
        take(pieces, start, end);
        pieces.insert(start, Piece { end, source: Source::Zero });
        join(pieces, start);
        join(pieces, end);
    }

    pub fn remap(&mut self, from: u64, to: u64, length: u64) {
        let (from_end, to_end) = (from.saturating_add(length), to.saturating_add(length));
        if length == 0 || from_end > ADDRESS_END || to_end > ADDRESS_END {
            return;
        }
        let pieces = Arc::make_mut(&mut self.pieces);
        cut(pieces, from);
        cut(pieces, from_end);
        let moved = take(pieces, from, from_end);
        pieces.insert(from, Piece { end: from_end, source: Source::Zero });
        cut(pieces, to);
        cut(pieces, to_end);
        take(pieces, to, to_end);
        for (start, piece) in moved {
            pieces.insert(start - from + to, Piece { end: piece.end - from + to, source: piece.source });
        }
        for edge in [from, from_end, to, to_end] {
            join(pieces, edge);
        }
    }
}

/// Makes `at` the start of a piece.
fn cut(pieces: &mut BTreeMap<u64, Piece>, at: u64) {
    let Some((&start, &piece)) = pieces.range(..at).next_back() else { return };
    if piece.end <= at {
        return;
    }
    pieces.insert(start, Piece { end: at, ..piece });
    pieces.insert(at, Piece { end: piece.end, source: piece.source_at(at - start) });
}

fn take(pieces: &mut BTreeMap<u64, Piece>, start: u64, end: u64) -> Vec<(u64, Piece)> {
    let taken: Vec<(u64, Piece)> = pieces.range(start..end).map(|(start, piece)| (*start, *piece)).collect();
    for (start, _) in &taken {
        pieces.remove(start);
    }
    taken
}

/// Joins the piece that starts at `at` to the one before it, where both follow one rule.
fn join(pieces: &mut BTreeMap<u64, Piece>, at: u64) {
    let Some(&piece) = pieces.get(&at) else { return };
    let Some((&start, &before)) = pieces.range(..at).next_back() else { return };
    if before.end == at && before.source_at(at - start) == piece.source {
        pieces.remove(&at);
        pieces.insert(start, Piece { end: piece.end, ..before });
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
                let runs = (1..model.len()).filter(|&page| model[page] != model[page - 1].map(|image| image + PAGE)
                    && !(model[page].is_none() && model[page - 1].is_none())).count() + 1;
                prop_assert_eq!(map.pieces.len(), runs, "neighbours that could be one piece are one");
            }
        }
    }

    #[test]
    fn ranges_given_up_page_by_page_are_one_piece_in_the_end() {
        let mut map = AddressMap::new();
        for page in (0..10_000).step_by(2).chain((1..10_000).step_by(2)) {
            map.remove(page * PAGE, (page + 1) * PAGE);
        }
        assert_eq!(map.pieces.len(), 2);
    }

    #[test]
    fn a_forked_child_shares_its_pieces_until_it_changes_them() {
        let mut map = AddressMap::new();
        for page in (0..1000).step_by(2) {
            map.remove(page * PAGE, (page + 1) * PAGE);
        }
        let mut child = map.clone();
        assert!(child.is_shared());
        assert_eq!(AddressMap::count_pieces([&map, &child].into_iter()), map.pieces());
        child.remove(PAGE, 2 * PAGE);
        assert!(!child.is_shared());
        assert_eq!(AddressMap::count_pieces([&map, &child].into_iter()), map.pieces() + child.pieces());
        assert_eq!(map.origin(PAGE).image, Some(PAGE));
    }
}
