//! Engines: an engine turns the processes of a sandbox into the contents of a snapshot, and starts them again from it.
//!
//! An engine knows its own files, and how a process goes on. It does not know where chunks lie, how they are encrypted
//! or fetched, what a manifest is sealed with, or what a working set is: it gives contents to a `Sink` and reads them
//! from a `Source`. Another engine (gVisor, a microVM) is a folder beside `criu/`, a value of this trait, and a line in
//! `Engines`.

pub mod criu;

use std::os::fd::OwnedFd;
use std::path::Path;

use thaw_snapshot::manifest::{Clocks, Image, Manifest, Space};

use crate::error::{Code, Error, Result};
use crate::sandboxes::host::Keeper;
use crate::snapshots::cutter::Sink;
use crate::snapshots::source::Source;
use criu::CriuEngine;

pub trait Engine: Send + Sync {
    /// Its name in the protocol and in manifests.
    fn name(&self) -> &'static str;

    /// Writes the state of all processes of a sandbox into the sink. They are gone afterwards, whatever the outcome;
    /// `/tmp` is left as they left it.
    fn capture(&self, original: &Original, sink: &mut dyn Sink) -> Result<Captured>;

    /// True where restores read every page from the files that `lay_out` writes, and none from the pager.
    fn needs_all_pages(&self) -> bool;

    /// Size of the memory that `lay_out` will take.
    fn laid_out_size(&self, manifest: &Manifest) -> u64;

    /// Writes the files that every restore of the snapshot reads into a new directory, before the first of them.
    fn lay_out(&self, directory: &Path, manifest: &Manifest, source: &mut Source) -> Result<()>;

    /// Starts the processes of a snapshot in a sandbox that has the function's directories already. Returns when they
    /// run.
    fn restore(&self, clone: &Clone) -> Result<()>;
}

/// A sandbox that a snapshot is taken of. Its supervisor is parked, its memory is in place.
pub struct Original<'a> {
    pub sandbox: &'a str,
    pub keeper: &'a Keeper,
    /// The function's.
    pub uid: u32,
    pub tmp_mib: u64,
}

/// An engine's part of the manifest: where the state is that it wrote to the sink.
pub struct Captured {
    pub supervisor_pid: i32,
    pub clocks: Clocks,
    /// Connections to the outside that were closed before, because nobody would answer on them later.
    pub cut_connections: u32,
    pub images: Vec<Image>,
    pub spaces: Vec<Space>,
}

/// A sandbox that becomes a clone.
pub struct Clone<'a> {
    pub sandbox: &'a str,
    pub keeper: &'a Keeper,
    /// The directory that `lay_out` wrote to.
    pub images: OwnedFd,
    pub supervisor_pid: i32,
    pub clocks: Clocks,
    /// The socket to the pager for the clone's memory; none where the engine needs all pages.
    pub pages: Option<&'a OwnedFd>,
}

/// The engines of this host by name.
pub struct Engines {
    /// The reason where CRIU can't be used here.
    criu: std::result::Result<CriuEngine, String>,
}

impl Engines {
    pub fn new(criu: std::result::Result<CriuEngine, String>) -> Self {
        Engines { criu }
    }

    pub fn criu(&self) -> std::result::Result<&CriuEngine, &str> {
        self.criu.as_ref().map_err(String::as_str)
    }

    /// Throws `BadRequest` where there is no engine of that name.
    pub fn check_name(name: &str) -> Result<()> {
        match name {
            criu::NAME => Ok(()),
            other => {
                Err(Error::bad_request(format!("engine: this sandboxd has no engine {other}, only {}", criu::NAME)))
            }
        }
    }

    /// Throws `BadRequest` where there is no engine of that name, and `NoCriu` where it can't be used on this host.
    pub fn get(&self, name: &str) -> Result<&dyn Engine> {
        Engines::check_name(name)?;
        match &self.criu {
            Ok(criu) => Ok(criu),
            Err(problem) => Err(Error::new(Code::NoCriu, problem.clone())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_engine_that_is_not_there_is_a_bad_request_and_one_that_cannot_work_says_why() {
        let engines = Engines::new(Err("no CRIU was named".into()));
        let code = |name: &str| engines.get(name).err().map(|error| error.code);
        assert_eq!(code("gvisor"), Some(Code::BadRequest));
        assert_eq!(code("criu"), Some(Code::NoCriu));
        assert!(Engines::check_name("criu").is_ok());
    }
}
