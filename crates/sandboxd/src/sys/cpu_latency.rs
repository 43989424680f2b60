//! Processors that stay awake while a cold start begins.
//!
//! A cold start is a chain of some hundred wake-ups, from one process to the next. A processor that has gone to sleep
//! between two of them has to come back first: microseconds from a shallow state, hundreds from a deep one, more where
//! a hypervisor wakes it. As long as `/dev/cpu_dma_latency` is open with a zero written to it, the kernel polls instead
//! (its document: power/pm_qos_interface).

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use thaw_locked::{Changed, Locked};

pub const DEVICE: &str = "/dev/cpu_dma_latency";
/// From the beginning of the last cold start: longer ones are busy rather than waiting.
const HOLD: Duration = Duration::from_millis(100);

struct Held {
    until: Instant,
    _device: File,
}

#[derive(Default)]
struct State {
    held: Locked<Option<Held>>,
    begun: Changed,
}

pub struct CpuLatency {
    device: PathBuf,
    /// Time that the processors stay awake after the last request for it.
    lifetime: Duration,
    state: Arc<State>,
}

impl CpuLatency {
    /// Opens the device; none where this host has no such device, or does not let us.
    pub fn open(device: &Path) -> Option<Self> {
        Self::open_for(device, HOLD)
    }

    fn open_for(device: &Path, lifetime: Duration) -> Option<Self> {
        hold_open(device).ok()?;
        let state = Arc::new(State::default());
        let ending = Arc::clone(&state);
        thread::Builder::new().name("cpu-latency".into()).spawn(move || end_when_over(&ending)).ok()?;
        Some(CpuLatency { device: device.into(), lifetime, state })
    }

    /// Keeps the processors awake for a while from now.
    pub fn hold(&self) {
        let until = Instant::now() + self.lifetime;
        let mut held = self.state.held.lock();
        match held.as_mut() {
            Some(held) => held.until = until,
            None => {
                // Without it all works, a little later.
                let Ok(device) = hold_open(&self.device) else { return };
                *held = Some(Held { until, _device: device });
                self.state.begun.notify_one();
            }
        }
    }
}

fn hold_open(device: &Path) -> io::Result<File> {
    let mut file = OpenOptions::new().write(true).custom_flags(libc::O_NONBLOCK).open(device)?;
    file.write_all(&0_i32.to_ne_bytes())?;
    Ok(file)
}

fn end_when_over(state: &State) -> ! {
    let mut held = state.held.lock();
    loop {
        let now = Instant::now();
        held = match held.as_ref().map(|held| held.until.saturating_duration_since(now)) {
            None => state.begun.wait(held),
            Some(Duration::ZERO) => {
                *held = None;
                held
            }
            Some(left) => state.begun.wait_timeout(held, left),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    use nix::fcntl::{fcntl, FcntlArg, OFlag};
    use nix::sys::stat::Mode;

    use crate::sys::testing::TestDirectory;

    /// A pipe in the place of the device, and its end without writing on it: a read gives what is there.
    fn device(dir: &TestDirectory) -> (PathBuf, File) {
        let path = dir.0.join("device");
        nix::unistd::mkfifo(&path, Mode::S_IRWXU).unwrap();
        let reader = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(&path).unwrap();
        (path, reader)
    }

    #[test]
    fn is_held_once_for_several() {
        let dir = TestDirectory::new();
        let (path, mut reader) = device(&dir);
        // It does not end while the test runs, however long that takes.
        let latency = CpuLatency::open_for(&path, Duration::from_secs(3600)).unwrap();
        latency.hold();
        latency.hold();
        let mut all = Vec::new();
        assert_eq!(reader.read_to_end(&mut all).unwrap_err().kind(), io::ErrorKind::WouldBlock);
        // Once to see whether it can be written to, once to be held.
        assert_eq!(all, [0; 8]);
    }

    #[test]
    fn ends_by_itself_and_can_be_held_again() {
        let dir = TestDirectory::new();
        let (path, mut reader) = device(&dir);
        let latency = CpuLatency::open_for(&path, Duration::from_millis(1)).unwrap();
        // Blocks from here on until the last writer has gone.
        fcntl(&reader, FcntlArg::F_SETFL(OFlag::empty())).unwrap();
        let mut all = Vec::new();
        for length in [8, 12] {
            latency.hold();
            reader.read_to_end(&mut all).unwrap();
            assert_eq!(all, vec![0; length]);
        }
    }

    #[test]
    fn is_absent_where_there_is_no_device() {
        assert!(CpuLatency::open(Path::new("/nowhere/cpu_dma_latency")).is_none());
    }
}
