//! Named fault points, for test builds only (docs/design/0014-fault-points.md). `fault_point!("take.dumped")` is
//! nothing at all unless the feature `fault-points` is on; then a test may make the step before it fail, last, or kill
//! the process there.
//!
//! ```text
//! $THAW_FAULTS/NAME.armed    written by the test: error, delay or kill
//!              NAME.reached  the same file, taken by the first who comes by: a fault happens once
//!              NAME.go       a FIFO: a delay ends when the test opens it
//!              trace         each name that was passed, a line each
//! ```
//! tests/faults/reach.ts has the same for the server.

#[cfg(not(feature = "fault-points"))]
#[macro_export]
macro_rules! fault_point {
    ($name:literal) => {};
}

/// Returns the error from the function around it, as `?` does.
#[cfg(feature = "fault-points")]
#[macro_export]
macro_rules! fault_point {
    ($name:literal) => {
        $crate::reach($name)?
    };
}

#[cfg(feature = "fault-points")]
pub use on::reach;

#[cfg(feature = "fault-points")]
mod on {
    use std::fs::{self, File, OpenOptions};
    use std::io::{self, Write};
    use std::path::Path;

    /// Does what a test has armed this point with.
    pub fn reach(name: &str) -> io::Result<()> {
        let Some(dir) = std::env::var_os("THAW_FAULTS") else { return Ok(()) };
        let dir = Path::new(&dir);
        if let Ok(mut trace) = OpenOptions::new().append(true).open(dir.join("trace")) {
            trace.write_all(format!("{name}\n").as_bytes())?;
        }
        let reached = dir.join(format!("{name}.reached"));
        if fs::rename(dir.join(format!("{name}.armed")), &reached).is_err() {
            return Ok(());
        }
        match fs::read_to_string(&reached)?.as_str() {
            "delay" => File::open(dir.join(format!("{name}.go"))).map(drop),
            "kill" => {
                // SAFETY: plain numbers.
                unsafe { libc::kill(libc::getpid(), libc::SIGKILL) };
                Ok(())
            }
            _ => Err(io::Error::other(format!("fault point {name}"))),
        }
    }
}
