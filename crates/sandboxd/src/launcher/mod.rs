//! `thaw-sandboxd launch PLAN`: the launcher. `thaw serve` becomes it as soon as the settings are read.
//!
//! ```text
//!  launcher (root) ──► helper    (root; with --companion or --install-runtimes on-use alone)
//!   holds the      ├─► sandboxd  (root) ──────── "sandboxd ready"
//!   socket         └─► server    (unprivileged)   ▼ loads its modules meanwhile, then waits
//! ```
//! All of them end when this process ends, however it ends (`setpriv --pdeathsig`); this process ends when one of them
//! does. SIGHUP renews everything, this program included: the server finishes what it has, and this process becomes
//! `thaw serve` again, with the same socket, in which new connections wait (docs/design/0012-renewal.md).

mod plan;
mod socket;

use std::fs;
use std::io::{self, BufRead, BufReader, IsTerminal, Write};
use std::mem;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::Duration;

use nix::fcntl::{fcntl, FcntlArg, FdFlag, OFlag};
use nix::poll::{poll, PollFd, PollFlags};
use nix::sys::signal::{kill, SigHandler, SigSet, Signal};
use nix::unistd::Pid;

use plan::{to_command, Plan, Program};

/// Status for a setting that is wrong, or a host that lacks something: what to do is said.
const REFUSED: i32 = 2;
const FAILED: i32 = 1;
/// sandboxd probes the kernel for CRIU when it starts.
const SANDBOXD_START_MS: u16 = 20_000;
/// As the command itself looks for it (packages/cli/bin/thaw.mjs).
const PARENT_CHECK: Duration = Duration::from_millis(500);

const LISTEN_FD: &str = "THAW_LISTEN_FD";
const READY_FD: &str = "THAW_HOST_READY_FD";
const INSTALLER_FD: &str = "THAW_INSTALLER_FD";

enum End {
    Exit(i32),
    Again,
}

/// Words for the operator, where they have not been said yet, and the exit status.
struct Refusal(Option<String>, i32);

impl Refusal {
    fn failed(message: String) -> Refusal {
        Refusal(Some(message), FAILED)
    }
}

impl From<io::Error> for Refusal {
    fn from(error: io::Error) -> Refusal {
        Refusal::failed(error.to_string())
    }
}

impl From<nix::Error> for Refusal {
    fn from(error: nix::Error) -> Refusal {
        io::Error::from(error).into()
    }
}

/// Returns the exit status. `sweep` removes what a sandboxd that did not end as it should has left.
pub fn run(path: &Path, sweep: fn()) -> i32 {
    let plan = match Plan::take(path) {
        Ok(plan) => plan,
        Err(message) => return refuse(&Refusal::failed(message)),
    };
    let end = launch(&plan, sweep);
    let _ = fs::remove_dir_all(&plan.run_dir);
    match end {
        Ok(End::Exit(status)) => status,
        Ok(End::Again) => refuse(&run_again(&plan.again)),
        Err(refusal) => refuse(&refusal),
    }
}

fn refuse(Refusal(message, status): &Refusal) -> i32 {
    if let Some(message) = message {
        say(message);
    }
    *status
}

fn say(message: &str) {
    thaw_stderr::tell!("thaw: {message}");
}

/// Becomes `thaw serve` again. Returns only where that fails.
fn run_again(words: &[String]) -> Refusal {
    let Some((program, arguments)) = words.split_first() else { return Refusal::failed("again: no program".into()) };
    // A second SIGHUP that came meanwhile has its wish; what reads the settings would die of it. A signal to stop ends
    // this process here, with nothing left to be ended.
    discard_pending(Signal::SIGHUP);
    if let Err(error) = SigSet::empty().thread_set_mask() {
        return error.into();
    }
    let error = Command::new(program).args(arguments).env(LISTEN_FD, "0").exec();
    Refusal::failed(format!("{program}: {error}"))
}

fn discard_pending(signal: Signal) {
    // SAFETY: neither is a function of ours. Ignoring a signal discards those that are pending.
    unsafe {
        let _ = nix::sys::signal::signal(signal, SigHandler::SigIgn);
        let _ = nix::sys::signal::signal(signal, SigHandler::SigDfl);
    }
}

fn launch(plan: &Plan, sweep: fn()) -> Result<End, Refusal> {
    if let Some(address) = &plan.listen {
        socket::listen_on_stdin(&address.host, address.port).map_err(|message| Refusal(Some(message), REFUSED))?;
    }
    let helper = plan.helper.as_ref().map(Helper::start).transpose()?;
    let signals = block_signals()?;
    watch_parent();
    let mut launched = Launched::start(plan, helper)?;
    let server = launched.until_server_ends(&signals)?;
    launched.end(server, &plan.doctor, sweep)
}

/// Blocks them before the first thread: one that does not would take a signal that the launcher waits for. Programs
/// that are started unblock them first (`to_command`).
fn block_signals() -> nix::Result<SigSet> {
    let mut signals = SigSet::empty();
    for signal in [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP, Signal::SIGCHLD] {
        signals.add(signal);
    }
    signals.thread_block()?;
    Ok(signals)
}

/// Ends with npm, as the command does (packages/cli/bin/thaw.mjs): npm passes no signal on.
fn watch_parent() {
    let parent = std::env::var("THAW_PARENT_PID").ok().and_then(|pid| pid.parse().ok()).map(Pid::from_raw);
    let (Some(parent), Ok(_)) = (parent, std::env::var("npm_command")) else { return };
    thread::spawn(move || {
        while Pid::parent() == parent {
            thread::sleep(PARENT_CHECK);
        }
        let _ = kill(Pid::this(), Signal::SIGTERM);
    });
}

/// What is left to Node.js as root: the companion, and installs of runtimes.
struct Helper {
    child: Child,
    /// The server's end of the socket over which it asks for runtimes.
    installer: OwnedFd,
}

impl Helper {
    /// Waits until it is ready. It says itself why it is not.
    fn start(program: &Program) -> Result<Helper, Refusal> {
        let (own, installer) = UnixStream::pair()?;
        let mut command = program.to_command()?;
        let mut child = command.stdin(OwnedFd::from(own)).stdout(Stdio::piped()).spawn()?;
        let is_ready = child.stdout.take().is_some_and(|stdout| {
            let mut line = String::new();
            BufReader::new(stdout).read_line(&mut line).is_ok() && line == "helper ready\n"
        });
        if is_ready {
            return Ok(Helper { child, installer: installer.into() });
        }
        Err(Refusal(None, child.wait()?.code().unwrap_or(FAILED)))
    }
}

struct Launched {
    helper: Option<Child>,
    sandboxd: Child,
    server: Child,
    /// Whether sandboxd has said that it is ready; empty until that is known.
    is_ready: Arc<OnceLock<bool>>,
    /// The one that ended while the server ran.
    lost: Option<&'static str>,
    stops: u32,
    is_renewal: bool,
}

impl Launched {
    fn start(plan: &Plan, helper: Option<Helper>) -> Result<Launched, Refusal> {
        let (ready, says_ready) = nix::unistd::pipe2(OFlag::O_CLOEXEC)?;
        let mut sandboxd = to_command(&plan.sandboxd)?.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
        let is_ready = Arc::new(OnceLock::new());
        if let Some(stdout) = sandboxd.stdout.take() {
            let is_ready = Arc::clone(&is_ready);
            thread::spawn(move || hand_on_ready(stdout, &is_ready, says_ready));
        }
        let mut command = plan.server.to_command()?;
        command.current_dir("/").env(READY_FD, inherited(ready.as_fd())?);
        let (helper, installer) = match helper {
            Some(Helper { child, installer }) => (Some(child), Some(installer)),
            None => (None, None),
        };
        if let Some(installer) = &installer {
            command.env(INSTALLER_FD, inherited(installer.as_fd())?);
        }
        let server = command.spawn()?;
        Ok(Launched { helper, sandboxd, server, is_ready, lost: None, stops: 0, is_renewal: false })
    }

    fn until_server_ends(&mut self, signals: &SigSet) -> io::Result<ExitStatus> {
        loop {
            match signals.wait()? {
                Signal::SIGCHLD => {
                    self.look_after_sandboxd()?;
                    if let Some(status) = self.server.try_wait()? {
                        return Ok(status);
                    }
                    self.look_after_helper()?;
                }
                // From a terminal it says that the terminal is gone.
                Signal::SIGHUP if !io::stderr().is_terminal() => self.renew(),
                _ => self.stop(),
            }
        }
    }

    fn look_after_sandboxd(&mut self) -> io::Result<()> {
        if self.lost.is_some() {
            return Ok(());
        }
        if self.sandboxd.try_wait()?.is_none() {
            if self.is_ready.get() == Some(&false) {
                signal(&self.sandboxd, Signal::SIGKILL);
            }
        } else if self.has_been_ready() {
            self.lose("sandboxd");
        } else {
            // The server has touched nothing yet.
            self.lost = Some("sandboxd");
            signal(&self.server, Signal::SIGKILL);
        }
        Ok(())
    }

    fn has_been_ready(&self) -> bool {
        self.is_ready.get() == Some(&true)
    }

    /// It never ends by itself.
    fn look_after_helper(&mut self) -> io::Result<()> {
        let Some(helper) = &mut self.helper else { return Ok(()) };
        if self.lost.is_none() && helper.try_wait()?.is_some() {
            self.lose("the helper of --companion and --install-runtimes");
        }
        Ok(())
    }

    fn lose(&mut self, who: &'static str) {
        self.lost = Some(who);
        say(&format!("{who} ended; the server stops"));
        self.stop();
    }

    fn stop(&mut self) {
        self.is_renewal = false;
        self.stops += 1;
        signal(&self.server, if self.stops > 1 { Signal::SIGKILL } else { Signal::SIGTERM });
    }

    fn renew(&mut self) {
        if self.stops == 0 {
            self.is_renewal = true;
            signal(&self.server, Signal::SIGHUP);
        }
    }

    /// Ends the others, sandboxd after the server, and the helper last: functions may still call its companion.
    fn end(mut self, server: ExitStatus, doctor: &str, sweep: fn()) -> Result<End, Refusal> {
        if !end_child(&mut self.sandboxd)?.success() {
            sweep();
        }
        if let Some(helper) = &mut self.helper {
            end_child(helper)?;
        }
        if self.lost == Some("sandboxd") && !self.has_been_ready() {
            let message = format!("sandboxd did not start; its message is above. Run: {doctor}");
            return Err(Refusal(Some(message), REFUSED));
        }
        let status = if self.lost.is_some() { FAILED } else { exit_status(server, self.stops) };
        Ok(if self.is_renewal && status == 0 { End::Again } else { End::Exit(status) })
    }
}

/// A server that was told to stop before it listened for that, or twice, ends by the signal.
fn exit_status(server: ExitStatus, stops: u32) -> i32 {
    let is_stopped = stops > 1 || (stops == 1 && server.signal() == Some(libc::SIGTERM));
    server.code().unwrap_or(if is_stopped { 0 } else { FAILED })
}

/// Sends a signal to a child that has not been waited for: its pid is nobody else's.
fn signal(child: &Child, signal: Signal) {
    let _ = kill(Pid::from_raw(child.id() as i32), signal);
}

fn end_child(child: &mut Child) -> io::Result<ExitStatus> {
    if let Some(status) = child.try_wait()? {
        return Ok(status);
    }
    signal(child, Signal::SIGTERM);
    child.wait()
}

/// Lets the next program that is started have a descriptor, under the number that is returned.
fn inherited(fd: BorrowedFd) -> nix::Result<String> {
    fcntl(fd, FcntlArg::F_SETFD(FdFlag::empty()))?;
    Ok(fd.as_raw_fd().to_string())
}

/// Hands on to the server that sandboxd is ready. One that says anything else, or nothing for too long, is ended by the
/// main thread, which is woken for it and alone knows whose pid it is.
fn hand_on_ready(stdout: ChildStdout, is_ready: &OnceLock<bool>, says_ready: OwnedFd) {
    let mut waiting = [PollFd::new(stdout.as_fd(), PollFlags::POLLIN)];
    let is_late = poll(&mut waiting, SANDBOXD_START_MS) == Ok(0);
    let mut output = BufReader::new(stdout);
    let mut line = String::new();
    let is_said = !is_late && output.read_line(&mut line).is_ok() && line == "sandboxd ready\n";
    let _ = is_ready.set(is_said);
    if !is_said {
        // The server's end of the pipe stays open: it would end by itself, and perhaps before sandboxd, whose end is
        // the reason that is told.
        mem::forget(says_ready);
        let _ = kill(Pid::this(), Signal::SIGCHLD);
        return;
    }
    // A server that has ended is waited for elsewhere.
    let _ = fs::File::from(says_ready).write_all(b"\n");
    // Whatever it says later has a reader.
    let _ = io::copy(&mut output, &mut io::sink());
}
