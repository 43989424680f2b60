//! Chunks that this host lacks: asked for from the server, which fetches them from the far store into the directory of chunks.

use std::collections::HashMap;
use std::sync::{Condvar, Mutex};
use std::time::{Duration, Instant};

use thaw_snapshot::chunk::{self, ChunkName, ChunkRef};
use thaw_snapshot::chunk_directory::ChunkDirectory;
use thaw_snapshot::hex;

use crate::error::{Code, Error, Result};

/// As the pager waits.
const FAR_TIMEOUT: Duration = Duration::from_secs(12);

type Ask = Box<dyn Fn(&str, bool) + Send>;

#[derive(Default)]
pub struct FarChunks {
    /// Sends the request to the server that is connected.
    ask: Mutex<Option<Ask>>,
    answers: Mutex<HashMap<ChunkName, Option<bool>>>,
    changed: Condvar,
}

impl FarChunks {
    pub fn connect(&self, ask: impl Fn(&str, bool) + Send + 'static) {
        *self.ask.lock().expect("no holder panics") = Some(Box::new(ask));
    }

    pub fn disconnect(&self) {
        *self.ask.lock().expect("no holder panics") = None;
    }

    /// Asks the server; false where there is none.
    pub fn ask(&self, name: &str, is_damaged: bool) -> bool {
        let ask = self.ask.lock().expect("no holder panics");
        if let Some(ask) = ask.as_ref() {
            ask(name, is_damaged);
        }
        ask.is_some()
    }

    pub fn arrived(&self, name: &ChunkName, has_come: bool) {
        if let Some(answer) = self.answers.lock().expect("no holder panics").get_mut(name) {
            *answer = Some(has_come);
        }
        self.changed.notify_all();
    }

    fn fetch(&self, name: &ChunkName, is_damaged: bool) -> Result<bool> {
        self.answers.lock().expect("no holder panics").insert(*name, None);
        if !self.ask(&hex::encode(name), is_damaged) {
            return Ok(false);
        }
        let deadline = Instant::now() + FAR_TIMEOUT;
        let mut answers = self.answers.lock().expect("no holder panics");
        loop {
            if let Some(&Some(has_come)) = answers.get(name) {
                answers.remove(name);
                return Ok(has_come);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                answers.remove(name);
                return Err(Error::new(Code::RestoreTimeout, "a chunk of the snapshot did not come in time"));
            }
            answers = self.changed.wait_timeout(answers, left).expect("no holder panics").0;
        }
    }

    /// A chunk's content, authenticated; fetched where this host lacks it or has it damaged.
    pub fn read(&self, directory: &ChunkDirectory, wanted: &ChunkRef) -> Result<Vec<u8>> {
        let local = directory.read(&wanted.name).map(|file| chunk::open(wanted, file));
        let is_damaged = match local {
            Ok(Ok(content)) => return Ok(content),
            Ok(Err(_)) => true,
            Err(_) => false,
        };
        if self.fetch(&wanted.name, is_damaged)? {
            if let Ok(Ok(content)) = directory.read(&wanted.name).map(|file| chunk::open(wanted, file)) {
                return Ok(content);
            }
        }
        let why = if is_damaged { "was changed" } else { "is missing" };
        Err(Error::new(Code::SnapshotDamaged, format!("a chunk {why}: {}", hex::encode(&wanted.name))))
    }
}
