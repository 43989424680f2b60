//! Outside TCP connections are cut before a snapshot: clones must not share one peer's connection. Inside, programs see
//! ECONNABORTED at their next use, as they would after any network failure. Loopback connections stay.

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

const SOCK_DIAG_BY_FAMILY: u16 = 20;
const SOCK_DESTROY: u16 = 21;
const NLM_F_REQUEST: u16 = 1;
const NLM_F_ACK: u16 = 4;
const NLM_F_DUMP: u16 = 0x300;
const NLMSG_ERROR: u16 = 2;
const NLMSG_DONE: u16 = 3;
const TCP_LISTEN: u32 = 10;
/// States of connections that the function has closed itself: FIN_WAIT1, FIN_WAIT2, TIME_WAIT, CLOSE, LAST_ACK,
/// CLOSING.
const CLOSED_STATES: [u8; 6] = [4, 5, 6, 7, 9, 11];
const HEADER_SIZE: usize = 16;
const REQUEST_SIZE: usize = 56;
/// family, protocol, extensions, pad, states, then inet_diag_sockid.
const SOCKET_ID_SIZE: usize = 48;
const REPLY_ID_OFFSET: usize = 4;

struct Socket {
    family: u8,
    state: u8,
    id: [u8; SOCKET_ID_SIZE],
}

impl Socket {
    fn is_loopback(&self) -> bool {
        let (source, peer) = (&self.id[4..20], &self.id[20..36]);
        let is_local = |address: &[u8]| match self.family as i32 {
            libc::AF_INET => address[0] == 127,
            _ => {
                address == [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]
                    || (address[..12] == [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff] && address[12] == 127)
            }
        };
        is_local(source) || is_local(peer)
    }
}

/// Returns how many of those that were cut the function had open.
pub fn cut_outside_connections() -> io::Result<u32> {
    // SAFETY: the arguments are plain numbers; the descriptor is new.
    let netlink = unsafe {
        let fd = libc::socket(libc::AF_NETLINK, libc::SOCK_RAW | libc::SOCK_CLOEXEC, libc::NETLINK_SOCK_DIAG);
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        OwnedFd::from_raw_fd(fd)
    };
    let mut cut = 0;
    for family in [libc::AF_INET as u8, libc::AF_INET6 as u8] {
        for socket in list(&netlink, family)?.iter().filter(|socket| !socket.is_loopback()) {
            send(&netlink, SOCK_DESTROY, NLM_F_REQUEST | NLM_F_ACK, socket.family, u32::MAX, &socket.id)?;
            let mut buffer = [0u8; 4096];
            receive(&netlink, &mut buffer)?;
            cut += u32::from(!CLOSED_STATES.contains(&socket.state));
        }
    }
    Ok(cut)
}

fn list(netlink: &OwnedFd, family: u8) -> io::Result<Vec<Socket>> {
    let states = !(1 << TCP_LISTEN);
    send(netlink, SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST | NLM_F_DUMP, family, states, &[0; SOCKET_ID_SIZE])?;
    let mut found = Vec::new();
    let mut buffer = vec![0u8; 64 * 1024];
    loop {
        let length = receive(netlink, &mut buffer)?;
        let mut rest = &buffer[..length];
        while rest.len() >= HEADER_SIZE {
            let size = u32::from_ne_bytes([rest[0], rest[1], rest[2], rest[3]]) as usize;
            let kind = u16::from_ne_bytes([rest[4], rest[5]]);
            if kind == NLMSG_DONE {
                return Ok(found);
            }
            if kind == NLMSG_ERROR || size < HEADER_SIZE || size > rest.len() {
                return Err(io::Error::other("the kernel refused to list sockets"));
            }
            let body = &rest[HEADER_SIZE..size];
            if body.len() >= REPLY_ID_OFFSET + SOCKET_ID_SIZE {
                let mut id = [0u8; SOCKET_ID_SIZE];
                id.copy_from_slice(&body[REPLY_ID_OFFSET..REPLY_ID_OFFSET + SOCKET_ID_SIZE]);
                found.push(Socket { family: body[0], state: body[1], id });
            }
            rest = &rest[size.next_multiple_of(4).min(rest.len())..];
        }
    }
}

fn send(
    netlink: &OwnedFd,
    kind: u16,
    flags: u16,
    family: u8,
    states: u32,
    id: &[u8; SOCKET_ID_SIZE],
) -> io::Result<()> {
    let mut message = Vec::with_capacity(HEADER_SIZE + REQUEST_SIZE);
    message.extend(((HEADER_SIZE + REQUEST_SIZE) as u32).to_ne_bytes());
    message.extend(kind.to_ne_bytes());
    message.extend(flags.to_ne_bytes());
    message.extend([0; 8]);
    message.extend([family, libc::IPPROTO_TCP as u8, 0, 0]);
    message.extend(states.to_ne_bytes());
    message.extend(id);
    // SAFETY: the buffer is as long as told.
    let sent = unsafe { libc::send(netlink.as_raw_fd(), message.as_ptr().cast(), message.len(), 0) };
    if sent < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

fn receive(netlink: &OwnedFd, buffer: &mut [u8]) -> io::Result<usize> {
    // SAFETY: the buffer is as long as told.
    let length = unsafe { libc::recv(netlink.as_raw_fd(), buffer.as_mut_ptr().cast(), buffer.len(), 0) };
    if length < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(length as usize)
}
