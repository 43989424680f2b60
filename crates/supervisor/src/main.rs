//! The supervisor: parent of a function's processes inside its sandbox, and part of its snapshot.
//!
//! `thaw-supervisor CONTROL_SOCKET SERVER_UID [alone|RUNTIME_API_PORT]`. Protocol: docs/formats/supervisor-protocol.md.
//! `alone`: all processes that this one may signal are the function's, as in a sandbox's namespace of pids. Then they
//! can all be ended.

mod connections;
mod control;
mod directory;
mod frames;
mod http;
mod interest;
mod outgoing;
mod processes;
mod program;
mod supervisor;
mod sys;

use std::fs;
use std::io;
use std::io::Write;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;

const RUNTIME_API_PORT: u16 = 9001;
const ALONE: &str = "alone";

fn main() {
    let args: Vec<String> = std::env::args().collect();
    if let Err(error) = run(&args) {
        let _ = writeln!(std::io::stderr(), "supervisor: {error}");
        std::process::exit(1);
    }
}

fn run(args: &[String]) -> io::Result<()> {
    // The function runs as the same user: it must not read or write this process's memory through /proc.
    sys::forbid_inspection()?;
    let usage =
        || io::Error::new(io::ErrorKind::InvalidInput, "usage: thaw-supervisor CONTROL_SOCKET SERVER_UID [alone|PORT]");
    let path = args.get(1).ok_or_else(usage)?;
    let server_uid: u32 = args.get(2).and_then(|text| text.parse().ok()).ok_or_else(usage)?;
    let is_alone = args.get(3).is_some_and(|text| text == ALONE);
    let port = match args.get(3) {
        None => RUNTIME_API_PORT,
        Some(_) if is_alone => RUNTIME_API_PORT,
        Some(text) => text.parse().map_err(|_| usage())?,
    };
    let http = TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
    // Its mode says that it listens: sandboxd waits for 0777. (Binding under another name and renaming does not survive
    // CRIU, which binds the name that the socket was born with.) Who may connect is decided by the directory and by the
    // peer's user.
    let control = UnixListener::bind(path)?;
    let mut supervisor = supervisor::Supervisor::new(control, http, server_uid, is_alone)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o777))?;
    supervisor.run()
}
