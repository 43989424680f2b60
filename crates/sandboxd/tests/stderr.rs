//! A reader of the standard error that has stopped ends nothing.

use std::io::Write;
use std::os::fd::OwnedFd;
use std::process::Command;

use nix::fcntl::{fcntl, FcntlArg, OFlag};

#[test]
fn a_full_pipe_that_does_not_block_loses_a_line_and_nothing_else() {
    let (_reader, mut writer) = std::io::pipe().unwrap();
    fcntl(&writer, FcntlArg::F_SETFL(OFlag::O_NONBLOCK)).unwrap();
    while writer.write(&[b'x'; 4096]).is_ok() {}
    let status = Command::new(env!("CARGO_BIN_EXE_thaw-sandboxd"))
        .arg("nonsense")
        .stderr(OwnedFd::from(writer))
        .status()
        .unwrap();
    assert_eq!(status.code(), Some(1));
}

#[test]
fn a_pipe_that_nobody_reads_loses_a_line_and_nothing_else() {
    let (_, writer) = std::io::pipe().unwrap();
    let status = Command::new(env!("CARGO_BIN_EXE_thaw-sandboxd"))
        .arg("nonsense")
        .stderr(OwnedFd::from(writer))
        .status()
        .unwrap();
    assert_eq!(status.code(), Some(1));
}
