//! What is to be launched, as `thaw serve` has found it out of its settings (packages/server/src/main/launch-plan.ts).

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use nix::sys::signal::{signal, SigHandler, SigSet, Signal};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Plan {
    /// Null: standard input is the listening socket already.
    pub listen: Option<Address>,
    /// Directory of this launch; goes when it ends.
    pub run_dir: PathBuf,
    /// Null: nothing is left to Node.js as root.
    pub helper: Option<Program>,
    /// Its variables are the launcher's own.
    pub sandboxd: Vec<String>,
    pub server: Program,
    /// What the launcher becomes when all is renewed.
    pub again: Vec<String>,
    /// Command that looks for what keeps sandboxd from its start.
    pub doctor: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Address {
    pub host: String,
    pub port: u16,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Program {
    pub command: Vec<String>,
    /// All of them.
    pub variables: BTreeMap<String, String>,
}

impl Plan {
    /// Reads a plan and removes the file, which has passwords.
    pub fn take(path: &Path) -> Result<Plan, String> {
        let describe = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
        let text = fs::read(path).map_err(|error| describe(&error))?;
        fs::remove_file(path).map_err(|error| describe(&error))?;
        serde_json::from_slice(&text).map_err(|error| describe(&error))
    }
}

impl Program {
    pub fn to_command(&self) -> io::Result<Command> {
        let mut command = to_command(&self.command)?;
        command.env_clear().envs(&self.variables);
        Ok(command)
    }
}

/// A command in a session of its own: Ctrl-C is for the launcher, which then tells the others. No signal is blocked in
/// it, so that it can be ended, and none ignored: the launcher has one ignored from Node.js, which it was.
pub fn to_command(words: &[String]) -> io::Result<Command> {
    let (program, arguments) = words.split_first().ok_or_else(|| io::Error::other("a program of the plan is empty"))?;
    let mut command = Command::new(program);
    command.args(arguments);
    // SAFETY: each is one system call, and takes no lock between fork and exec; no handler is ours.
    unsafe {
        command.pre_exec(|| {
            signal(Signal::SIGXFSZ, SigHandler::SigDfl)?;
            SigSet::empty().thread_set_mask()?;
            nix::unistd::setsid()?;
            Ok(())
        });
    }
    Ok(command)
}
