//! Lines for the standard error, which a process shares with others and with whoever reads it.
//!
//! `eprintln!` panics where it can't write: with the other end closed, or with a full pipe that Node.js, which shares
//! it, has made non-blocking. A release aborts on a panic, and every function of the host would end for a line of a
//! log. A line that can't be written is lost instead.

use std::fmt::Arguments;
use std::io::{stderr, Write};

/// Writes a line, as `eprintln!` does.
#[macro_export]
macro_rules! tell {
    ($($part:tt)*) => {
        $crate::write_line(format_args!($($part)*))
    };
}

/// Writes it in one piece, so that lines of several processes do not run together.
pub fn write_line(line: Arguments<'_>) {
    let _ = stderr().write_all(format!("{line}\n").as_bytes());
}
