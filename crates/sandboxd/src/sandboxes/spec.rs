//! The specification of a sandbox: what the server asks for, by name.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::error::{Error, Result};
use crate::names::{check_name, HostPort};

/// Users of functions: above all that a host gives away (packages/server/src/sandboxd/host-uids.ts).
const UID_MIN: u32 = 2_000_000_000;
const UID_MAX: u32 = 2_000_065_535;

/// A language has a handful of names. They are links in the root's own small file system.
const PROGRAMS_MAX: usize = 8;
const PROGRAM_PATH_MAX: usize = 255;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Spec {
    /// `host`, the name of an installed root file system, or `image`: `task` is the root.
    pub root: String,
    pub lang: Option<String>,
    /// Links to make in `/var/lang/bin` where there is no `lang`: path inside the root by name.
    #[serde(default)]
    pub programs: BTreeMap<String, String>,
    /// None with an image, and only there.
    pub client: Option<String>,
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
    /// True where it may reach the server's services.
    #[serde(default)]
    pub services: bool,
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
        check_name("task", &self.task)?;
        for (what, name) in [("lang", &self.lang), ("client", &self.client), ("opt", &self.opt)] {
            if let Some(name) = name {
                check_name(what, name)?;
            }
        }
        let has_parts = self.lang.is_some() || self.opt.is_some() || self.client.is_some();
        if self.is_image() && has_parts || !self.is_image() && self.client.is_none() {
            return Err(Error::bad_request("an image has no lang, client and opt, and what is none has a client"));
        }
        for FileSystem { name, mount } in &self.file_systems {
            check_name("fileSystems.name", name)?;
            check_name("fileSystems.mount", mount)?;
        }
        self.check_programs()?;
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

    fn check_programs(&self) -> Result<()> {
        if self.programs.len() > PROGRAMS_MAX || (self.lang.is_some() && !self.programs.is_empty()) {
            return Err(Error::bad_request(format!("programs: at most {PROGRAMS_MAX}, and none beside a lang")));
        }
        for (name, path) in &self.programs {
            check_name("programs", name)?;
            if !path.starts_with("/usr/") || path.len() > PROGRAM_PATH_MAX {
                return Err(Error::bad_request(format!("programs: {name} is not below /usr, or its path is too long")));
            }
        }
        Ok(())
    }

    /// True where the root is a container image.
    pub fn is_image(&self) -> bool {
        self.root == "image"
    }

    /// Reads `hosts`. Throws `BadRequest` where one has another form.
    pub fn host_ports(&self) -> Result<Vec<HostPort>> {
        let read = |text: &String| text.parse().map_err(|wrong| Error::bad_request(format!("hosts: {wrong}")));
        self.hosts.iter().map(read).collect()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{json, Value};

    use super::*;

    fn is_good(lang: Value, programs: Value) -> bool {
        let spec = json!({
            "root": "host", "lang": lang, "programs": programs, "client": "java", "task": "code", "opt": null,
            "uid": UID_MIN, "memoryMib": 128, "tmpMib": 512,
        });
        serde_json::from_value::<Spec>(spec).expect("the members are known").check().is_ok()
    }

    #[test]
    fn programs_are_a_few_names_for_paths_below_usr() {
        assert!(is_good(json!(null), json!({ "java": "/usr/lib/jvm/java-17/bin/java" })));
        assert!(is_good(json!("nodejs24"), json!({})));
        assert!(!is_good(json!("nodejs24"), json!({ "java": "/usr/bin/java" })));
        assert!(!is_good(json!(null), json!({ "../java": "/usr/bin/java" })));
        assert!(!is_good(json!(null), json!({ "java": "bin/java" })));
        assert!(!is_good(json!(null), json!({ "java": format!("/usr/{}", "x".repeat(PROGRAM_PATH_MAX)) })));
        let many: serde_json::Map<_, _> =
            (0..=PROGRAMS_MAX).map(|number| (format!("p{number}"), json!("/usr/bin/p"))).collect();
        assert!(!is_good(json!(null), Value::Object(many)));
    }
}
