//! Judges CRIU's images before CRIU sees them. CRIU restores whatever its images describe, and it is root: processes of
//! any user with any rights, namespaces, devices, files that only root can open. A manifest that authenticates says no
//! more than that its maker had the snapshot's key, which the server has as well. So what is restored must be what a
//! function can be: its user, no capabilities, the sandbox's filter of system calls, the sandbox's namespaces, and
//! files that it could open itself.
//!
//! The same is asked when a snapshot is taken: a state that would be refused later fails the publish, with its reason.

mod files;
mod images;
mod processes;

use std::collections::{BTreeSet, HashSet};

use thaw_snapshot::hex;
use thaw_snapshot::manifest::{DiskEntry, DiskKind};

/// A sentence for the operator, or at a publish for the owner of the function: what there is that it can't have.
pub type Refusal = String;
type Judged<T = ()> = std::result::Result<T, Refusal>;

/// Images that a restore reads, by the name without `.img` and number. Images of namespaces are not among them: a
/// restore makes none.
const NAMES: [&str; 14] = [
    "inventory", "pstree", "seccomp", "files", "remap-fpath", "pipes-data", "fifo-data", "sk-queues", "filelocks",
    "cgroup", "memfd", "stats-dump", "inotify-wd", "timens-0",
];
const NUMBERED: [&str; 9] = ["core", "ids", "mm", "fs", "fdinfo", "pagemap-shmem", "pagemap", "pages", "bpfmap-data"];
const HEXADECIMAL: [&str; 2] = ["ghost-file", "tcp-stream"];

/// What all images of one snapshot must fit.
pub struct Expected<'a> {
    /// The function's user and group.
    pub uid: u32,
    /// Links in `/tmp`, as paths without a leading slash.
    pub links: &'a HashSet<Vec<u8>>,
}

/// Lists the links among the entries of a disk.
pub fn links_of(disk: &[DiskEntry]) -> HashSet<Vec<u8>> {
    let links = disk.iter().filter(|entry| entry.kind == DiskKind::Symlink);
    links.filter_map(|entry| hex::decode_vec(&entry.path)).collect()
}

/// True for images whose content is judged, whole.
pub fn is_judged(name: &str) -> bool {
    ["core-", "ids-", "ghost-file-"].iter().any(|start| name.starts_with(start))
        || ["inventory.img", "pstree.img", "seccomp.img", "files.img", "remap-fpath.img"].contains(&name)
}

fn is_known(name: &str) -> bool {
    let Some(name) = name.strip_suffix(".img") else { return name == "stats-dump" };
    if NAMES.contains(&name) {
        return true;
    }
    let Some((kind, number)) = name.rsplit_once('-') else { return false };
    let is = |digit: fn(&u8) -> bool| !number.is_empty() && number.bytes().all(|byte| digit(&byte));
    NUMBERED.contains(&kind) && is(u8::is_ascii_digit) || HEXADECIMAL.contains(&kind) && is(u8::is_ascii_hexdigit)
}

/// Judges the images of a snapshot. `read` gives the content of one that `is_judged`.
pub fn judge<'n, E: From<Refusal>>(
    names: impl Iterator<Item = &'n str>,
    expected: &Expected,
    mut read: impl FnMut(&str) -> std::result::Result<Vec<u8>, E>,
) -> std::result::Result<(), E> {
    let names: BTreeSet<&str> = names.collect();
    if let Some(name) = names.iter().find(|name| !is_known(name)) {
        return Err(format!("it has the state {name}, which no sandbox has").into());
    }
    for name in ["inventory.img", "pstree.img", "seccomp.img"] {
        if !names.contains(name) {
            return Err(format!("it has no {name}").into());
        }
    }
    let explain = |name: &str, why: Refusal| E::from(format!("{name}: {why}"));
    let root = read("inventory.img")
        .and_then(|image| processes::read_inventory(&image).map_err(|why| explain("inventory.img", why)))?;
    let filters = read("seccomp.img")
        .and_then(|image| processes::Filters::read(&image).map_err(|why| explain("seccomp.img", why)))?;
    let judge = processes::Judge { uid: expected.uid, filters: &filters, root: &root };
    processes::judge_tree(&read("pstree.img")?, &judge, |tid| {
        let name = format!("core-{tid}.img");
        if names.contains(name.as_str()) {
            read(&name)
        } else {
            Err(format!("it has no {name}").into())
        }
    })?;
    let renamed = if names.contains("remap-fpath.img") {
        files::read_renamed(&read("remap-fpath.img")?).map_err(|why| explain("remap-fpath.img", why))?
    } else {
        HashSet::new()
    };
    for name in names.iter().filter(|name| is_judged(name)) {
        if name.starts_with("ids-") {
            processes::judge_ids(&read(name)?, &root).map_err(|why| explain(name, why))?;
        } else if name.starts_with("ghost-file-") {
            files::judge_ghost(&read(name)?).map_err(|why| explain(name, why))?;
        } else if *name == "files.img" {
            files::judge_files(&read(name)?, &renamed, expected).map_err(|why| explain(name, why))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
