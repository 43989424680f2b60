//! The programs that run in a sandbox: CRIU and the supervisor, each started by a fork of pid 1 or of the starter.

use std::ffi::CString;
use std::fs;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd, RawFd};

use nix::fcntl::{open, OFlag};
use nix::sched::{setns, unshare, CloneFlags};
use nix::sys::prctl;
use nix::sys::resource::{getrlimit, setrlimit, Resource};
use nix::sys::signal::SigSet;
use nix::sys::stat::{umask, Mode};
use nix::unistd::{
    chdir, dup2_stderr, dup2_stdin, dup2_stdout, fork, setgroups, setresgid, setresuid, setsid, ForkResult, Gid, Pid,
    Uid,
};

use super::capabilities::{self, Program};
use super::messages::{Memory, TimeOffsets};
use super::seccomp;
use crate::sys;

/// As AWS Lambda has them, the same for now and at most.
const LIMITS: [(Resource, u64); 4] = [
    (Resource::RLIMIT_NOFILE, 1024),
    (Resource::RLIMIT_STACK, 8 << 20),
    (Resource::RLIMIT_MEMLOCK, 64 << 10),
    // A dump would have no memory in it (coredump_filter of sandboxd), and lie in the sandbox.
    (Resource::RLIMIT_CORE, 10 << 30),
];
const SUPERVISOR: &std::ffi::CStr = c"/var/rapid/init";
const CONTROL_SOCKET: &std::ffi::CStr = c"/run/ctl/ctl.sock";
/// This program, as pid 1 of the sandbox.
pub const ACTION_SCRIPT: &str = "/proc/1/exe";

pub fn invalid(message: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, message)
}

pub struct CriuFds {
    program: RawFd,
    images: RawFd,
    work: RawFd,
}

impl CriuFds {
    /// Takes the first three of the descriptors.
    pub fn of(fds: &[OwnedFd]) -> io::Result<Self> {
        let [program, images, work, ..] = fds else {
            return Err(invalid("criu, images and work directory are needed"));
        };
        Ok(CriuFds { program: program.as_raw_fd(), images: images.as_raw_fd(), work: work.as_raw_fd() })
    }
}

/// In the starter.
pub fn start_supervisor(uid: u32, server_uid: u32) -> io::Result<()> {
    let program = seccomp::default_filter().map_err(io::Error::other)?;
    fork_in_time_namespace(TimeOffsets::default(), || become_supervisor(uid, server_uid, &program))
}

/// In the starter.
pub fn run_restore(offsets: TimeOffsets, memory: Memory, criu: &CriuFds) -> io::Result<()> {
    let mut args = ["restore", "-d", "-o", "restore.log"].map(str::to_string).to_vec();
    if memory.is_lazy() {
        args.push("--lazy-pages".to_string());
    }
    make_time_namespace(offsets)?;
    // This process waits for CRIU, which can do with its memory what it likes: it must not have more than CRIU.
    capabilities::become_program(Program::Restore)?;
    // All that is restored has it. The kernel takes a function's filter then without SYS_ADMIN.
    prctl::set_no_new_privs()?;
    fork_and_wait(|| exec_criu(criu, Program::Restore, &args, memory.is_stock()))
}

pub fn exit_with(result: io::Result<()>) -> ! {
    std::process::exit(i32::from(result.is_err()))
}

/// Makes, in a forked child, a new time namespace for a grandchild that runs `body`, which must not return but by an
/// error.
fn fork_in_time_namespace(offsets: TimeOffsets, body: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
    make_time_namespace(offsets)?;
    // SAFETY: forked from a process with one thread.
    match unsafe { fork()? } {
        ForkResult::Parent { .. } => Ok(()),
        ForkResult::Child => exit_with(body()),
    }
}

fn fork_and_wait(body: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
    // SAFETY: forked from a process with one thread.
    match unsafe { fork()? } {
        ForkResult::Child => exit_with(body()),
        ForkResult::Parent { child } => match nix::sys::wait::waitpid(child, None)? {
            nix::sys::wait::WaitStatus::Exited(_, 0) => Ok(()),
            _ => Err(io::Error::other("criu failed")),
        },
    }
}

fn make_time_namespace(offsets: TimeOffsets) -> io::Result<()> {
    unshare(CloneFlags::from_bits_retain(libc::CLONE_NEWTIME))?;
    if offsets.monotonic_ns == 0 && offsets.boottime_ns == 0 {
        return Ok(());
    }
    let line =
        |name: &str, ns: i64| format!("{name} {} {}\n", ns.div_euclid(1_000_000_000), ns.rem_euclid(1_000_000_000));
    fs::write(
        "/proc/self/timens_offsets",
        line("monotonic", offsets.monotonic_ns) + &line("boottime", offsets.boottime_ns),
    )
}

/// Enters the namespaces that the supervisor does not share with pid 1.
pub fn enter_namespaces(supervisor: Pid) -> io::Result<()> {
    for (name, kind) in [("time", libc::CLONE_NEWTIME), ("cgroup", libc::CLONE_NEWCGROUP)] {
        let path = format!("/proc/{supervisor}/ns/{name}");
        let namespace = open(path.as_str(), OFlag::O_RDONLY | OFlag::O_CLOEXEC, Mode::empty())?;
        setns(namespace, CloneFlags::from_bits_retain(kind))?;
    }
    Ok(())
}

/// Reads by how much the clocks of a process differ from the host's.
pub fn offsets_of(pid: Pid) -> io::Result<TimeOffsets> {
    let text = fs::read_to_string(format!("/proc/{pid}/timens_offsets"))?;
    let offset = |name: &str| -> i64 {
        let parts: Vec<i64> = text
            .lines()
            .find_map(|line| line.strip_prefix(name))
            .map(|rest| rest.split_whitespace().filter_map(|part| part.parse().ok()).collect())
            .unwrap_or_default();
        parts.first().copied().unwrap_or(0) * 1_000_000_000 + parts.get(1).copied().unwrap_or(0)
    };
    Ok(TimeOffsets { monotonic_ns: offset("monotonic"), boottime_ns: offset("boottime") })
}

/// Reads clocks with these offsets, now.
pub fn clocks_with(offsets: TimeOffsets) -> TimeOffsets {
    TimeOffsets {
        monotonic_ns: sys::clock_ns(libc::CLOCK_MONOTONIC) + offsets.monotonic_ns,
        boottime_ns: sys::clock_ns(libc::CLOCK_BOOTTIME) + offsets.boottime_ns,
    }
}

fn use_dev_null() -> io::Result<()> {
    let null = open("/dev/null", OFlag::O_RDWR, Mode::empty())?;
    dup2_stdin(&null)?;
    dup2_stdout(&null)?;
    dup2_stderr(&null)?;
    Ok(())
}

/// Goes from root to the function's user with nothing left to come back by, then into the supervisor.
fn become_supervisor(uid: u32, server_uid: u32, program: &seccomp::Program) -> io::Result<()> {
    setsid()?;
    use_dev_null()?;
    sys::close_fds_except(3, &[]);
    umask(Mode::from_bits_truncate(0o022));
    for (resource, most) in LIMITS {
        limit(resource, most)?;
    }
    SigSet::empty().thread_set_mask()?;
    // A container image may have no such folder.
    chdir("/var/task").or_else(|_| chdir("/"))?;
    drop_privileges(uid)?;
    prctl::set_no_new_privs()?;
    seccomp::apply(program).map_err(io::Error::other)?;
    let server_uid = CString::new(server_uid.to_string()).expect("digits have no NUL");
    // Pid 1 is root, so all that the supervisor may signal here is the function's.
    let args = [SUPERVISOR, CONTROL_SOCKET, server_uid.as_c_str(), c"alone"];
    let no_env: [&std::ffi::CStr; 0] = [];
    nix::unistd::execve(SUPERVISOR, &args, &no_env)?;
    Ok(())
}

/// Sets a limit; the highest there may be where the host itself has a lower one that can't be raised.
fn limit(resource: Resource, most: u64) -> nix::Result<()> {
    setrlimit(resource, most, most).or_else(|_| {
        let (_, hard) = getrlimit(resource)?;
        setrlimit(resource, most.min(hard), most.min(hard))
    })
}

fn drop_privileges(uid: u32) -> io::Result<()> {
    capabilities::drop_bounding(&[]);
    let (uid, gid) = (Uid::from_raw(uid), Gid::from_raw(uid));
    setgroups(&[])?;
    setresgid(gid, gid, gid)?;
    setresuid(uid, uid, uid)?;
    Ok(())
}

/// Without CAP_SYS_RESOURCE, `prlimit` on a process is allowed only to its real user: dump as that, with root's rights.
pub fn become_dumper(uid: u32) -> io::Result<()> {
    let root = (Uid::from_raw(0), Gid::from_raw(0));
    setgroups(&[])?;
    setresgid(Gid::from_raw(uid), root.1, root.1)?;
    setresuid(Uid::from_raw(uid), root.0, root.0)?;
    Ok(())
}

/// `program`: whose capabilities CRIU has.
pub fn exec_criu(criu: &CriuFds, program: Program, args: &[String], is_stock: bool) -> io::Result<()> {
    use_dev_null()?;
    SigSet::empty().thread_set_mask()?;
    sys::close_fds_except(3, &[criu.program, criu.images, criu.work]);
    for fd in [criu.images, criu.work] {
        // SAFETY: the descriptor is open for as long as this process lives.
        sys::keep_over_exec(unsafe { BorrowedFd::borrow_raw(fd) })?;
    }
    let fd_path = |fd: RawFd| format!("/proc/self/fd/{fd}");
    let mut line = vec!["criu".to_string()];
    line.extend(args.iter().cloned());
    line.extend(
        [
            "-D",
            &fd_path(criu.images),
            "-W",
            &fd_path(criu.work),
            "--tcp-established",
            "--file-locks",
            "--manage-cgroups=ignore",
            "-v1",
        ]
        .map(str::to_string),
    );
    let line: Vec<CString> =
        line.into_iter().map(|arg| CString::new(arg).expect("our arguments have no NUL")).collect();
    // SAFETY: the descriptor is open for as long as this process lives.
    let file = unsafe { BorrowedFd::borrow_raw(criu.program) };
    capabilities::become_program(program)?;
    let env = [c"PATH=/usr/sbin:/usr/bin:/sbin:/bin", if is_stock { c"CRIU_FULL_LAST_ROUND=1" } else { c"THAW=1" }];
    nix::unistd::fexecve(file, &line, &env)?;
    Ok(())
}
