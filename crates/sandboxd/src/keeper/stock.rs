//! CRIU's own lazy-pages daemon, for the bench that compares with it.

#[cfg(feature = "bench")]
use std::io;

#[cfg(feature = "bench")]
use nix::unistd::{fork, ForkResult};

#[cfg(feature = "bench")]
use super::capabilities::Program;
#[cfg(feature = "bench")]
use super::programs::{exec_criu, exit_with, CriuFds};
#[cfg(feature = "bench")]
use super::relay;

/// Returns when the daemon listens: CRIU would not wait for it.
#[cfg(feature = "bench")]
pub fn start_lazy_daemon(criu: &CriuFds) -> io::Result<()> {
    let args = ["lazy-pages", "-o", "lazy.log"].map(str::to_string);
    // SAFETY: pid 1 has one thread.
    if let ForkResult::Child = unsafe { fork()? } {
        exit_with(exec_criu(criu, Program::Keeper, &args, true));
    }
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(5);
    while !is_listening(&std::fs::read_to_string("/proc/net/unix")?, relay::LISTENER_NAME) {
        if std::time::Instant::now() > deadline {
            return Err(io::Error::other("the lazy-pages daemon did not start"));
        }
        std::thread::sleep(std::time::Duration::from_micros(100));
    }
    Ok(())
}

/// Tells whether anybody listens: the socket's file is there a moment before. `table`: `/proc/net/unix`, whose fourth
/// column has the flags.
fn is_listening(table: &str, name: &str) -> bool {
    const ACCEPTS: u32 = 0x10000;
    table.lines().any(|line| {
        let columns: Vec<&str> = line.split_whitespace().collect();
        columns.last() == Some(&name)
            && columns
                .get(3)
                .and_then(|flags| u32::from_str_radix(flags, 16).ok())
                .is_some_and(|flags| flags & ACCEPTS != 0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_that_is_bound_is_not_one_that_listens() {
        let line = |flags: &str| {
            format!("Num       RefCount Protocol Flags    Type St Inode Path\n0000000000000000: 00000002 00000000 {flags} 0001 01 4711 lazy-pages.socket\n")
        };
        assert!(!is_listening(&line("00000000"), "lazy-pages.socket"));
        assert!(is_listening(&line("00010000"), "lazy-pages.socket"));
        assert!(!is_listening(&line("00010000"), "another.socket"));
    }
}
