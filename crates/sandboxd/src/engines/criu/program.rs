//! The CRIU program: its version, and the kernel facts that it caches so that it need not probe at every start.

use std::fs::File;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use nix::mount::{mount, MsFlags};
use nix::sched::{unshare, CloneFlags};

/// The oldest CRIU that restores a JVM on a current kernel (4.1.1 fails with "Can't get 1:34 opt").
const VERSION_MIN: (u32, u32, u32) = (4, 2, 1);

pub struct Program {
    pub path: PathBuf,
    pub version: String,
    pub file: File,
    /// Contents of `/run/criu.kdat`.
    pub kdat: Vec<u8>,
}

impl Program {
    pub fn open(path: &Path) -> Result<Self, String> {
        if has_seccomp_filter() {
            // The kernel shows a function's own filter only to who has none.
            return Err("sandboxd itself is under a filter of system calls (a container's, or SystemCallFilter= and the like of its service)".into());
        }
        let version = read_version(path)?;
        let parts: Vec<u32> = version.split('.').filter_map(|part| part.parse().ok()).collect();
        let found = (
            parts.first().copied().unwrap_or(0),
            parts.get(1).copied().unwrap_or(0),
            parts.get(2).copied().unwrap_or(0),
        );
        if found < VERSION_MIN {
            return Err(format!("CRIU {version} at {} is too old: 4.2.1 or newer is needed", path.display()));
        }
        let file = File::open(path).map_err(|error| format!("{}: {error}", path.display()))?;
        let kdat = probe_kernel(path).map_err(|error| format!("criu check failed: {error}"))?;
        Ok(Program { path: path.to_path_buf(), version, file, kdat })
    }
}

fn has_seccomp_filter() -> bool {
    std::fs::read_to_string("/proc/self/status")
        .is_ok_and(|status| status.lines().any(|line| line.split_whitespace().eq(["Seccomp:", "2"])))
}

fn read_version(path: &Path) -> Result<String, String> {
    let output = Command::new(path)
        .arg("--version")
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("no CRIU at {}: {error}", path.display()))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.lines()
        .find_map(|line| line.strip_prefix("Version: "))
        .map(|version| version.trim().to_string())
        .ok_or_else(|| format!("{} does not say its version", path.display()))
}

/// Runs `criu check`, which writes its findings to `/run` if that is a tmpfs: in a mount namespace of its own, so that
/// the host's is left alone.
fn probe_kernel(path: &Path) -> io::Result<Vec<u8>> {
    let mut command = Command::new("/bin/sh");
    command
        .args(["-c", "\"$0\" check >/dev/null 2>&1; exec cat /run/criu.kdat", &path.to_string_lossy()])
        .stdin(Stdio::null())
        .stderr(Stdio::null());
    // SAFETY: only system calls between fork and exec.
    unsafe {
        command.pre_exec(|| {
            unshare(CloneFlags::CLONE_NEWNS)?;
            mount(None::<&str>, "/", None::<&str>, MsFlags::MS_REC | MsFlags::MS_PRIVATE, None::<&str>)?;
            mount(Some("thaw"), "/run", Some("tmpfs"), MsFlags::empty(), None::<&str>)?;
            Ok(())
        });
    }
    let output = command.output()?;
    if !output.status.success() || output.stdout.is_empty() {
        return Err(io::Error::other("no criu.kdat was written"));
    }
    Ok(output.stdout)
}
