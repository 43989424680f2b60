//! Messages between the relay in a sandbox and the pager, one a packet (SEQPACKET), and what both do with their copies
//! of the userfaultfds.

use std::os::fd::{AsRawFd, BorrowedFd};

use crate::PAGE_SIZE_BYTES;

/// A request number of `linux/userfaultfd.h`.
const UFFDIO_COPY: libc::c_ulong = 0xC028_AA03;
/// Above `vm.mmap_min_addr`, below all programs: nothing is ever mapped there.
const UNMAPPED_ADDRESS: u64 = 0x10000;

/// False where the process has gone, or has become another program: nobody will read from its memory again.
pub fn has_process(uffd: BorrowedFd) -> bool {
    let page = [0u8; PAGE_SIZE_BYTES];
    // To, from, length, mode, copied. A process that lives answers ENOENT.
    let mut request = [UNMAPPED_ADDRESS, page.as_ptr() as u64, page.len() as u64, 0, 0];
    // SAFETY: the kernel reads `page` and writes into the request only.
    let done = unsafe { libc::ioctl(uffd.as_raw_fd(), UFFDIO_COPY, request.as_mut_ptr()) };
    !(done != 0 && std::io::Error::last_os_error().raw_os_error() == Some(libc::ESRCH))
}

/// Descriptors travel with `Process`: its userfaultfd.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FromRelay {
    Process {
        pid: u32,
    },
    /// CRIU has put all processes in place and lets them go.
    Restored,
}

/// With `Hold` comes the userfaultfd of a forked child.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ToRelay {
    Hold,
    /// Every page is in place: the relay lets go of its descriptors and ends.
    Release,
}

impl FromRelay {
    pub fn encode(self) -> Vec<u8> {
        match self {
            FromRelay::Process { pid } => [&[1u8][..], &pid.to_le_bytes()].concat(),
            FromRelay::Restored => vec![2],
        }
    }

    pub fn decode(bytes: &[u8]) -> Option<Self> {
        match bytes {
            [1, pid @ ..] => Some(FromRelay::Process { pid: u32::from_le_bytes(pid.try_into().ok()?) }),
            [2] => Some(FromRelay::Restored),
            _ => None,
        }
    }
}

impl ToRelay {
    pub fn encode(self) -> Vec<u8> {
        vec![match self {
            ToRelay::Hold => 3,
            ToRelay::Release => 4,
        }]
    }

    pub fn decode(bytes: &[u8]) -> Option<Self> {
        match bytes {
            [3] => Some(ToRelay::Hold),
            [4] => Some(ToRelay::Release),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_bytes_are_a_message_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..12)) {
            if let Some(message) = FromRelay::decode(&bytes) { prop_assert_eq!(message.encode(), bytes.clone()); }
            if let Some(message) = ToRelay::decode(&bytes) { prop_assert_eq!(message.encode(), bytes); }
        }

        #[test]
        fn gives_back_what_was_sent(pid in any::<u32>()) {
            for message in [FromRelay::Process { pid }, FromRelay::Restored] {
                prop_assert_eq!(FromRelay::decode(&message.encode()), Some(message));
            }
            for message in [ToRelay::Hold, ToRelay::Release] {
                prop_assert_eq!(ToRelay::decode(&message.encode()), Some(message));
            }
        }
    }
}
