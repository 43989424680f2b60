//! Frames of the supervisor protocol (docs/formats/supervisor-protocol.md): pure, no I/O.

pub const HEADER_SIZE: usize = 12;
pub const PAYLOAD_SIZE_BYTES_MAX: usize = 1024 * 1024;
/// Bodies travel in pieces of at most this.
pub const PIECE_SIZE_BYTES_MAX: usize = 64 * 1024;

pub mod kind {
    pub const HELLO: u8 = 0x01;
    pub const SPAWN: u8 = 0x02;
    pub const SIGNAL: u8 = 0x03;
    pub const RESPONSE_HEAD: u8 = 0x04;
    pub const RESPONSE_BODY: u8 = 0x05;
    pub const RESPONSE_END: u8 = 0x06;
    pub const RESPONSE_ABORT: u8 = 0x07;
    pub const PARK: u8 = 0x08;
    pub const REQUEST_MORE: u8 = 0x09;
    pub const REQUEST_SKIP: u8 = 0x0a;
    pub const LIST: u8 = 0x0b;
    pub const KEEP: u8 = 0x0c;
    pub const CONNECT: u8 = 0x0d;
    pub const SEND: u8 = 0x0e;
    pub const HANG_UP: u8 = 0x0f;
    pub const RESET: u8 = 0x10;
    pub const HELLO_BACK: u8 = 0x81;
    pub const SPAWNED: u8 = 0x82;
    pub const REQUEST_HEAD: u8 = 0x83;
    pub const REQUEST_BODY: u8 = 0x84;
    pub const REQUEST_END: u8 = 0x85;
    pub const REQUEST_ABORT: u8 = 0x86;
    pub const LOG: u8 = 0x87;
    pub const EXIT: u8 = 0x88;
    pub const PARKED: u8 = 0x89;
    pub const LISTED: u8 = 0x8a;
    pub const WRITTEN: u8 = 0x8b;
    pub const RECEIVED: u8 = 0x8c;
    pub const HUNG_UP: u8 = 0x8d;
    pub const RESET_DONE: u8 = 0x8e;
}

#[derive(Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    pub kind: u8,
    pub call: u32,
    pub payload: &'a [u8],
}

#[derive(Debug, PartialEq, Eq)]
pub enum Decoded<'a> {
    /// A whole frame, and how many bytes it took.
    Frame(Frame<'a>, usize),
    Incomplete,
    /// Not this protocol: the connection must be closed.
    Broken,
}

pub fn decode(bytes: &[u8]) -> Decoded<'_> {
    if bytes.len() < HEADER_SIZE {
        return Decoded::Incomplete;
    }
    let size = u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]) as usize;
    if size > PAYLOAD_SIZE_BYTES_MAX || bytes[5..8] != [0; 3] {
        return Decoded::Broken;
    }
    let Some(payload) = bytes.get(HEADER_SIZE..HEADER_SIZE + size) else { return Decoded::Incomplete };
    let call = u32::from_le_bytes([bytes[8], bytes[9], bytes[10], bytes[11]]);
    Decoded::Frame(Frame { kind: bytes[4], call, payload }, HEADER_SIZE + size)
}

pub fn encode(into: &mut Vec<u8>, kind: u8, call: u32, payload: &[u8]) {
    assert!(payload.len() <= PAYLOAD_SIZE_BYTES_MAX, "a frame over the limit");
    into.extend_from_slice(&(payload.len() as u32).to_le_bytes());
    into.extend_from_slice(&[kind, 0, 0, 0]);
    into.extend_from_slice(&call.to_le_bytes());
    into.extend_from_slice(payload);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn decodes_what_was_encoded(
            kind: u8,
            call: u32,
            payload in proptest::collection::vec(any::<u8>(), 0..2000),
            rest in proptest::collection::vec(any::<u8>(), 0..30),
        ) {
            let mut bytes = Vec::new();
            encode(&mut bytes, kind, call, &payload);
            let size = bytes.len();
            for cut in 0..size.min(40) {
                prop_assert_eq!(decode(&bytes[..cut]), Decoded::Incomplete);
            }
            bytes.extend(rest);
            prop_assert_eq!(decode(&bytes), Decoded::Frame(Frame { kind, call, payload: &payload }, size));
        }

        #[test]
        fn never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = decode(&bytes);
        }
    }

    #[test]
    fn refuses_reserved_bytes_and_sizes_over_the_limit() {
        let mut bytes = Vec::new();
        encode(&mut bytes, 1, 2, b"x");
        for at in 5..8 {
            let mut broken = bytes.clone();
            broken[at] = 1;
            assert_eq!(decode(&broken), Decoded::Broken, "byte {at}");
        }
        let size = (PAYLOAD_SIZE_BYTES_MAX as u32 + 1).to_le_bytes();
        bytes[..4].copy_from_slice(&size);
        assert_eq!(decode(&bytes), Decoded::Broken);
    }
}
