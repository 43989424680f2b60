//! Connections that the server opens to listeners of the function, on the loopback: how a subscriber of the Telemetry
//! API gets its batches. The bytes are the server's and the subscriber's own; nothing of them is understood here.
//!
//! None of them is ever in a snapshot: they end with the connection of the server.

use std::io::{self, ErrorKind, Read};
use std::net::TcpStream;
use std::os::fd::{AsRawFd, OwnedFd};

use serde::Deserialize;
use serde_json::json;

use super::{invalid, Supervisor};
use crate::frames::kind;
use crate::interest::Interest;
use crate::outgoing::Outgoing;
use crate::processes::errno_name;
use crate::sys::{self, Epoll};

/// More than all subscribers of one environment have.
const CONNECTIONS_MAX: usize = 32;
/// The server sends the next piece when the last one has been written; it never gets near this.
const QUEUE_BYTES_MAX: usize = 256 * 1024;
const READ_SIZE: usize = 4096;

pub(super) struct Outward {
    id: u32,
    stream: TcpStream,
    interest: Interest,
    queue: Outgoing,
    /// A CONNECT or SEND is to be answered once everything has been written.
    is_asked: bool,
}

#[derive(Deserialize)]
struct Connect {
    port: u16,
}

impl Outward {
    pub(super) fn update_interest(&mut self, epoll: &Epoll, may_read: bool) -> io::Result<()> {
        let mut events = 0;
        if may_read {
            events |= libc::EPOLLIN as u32;
        }
        if self.is_asked {
            events |= libc::EPOLLOUT as u32;
        }
        self.interest.set(epoll, events)
    }

    /// Writes what the socket takes; true where a CONNECT or SEND has been carried out by that.
    fn write(&mut self) -> io::Result<bool> {
        self.queue.write_to(&mut self.stream)?;
        let is_done = self.is_asked && self.queue.is_empty();
        if is_done {
            self.is_asked = false;
        }
        Ok(is_done)
    }

    /// Reads once. `None`: nothing is there; no bytes: the other end has closed.
    fn read(&mut self) -> io::Result<Option<Vec<u8>>> {
        let mut bytes = vec![0; READ_SIZE];
        match self.stream.read(&mut bytes) {
            Ok(length) => {
                bytes.truncate(length);
                Ok(Some(bytes))
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

impl Supervisor {
    pub(super) fn connect_outward(&mut self, id: u32, payload: &[u8]) -> io::Result<()> {
        let request: Connect = serde_json::from_slice(payload).map_err(invalid)?;
        let socket = if self.outwards.len() < CONNECTIONS_MAX {
            sys::connect_loopback(request.port)
        } else {
            Err(io::Error::from_raw_os_error(libc::EMFILE))
        };
        match socket {
            Ok(socket) => self.watch_outward(id, socket),
            Err(error) => self.tell_hung_up(id, Some(&error)),
        }
        Ok(())
    }

    fn watch_outward(&mut self, id: u32, socket: OwnedFd) {
        let token = self.take_token();
        let stream = TcpStream::from(socket);
        let interest = Interest::none(stream.as_raw_fd(), token);
        self.outwards.insert(token, Outward { id, stream, interest, queue: Outgoing::default(), is_asked: true });
    }

    pub(super) fn send_outward(&mut self, id: u32, payload: &[u8]) {
        let Some((token, outward)) = self.outwards.iter_mut().find(|(_, outward)| outward.id == id) else { return };
        let token = *token;
        if outward.queue.len() + payload.len() > QUEUE_BYTES_MAX {
            self.outwards.remove(&token);
            return self.tell_hung_up(id, Some(&io::Error::from_raw_os_error(libc::ENOBUFS)));
        }
        outward.queue.bytes().extend_from_slice(payload);
        outward.is_asked = true;
    }

    pub(super) fn hang_up_outward(&mut self, id: u32) {
        self.outwards.retain(|_, outward| outward.id != id);
    }

    pub(super) fn serve_outward(&mut self, token: u64, flags: u32) {
        let Some(outward) = self.outwards.get_mut(&token) else { return };
        let id = outward.id;
        if let Err(error) = self.carry_outward(token, flags) {
            self.outwards.remove(&token);
            self.tell_hung_up(id, Some(&error).filter(|error| error.kind() != ErrorKind::UnexpectedEof));
        }
    }

    fn carry_outward(&mut self, token: u64, flags: u32) -> io::Result<()> {
        let (Some(outward), Some(control)) = (self.outwards.get_mut(&token), &mut self.control) else { return Ok(()) };
        if flags & libc::EPOLLERR as u32 != 0 {
            if let Some(error) = outward.stream.take_error()? {
                return Err(error);
            }
        }
        if flags & libc::EPOLLOUT as u32 != 0 && outward.write()? {
            control.push(kind::WRITTEN, outward.id, b"");
        }
        if flags & (libc::EPOLLIN | libc::EPOLLHUP) as u32 == 0 {
            return Ok(());
        }
        match outward.read()? {
            None => Ok(()),
            Some(bytes) if bytes.is_empty() => Err(ErrorKind::UnexpectedEof.into()),
            Some(bytes) => {
                control.push(kind::RECEIVED, outward.id, &bytes);
                Ok(())
            }
        }
    }

    fn tell_hung_up(&mut self, id: u32, error: Option<&io::Error>) {
        let name = error.map(|error| errno_name(error.raw_os_error().unwrap_or(0)));
        if let Some(control) = &mut self.control {
            control.push_json(kind::HUNG_UP, id, &json!({ "error": name }));
        }
    }
}
