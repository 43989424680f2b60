//! The Runtime API's HTTP connections: each has at most one call at a time.

use std::io::{self, ErrorKind, Read};
use std::net::TcpStream;
use std::os::fd::AsRawFd;

use crate::http::{self, Body, Head, Parsed, Progress};
use crate::interest::Interest;
use crate::outgoing::Outgoing;
use crate::sys::Epoll;

const READ_SIZE: usize = 64 * 1024;

/// Bytes of a body that may be relayed before the server asks for more; one read may go beyond it.
pub const WINDOW_SIZE_BYTES: i64 = 256 * 1024;
/// Beginning of a body that is kept until the request has ended: as long as it is whole, the request can be relayed
/// again from its head to a server that connects in the middle of it.
const KEPT_SIZE_BYTES_MAX: usize = 64 * 1024;
/// Largest trailer section. AWS's clients send an error document there, in Base64.
const TRAILERS_SIZE_BYTES_MAX: usize = 128 * 1024;

/// AWS's answer to a client that ends its side before the body is whole; one that has hung up does not read it.
const TRUNCATED: &str =
    "{\"errorMessage\":\"HTTP request detected as truncated\",\"errorType\":\"TruncatedHTTPRequest\"}\n";

/// The head of a request, as it is relayed.
#[derive(Clone)]
pub struct Request {
    pub method: String,
    pub path: String,
    pub headers: Vec<(String, String)>,
}

/// A request whose body is being read.
struct Receiving {
    request: Request,
    progress: Body,
    closes: bool,
    /// Null once the body is longer than `KEPT_SIZE_BYTES_MAX`.
    kept: Option<Vec<u8>>,
    length: u64,
    trailers: Vec<(String, String)>,
    trailers_size: usize,
    /// Bytes that may still be relayed.
    window: i64,
    /// The server wants nothing more of the body but its length.
    is_skipped: bool,
}

enum State {
    Head,
    Body(Box<Receiving>),
    /// Answered before its end: what is left of the body is read and dropped, so that the client reads the answer.
    Draining {
        progress: Body,
        closes: bool,
    },
    /// A call in flight, read to its end.
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
    /// How many bytes of the head at the beginning of `received` were looked at in vain.
    searched: usize,
    queue: Outgoing,
    chunked: bool,
    /// Null where the server has not been told of the call.
    pub call: Option<u32>,
}

/// Events of a connection, in their order.
pub enum Event {
    Head(Request),
    Body(Vec<u8>),
    /// `length` where not all of the body has been relayed.
    End {
        length: Option<u64>,
        trailers: Vec<(String, String)>,
    },
    /// A call in flight is abandoned; the connection may still have to write.
    Aborted,
    /// The connection is gone, and with it a call in flight.
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
            searched: 0,
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

    /// Tells whether bytes of the client are of use now. Where a body's window is used up, they stay in the socket.
    fn wants_bytes(&self) -> bool {
        match &self.state {
            State::Head | State::Draining { .. } => true,
            State::Body(receiving) => receiving.is_skipped || receiving.window > 0,
            State::Waiting { .. } | State::Closing => false,
        }
    }

    /// `may_read`: the server is there and not behind.
    pub fn update_interest(&mut self, epoll: &Epoll, may_read: bool) -> io::Result<()> {
        let mut events = 0;
        if may_read && self.wants_bytes() {
            events |= (libc::EPOLLIN | libc::EPOLLRDHUP) as u32;
        } else if may_read && self.is_waiting() {
            // While a call waits, further bytes stay in the socket; only its end is of interest.
            events |= libc::EPOLLRDHUP as u32;
        }
        if self.queued() > 0 {
            events |= libc::EPOLLOUT as u32;
        }
        self.interest.set(epoll, events)
    }

    pub fn on_event(&mut self, flags: u32) -> Vec<Event> {
        if flags & libc::EPOLLOUT as u32 != 0 && self.write().is_err() {
            return vec![Event::Closed];
        }
        let ended = flags & (libc::EPOLLRDHUP | libc::EPOLLHUP | libc::EPOLLERR) as u32 != 0;
        if self.wants_bytes() {
            return if ended || flags & libc::EPOLLIN as u32 != 0 { self.read() } else { Vec::new() };
        }
        // A closed peer is reported again and again, also where nothing is asked for.
        let is_lost = flags & (libc::EPOLLHUP | libc::EPOLLERR) as u32 != 0;
        if is_lost || ended && self.is_waiting() {
            return vec![Event::Closed];
        }
        Vec::new()
    }

    fn read(&mut self) -> Vec<Event> {
        let start = self.received.len();
        self.received.resize(start + READ_SIZE, 0);
        let result = self.stream.read(&mut self.received[start..]);
        self.received.truncate(start + *result.as_ref().unwrap_or(&0));
        match result {
            Ok(0) if matches!(self.state, State::Body(_)) => self.refuse(Vec::new(), TRUNCATED),
            Ok(0) => vec![Event::Closed],
            Ok(_) => self.parse(),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => Vec::new(),
            Err(_) => vec![Event::Closed],
        }
    }

    /// Goes on with bytes already here: after an answer, the next request may have come with the last one.
    pub fn parse(&mut self) -> Vec<Event> {
        let mut events = Vec::new();
        if matches!(self.state, State::Draining { .. }) && !self.drain() {
            return self.after_drain();
        }
        if matches!(self.state, State::Head) {
            match http::parse_head(&self.received, self.searched) {
                Parsed::Incomplete => {
                    self.searched = self.received.len();
                    return events;
                }
                Parsed::Malformed => return self.refuse(events, ""),
                Parsed::Head(head, size) => {
                    self.received.drain(..size);
                    self.searched = 0;
                    events.push(Event::Head(self.begin(head)));
                }
            }
        }
        self.parse_body(events)
    }

    fn begin(&mut self, head: Head) -> Request {
        if head.expects_continue {
            self.queue.bytes().extend_from_slice(b"HTTP/1.1 100 Continue\r\n\r\n");
            let _ = self.write();
        }
        let request = Request { method: head.method, path: head.path, headers: head.headers };
        self.state = State::Body(Box::new(Receiving {
            request: request.clone(),
            progress: head.body,
            closes: head.closes,
            kept: Some(Vec::new()),
            length: 0,
            trailers: Vec::new(),
            trailers_size: 0,
            window: WINDOW_SIZE_BYTES,
            is_skipped: false,
        }));
        request
    }

    fn parse_body(&mut self, mut events: Vec<Event>) -> Vec<Event> {
        let mut at = 0;
        loop {
            let State::Body(receiving) = &mut self.state else { return events };
            match receiving.progress.advance(&self.received[at..]) {
                Progress::Piece { start, end, consumed } => {
                    events.extend(receiving.take_piece(&self.received[at + start..at + end]));
                    at += consumed;
                }
                Progress::Trailer { start, end, consumed } => {
                    if !receiving.take_trailer(&self.received[at + start..at + end]) {
                        return self.refuse(events, "");
                    }
                    at += consumed;
                }
                Progress::Skipped { consumed } => at += consumed,
                Progress::Incomplete => {
                    self.received.drain(..at);
                    return events;
                }
                Progress::Malformed => return self.refuse(events, ""),
                Progress::Done { consumed } => {
                    self.received.drain(..at + consumed);
                    events.extend(self.finish());
                    return events;
                }
            }
        }
    }

    fn finish(&mut self) -> Option<Event> {
        let State::Body(receiving) = std::mem::replace(&mut self.state, State::Closing) else { return None };
        self.state = State::Waiting { closes: receiving.closes };
        // Memory kept here would be in every snapshot.
        self.received.shrink_to_fit();
        let length = receiving.is_skipped.then_some(receiving.length);
        Some(Event::End { length, trailers: receiving.trailers })
    }

    /// `body`: JSON, where AWS has a document for it.
    fn refuse(&mut self, mut events: Vec<Event>, body: &str) -> Vec<Event> {
        let mut headers = vec![("Connection".to_string(), "close".to_string())];
        if !body.is_empty() {
            headers.push(("Content-Type".into(), "application/json".into()));
        }
        self.queue.bytes().extend_from_slice(&http::response_head(400, &headers, Some(body.len() as u64)));
        self.queue.bytes().extend_from_slice(body.as_bytes());
        self.state = State::Closing;
        events.push(if self.write().is_err() || self.queued() == 0 { Event::Closed } else { Event::Aborted });
        events
    }

    /// Drops what is left of an answered request's body. False: nothing more is to be read of this connection now.
    fn drain(&mut self) -> bool {
        let State::Draining { progress, closes } = &mut self.state else { return true };
        let mut at = 0;
        loop {
            match progress.advance(&self.received[at..]) {
                Progress::Piece { consumed, .. }
                | Progress::Trailer { consumed, .. }
                | Progress::Skipped { consumed } => at += consumed,
                Progress::Incomplete => {
                    self.received.drain(..at);
                    return false;
                }
                Progress::Malformed => {
                    self.state = State::Closing;
                    return false;
                }
                Progress::Done { consumed } => {
                    self.received.drain(..at + consumed);
                    let closes = *closes;
                    self.state = if closes { State::Closing } else { State::Head };
                    return !closes;
                }
            }
        }
    }

    fn after_drain(&self) -> Vec<Event> {
        if self.is_done() {
            vec![Event::Closed]
        } else {
            Vec::new()
        }
    }

    /// Lets this much more of the body be relayed.
    pub fn widen(&mut self, bytes: u32) {
        if let State::Body(receiving) = &mut self.state {
            receiving.window = receiving.window.saturating_add(i64::from(bytes));
        }
    }

    /// Relays nothing more of the body; its end tells how long it was.
    pub fn skip(&mut self) {
        if let State::Body(receiving) = &mut self.state {
            receiving.is_skipped = true;
        }
    }

    /// Takes a request back of which a server has seen a part that is gone now. False where its beginning is no longer
    /// here: the connection must be dropped.
    pub fn take_back(&mut self) -> bool {
        let State::Body(receiving) = &mut self.state else { return true };
        self.call = None;
        receiving.window = WINDOW_SIZE_BYTES;
        receiving.is_skipped = false;
        receiving.kept.is_some()
    }

    /// Returns the head and the body so far of a request that no server has been told of. Null where there is none.
    pub fn unrelayed(&mut self) -> Option<(Request, Vec<u8>)> {
        let State::Body(receiving) = &mut self.state else { return None };
        if self.call.is_some() {
            return None;
        }
        let kept = receiving.kept.clone()?;
        receiving.window -= kept.len() as i64;
        Some((receiving.request.clone(), kept))
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
        self.state = match std::mem::replace(&mut self.state, State::Closing) {
            State::Body(receiving) => State::Draining { progress: receiving.progress, closes: receiving.closes },
            State::Waiting { closes: false } => State::Head,
            _ => State::Closing,
        };
        self.write().is_ok() && !self.is_done()
    }

    pub fn is_done(&self) -> bool {
        matches!(self.state, State::Closing) && self.queued() == 0
    }

    pub fn write(&mut self) -> io::Result<()> {
        self.queue.write_to(&mut self.stream)
    }
}

impl Receiving {
    /// Counts a piece of the body. Returns it as an event where it is to be relayed.
    fn take_piece(&mut self, piece: &[u8]) -> Option<Event> {
        self.length += piece.len() as u64;
        let has_room = self.kept.as_ref().is_some_and(|kept| kept.len() + piece.len() <= KEPT_SIZE_BYTES_MAX);
        match &mut self.kept {
            Some(kept) if has_room => kept.extend_from_slice(piece),
            _ => self.kept = None,
        }
        if self.is_skipped {
            return None;
        }
        self.window -= piece.len() as i64;
        Some(Event::Body(piece.to_vec()))
    }

    /// Notes a line of the trailers. False: they are too long, or not fields.
    fn take_trailer(&mut self, line: &[u8]) -> bool {
        self.trailers_size += line.len();
        let text = String::from_utf8_lossy(line);
        let Some((name, value)) = text.split_once(':') else { return false };
        self.trailers.push((name.trim().to_ascii_lowercase(), value.trim().to_string()));
        self.trailers_size <= TRAILERS_SIZE_BYTES_MAX
    }
}
