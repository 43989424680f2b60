//! The events that one descriptor is watched for, kept in step with epoll.
//!
//! Epoll reports hang-ups even of descriptors that nothing was asked of; one that must rest is taken out altogether, or
//! the loop would never sleep.

use std::io;
use std::os::fd::RawFd;

use crate::sys::Epoll;

pub struct Interest {
    fd: RawFd,
    token: u64,
    events: u32,
}

impl Interest {
    pub fn none(fd: RawFd, token: u64) -> Self {
        Interest { fd, token, events: 0 }
    }

    pub fn set(&mut self, epoll: &Epoll, events: u32) -> io::Result<()> {
        if events == self.events {
            return Ok(());
        }
        let was = std::mem::replace(&mut self.events, events);
        match (was, events) {
            (0, _) => epoll.add(self.fd, events, self.token),
            (_, 0) => epoll.remove(self.fd),
            _ => epoll.change(self.fd, events, self.token),
        }
    }
}
