//! The bytes that a sandbox sends by TCP, put together from packets. No I/O: any bytes at all are taken or left out.
//!
//! ```text
//!  packets ─► segments ─► connections, in the order of their first packet: peer, then bytes in order, up to the first gap
//! ```

use std::collections::BTreeMap;
use std::net::SocketAddrV4;

use serde::Serialize;
use thaw_snapshot::hex;

/// A function that sends without end fills no more than this.
const SIZE_BYTES_MAX: usize = 256 * 1024;
const CONNECTION_SIZE_BYTES_MAX: usize = 64 * 1024;
const CONNECTIONS_MAX: usize = 64;
/// Pieces of one connection that wait for what is before them. On a veth few overtake another; more of them are a gap
/// that stays.
const AHEAD_MAX: usize = 64;
/// Beginning of a TLS record (handshake, version 3.x). Such a connection can't be read: the room goes to others.
const TLS_BEGINNING: [u8; 2] = [0x16, 0x03];
const TLS_SIZE_BYTES: usize = 3;

const TCP: u8 = 6;
const FLAG_SYN: u8 = 0x02;

/// Form of `observe`'s answer: docs/formats/sandboxd-protocol.md.
#[derive(Serialize, PartialEq, Eq, Debug)]
#[serde(rename_all = "camelCase")]
pub struct SentView {
    connections: Vec<ConnectionView>,
    /// There were more connections, or packets were lost on the way to the reader.
    is_cut: bool,
}

#[derive(Serialize, PartialEq, Eq, Debug)]
#[serde(rename_all = "camelCase")]
struct ConnectionView {
    peer: String,
    /// Hexadecimal digits.
    bytes: String,
    is_cut: bool,
}

#[derive(Default)]
pub struct Sent {
    connections: Vec<Connection>,
    is_cut: bool,
}

struct Connection {
    source: SocketAddrV4,
    peer: SocketAddrV4,
    /// Number of the first byte.
    start: u32,
    /// By their place, which is known before what is between them has come.
    bytes: Vec<u8>,
    /// Number of bytes from the beginning without a gap.
    whole: usize,
    /// Pieces behind them: begin and end.
    ahead: BTreeMap<usize, usize>,
    is_encrypted: bool,
    is_cut: bool,
}

#[derive(PartialEq, Eq, Debug)]
struct Segment<'a> {
    source: SocketAddrV4,
    peer: SocketAddrV4,
    sequence: u32,
    /// Begins a connection.
    is_first: bool,
    data: &'a [u8],
}

impl Sent {
    /// Adds an IP packet that left the sandbox, without the header of its link.
    pub fn take(&mut self, packet: &[u8]) {
        let Some(segment) = parse(packet) else { return };
        let room = SIZE_BYTES_MAX - self.connections.iter().map(|connection| connection.bytes.len()).sum::<usize>();
        if let Some(connection) = self.connection_of(&segment) {
            connection.put(segment.sequence, segment.data, room);
        }
    }

    /// Notes that packets were lost: the reader was too slow, or could not go on.
    pub fn note_loss(&mut self) {
        self.is_cut = true;
    }

    pub fn view(&self) -> SentView {
        SentView { connections: self.connections.iter().map(Connection::view).collect(), is_cut: self.is_cut }
    }

    /// Finds the latest connection between these two: a port is used again.
    fn connection_of(&mut self, segment: &Segment) -> Option<&mut Connection> {
        let known =
            self.connections.iter().rposition(|each| each.source == segment.source && each.peer == segment.peer);
        let is_known =
            known.is_some_and(|number| !segment.is_first || self.connections[number].start == segment.sequence);
        if let (Some(number), true) = (known, is_known) {
            return self.connections.get_mut(number);
        }
        if !segment.is_first && segment.data.is_empty() {
            return None;
        }
        if self.connections.len() == CONNECTIONS_MAX {
            self.is_cut = true;
            return None;
        }
        self.connections.push(Connection::new(segment));
        self.connections.last_mut()
    }
}

impl Connection {
    fn new(segment: &Segment) -> Self {
        let Segment { source, peer, sequence, is_first, .. } = *segment;
        // Without its first packet the beginning is missing.
        Connection {
            source,
            peer,
            start: sequence,
            bytes: Vec::new(),
            whole: 0,
            ahead: BTreeMap::new(),
            is_encrypted: false,
            is_cut: !is_first,
        }
    }

    /// `room`: so many bytes more may be kept.
    fn put(&mut self, sequence: u32, data: &[u8], room: usize) {
        // Bytes before the beginning, or that are there already, were sent again or probe the connection.
        let offset = i64::from(sequence.wrapping_sub(self.start) as i32);
        let skipped = usize::try_from(self.whole as i64 - offset).unwrap_or(0);
        if self.is_encrypted || data.len() <= skipped {
            return;
        }
        let data = &data[skipped..];
        let at = usize::try_from(offset + skipped as i64).expect("what is before the beginning was skipped");
        let end_max = CONNECTION_SIZE_BYTES_MAX.min(self.bytes.len() + room);
        let end = end_max.min(at + data.len());
        self.is_cut |= at + data.len() > end_max;
        if at >= end {
            return;
        }
        if at > self.whole && !self.ahead.contains_key(&at) && self.ahead.len() == AHEAD_MAX {
            self.is_cut = true;
            return;
        }
        self.bytes.resize(self.bytes.len().max(end), 0);
        self.bytes[at..end].copy_from_slice(&data[..end - at]);
        let known = self.ahead.entry(at).or_insert(end);
        *known = end.max(*known);
        self.join();
    }

    /// Pieces that are no longer ahead.
    fn join(&mut self) {
        while let Some(piece) = self.ahead.first_entry().filter(|piece| *piece.key() <= self.whole) {
            self.whole = self.whole.max(piece.remove());
        }
        if self.whole >= TLS_SIZE_BYTES && self.bytes.starts_with(&TLS_BEGINNING) {
            self.is_encrypted = true;
            self.ahead.clear();
            self.whole = TLS_SIZE_BYTES;
            self.bytes = self.bytes[..TLS_SIZE_BYTES].to_vec();
        }
    }

    fn view(&self) -> ConnectionView {
        ConnectionView {
            peer: self.peer.to_string(),
            bytes: hex::encode(&self.bytes[..self.whole]),
            is_cut: self.is_cut || self.is_encrypted || !self.ahead.is_empty(),
        }
    }
}

/// RFC 791, RFC 9293. Fragments are none of TCP's, which fits its segments to the way.
fn parse(packet: &[u8]) -> Option<Segment<'_>> {
    let byte = |bytes: &[u8], at: usize| bytes.get(at).copied();
    let two = |bytes: &[u8], at: usize| Some(u16::from_be_bytes(bytes.get(at..at + 2)?.try_into().ok()?));
    let four = |bytes: &[u8], at: usize| Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
    let header_size = usize::from(byte(packet, 0)? & 0x0f) * 4;
    let is_fragment = two(packet, 6)? & 0x3fff != 0;
    if byte(packet, 0)? >> 4 != 4 || header_size < 20 || is_fragment || byte(packet, 9)? != TCP {
        return None;
    }
    // A link may fill a short frame up.
    let tcp = packet.get(header_size..usize::from(two(packet, 2)?))?;
    let tcp_header_size = usize::from(byte(tcp, 12)? >> 4) * 4;
    if tcp_header_size < 20 {
        return None;
    }
    let is_first = byte(tcp, 13)? & FLAG_SYN != 0;
    // SYN takes a number of its own.
    let sequence = four(tcp, 4)?.wrapping_add(u32::from(is_first));
    Some(Segment {
        source: SocketAddrV4::new(four(packet, 12)?.into(), two(tcp, 0)?),
        peer: SocketAddrV4::new(four(packet, 16)?.into(), two(tcp, 2)?),
        sequence,
        is_first,
        data: tcp.get(tcp_header_size..)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Just before the numbers begin again.
    const FIRST: u32 = u32::MAX - 5;

    fn packet(port: u16, sequence: u32, flags: u8, data: &[u8]) -> Vec<u8> {
        let size = (40 + data.len()) as u16;
        let mut packet = vec![0x45, 0, 0, 0, 0, 0, 0x40, 0, 64, TCP, 0, 0, 100, 66, 0, 2, 10, 2, 0, 10];
        packet[2..4].copy_from_slice(&size.to_be_bytes());
        packet.extend([port.to_be_bytes(), 80u16.to_be_bytes()].concat());
        packet.extend(sequence.to_be_bytes());
        packet.extend([0, 0, 0, 0, 0x50, flags, 0, 0, 0, 0, 0, 0]);
        packet.extend(data);
        packet
    }

    fn begun(port: u16) -> Sent {
        let mut sent = Sent::default();
        sent.take(&packet(port, FIRST, FLAG_SYN, b""));
        sent
    }

    /// `at`: from the first byte of the connection.
    fn send(sent: &mut Sent, port: u16, at: u32, data: &[u8]) {
        sent.take(&packet(port, FIRST.wrapping_add(1).wrapping_add(at), 0x18, data));
    }

    fn text(bytes: &str, is_cut: bool) -> (String, bool) {
        (bytes.to_string(), is_cut)
    }

    fn shown(sent: &Sent) -> Vec<(String, bool)> {
        let bytes = |view: &ConnectionView| hex::decode_vec(&view.bytes).expect("digits");
        sent.view()
            .connections
            .iter()
            .map(|view| (String::from_utf8(bytes(view)).expect("text"), view.is_cut))
            .collect()
    }

    #[test]
    fn puts_segments_in_their_order_and_takes_each_byte_once() {
        let mut sent = begun(1);
        send(&mut sent, 1, 0, b"GET ");
        send(&mut sent, 1, 8, b"TP/1");
        send(&mut sent, 1, 0, b"GET ");
        assert_eq!(shown(&sent), [text("GET ", true)]);
        send(&mut sent, 1, 2, b"T / HTTP");
        assert_eq!(shown(&sent), [text("GET / HTTP/1", false)]);
        // A probe that the connection is alive: the number of the last byte, and a byte that says nothing.
        send(&mut sent, 1, 11, b"\0");
        send(&mut sent, 1, u32::MAX, b"\0");
        assert_eq!(shown(&sent), [text("GET / HTTP/1", false)]);
        assert_eq!(sent.view().connections[0].peer, "10.2.0.10:80");
    }

    #[test]
    fn tells_connections_apart_and_takes_a_second_beginning_for_the_first_sent_again() {
        let mut sent = begun(1);
        sent.take(&packet(1, FIRST, FLAG_SYN, b""));
        send(&mut sent, 1, 0, b"one");
        sent.take(&packet(2, 7, FLAG_SYN, b"two"));
        sent.take(&packet(1, 1000, FLAG_SYN, b""));
        sent.take(&packet(1, 1001, 0x18, b"three"));
        assert_eq!(shown(&sent), [text("one", false), text("two", false), text("three", false)]);
    }

    #[test]
    fn says_that_a_beginning_is_missing() {
        let mut sent = Sent::default();
        sent.take(&packet(1, 5, 0x10, b""));
        assert!(shown(&sent).is_empty());
        sent.take(&packet(1, 5, 0x18, b"rest"));
        assert_eq!(shown(&sent), [text("rest", true)]);
    }

    #[test]
    fn keeps_no_more_than_its_bounds_and_says_so() {
        let piece = [b'x'; 1000];
        let mut sent = begun(0);
        for port in 0..CONNECTIONS_MAX as u16 + 1 {
            sent.take(&packet(port, FIRST, FLAG_SYN, b""));
            for number in 0..70 {
                send(&mut sent, port, number * 1000, &piece);
            }
        }
        let view = sent.view();
        let sizes: Vec<usize> = view.connections.iter().map(|each| each.bytes.len() / 2).collect();
        assert_eq!(
            (sizes.len(), sizes[0], sizes[3], sizes[4]),
            (CONNECTIONS_MAX, CONNECTION_SIZE_BYTES_MAX, CONNECTION_SIZE_BYTES_MAX, 0)
        );
        assert!(view.is_cut && view.connections.iter().all(|each| each.is_cut));
        let mut sent = begun(1);
        for number in 1..1000 {
            send(&mut sent, 1, number * 2, b"x");
        }
        assert_eq!((shown(&sent), sent.connections[0].ahead.len()), (vec![text("", true)], AHEAD_MAX));
    }

    #[test]
    fn keeps_of_what_is_encrypted_only_that_it_is() {
        let mut sent = begun(1);
        send(&mut sent, 1, 1, &[3; 5000]);
        send(&mut sent, 1, 0, &[0x16]);
        send(&mut sent, 1, 5001, &[3; 5000]);
        assert_eq!(shown(&sent), [text("\u{16}\u{3}\u{3}", true)]);
        assert_eq!(sent.connections[0].bytes.len(), TLS_SIZE_BYTES);
    }

    #[test]
    fn leaves_what_is_no_segment_of_tcp() {
        let whole = packet(1, 5, 0x18, b"data");
        let changed = |at: usize, byte: u8| {
            let mut packet = whole.clone();
            packet[at] = byte;
            packet
        };
        assert!(parse(&whole).is_some_and(|segment| segment.data == b"data"));
        assert_eq!(parse(&[&whole[..], b"padding"].concat()), parse(&whole));
        // IPv6, a short header, a fragment, UDP, a length beyond the frame, a short header of TCP, one beyond the
        // packet.
        for (at, byte) in [(0, 0x65), (0, 0x44), (6, 0x20), (9, 17), (3, 200), (32, 0x40), (32, 0xf0)] {
            assert_eq!(parse(&changed(at, byte)), None, "byte {at}");
        }
        for size in 0..whole.len() {
            assert_eq!(parse(&whole[..size]), None, "{size} bytes");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_taken_or_left(
            packets in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..120), 0..20),
        ) {
            let mut sent = Sent::default();
            for packet in &packets {
                sent.take(packet);
            }
            sent.view();
        }

        /// Whatever numbers, flags and sizes: within the bounds.
        #[test]
        fn any_segments_stay_within_the_bounds(
            segments in proptest::collection::vec((0..3u16, any::<u32>(), any::<u8>(), 0..60_000usize), 0..40),
        ) {
            let mut sent = Sent::default();
            for (port, sequence, flags, size) in segments {
                sent.take(&packet(port, sequence, flags, &vec![b'x'; size]));
                for each in &sent.connections {
                    prop_assert!(each.whole <= each.bytes.len() && each.bytes.len() <= CONNECTION_SIZE_BYTES_MAX);
                }
                prop_assert!(sent.connections.iter().map(|each| each.bytes.len()).sum::<usize>() <= SIZE_BYTES_MAX);
            }
            sent.view();
        }

        /// Cut anywhere, sent in any order, some of it twice: it comes out as it was sent.
        #[test]
        fn what_was_sent_comes_out(
            data in "[a-z]{1,400}",
            cuts in proptest::collection::vec(0..400usize, 0..20),
            order in any::<u64>(),
        ) {
            let inner = cuts.into_iter().filter(|cut| *cut < data.len());
            let mut ends: Vec<usize> = inner.chain([0, data.len()]).collect();
            ends.sort_unstable();
            let mut pieces: Vec<(usize, usize)> = ends.windows(2).map(|pair| (pair[0], pair[1])).collect();
            pieces.extend(pieces.clone().into_iter().take(3).map(|(from, to)| (from.saturating_sub(2), to)));
            pieces.sort_by_key(|(from, to)| (*from as u64 * 31 + *to as u64).wrapping_mul(order | 1));
            let mut sent = begun(1);
            for (from, to) in pieces {
                send(&mut sent, 1, from as u32, &data.as_bytes()[from..to]);
            }
            prop_assert_eq!(shown(&sent), vec![(data, false)]);
        }
    }
}
