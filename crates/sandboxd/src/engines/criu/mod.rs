//! CRIU: dumps the processes of a sandbox as a stream, and restores them with their memory on demand.

mod capture;
mod dump;
mod images;
mod judge;
mod lay_out;
mod program;
mod refusals;
mod restore;
mod shared_memory;
mod work_directory;

use std::path::{Path, PathBuf};

use thaw_snapshot::manifest::Manifest;

use super::{Captured, Clone, Engine, Original};
use crate::error::Result;
use crate::keeper::Memory;
use crate::snapshots::cutter::Sink;
use crate::snapshots::source::Source;

pub use capture::run_action_script;
pub use program::Program;

/// In the protocol and in manifests.
pub const NAME: &str = "criu";

pub struct CriuEngine {
    pub program: Program,
    pub memory: Memory,
    /// A directory in memory for CRIU's logs and sockets.
    pub work: PathBuf,
}

impl Engine for CriuEngine {
    fn name(&self) -> &'static str {
        NAME
    }

    fn capture(&self, original: &Original, sink: &mut dyn Sink) -> Result<Captured> {
        dump::dump(self, original, sink)
    }

    fn needs_all_pages(&self) -> bool {
        self.memory.needs_all_pages()
    }

    fn laid_out_size(&self, manifest: &Manifest) -> u64 {
        lay_out::size_of(manifest, self.needs_all_pages())
    }

    fn lay_out(&self, directory: &Path, manifest: &Manifest, source: &mut Source) -> Result<()> {
        lay_out::lay_out(directory, manifest, source, self.needs_all_pages())
    }

    fn restore(&self, clone: &Clone) -> Result<()> {
        restore::restore(self, clone)
    }
}
