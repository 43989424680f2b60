//! Reads what a sandbox sends, for `thaw check` only: a packet socket at the host's end of the sandbox's own network
//! device. It is bound to this one device before the function can run, changes nothing, and sees nothing of another
//! sandbox. Its end: that of the sandbox.

use std::io;
use std::mem;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use nix::errno::Errno;
use nix::net::if_::if_nametoindex;
use nix::poll::{poll, PollFd, PollFlags, PollTimeout};
use nix::sys::socket::{recv, setsockopt, socket, sockopt, AddressFamily, MsgFlags, SockFlag, SockType};
use thaw_locked::Locked;

use super::sent::{Sent, SentView};

/// As large as an IPv4 packet can be: what the kernel has not cut into segments yet.
const PACKET_SIZE_BYTES_MAX: usize = 65_535;
/// For what is sent faster than it is read.
const SOCKET_SIZE_BYTES: usize = 4 * 1024 * 1024;
/// Read under one lock. More than the socket holds (of a packet the kernel counts some 700 bytes at least, and gives
/// twice what is asked for), so that all is read that was there; and who asks has an answer, however much is being
/// sent.
const PACKETS_AT_ONCE_MAX: usize = 16 * 1024;

pub struct Recorder {
    shared: Arc<Shared>,
    /// Closed: the thread ends.
    stop: Option<OwnedFd>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    socket: OwnedFd,
    record: Locked<Record>,
}

struct Record {
    sent: Sent,
    packet: Vec<u8>,
}

impl Recorder {
    /// Records from now on what comes from the device of that name.
    pub fn start(device: &str) -> io::Result<Self> {
        let record = Locked::new(Record { sent: Sent::default(), packet: vec![0; PACKET_SIZE_BYTES_MAX] });
        let shared = Arc::new(Shared { socket: open_socket(device)?, record });
        let (stopped, stop) = nix::unistd::pipe2(nix::fcntl::OFlag::O_CLOEXEC)?;
        let reading = Arc::clone(&shared);
        let thread = thread::Builder::new()
            .name("recorder".into())
            .stack_size(256 * 1024)
            .spawn(move || reading.read_until(&stopped))?;
        Ok(Recorder { shared, stop: Some(stop), thread: Some(thread) })
    }

    /// Gives all that the sandbox has sent before this call.
    pub fn view(&self) -> SentView {
        let mut record = self.shared.record.lock();
        self.shared.drain(&mut record);
        if dropped_packets(&self.shared.socket) > 0 {
            record.sent.note_loss();
        }
        record.sent.view()
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.stop = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn read_until(&self, stopped: &OwnedFd) {
        loop {
            let mut fds =
                [PollFd::new(self.socket.as_fd(), PollFlags::POLLIN), PollFd::new(stopped.as_fd(), PollFlags::POLLIN)];
            match poll(&mut fds, PollTimeout::NONE) {
                Ok(_) | Err(Errno::EINTR) => {}
                Err(_) => return,
            }
            let is_stopped = fds[1].revents().is_some_and(|events| !events.is_empty());
            if is_stopped || !self.drain(&mut self.record.lock()) {
                return;
            }
        }
    }

    /// Takes the packets that are there. False where no more will come: the device is gone, and the sandbox with it.
    fn drain(&self, record: &mut Record) -> bool {
        let Record { sent, packet } = record;
        for _ in 0..PACKETS_AT_ONCE_MAX {
            match recv(self.socket.as_raw_fd(), packet, MsgFlags::MSG_DONTWAIT) {
                Ok(size) => sent.take(&packet[..size]),
                Err(Errno::EAGAIN) => return true,
                Err(Errno::EINTR) => {}
                Err(_) => {
                    sent.note_loss();
                    return false;
                }
            }
        }
        true
    }
}

/// Opens a socket that is bound to nothing until the last step, so that no packet of another device ever comes in.
fn open_socket(device: &str) -> io::Result<OwnedFd> {
    let index = if_nametoindex(device)?;
    let opened =
        socket(AddressFamily::Packet, SockType::Datagram, SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK, None)?;
    setsockopt(&opened, sockopt::RcvBufForce, &SOCKET_SIZE_BYTES)?;
    let on: libc::c_int = 1;
    // SAFETY: the option is an int, and its size is given.
    check(unsafe {
        libc::setsockopt(
            opened.as_raw_fd(),
            libc::SOL_PACKET,
            libc::PACKET_IGNORE_OUTGOING,
            (&raw const on).cast(),
            mem::size_of_val(&on) as libc::socklen_t,
        )
    })?;
    // SAFETY: of plain numbers, for which zero is a value.
    let mut address: libc::sockaddr_ll = unsafe { mem::zeroed() };
    address.sll_family = libc::AF_PACKET as u16;
    address.sll_protocol = (libc::ETH_P_IP as u16).to_be();
    address.sll_ifindex = index as i32;
    // SAFETY: the address outlives the call, and its size is given.
    check(unsafe {
        libc::bind(opened.as_raw_fd(), (&raw const address).cast(), mem::size_of_val(&address) as libc::socklen_t)
    })?;
    Ok(opened)
}

/// Counts the packets that there was no room for since the last call.
fn dropped_packets(socket: &OwnedFd) -> u32 {
    let mut stats = libc::tpacket_stats { tp_packets: 0, tp_drops: 0 };
    let mut size = mem::size_of_val(&stats) as libc::socklen_t;
    // SAFETY: the kernel writes no more than `size` bytes.
    let result = unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            libc::SOL_PACKET,
            libc::PACKET_STATISTICS,
            (&raw mut stats).cast(),
            &raw mut size,
        )
    };
    if result < 0 {
        0
    } else {
        stats.tp_drops
    }
}

fn check(result: libc::c_int) -> io::Result<()> {
    if result < 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(())
    }
}
