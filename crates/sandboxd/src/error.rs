//! Errors as the server sees them: a stable code and a message for operators.

use std::fmt;
use std::io;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    BadRequest,
    Unknown,
    Exists,
    NoCriu,
    SnapshotFailed,
    /// The function holds something that can't be saved. The message's first line tells its owner what.
    SnapshotRefused,
    /// The function has more files, links or pieces of memory than a snapshot can describe.
    SnapshotTooLarge,
    SnapshotDamaged,
    RestoreFailed,
    RestoreTimeout,
    /// The pager ended, and the clones with it: nothing is wrong with what they were restored from.
    PagerLost,
    /// A restore would need more memory for what is prepared than this host sets aside for all of it.
    PreparedTooLarge,
    /// The host is short of something at this moment: a process, a thread, room for what is prepared.
    Busy,
    DiskFull,
    Failed,
}

impl Code {
    pub fn name(self) -> &'static str {
        match self {
            Code::BadRequest => "SANDBOX_BAD_REQUEST",
            Code::Unknown => "SANDBOX_UNKNOWN",
            Code::Exists => "SANDBOX_EXISTS",
            Code::NoCriu => "SANDBOX_NO_CRIU",
            Code::SnapshotFailed => "SANDBOX_SNAPSHOT_FAILED",
            Code::SnapshotRefused => "SANDBOX_SNAPSHOT_REFUSED",
            Code::SnapshotTooLarge => "SANDBOX_SNAPSHOT_TOO_LARGE",
            Code::SnapshotDamaged => "SANDBOX_SNAPSHOT_DAMAGED",
            Code::RestoreFailed => "SANDBOX_RESTORE_FAILED",
            Code::RestoreTimeout => "SANDBOX_RESTORE_TIMEOUT",
            Code::PagerLost => "SANDBOX_PAGER_LOST",
            Code::PreparedTooLarge => "SANDBOX_PREPARED_TOO_LARGE",
            Code::Busy => "SANDBOX_BUSY",
            Code::DiskFull => "SANDBOX_DISK_FULL",
            Code::Failed => "SANDBOX_FAILED",
        }
    }
}

#[derive(Debug)]
pub struct Error {
    pub code: Code,
    pub message: String,
}

pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Error { code, message: message.into() }
    }

    pub fn bad_request(message: impl Into<String>) -> Self {
        Error::new(Code::BadRequest, message)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        write!(formatter, "{}: {}", self.code.name(), self.message)
    }
}

impl From<thaw_snapshot::Error> for Error {
    fn from(error: thaw_snapshot::Error) -> Self {
        match error {
            thaw_snapshot::Error::Damaged(why) => Error::new(Code::SnapshotDamaged, why),
            thaw_snapshot::Error::TooLarge(why) => Error::new(Code::SnapshotTooLarge, why),
            thaw_snapshot::Error::Io(error) => error.into(),
        }
    }
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        let code = match error.raw_os_error() {
            Some(libc::ENOSPC | libc::EDQUOT) => Code::DiskFull,
            // No process or thread, no memory for one, no descriptor.
            Some(libc::EAGAIN | libc::ENOMEM | libc::EMFILE | libc::ENFILE) => Code::Busy,
            _ => Code::Failed,
        };
        Error::new(code, error.to_string())
    }
}
