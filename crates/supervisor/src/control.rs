//! The connection of the server: bytes in, bytes out, both bounded.

use std::io::{self, ErrorKind, Read};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;

use crate::frames::{self, Decoded};
use crate::interest::Interest;
use crate::outgoing::Outgoing;
use crate::sys::Epoll;

/// Above this nothing more is read from the function: a slow server slows it.
const QUEUE_BYTES_HIGH: usize = 256 * 1024;
const READ_SIZE: usize = 64 * 1024;
pub const TOKEN: u64 = 1;

pub struct Control {
    stream: UnixStream,
    interest: Interest,
    received: Vec<u8>,
    queue: Outgoing,
    /// The server has said HELLO.
    pub greeted: bool,
    /// PARKED is queued: close once it is out.
    pub parking: bool,
}

impl Control {
    pub fn new(stream: UnixStream) -> io::Result<Self> {
        stream.set_nonblocking(true)?;
        let interest = Interest::none(stream.as_raw_fd(), TOKEN);
        Ok(Control {
            stream,
            interest,
            received: Vec::new(),
            queue: Outgoing::default(),
            greeted: false,
            parking: false,
        })
    }

    pub fn push(&mut self, kind: u8, call: u32, payload: &[u8]) {
        frames::encode(self.queue.bytes(), kind, call, payload);
    }

    pub fn push_json(&mut self, kind: u8, call: u32, value: &serde_json::Value) {
        self.push(kind, call, value.to_string().as_bytes());
    }

    pub fn is_full(&self) -> bool {
        self.queue_length() > QUEUE_BYTES_HIGH
    }

    pub fn queue_length(&self) -> usize {
        self.queue.len()
    }

    pub fn has_queue(&self) -> bool {
        !self.queue.is_empty()
    }

    /// Reads what is there. False: the server has hung up.
    pub fn read(&mut self) -> io::Result<bool> {
        let start = self.received.len();
        self.received.resize(start + READ_SIZE, 0);
        let result = self.stream.read(&mut self.received[start..]);
        let length = *result.as_ref().unwrap_or(&0);
        self.received.truncate(start + length);
        match result {
            Ok(length) => Ok(length > 0),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => Ok(true),
            Err(error) => Err(error),
        }
    }

    /// Takes all whole frames received so far; throws `InvalidData` where the bytes are not this protocol.
    pub fn take_frames(&mut self) -> io::Result<Vec<(u8, u32, Vec<u8>)>> {
        let mut frames = Vec::new();
        let mut at = 0;
        loop {
            match frames::decode(&self.received[at..]) {
                Decoded::Frame(frame, size) => {
                    frames.push((frame.kind, frame.call, frame.payload.to_vec()));
                    at += size;
                }
                Decoded::Incomplete => break,
                Decoded::Broken => return Err(io::Error::from(ErrorKind::InvalidData)),
            }
        }
        self.received.drain(..at);
        Ok(frames)
    }

    pub fn write(&mut self) -> io::Result<()> {
        self.queue.write_to(&mut self.stream)
    }

    pub fn update_interest(&mut self, epoll: &Epoll, may_read: bool) -> io::Result<()> {
        let mut events = 0;
        if may_read {
            events |= libc::EPOLLIN as u32;
        }
        if self.has_queue() {
            events |= libc::EPOLLOUT as u32;
        }
        self.interest.set(epoll, events)
    }
}
