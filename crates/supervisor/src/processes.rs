//! The function's processes: started with pipes for their output, and reaped.

use std::collections::HashMap;
use std::ffi::CString;
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsRawFd, OwnedFd, RawFd};

use serde::Deserialize;

use crate::sys;

#[derive(Deserialize)]
pub struct Spawn {
    pub name: String,
    argv: Vec<String>,
    env: HashMap<String, String>,
    cwd: String,
    records: Option<Records>,
}

impl Spawn {
    /// The path of the program.
    pub fn program(&self) -> Option<&str> {
        self.argv.first().map(String::as_str)
    }
}

/// The descriptor on which the program is to write its log records, and the variable that names it to the program.
#[derive(Deserialize)]
struct Records {
    fd: i32,
    variable: String,
}

pub struct Spawned {
    pub pid: i32,
    pub stdout: OwnedFd,
    pub stderr: OwnedFd,
    /// Null where the program was given no descriptor for records.
    pub records: Option<OwnedFd>,
}

/// Numbers in the freshly forked child: where its pipes are now, and where records are to be.
struct ChildPipes {
    stdout: RawFd,
    stderr: RawFd,
    failure: RawFd,
    /// The pipe for records, and the descriptor that it becomes.
    records: Option<(RawFd, RawFd)>,
}

/// Descriptors that may be asked for: none of the first three, and under the limit of open files.
const RECORDS_FDS: std::ops::Range<i32> = 3..1024;

/// Names of what can go wrong with a program, a directory or a connection; anything else is `EIO`.
pub fn errno_name(errno: i32) -> &'static str {
    match errno {
        libc::ENOENT => "ENOENT",
        libc::EACCES => "EACCES",
        libc::ENOEXEC => "ENOEXEC",
        libc::ENOTDIR => "ENOTDIR",
        libc::E2BIG => "E2BIG",
        libc::ENOMEM => "ENOMEM",
        libc::EAGAIN => "EAGAIN",
        libc::EPERM => "EPERM",
        libc::EISDIR => "EISDIR",
        libc::ELIBBAD => "ELIBBAD",
        libc::ELOOP => "ELOOP",
        libc::EINVAL => "EINVAL",
        libc::EIO => "EIO",
        libc::EMFILE => "EMFILE",
        libc::ENAMETOOLONG => "ENAMETOOLONG",
        libc::ENFILE => "ENFILE",
        libc::ETXTBSY => "ETXTBSY",
        libc::ECONNREFUSED => "ECONNREFUSED",
        libc::ECONNRESET => "ECONNRESET",
        libc::EPIPE => "EPIPE",
        libc::ETIMEDOUT => "ETIMEDOUT",
        libc::ENOBUFS => "ENOBUFS",
        _ => "EIO",
    }
}

fn strings(texts: impl Iterator<Item = String>) -> Result<Vec<CString>, &'static str> {
    texts.map(|text| CString::new(text).map_err(|_| "EINVAL")).collect()
}

fn pointers(strings: &[CString]) -> Vec<*const libc::c_char> {
    strings.iter().map(|text| text.as_ptr()).chain([std::ptr::null()]).collect()
}

/// Why a program can't be started.
#[derive(Debug, PartialEq)]
pub struct NotSpawned {
    /// The errno's name.
    pub errno: &'static str,
    /// True where it was the working directory that could not be entered: the program has not been looked at.
    pub is_directory_wrong: bool,
}

impl From<&'static str> for NotSpawned {
    fn from(errno: &'static str) -> Self {
        NotSpawned { errno, is_directory_wrong: false }
    }
}

pub fn spawn(request: &Spawn) -> Result<Spawned, NotSpawned> {
    let argv = strings(request.argv.iter().cloned())?;
    let records = request.records.as_ref();
    let named = records.map(|Records { fd, variable }| format!("{variable}={fd}"));
    let env = strings(request.env.iter().map(|(name, value)| format!("{name}={value}")).chain(named))?;
    let cwd = CString::new(request.cwd.as_str()).map_err(|_| "EINVAL")?;
    if argv.is_empty() || records.is_some_and(|records| !RECORDS_FDS.contains(&records.fd)) {
        return Err("EINVAL".into());
    }
    let (argv_list, env_list) = (pointers(&argv), pointers(&env));
    let name_of = |error: io::Error| errno_name(error.raw_os_error().unwrap_or(0));
    let (stdout, child_stdout) = sys::pipe().map_err(name_of)?;
    let (stderr, child_stderr) = sys::pipe().map_err(name_of)?;
    let (failure, child_failure) = sys::pipe().map_err(name_of)?;
    let records_pipe = records.map(|_| sys::pipe()).transpose().map_err(name_of)?;
    let child_records = records_pipe.as_ref().zip(records).map(|((_, child), records)| (child.as_raw_fd(), records.fd));
    let pipes = ChildPipes {
        stdout: child_stdout.as_raw_fd(),
        stderr: child_stderr.as_raw_fd(),
        failure: child_failure.as_raw_fd(),
        records: child_records,
    };
    // SAFETY: this process has one thread; the child only makes system calls and ends in exec or _exit.
    let pid = unsafe { libc::fork() };
    if pid < 0 {
        return Err(name_of(io::Error::last_os_error()).into());
    }
    if pid == 0 {
        // SAFETY: in the child; every pointer was made before the fork and outlives the call.
        unsafe { become_program(&argv_list, &env_list, &cwd, pipes) };
    }
    drop((child_stdout, child_stderr, child_failure));
    match read_failure(failure) {
        None => Ok(Spawned { pid, stdout, stderr, records: records_pipe.map(|(records, _child)| records) }),
        Some((errno, is_directory_wrong)) => {
            // SAFETY: our own child, which has ended; nobody else waits for it by pid.
            unsafe { libc::waitpid(pid, std::ptr::null_mut(), 0) };
            Err(NotSpawned { errno: errno_name(errno), is_directory_wrong })
        }
    }
}

/// Ends in the program, or tells the parent why it can't.
///
/// # Safety
/// Only for a freshly forked child; the lists must end in a null pointer.
unsafe fn become_program(
    argv: &[*const libc::c_char],
    env: &[*const libc::c_char],
    cwd: &CString,
    mut pipes: ChildPipes,
) -> ! {
    // SAFETY: plain system calls on valid pointers.
    unsafe {
        libc::setpgid(0, 0);
        let is_placed = place_descriptors(&mut pipes);
        let is_ready = is_placed && libc::chdir(cwd.as_ptr()) == 0;
        if is_ready {
            let mut none: libc::sigset_t = std::mem::zeroed();
            libc::sigemptyset(&raw mut none);
            libc::sigprocmask(libc::SIG_SETMASK, &raw const none, std::ptr::null_mut());
            for signal in [libc::SIGTERM, libc::SIGINT, libc::SIGPIPE, libc::SIGHUP] {
                libc::signal(signal, libc::SIG_DFL);
            }
            libc::execve(argv[0], argv.as_ptr(), env.as_ptr());
        }
        let errno = *libc::__errno_location();
        let failure = [errno, i32::from(is_placed && !is_ready)];
        libc::write(pipes.failure, (&raw const failure).cast(), size_of_val(&failure));
        libc::_exit(127);
    }
}

/// Gives the child its descriptors; false with an errno. All others are closed by exec.
///
/// # Safety
/// Only for a freshly forked child.
unsafe fn place_descriptors(pipes: &mut ChildPipes) -> bool {
    // SAFETY: plain numbers.
    unsafe {
        let null = libc::open(c"/dev/null".as_ptr(), libc::O_RDONLY);
        if null < 0 || libc::dup2(null, 0) < 0 || libc::dup2(pipes.stdout, 1) < 0 || libc::dup2(pipes.stderr, 2) < 0 {
            return false;
        }
        if null > 2 {
            libc::close(null);
        }
        let Some((pipe, fd)) = pipes.records else { return true };
        if pipes.failure == fd {
            // The way to tell an error lies where records are to be.
            pipes.failure = libc::fcntl(fd, libc::F_DUPFD_CLOEXEC, fd + 1);
            if pipes.failure < 0 {
                return false;
            }
        }
        if pipe == fd {
            return libc::fcntl(fd, libc::F_SETFD, 0) == 0;
        }
        libc::dup2(pipe, fd) == fd
    }
}

/// Reads a failed start's errno, and whether it is that of the working directory; a successful exec closes the pipe.
fn read_failure(pipe: OwnedFd) -> Option<(i32, bool)> {
    // SAFETY: plain numbers: the read below must wait for the exec.
    unsafe { libc::fcntl(pipe.as_raw_fd(), libc::F_SETFL, 0) };
    let mut pipe = File::from(pipe);
    let mut number = || {
        let mut bytes = [0; size_of::<i32>()];
        pipe.read_exact(&mut bytes).ok().map(|()| i32::from_ne_bytes(bytes))
    };
    Some((number()?, number()? != 0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::FromRawFd;

    /// Runs a shell script with a pipe for records on `fd`; returns what it wrote there.
    fn records_of(script: &str, fd: i32) -> Result<String, NotSpawned> {
        let request = serde_json::json!({
            "name": "runtime",
            "argv": ["/bin/sh", "-c", script],
            "env": {},
            "cwd": "/",
            "records": { "fd": fd, "variable": "RECORDS_FD" },
        });
        let spawned = spawn(&serde_json::from_value(request).expect("a request"))?;
        let pipe = spawned.records.expect("a pipe");
        // SAFETY: plain numbers: the test reads to the end.
        unsafe { libc::fcntl(pipe.as_raw_fd(), libc::F_SETFL, 0) };
        let mut text = String::new();
        File::from(pipe).read_to_string(&mut text).expect("text");
        // SAFETY: our own child.
        unsafe { libc::waitpid(spawned.pid, std::ptr::null_mut(), 0) };
        Ok(text)
    }

    #[test]
    fn gives_a_pipe_for_records_wherever_its_number_is_taken() {
        let script = "echo $RECORDS_FD > /proc/self/fd/$RECORDS_FD";
        // SAFETY: a descriptor of its own for each number, so that the pipes of the spawn take the ones around it.
        let taken: Vec<OwnedFd> =
            (0..40).map(|_| unsafe { OwnedFd::from_raw_fd(libc::fcntl(1, libc::F_DUPFD_CLOEXEC, 3)) }).collect();
        let highest = taken.iter().map(AsRawFd::as_raw_fd).max().expect("one");
        for fd in [3, 62].into_iter().chain(highest - 2..highest + 10) {
            assert_eq!(records_of(script, fd), Ok(format!("{fd}\n")), "{fd}");
        }
    }

    #[test]
    fn refuses_a_number_that_is_none() {
        for fd in [-1, 2, 1024] {
            assert_eq!(records_of("true", fd), Err("EINVAL".into()), "{fd}");
        }
    }

    #[test]
    fn tells_a_wrong_directory_from_a_wrong_program() {
        let failure_of = |program: &str, cwd: &str| {
            let request = serde_json::json!({ "name": "runtime", "argv": [program], "env": {}, "cwd": cwd });
            spawn(&serde_json::from_value(request).expect("a request")).map(|spawned| spawned.pid)
        };
        let wrong = |errno, is_directory_wrong| Err(NotSpawned { errno, is_directory_wrong });
        assert_eq!(failure_of("/nowhere", "/"), wrong("ENOENT", false));
        assert_eq!(failure_of("/bin/sh", "/nowhere"), wrong("ENOENT", true));
        assert_eq!(failure_of("/nowhere", "/etc/passwd"), wrong("ENOTDIR", true));
    }
}
