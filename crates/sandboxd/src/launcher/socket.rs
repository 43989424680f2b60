//! The listening socket, which is the launcher's standard input.
//!
//! The launcher keeps it for as long as it lives, over its own renewal: while no server accepts, connections wait in
//! the kernel.

use std::io;
use std::net::TcpListener;
use std::os::fd::AsRawFd;

const BACKLOG: libc::c_int = 4096;

/// Opens the socket as standard input, which programs that this process becomes or starts have, too.
pub fn listen_on_stdin(host: &str, port: u16) -> Result<(), String> {
    let describe = |error: io::Error| match error.kind() {
        io::ErrorKind::AddrInUse => {
            format!("can't listen on {host}:{port}: the port is in use; another thaw serve? (--listen HOST:PORT, port 0 picks a free one)")
        }
        io::ErrorKind::AddrNotAvailable => format!("can't listen on {host}:{port}: the host has no such address"),
        _ => format!("can't listen on {host}:{port}: {error}"),
    };
    let listener = TcpListener::bind((host, port)).map_err(describe)?;
    // SAFETY: plain numbers; listening again only changes the backlog, and the copy survives exec.
    let moved = unsafe { libc::listen(listener.as_raw_fd(), BACKLOG) == 0 && libc::dup2(listener.as_raw_fd(), 0) == 0 };
    if moved {
        Ok(())
    } else {
        Err(format!("can't listen on {host}:{port}: {}", io::Error::last_os_error()))
    }
}
