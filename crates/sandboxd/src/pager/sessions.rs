//! The sessions of clones with the pager: which are live, which have lost their pages, and who waits for an answer.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::sync::mpsc::Sender;

use thaw_snapshot::envelope::FILE_SIZE_BYTES_MAX;
use thaw_snapshot::pager_messages::SessionStats;
use thaw_snapshot::working_set::{decode_runs, TouchedRun};

use crate::error::{Code, Error, Result};

/// Limit of one recording: each page of 10 GiB, and its neighbours that came with it.
const TOUCHED_PAGES_MAX: u64 = 8 * 1024 * 1024;

/// Why a clone lost its pages.
#[derive(Clone)]
pub struct Loss {
    pub code: Code,
    pub message: String,
}

impl Loss {
    pub fn of_pager() -> Self {
        Loss { code: Code::PagerLost, message: "the pager ended".into() }
    }
}

/// The pages that a clone has touched so far, and what the pager did for it.
pub type Recording = (Vec<TouchedRun>, SessionStats);

#[derive(Default)]
pub struct Sessions {
    pub live: HashSet<String>,
    pub losses: HashMap<String, Loss>,
    pub completions: HashMap<String, Sender<bool>>,
    pub recordings: HashMap<String, Sender<Recording>>,
}

impl Sessions {
    /// Throws `SnapshotFailed` where the session has lost its pager: its clone has holes.
    pub fn check_not_lost(&self, session: &str) -> Result<()> {
        match self.losses.get(session) {
            Some(loss) => {
                Err(Error::new(Code::SnapshotFailed, format!("the clone has lost its memory: {}", loss.message)))
            }
            None => Ok(()),
        }
    }

    /// Notes that the pager has ended, and with it all that was asked of it. Returns the sessions that are lost.
    pub fn lose_all(&mut self) -> Vec<String> {
        self.completions.clear();
        self.recordings.clear();
        let lost: Vec<String> = self.live.drain().collect();
        for session in &lost {
            self.losses.entry(session.clone()).or_insert_with(Loss::of_pager);
        }
        lost
    }
}

/// Reads a recording. The pager has fewer rights than we: its recording must not cost more than a clone can touch.
pub fn read_runs(fd: OwnedFd) -> Result<Vec<TouchedRun>> {
    let file = File::from(fd);
    if !file.metadata()?.is_file() {
        return Err(Error::new(Code::Failed, "the pager's recording is no file"));
    }
    let mut bytes = Vec::new();
    file.take(FILE_SIZE_BYTES_MAX as u64).read_to_end(&mut bytes)?;
    let runs = decode_runs(&bytes)?;
    if runs.iter().map(|run| u64::from(run.pages)).sum::<u64>() > TOUCHED_PAGES_MAX {
        return Err(Error::new(Code::Failed, "the pager's recording is too large"));
    }
    Ok(runs)
}
