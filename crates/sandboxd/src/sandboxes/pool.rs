//! Ready sandboxes, made ahead: namespaces, devices and mounts are off the path of a cold invoke.

use std::collections::HashMap;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Sender};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use crate::error::Result;
use crate::keeper::KeeperConfig;
use crate::sandboxes::host::{Host, Keeper};
use crate::sys::cpu_latency::CpuLatency;
use thaw_locked::Locked;

/// Nothing is made ahead before the host has had this long without a cold start: it must not compete with one.
const QUIET: Duration = Duration::from_millis(100);
/// Kinds of sandbox (runtime root, `/tmp` size) that are kept ready; the one used longest ago gives way.
const KINDS_MAX: usize = 8;

pub struct PoolOptions {
    /// Sandboxes kept ready of each kind.
    pub size: usize,
    /// Held at the beginning of each cold start.
    pub cpu_latency: Option<CpuLatency>,
}

pub struct Pool {
    host: Arc<Host>,
    ready: Locked<Kinds>,
    size: usize,
    serial: AtomicU64,
    wanted: Locked<Option<Sender<KeeperConfig>>>,
    cold_starts: ColdStarts,
    cpu_latency: Option<CpuLatency>,
}

/// Number of cold starts that are under way, and the moment when the last one ended.
struct ColdStarts(Locked<(usize, Instant)>);

/// A cold start, until it is dropped.
pub struct ColdStart<'a>(&'a ColdStarts);

impl Drop for ColdStart<'_> {
    fn drop(&mut self) {
        let mut state = self.0 .0.lock();
        *state = (state.0 - 1, Instant::now());
    }
}

impl ColdStarts {
    fn begin(&self) -> ColdStart<'_> {
        self.0.lock().0 += 1;
        ColdStart(self)
    }

    /// Tells at `now` when to look again; none: the host is quiet.
    fn pause(&self, now: Instant) -> Option<Duration> {
        let (running, ended) = *self.0.lock();
        match running {
            0 => QUIET.checked_sub(now.saturating_duration_since(ended)).filter(|pause| !pause.is_zero()),
            _ => Some(QUIET),
        }
    }
}

#[derive(Default)]
struct Kinds {
    keepers: HashMap<KeeperConfig, Vec<Arc<Keeper>>>,
    /// Least recently used first.
    order: Vec<KeeperConfig>,
}

impl Pool {
    pub fn new(host: Arc<Host>, options: PoolOptions) -> io::Result<Arc<Self>> {
        let (wanted, requests) = mpsc::channel::<KeeperConfig>();
        let pool = Arc::new(Pool {
            host,
            ready: Locked::default(),
            size: options.size,
            serial: AtomicU64::new(0),
            wanted: Locked::new(Some(wanted)),
            cold_starts: ColdStarts(Locked::new((0, Instant::now()))),
            cpu_latency: options.cpu_latency,
        });
        let refiller = Arc::downgrade(&pool);
        thread::Builder::new().name("pool".into()).spawn(move || loop {
            let Ok(first) = requests.recv() else { return };
            let Some(pool) = refiller.upgrade() else { return };
            pool.is_quiet_and_open();
            let mut kinds = vec![first];
            kinds.extend(requests.try_iter());
            for (index, kind) in kinds.iter().enumerate() {
                if !kinds[index + 1..].contains(kind) {
                    pool.fill(kind);
                }
            }
        })?;
        Ok(pool)
    }

    /// Begins a cold start: while it is held nothing is made ahead, and at its beginning the processors stay awake.
    pub fn cold_start(&self) -> ColdStart<'_> {
        if let Some(cpu_latency) = &self.cpu_latency {
            cpu_latency.hold();
        }
        self.cold_starts.begin()
    }

    /// Waits until the host is quiet. False: the pool is closed.
    fn is_quiet_and_open(&self) -> bool {
        loop {
            if self.wanted.lock().is_none() {
                return false;
            }
            match self.cold_starts.pause(Instant::now()) {
                Some(pause) => thread::sleep(pause),
                None => return true,
            }
        }
    }

    /// Gives a ready sandbox, or one made now.
    pub fn take(&self, config: &KeeperConfig) -> Result<Arc<Keeper>> {
        let found = {
            let mut kinds = self.ready.lock();
            kinds.order.retain(|kind| kind != config);
            kinds.order.push(config.clone());
            kinds.keepers.get_mut(config).and_then(Vec::pop)
        };
        self.want(config);
        match found {
            Some(keeper) => Ok(keeper),
            None => self.make(config),
        }
    }

    fn want(&self, config: &KeeperConfig) {
        if let Some(wanted) = self.wanted.lock().as_ref() {
            let _ = wanted.send(config.clone());
        }
    }

    fn make(&self, config: &KeeperConfig) -> Result<Arc<Keeper>> {
        let name = format!("sb-{}", self.serial.fetch_add(1, Ordering::Relaxed));
        Keeper::spawn(&self.host, &name, config.clone())
    }

    fn fill(&self, config: &KeeperConfig) {
        loop {
            let missing = {
                let kinds = self.ready.lock();
                let have = kinds.keepers.get(config).map_or(0, Vec::len);
                self.size.saturating_sub(have)
            };
            if missing == 0 || !self.is_quiet_and_open() {
                break;
            }
            match self.make(config) {
                Ok(keeper) => self.keep(config, keeper),
                Err(error) => {
                    thaw_stderr::tell!("sandboxd: no sandbox made ahead: {error}");
                    break;
                }
            }
        }
        self.drop_oldest_kinds();
    }

    /// Drops it where the pool was closed meanwhile.
    fn keep(&self, config: &KeeperConfig, keeper: Arc<Keeper>) {
        let mut kinds = self.ready.lock();
        if self.wanted.lock().is_some() {
            kinds.keepers.entry(config.clone()).or_default().push(keeper);
        }
    }

    fn drop_oldest_kinds(&self) {
        let mut gone = Vec::new();
        let mut kinds = self.ready.lock();
        while kinds.order.len() > KINDS_MAX {
            let oldest = kinds.order.remove(0);
            gone.extend(kinds.keepers.remove(&oldest));
        }
        drop(kinds);
    }

    pub fn close(&self) {
        self.wanted.lock().take();
        let keepers = std::mem::take(&mut self.ready.lock().keepers);
        drop(keepers);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_made_ahead_while_a_cold_start_is_under_way_or_has_just_ended() {
        let now = Instant::now();
        let long_ago = now.checked_sub(2 * QUIET).expect("the machine has been up for longer");
        let starts = ColdStarts(Locked::new((0, long_ago)));
        assert!(starts.pause(now).is_none());
        let (first, second) = (starts.begin(), starts.begin());
        drop(first);
        assert_eq!(starts.pause(now + 2 * QUIET), Some(QUIET));
        drop(second);
        let (_, ended) = *starts.0.lock();
        assert!(ended >= now);
        assert_eq!(starts.pause(ended), Some(QUIET));
        assert_eq!(starts.pause(ended + QUIET / 4), Some(QUIET * 3 / 4));
        assert!(starts.pause(ended + QUIET).is_none());
    }
}
