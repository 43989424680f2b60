//! The specification of a sandbox: what the server asks for, by name.

use serde::Deserialize;

use crate::error::{Error, Result};
use crate::names::{check_name, HostPort};

/// Users of functions: above all that a host gives away (packages/server/src/sandboxd/host-uids.ts).
const UID_MIN: u32 = 2_000_000_000;
const UID_MAX: u32 = 2_000_065_535;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Spec {
    pub root: String,
    pub lang: Option<String>,
    pub client: String,
    pub task: String,
    pub opt: Option<String>,
    pub uid: u32,
    pub memory_mib: u64,
    pub tmp_mib: u64,
    #[serde(default = "default_pids_max")]
    pub pids_max: u64,
    #[serde(default)]
    pub file_systems: Vec<FileSystem>,
    /// Ports of the host that this sandbox may reach besides those that all may: `A.B.C.D:PORT`, of those that the
    /// operator named for functions.
    #[serde(default)]
    pub hosts: Vec<String>,
    /// True for a check: what the sandbox sends is kept for `observe`.
    #[serde(default)]
    pub records_sent: bool,
}

/// A directory of the host that the operator named, read-write at `/mnt/MOUNT`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FileSystem {
    pub name: String,
    pub mount: String,
}

/// As AWS Lambda: 1,024 processes and threads.
fn default_pids_max() -> u64 {
    1024
}

impl Spec {
    pub fn check(&self) -> Result<()> {
        check_name("root", &self.root)?;
        check_name("client", &self.client)?;
        check_name("task", &self.task)?;
        for (what, name) in [("lang", &self.lang), ("opt", &self.opt)] {
            if let Some(name) = name {
                check_name(what, name)?;
            }
        }
        for FileSystem { name, mount } in &self.file_systems {
            check_name("fileSystems.name", name)?;
            check_name("fileSystems.mount", mount)?;
        }
        self.host_ports()?;
        let in_range = (UID_MIN..=UID_MAX).contains(&self.uid)
            && (128..=10_240).contains(&self.memory_mib)
            && (64..=10_240).contains(&self.tmp_mib)
            && (16..=4096).contains(&self.pids_max);
        if in_range {
            Ok(())
        } else {
            Err(Error::bad_request("a number of the specification is out of range"))
        }
    }

    /// Reads `hosts`. Throws `BadRequest` where one has another form.
    pub fn host_ports(&self) -> Result<Vec<HostPort>> {
        let read = |text: &String| text.parse().map_err(|wrong| Error::bad_request(format!("hosts: {wrong}")));
        self.hosts.iter().map(read).collect()
    }
}
