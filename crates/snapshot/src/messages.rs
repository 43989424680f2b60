//! Messages with file descriptors over SEQPACKET sockets.

use std::io::{self, IoSlice, IoSliceMut};
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

use nix::sys::socket::{recvmsg, sendmsg, ControlMessage, ControlMessageOwned, MsgFlags};

/// Largest message.
pub const MESSAGE_SIZE_BYTES_MAX: usize = 64 * 1024;
const MESSAGE_FDS_MAX: usize = 16;

pub fn send_message(socket: BorrowedFd, bytes: &[u8], fds: &[BorrowedFd]) -> io::Result<()> {
    let raw: Vec<RawFd> = fds.iter().map(|fd| fd.as_raw_fd()).collect();
    let rights = [ControlMessage::ScmRights(&raw)];
    let control: &[ControlMessage] = if raw.is_empty() { &[] } else { &rights };
    sendmsg::<()>(socket.as_raw_fd(), &[IoSlice::new(bytes)], control, MsgFlags::MSG_NOSIGNAL, None)?;
    Ok(())
}

/// Receives one message and its descriptors; `None` at the end of the connection.
pub fn receive_message(socket: BorrowedFd) -> io::Result<Option<(Vec<u8>, Vec<OwnedFd>)>> {
    receive_up_to(socket, MESSAGE_SIZE_BYTES_MAX)
}

/// Receives like `receive_message`; on a stream socket it takes at most `limit` bytes.
pub fn receive_up_to(socket: BorrowedFd, limit: usize) -> io::Result<Option<(Vec<u8>, Vec<OwnedFd>)>> {
    let mut bytes = vec![0u8; limit];
    let mut control = nix::cmsg_space!([RawFd; MESSAGE_FDS_MAX]);
    let (length, fds) = {
        let mut slices = [IoSliceMut::new(&mut bytes)];
        let message = loop {
            match recvmsg::<()>(socket.as_raw_fd(), &mut slices, Some(&mut control), MsgFlags::MSG_CMSG_CLOEXEC) {
                Err(nix::errno::Errno::EINTR) => {}
                other => break other?,
            }
        };
        let mut fds = Vec::new();
        for part in message.cmsgs()? {
            if let ControlMessageOwned::ScmRights(raw) = part {
                // SAFETY: the kernel has just given these descriptors to us alone.
                fds.extend(raw.into_iter().map(|fd| unsafe { OwnedFd::from_raw_fd(fd) }));
            }
        }
        (message.bytes, fds)
    };
    if length == 0 {
        return Ok(None);
    }
    bytes.truncate(length);
    Ok(Some((bytes, fds)))
}
