//! Open files in CRIU's images. CRIU opens them as root, by their paths in the sandbox.

use std::collections::HashSet;

use super::images::{all, first, File, Ghost, RegularFile, Remap, UnixSocket};
use super::{Expected, Judged};

const REGULAR: i32 = 1;
const UNIX: i32 = 5;
/// Kinds of remapped files.
const LINKED: i32 = 0;
const GHOST: i32 = 1;
/// Pipes, FIFOs, sockets of the internet, eventfds, epolls, inotify, signalfds, netlink, timerfds, memfds, pidfds. Not:
/// packet sockets, terminals, fanotify, namespaces, tunnels, what a plugin restores, maps of BPF.
const OTHERS: [i32; 11] = [2, 3, 4, 6, 7, 8, 9, 13, 17, 18, 20];
/// Up to this, processes are the sandbox's own.
const LAST_RESERVED_PID: u32 = 1000;
const DEVICES: [&[u8]; 5] = [b"null", b"zero", b"full", b"random", b"urandom"];
const CONTROL_SOCKET: &[u8] = b"/run/ctl/ctl.sock";
const TYPE_MASK: u32 = libc::S_IFMT;

/// Lists the files that were deleted, or have another name: CRIU links them to theirs for a moment, and to another one
/// where something has that by now. It does not follow a link there.
pub fn read_renamed(image: &[u8]) -> Judged<HashSet<u32>> {
    let is_link = |remap: &Remap| [LINKED, GHOST].contains(&remap.kind.unwrap_or(LINKED));
    Ok(all::<Remap>(image)?.into_iter().filter(is_link).map(|remap| remap.file).collect())
}

pub fn judge_files(image: &[u8], renamed: &HashSet<u32>, expected: &Expected) -> Judged {
    for file in all::<File>(image)? {
        match file.kind {
            REGULAR => judge_regular(&file.regular.ok_or("a file has no path")?, renamed, expected)?,
            UNIX => judge_unix(&file.unix.ok_or("a socket has no name")?, expected)?,
            kind if OTHERS.contains(&kind) => {}
            kind => return Err(format!("an open file is {}", foreign_kind(kind))),
        }
    }
    Ok(())
}

/// The other kinds that CRIU has, in a sentence.
fn foreign_kind(kind: i32) -> String {
    let name = match kind {
        10 => "a packet socket",
        11 => "a terminal",
        12 => "a fanotify group",
        14 => "a namespace",
        15 => "a tunnel (/dev/net/tun)",
        19 => "a map of BPF",
        _ => return format!("of a kind that no function has (CRIU's number {kind})"),
    };
    format!("{name}, which no clone can have")
}

/// A file that was deleted while it was open.
pub fn judge_ghost(image: &[u8]) -> Judged {
    match first::<Ghost>(image)?.mode & TYPE_MASK {
        libc::S_IFCHR | libc::S_IFBLK => Err("a deleted file is a device".into()),
        _ => Ok(()),
    }
}

fn show(path: &[u8]) -> String {
    format!("an open file is {}", String::from_utf8_lossy(path).escape_default())
}

/// Parts of a path from the sandbox's root. None where one goes up.
fn parts_of(path: &[u8]) -> Option<Vec<&[u8]>> {
    let parts: Vec<&[u8]> = path.split(|byte| *byte == b'/').filter(|part| !part.is_empty() && *part != b".").collect();
    (!parts.contains(&b"..".as_slice())).then_some(parts)
}

fn judge_regular(file: &RegularFile, renamed: &HashSet<u32>, expected: &Expected) -> Judged {
    let flags = file.flags as i32;
    let is_read_only = flags & libc::O_ACCMODE == libc::O_RDONLY;
    if file.external == Some(true) || flags & (libc::O_CREAT | libc::O_TRUNC | libc::O_EXCL) != 0 {
        return Err(format!("{}, in a way that no file is open", show(&file.name)));
    }
    let parts = parts_of(&file.name).ok_or_else(|| show(&file.name))?;
    let is_allowed = match parts[..] {
        [b"tmp", .., _] if renamed.contains(&file.id) => !goes_through_link(&parts[1..parts.len() - 1], expected),
        [b"tmp", ..] => !goes_through_link(&parts[1..], expected),
        [b"dev", name] => DEVICES.contains(&name),
        [b"proc", ..] => is_read_only && is_own_process_file(&parts[1..]),
        [b"run", b".thaw", ..] | [b"mnt", _, ..] => false,
        _ => is_read_only,
    };
    if is_allowed {
        return Ok(());
    }
    let how = if is_read_only { "" } else { ", to be written" };
    Err(format!("{}{how}, which can't be opened for a clone", show(&file.name)))
}

/// True where a link is on the way or at its end: CRIU would follow it.
fn goes_through_link(below_tmp: &[&[u8]], expected: &Expected) -> bool {
    (1..=below_tmp.len()).any(|length| expected.links.contains(&below_tmp[..length].join(&b'/')))
}

/// Files of a process of the function, without what leads to other files by a link of the kernel; and files that are of
/// no process.
fn is_own_process_file(below_proc: &[&[u8]]) -> bool {
    let own = |pid: &[u8]| -> Option<bool> {
        let pid: u32 = std::str::from_utf8(pid).ok()?.parse().ok()?;
        Some(pid > LAST_RESERVED_PID)
    };
    let is_plain = |name: &[u8]| ![b"root".as_slice(), b"cwd", b"exe", b"mem"].contains(&name);
    match below_proc {
        [] => true,
        [pid, rest @ ..] if own(pid).is_some() => {
            own(pid) == Some(true)
                && match rest {
                    [] | [b"task"] => true,
                    [name] | [b"task", _, name] => is_plain(name),
                    [b"task", _] => true,
                    [b"net", ..] | [b"attr", _] | [b"fdinfo", _] => true,
                    _ => false,
                }
        }
        [b"self" | b"thread-self", ..] => false,
        _ => true,
    }
}

fn judge_unix(socket: &UnixSocket, expected: &Expected) -> Judged {
    let is_in_tmp = |path: &[u8]| {
        parts_of(path)
            .is_some_and(|parts| matches!(parts[..], [b"tmp", ..]) && !goes_through_link(&parts[1..], expected))
    };
    let name = socket.name.strip_suffix(b"\0").unwrap_or(&socket.name);
    let is_allowed = match (name, socket.directory.as_deref()) {
        ([], _) | ([0, ..], _) | (CONTROL_SOCKET, _) => true,
        ([b'/', ..], _) => is_in_tmp(name),
        (_, Some(directory)) => is_in_tmp(&[directory, name].join(&b'/')),
        (_, None) => false,
    };
    if is_allowed {
        return Ok(());
    }
    let name = String::from_utf8_lossy(name);
    Err(format!("a socket has the name {}, outside of /tmp", name.escape_default()))
}
