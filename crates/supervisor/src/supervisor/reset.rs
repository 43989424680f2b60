//! The end of all processes at once: what they leave in files stays, and nothing else of them.

use std::io::{self, ErrorKind};

use super::{invalid, Supervisor};
use crate::frames::kind;
use crate::sys;

impl Supervisor {
    /// Kills everything in the sandbox but this process. Orphans come to it to be reaped, so the last one is known.
    pub(super) fn begin_reset(&mut self) -> io::Result<()> {
        if !self.is_alone {
            return Err(invalid(()));
        }
        self.is_resetting = true;
        sys::kill_all()?;
        self.end_reset()
    }

    /// Forgets all that belonged to processes that have ended, once the last one is reaped, and says so.
    pub(super) fn end_reset(&mut self) -> io::Result<()> {
        if !self.is_resetting || sys::has_children() {
            return Ok(());
        }
        self.is_resetting = false;
        // What orphans have written lies in the pipes of those that started them.
        self.drain_outputs(|_| true);
        self.outputs.clear();
        self.connections.clear();
        self.calls.clear();
        self.outwards.clear();
        self.kept = None;
        self.drop_unaccepted()?;
        if let Some(control) = &mut self.control {
            control.push(kind::RESET_DONE, 0, b"");
        }
        Ok(())
    }

    /// Connections that wait at the listener may hold whole requests of processes that are gone.
    fn drop_unaccepted(&mut self) -> io::Result<()> {
        loop {
            match self.http_listener.accept() {
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == ErrorKind::ConnectionAborted => {}
                Err(error) => return Err(error),
            }
        }
    }
}
