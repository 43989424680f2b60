//! userfaultfd: what `nix` does not wrap. Layouts and numbers are those of `linux/userfaultfd.h`.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use thaw_snapshot::PAGE_SIZE_BYTES;

const UFFDIO_WAKE: libc::c_ulong = 0x8010_AA02;
const UFFDIO_COPY: libc::c_ulong = 0xC028_AA03;
const UFFDIO_ZEROPAGE: libc::c_ulong = 0xC020_AA04;
const EVENT_PAGEFAULT: u8 = 0x12;
const EVENT_FORK: u8 = 0x13;
const EVENT_REMAP: u8 = 0x14;
const EVENT_REMOVE: u8 = 0x15;
const EVENT_UNMAP: u8 = 0x16;
const MESSAGE_SIZE_BYTES: usize = 32;
const MESSAGES_AT_ONCE: usize = 32;

pub enum Event {
    Fault {
        address: u64,
    },
    /// The child's address space, with the same pages missing.
    Fork {
        child: OwnedFd,
    },
    Remap {
        from: u64,
        to: u64,
        length: u64,
    },
    /// The range reads as zeros from now on, or is not mapped at all.
    Remove {
        start: u64,
        end: u64,
    },
}

#[repr(C)]
struct Copy {
    to: u64,
    from: u64,
    length: u64,
    mode: u64,
    copied: i64,
}

#[repr(C)]
struct Zero {
    start: u64,
    length: u64,
    mode: u64,
    zeroed: i64,
}

#[repr(C)]
struct Range {
    start: u64,
    length: u64,
}

/// Outcome of a copy. The bytes that were put in place before it are counted beside it.
#[derive(Debug, PartialEq, Eq)]
pub enum Outcome {
    Done,
    /// The next page is there already.
    Present,
    /// The address space is being changed: read the events, then try again.
    Changing,
    /// Nothing is registered there (yet).
    Unregistered,
    /// The process has gone.
    Gone,
}

/// Events that are waiting; none where there are none.
pub fn read_events(uffd: BorrowedFd) -> io::Result<Vec<Event>> {
    let mut bytes = [0u8; MESSAGE_SIZE_BYTES * MESSAGES_AT_ONCE];
    // SAFETY: the buffer is as long as we say.
    let length = unsafe { libc::read(uffd.as_raw_fd(), bytes.as_mut_ptr().cast(), bytes.len()) };
    if length < 0 {
        let error = io::Error::last_os_error();
        return match error.raw_os_error() {
            Some(libc::EAGAIN | libc::EINTR) => Ok(Vec::new()),
            _ => Err(error),
        };
    }
    Ok(bytes[..length as usize].chunks_exact(MESSAGE_SIZE_BYTES).filter_map(parse).collect())
}

fn parse(message: &[u8]) -> Option<Event> {
    let number = |at: usize| u64::from_le_bytes(message[at..at + 8].try_into().expect("eight bytes"));
    match message[0] {
        EVENT_PAGEFAULT => Some(Event::Fault { address: number(16) & !0xfff }),
        // SAFETY: the kernel has just given this descriptor to us alone.
        EVENT_FORK => Some(Event::Fork { child: unsafe { OwnedFd::from_raw_fd(number(8) as u32 as i32) } }),
        EVENT_REMAP => Some(Event::Remap { from: number(8), to: number(16), length: number(24) }),
        EVENT_REMOVE | EVENT_UNMAP => Some(Event::Remove { start: number(8), end: number(16) }),
        _ => None,
    }
}

fn outcome(error: &io::Error) -> io::Result<Outcome> {
    match error.raw_os_error() {
        Some(libc::EEXIST) => Ok(Outcome::Present),
        Some(libc::EAGAIN) => Ok(Outcome::Changing),
        Some(libc::ENOENT | libc::EINVAL | libc::EFAULT) => Ok(Outcome::Unregistered),
        Some(libc::ESRCH) => Ok(Outcome::Gone),
        _ => Err(io::Error::from_raw_os_error(error.raw_os_error().unwrap_or(libc::EIO))),
    }
}

/// Puts `content` at `address` and wakes who waits there. Says how many bytes got there.
pub fn copy(uffd: BorrowedFd, address: u64, content: &[u8]) -> io::Result<(usize, Outcome)> {
    by_pieces(content.len(), |done, length| {
        let from = content[done..done + length].as_ptr() as u64;
        let mut request = Copy { to: address + done as u64, from, length: length as u64, mode: 0, copied: 0 };
        // SAFETY: the kernel reads `content` and writes into the other process only.
        let result = unsafe { libc::ioctl(uffd.as_raw_fd(), UFFDIO_COPY, &raw mut request) };
        (result == 0, request.copied)
    })
}

/// Puts zeros in place, which cost no memory before they are written to.
pub fn zero(uffd: BorrowedFd, address: u64, size: usize) -> io::Result<(usize, Outcome)> {
    by_pieces(size, |done, length| {
        let mut request = Zero { start: address + done as u64, length: length as u64, mode: 0, zeroed: 0 };
        // SAFETY: plain numbers.
        let result = unsafe { libc::ioctl(uffd.as_raw_fd(), UFFDIO_ZEROPAGE, &raw mut request) };
        (result == 0, request.zeroed)
    })
}

/// `place` tells whether all of a piece got there, else how many bytes. The kernel refuses as a whole what lies in two
/// mappings (the clone may have split one since the snapshot): such a piece is tried by halves.
fn by_pieces(size: usize, place: impl Fn(usize, usize) -> (bool, i64)) -> io::Result<(usize, Outcome)> {
    let mut done = 0;
    let mut limit = size;
    while done < size {
        let length = limit.min(size - done);
        let (is_whole, placed) = place(done, length);
        if is_whole {
            done += length;
            continue;
        }
        let error = io::Error::last_os_error();
        if placed > 0 {
            done += placed as usize;
        } else if error.raw_os_error() == Some(libc::ENOENT) && length > PAGE_SIZE_BYTES {
            limit = (length / 2).next_multiple_of(PAGE_SIZE_BYTES);
        } else {
            return Ok((done, outcome(&error)?));
        }
    }
    Ok((done, Outcome::Done))
}

/// Wakes threads that wait for a page that is in place meanwhile.
pub fn wake(uffd: BorrowedFd, address: u64, length: u64) {
    let request = Range { start: address, length };
    // SAFETY: plain numbers. A process that has gone needs no waking.
    unsafe { libc::ioctl(uffd.as_raw_fd(), UFFDIO_WAKE, &raw const request) };
}
