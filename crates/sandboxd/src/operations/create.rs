//! `create`: a sandbox with a fresh supervisor.

use std::fs;
use std::os::unix::fs::{chown, FileTypeExt, PermissionsExt};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use serde::Serialize;
use thaw_faults::fault_point;

use crate::error::{Code, Error, Result};
use crate::keeper::Command;
use crate::sandboxes::entry::Entry;
use crate::sandboxes::maker::Maker;
use crate::sandboxes::spec::Spec;
use crate::sys::stopwatch::{Phases, Stopwatch};

const CONTROL_SOCKET: &str = "ctl.sock";
const SUPERVISOR_TIMEOUT: Duration = Duration::from_secs(10);

/// The answer to `create` and `restore`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Made {
    control_socket: String,
    phases: Phases,
}

impl Made {
    pub fn new(entry: &Entry, watch: Stopwatch) -> Self {
        let control_socket = entry.control.join(CONTROL_SOCKET).to_string_lossy().into_owned();
        Made { control_socket, phases: watch.phases }
    }
}

/// `on_exit` is called when the supervisor ends by itself.
pub fn create(
    maker: &Maker,
    sandbox: &str,
    spec: &Spec,
    on_exit: impl FnOnce() + Send + 'static,
) -> Result<(Entry, Made)> {
    let _cold = maker.pool.cold_start();
    let mut watch = Stopwatch::start();
    let keeper = maker.take_keeper(spec)?;
    watch.lap("sandbox");
    let entry = maker.furnish(sandbox, spec, keeper, None)?;
    watch.lap("mount");
    fault_point!("create.sandbox-taken");
    entry.keeper.on_exit(on_exit);
    entry.keeper.ask(&Command::Start { server_uid: maker.server_uid }, &[])?;
    wait_for_socket(&entry.control.join(CONTROL_SOCKET))?;
    // The function must not fill the host's /run through this directory.
    chown(&entry.control, Some(0), Some(0))?;
    watch.lap("supervisor");
    fault_point!("create.started");
    let made = Made::new(&entry, watch);
    Ok((entry, made))
}

fn wait_for_socket(path: &Path) -> Result<()> {
    let deadline = Instant::now() + SUPERVISOR_TIMEOUT;
    loop {
        // The supervisor opens its socket to all once it listens.
        if fs::symlink_metadata(path)
            .is_ok_and(|meta| meta.file_type().is_socket() && meta.permissions().mode() & 0o777 == 0o777)
        {
            return Ok(());
        }
        if Instant::now() > deadline {
            return Err(Error::new(Code::Failed, "the supervisor did not start"));
        }
        thread::sleep(Duration::from_micros(200));
    }
}
