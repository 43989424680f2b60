//! The pager: answers the page faults of all clones of this host, from chunks that it decrypts and authenticates.
//!
//! Unprivileged; started by sandboxd with its control socket as descriptor 3 and the directory of chunks as descriptor
//! 4. When it dies, the relay in each sandbox kills the clone (`keeper/relay.rs`): a fault is never answered by zeros
//! instead of data.

mod address_map;
mod cache;
mod control;
mod session;
mod snapshots;
mod uffd;
mod window;

use std::os::fd::{FromRawFd, OwnedFd};

fn main() {
    let mut args = std::env::args().skip(1);
    let memory_mib = match (args.next().as_deref(), args.next(), args.next()) {
        (Some("--memory-mib"), Some(text), None) => text.parse::<usize>().ok(),
        _ => None,
    };
    let Some(memory_mib) = memory_mib else {
        thaw_stderr::tell!("usage: thaw-pager --memory-mib N (started by sandboxd)");
        std::process::exit(2);
    };
    // Keys and pages of functions are in its memory: nobody of its user looks at that, and no core dump holds it.
    // SAFETY: plain numbers.
    unsafe { libc::prctl(libc::PR_SET_DUMPABLE, 0, 0, 0, 0) };
    // SAFETY: sandboxd starts the pager with exactly these two descriptors above 2.
    let (socket, chunks) = unsafe { (OwnedFd::from_raw_fd(3), OwnedFd::from_raw_fd(4)) };
    if let Err(error) = control::serve(socket, chunks, memory_mib * 1024 * 1024) {
        thaw_stderr::tell!("pager: {error}");
        std::process::exit(1);
    }
}
