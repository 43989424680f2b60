//! `thaw-sandboxd bind HOST PORT PROGRAM [ARGUMENTS…]`: runs a program with a listening socket as its standard input.
//!
//! The launcher keeps it for as long as it lives, over its own renewal: while no server accepts, connections wait in
//! the kernel.

use std::ffi::CString;
use std::io;
use std::net::TcpListener;
use std::os::fd::AsRawFd;

const BACKLOG: libc::c_int = 4096;

pub fn run(args: &[String]) -> Result<(), String> {
    let [host, port, program @ ..] = args else { return Err("bind: HOST PORT PROGRAM are needed".into()) };
    let port: u16 = port.parse().map_err(|_| format!("bind: {port} is no port"))?;
    let describe = |error: io::Error| match error.kind() {
        io::ErrorKind::AddrInUse => {
            format!("can't listen on {host}:{port}: the port is in use; another thaw serve? (--listen HOST:PORT, port 0 picks a free one)")
        }
        io::ErrorKind::AddrNotAvailable => format!("can't listen on {host}:{port}: the host has no such address"),
        _ => format!("can't listen on {host}:{port}: {error}"),
    };
    let listener = TcpListener::bind((host.as_str(), port)).map_err(describe)?;
    // SAFETY: plain numbers; listening again only changes the backlog, and the copy survives exec.
    let moved = unsafe { libc::listen(listener.as_raw_fd(), BACKLOG) == 0 && libc::dup2(listener.as_raw_fd(), 0) == 0 };
    if !moved {
        return Err(format!("bind: {}", io::Error::last_os_error()));
    }
    let program: Result<Vec<CString>, _> = program.iter().map(|word| CString::new(word.as_str())).collect();
    let program = program.map_err(|_| "bind: an argument has a NUL")?;
    let Some(path) = program.first() else { return Err("bind: PROGRAM is missing".into()) };
    nix::unistd::execvp(path, &program).map_err(|error| format!("{}: {error}", path.to_string_lossy()))?;
    Ok(())
}
