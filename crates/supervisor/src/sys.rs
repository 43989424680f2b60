//! The few system calls this program makes, with their errors as `io::Error`.

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};

pub fn check(result: libc::c_int) -> io::Result<libc::c_int> {
    if result < 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(result)
    }
}

/// Takes ownership of a descriptor, which must be new and owned by nobody.
fn own(fd: libc::c_int) -> io::Result<OwnedFd> {
    let fd = check(fd)?;
    // SAFETY: the kernel has just returned it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Makes a pipe: read end, write end; both closed on exec. The read end does not block.
pub fn pipe() -> io::Result<(OwnedFd, OwnedFd)> {
    let mut fds = [0; 2];
    // SAFETY: room for two descriptors.
    check(unsafe { libc::pipe2(fds.as_mut_ptr(), libc::O_CLOEXEC) })?;
    // SAFETY: both are new.
    let pair = unsafe { (OwnedFd::from_raw_fd(fds[0]), OwnedFd::from_raw_fd(fds[1])) };
    set_nonblocking(pair.0.as_raw_fd())?;
    Ok(pair)
}

pub fn set_nonblocking(fd: RawFd) -> io::Result<()> {
    // SAFETY: plain numbers.
    check(unsafe { libc::fcntl(fd, libc::F_SETFL, libc::O_NONBLOCK) })?;
    Ok(())
}

/// Begins to connect to a listener on the loopback, without waiting for it.
pub fn connect_loopback(port: u16) -> io::Result<OwnedFd> {
    // SAFETY: plain numbers.
    let socket =
        own(unsafe { libc::socket(libc::AF_INET, libc::SOCK_STREAM | libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK, 0) })?;
    // SAFETY: all zero is a valid address; it is read only, with its size.
    let connected = unsafe {
        let mut address: libc::sockaddr_in = std::mem::zeroed();
        address.sin_family = libc::AF_INET as libc::sa_family_t;
        address.sin_addr.s_addr = u32::from(std::net::Ipv4Addr::LOCALHOST).to_be();
        address.sin_port = port.to_be();
        let size = std::mem::size_of::<libc::sockaddr_in>() as libc::socklen_t;
        check(libc::connect(socket.as_raw_fd(), (&raw const address).cast(), size))
    };
    match connected {
        Err(error) if error.raw_os_error() != Some(libc::EINPROGRESS) => Err(error),
        _ => Ok(socket),
    }
}

pub struct Epoll(OwnedFd);

impl Epoll {
    pub fn new() -> io::Result<Self> {
        // SAFETY: plain numbers.
        own(unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) }).map(Epoll)
    }

    fn control(&self, operation: libc::c_int, fd: RawFd, events: u32, token: u64) -> io::Result<()> {
        let mut event = libc::epoll_event { events, u64: token };
        // SAFETY: the event outlives the call.
        check(unsafe { libc::epoll_ctl(self.0.as_raw_fd(), operation, fd, &raw mut event) })?;
        Ok(())
    }

    pub fn add(&self, fd: RawFd, events: u32, token: u64) -> io::Result<()> {
        self.control(libc::EPOLL_CTL_ADD, fd, events, token)
    }

    pub fn change(&self, fd: RawFd, events: u32, token: u64) -> io::Result<()> {
        self.control(libc::EPOLL_CTL_MOD, fd, events, token)
    }

    pub fn remove(&self, fd: RawFd) -> io::Result<()> {
        self.control(libc::EPOLL_CTL_DEL, fd, 0, 0)
    }

    pub fn wait(&self, events: &mut [libc::epoll_event; 32]) -> io::Result<usize> {
        loop {
            // SAFETY: room for as many events as told.
            let found = unsafe { libc::epoll_wait(self.0.as_raw_fd(), events.as_mut_ptr(), events.len() as i32, -1) };
            match check(found) {
                Ok(found) => return Ok(found as usize),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}

/// Gives /proc/PID of this process to root. Programs that it starts are as open as ever: exec resets it.
pub fn forbid_inspection() -> io::Result<()> {
    // SAFETY: plain numbers.
    check(unsafe { libc::prctl(libc::PR_SET_DUMPABLE, 0, 0, 0, 0) })?;
    Ok(())
}

/// Makes children's ends something to wait for. SIGCHLD is blocked; the other signals are ignored.
pub fn watch_children() -> io::Result<OwnedFd> {
    // SAFETY: the set is initialised before it is used.
    unsafe {
        let mut set: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&raw mut set);
        libc::sigaddset(&raw mut set, libc::SIGCHLD);
        check(libc::sigprocmask(libc::SIG_BLOCK, &raw const set, std::ptr::null_mut()))?;
        for signal in [libc::SIGTERM, libc::SIGINT, libc::SIGPIPE, libc::SIGHUP] {
            libc::signal(signal, libc::SIG_IGN);
        }
        check(libc::prctl(libc::PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0))?;
        own(libc::signalfd(-1, &raw const set, libc::SFD_CLOEXEC | libc::SFD_NONBLOCK))
    }
}

/// Reaps one child: its pid, and its exit code or signal. `None` when no more have ended.
pub fn reap() -> Option<(i32, Result<i32, i32>)> {
    let mut status = 0;
    // SAFETY: the status is writable.
    let pid = unsafe { libc::waitpid(-1, &raw mut status, libc::WNOHANG) };
    if pid <= 0 {
        return None;
    }
    let end = if libc::WIFSIGNALED(status) { Err(libc::WTERMSIG(status)) } else { Ok(libc::WEXITSTATUS(status)) };
    Some((pid, end))
}

/// Kills every process that this one may signal, but itself. The kernel takes them all at once: none can fork away.
pub fn kill_all() -> io::Result<()> {
    // SAFETY: plain numbers.
    match check(unsafe { libc::kill(-1, libc::SIGKILL) }) {
        // There is none, or none that it may signal.
        Err(error) if !matches!(error.raw_os_error(), Some(libc::ESRCH | libc::EPERM)) => Err(error),
        _ => Ok(()),
    }
}

/// Tells whether there are children that have not been reaped, ended or not.
pub fn has_children() -> bool {
    // SAFETY: nothing is written: the kernel takes a null pointer here.
    let found =
        unsafe { libc::waitid(libc::P_ALL, 0, std::ptr::null_mut(), libc::WEXITED | libc::WNOHANG | libc::WNOWAIT) };
    found == 0
}

/// Reads the user id at the other end of a unix socket.
pub fn peer_uid(fd: RawFd) -> io::Result<u32> {
    let mut credentials = libc::ucred { pid: 0, uid: 0, gid: 0 };
    let mut size = std::mem::size_of::<libc::ucred>() as libc::socklen_t;
    // SAFETY: room for the structure, whose size is told.
    check(unsafe {
        libc::getsockopt(fd, libc::SOL_SOCKET, libc::SO_PEERCRED, (&raw mut credentials).cast(), &raw mut size)
    })?;
    Ok(credentials.uid)
}
