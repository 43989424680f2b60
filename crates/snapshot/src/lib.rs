//! Formats that sandboxd, the pager and (in TypeScript) the server share: a snapshot's files, and messages with
//! descriptors. Byte tables: docs/formats/snapshot.md; vectors that both languages read: docs/formats/vectors/.

pub mod beneath;
pub mod chunk;
pub mod chunk_directory;
mod chunk_order;
pub mod envelope;
pub mod hex;
pub mod manifest;
pub mod messages;
pub mod pager_messages;
pub mod relay;
#[cfg(test)]
mod vectors;
pub mod working_set;

use std::fmt;
use std::io;

pub const PAGE_SIZE_BYTES: usize = 4096;
pub const CHUNK_SIZE_BYTES_MAX: usize = 512 * 1024;
pub const PAGES_PER_CHUNK_MAX: usize = CHUNK_SIZE_BYTES_MAX / PAGE_SIZE_BYTES;

/// Foreign bytes that are not what they should be, or a file system that fails.
#[derive(Debug)]
pub enum Error {
    /// Changed, cut short, or sealed under another key: never used.
    Damaged(String),
    /// A snapshot that is being made has more to describe than its file may hold.
    TooLarge(String),
    Io(io::Error),
}

pub type Result<T> = std::result::Result<T, Error>;

pub fn damaged<T>(why: impl Into<String>) -> Result<T> {
    Err(Error::Damaged(why.into()))
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Error::Damaged(why) => write!(formatter, "damaged: {why}"),
            Error::TooLarge(why) => write!(formatter, "too large: {why}"),
            Error::Io(error) => write!(formatter, "{error}"),
        }
    }
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        Error::Io(error)
    }
}
