//! The Runtime API's HTTP connections: each has at most one call at a time.

use std::io::{self, ErrorKind, Read};
use std::net::TcpStream;
use std::os::fd::AsRawFd;

use crate::http::{self, Body, Head, Parsed, Progress};
use crate::interest::Interest;
use crate::outgoing::Outgoing;
use crate::sys::Epoll;

const READ_SIZE: usize = 64 * 1024;

/// A whole request, body in memory (bounded by `BODY_RELAYED_BYTES_MAX`): what is relayed is never half of one, so a
/// snapshot or a new connection of the server can come at any moment.
pub struct Request {
    pub method: String,
    pub path: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    pub body_length: u64,
}

enum State {
    Head,
    Body {
        request: Request,
        progress: Body,
        closes: bool,
    },
    /// A call in flight; without an id until the server can be told.
    Waiting {
        closes: bool,
    },
    /// The last bytes are going out.
    Closing,
}

pub struct Connection {
    stream: TcpStream,
    interest: Interest,
    state: State,
    received: Vec<u8>,
    queue: Outgoing,
    chunked: bool,
    pub call: Option<u32>,
}

pub enum Outcome {
    Nothing,
    Request(Request),
    /// Gone: a call in flight is abandoned.
    Closed,
}

impl Connection {
    pub fn new(stream: TcpStream, token: u64) -> io::Result<Self> {
        stream.set_nonblocking(true)?;
        stream.set_nodelay(true)?;
        let interest = Interest::none(stream.as_raw_fd(), token);
        Ok(Connection {
            stream,
            interest,
            state: State::Head,
            received: Vec::new(),
            queue: Outgoing::default(),
            chunked: false,
            call: None,
        })
    }

    pub fn queued(&self) -> usize {
        self.queue.len()
    }

    fn is_waiting(&self) -> bool {
        matches!(self.state, State::Waiting { .. })
    }

    /// `may_read`: the server is there and not behind.
    pub fn update_interest(&mut self, epoll: &Epoll, may_read: bool) -> io::Result<()> {
        let mut events = 0;
        if may_read {
            // While a call waits, further bytes stay in the socket; only its end is of interest.
            events |= if self.is_waiting() { libc::EPOLLRDHUP } else { libc::EPOLLIN | libc::EPOLLRDHUP } as u32;
        }
        if self.queued() > 0 {
            events |= libc::EPOLLOUT as u32;
        }
        self.interest.set(epoll, events)
    }

    pub fn on_event(&mut self, events: u32) -> Outcome {
        if events & libc::EPOLLOUT as u32 != 0 && self.write().is_err() {
            return Outcome::Closed;
        }
        let ended = events & (libc::EPOLLRDHUP | libc::EPOLLHUP | libc::EPOLLERR) as u32 != 0;
        if self.is_waiting() {
            return if ended { Outcome::Closed } else { Outcome::Nothing };
        }
        if events & libc::EPOLLIN as u32 != 0 || ended {
            return self.read();
        }
        Outcome::Nothing
    }

    fn read(&mut self) -> Outcome {
        let start = self.received.len();
        self.received.resize(start + READ_SIZE, 0);
        let result = self.stream.read(&mut self.received[start..]);
        self.received.truncate(start + *result.as_ref().unwrap_or(&0));
        match result {
            Ok(0) => Outcome::Closed,
            Ok(_) => self.parse(),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => Outcome::Nothing,
            Err(_) => Outcome::Closed,
        }
    }

    /// Goes on with bytes already here: after an answer, the next request may have come with the last one.
    pub fn parse(&mut self) -> Outcome {
        if matches!(self.state, State::Head) {
            match http::parse_head(&self.received) {
                Parsed::Incomplete => return Outcome::Nothing,
                Parsed::Malformed => return self.refuse(),
                Parsed::Head(head, size) => {
                    self.received.drain(..size);
                    self.begin(head);
                }
            }
        }
        self.parse_body()
    }

    fn begin(&mut self, head: Head) {
        if head.expects_continue {
            self.queue.bytes().extend_from_slice(b"HTTP/1.1 100 Continue\r\n\r\n");
            let _ = self.write();
        }
        let request =
            Request { method: head.method, path: head.path, headers: head.headers, body: Vec::new(), body_length: 0 };
        self.state = State::Body { request, progress: head.body, closes: head.closes };
    }

    fn parse_body(&mut self) -> Outcome {
        let mut at = 0;
        loop {
            let State::Body { request, progress, .. } = &mut self.state else { return Outcome::Nothing };
            match progress.advance(&self.received[at..]) {
                Progress::Piece { start, end, consumed } => {
                    let room = http::BODY_RELAYED_BYTES_MAX.saturating_sub(request.body.len() as u64) as usize;
                    let piece = &self.received[at + start..at + end];
                    request.body.extend_from_slice(&piece[..piece.len().min(room)]);
                    request.body_length += piece.len() as u64;
                    at += consumed;
                }
                Progress::Skipped { consumed } => at += consumed,
                Progress::Incomplete => {
                    self.received.drain(..at);
                    return Outcome::Nothing;
                }
                Progress::Malformed => return self.refuse(),
                Progress::Done { consumed } => {
                    self.received.drain(..at + consumed);
                    return self.finish();
                }
            }
        }
    }

    fn finish(&mut self) -> Outcome {
        let state = std::mem::replace(&mut self.state, State::Closing);
        let State::Body { request, closes, .. } = state else { return Outcome::Closed };
        self.state = State::Waiting { closes };
        // Memory kept here would be in every snapshot.
        self.received.shrink_to_fit();
        Outcome::Request(request)
    }

    fn refuse(&mut self) -> Outcome {
        self.queue.bytes().extend_from_slice(&http::response_head(
            400,
            &[("Connection".into(), "close".into())],
            Some(0),
        ));
        self.state = State::Closing;
        if self.write().is_err() || self.queued() == 0 {
            return Outcome::Closed;
        }
        Outcome::Nothing
    }

    pub fn respond_head(&mut self, status: u16, headers: &[(String, String)], length: Option<u64>) {
        self.chunked = length.is_none();
        self.queue.bytes().extend_from_slice(&http::response_head(status, headers, length));
    }

    pub fn respond_body(&mut self, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        if self.chunked {
            self.queue.bytes().extend_from_slice(format!("{:x}\r\n", bytes.len()).as_bytes());
        }
        self.queue.bytes().extend_from_slice(bytes);
        if self.chunked {
            self.queue.bytes().extend_from_slice(b"\r\n");
        }
    }

    /// Ends the answer; false where the connection is done with and must be dropped.
    pub fn respond_end(&mut self) -> bool {
        if self.chunked {
            self.queue.bytes().extend_from_slice(b"0\r\n\r\n");
        }
        self.call = None;
        let closes = matches!(self.state, State::Waiting { closes: true });
        self.state = if closes { State::Closing } else { State::Head };
        self.write().is_ok() && !(closes && self.queued() == 0)
    }

    pub fn is_done(&self) -> bool {
        matches!(self.state, State::Closing) && self.queued() == 0
    }

    pub fn write(&mut self) -> io::Result<()> {
        self.queue.write_to(&mut self.stream)
    }
}
