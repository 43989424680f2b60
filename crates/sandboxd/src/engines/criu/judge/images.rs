//! The parts of CRIU's images that are judged. Field numbers are those of CRIU's images/*.proto.

use prost::Message;

use super::Judged;

/// In front of the entries: one for all images, then the image's own.
const COMMON_MAGIC: u32 = 0x5456_4319;
const INVENTORY_MAGIC: u32 = 0x5831_3116;
const MAGIC_SIZE_BYTES: usize = 8;

#[derive(Clone, PartialEq, Message)]
pub struct Inventory {
    #[prost(uint32, required, tag = "1")]
    pub version: u32,
    #[prost(message, optional, tag = "3")]
    pub root_ids: Option<Ids>,
}

/// Which kernel objects a process shares with others.
#[derive(Clone, PartialEq, Message)]
pub struct Ids {
    #[prost(uint32, optional, tag = "5")]
    pub pid: Option<u32>,
    #[prost(uint32, optional, tag = "6")]
    pub net: Option<u32>,
    #[prost(uint32, optional, tag = "7")]
    pub ipc: Option<u32>,
    #[prost(uint32, optional, tag = "8")]
    pub uts: Option<u32>,
    #[prost(uint32, optional, tag = "9")]
    pub mnt: Option<u32>,
    #[prost(uint32, optional, tag = "10")]
    pub user: Option<u32>,
    #[prost(uint32, optional, tag = "11")]
    pub cgroup: Option<u32>,
    #[prost(uint32, optional, tag = "12")]
    pub time: Option<u32>,
}

#[derive(Clone, PartialEq, Message)]
pub struct Core {
    #[prost(int32, required, tag = "1")]
    pub machine: i32,
    #[prost(message, optional, tag = "3")]
    pub task: Option<Task>,
    #[prost(message, optional, tag = "4")]
    pub ids: Option<Ids>,
    #[prost(message, optional, tag = "5")]
    pub thread: Option<Thread>,
}

/// A process with its threads, itself among them.
#[derive(Clone, PartialEq, Message)]
pub struct Process {
    #[prost(uint32, required, tag = "1")]
    pub pid: u32,
    #[prost(uint32, repeated, packed = "false", tag = "5")]
    pub threads: Vec<u32>,
}

#[derive(Clone, PartialEq, Message)]
pub struct Task {
    #[prost(uint32, required, tag = "1")]
    pub state: u32,
}

#[derive(Clone, PartialEq, Message)]
pub struct Thread {
    #[prost(message, optional, tag = "10")]
    pub creds: Option<Creds>,
    #[prost(int32, optional, tag = "11")]
    pub seccomp_mode: Option<i32>,
    #[prost(uint32, optional, tag = "12")]
    pub seccomp_filter: Option<u32>,
}

#[derive(Clone, PartialEq, Message)]
pub struct Creds {
    #[prost(uint32, required, tag = "1")]
    pub uid: u32,
    #[prost(uint32, required, tag = "2")]
    pub gid: u32,
    #[prost(uint32, required, tag = "3")]
    pub euid: u32,
    #[prost(uint32, required, tag = "4")]
    pub egid: u32,
    #[prost(uint32, required, tag = "5")]
    pub suid: u32,
    #[prost(uint32, required, tag = "6")]
    pub sgid: u32,
    #[prost(uint32, required, tag = "7")]
    pub fsuid: u32,
    #[prost(uint32, required, tag = "8")]
    pub fsgid: u32,
    #[prost(uint32, repeated, packed = "false", tag = "9")]
    pub inheritable: Vec<u32>,
    #[prost(uint32, repeated, packed = "false", tag = "10")]
    pub permitted: Vec<u32>,
    #[prost(uint32, repeated, packed = "false", tag = "11")]
    pub effective: Vec<u32>,
    #[prost(uint32, repeated, packed = "false", tag = "12")]
    pub bounding: Vec<u32>,
    #[prost(uint32, required, tag = "13")]
    pub securebits: u32,
    #[prost(uint32, repeated, packed = "false", tag = "14")]
    pub groups: Vec<u32>,
    #[prost(bytes = "vec", optional, tag = "15")]
    pub lsm_profile: Option<Vec<u8>>,
    #[prost(bytes = "vec", optional, tag = "16")]
    pub lsm_sockcreate: Option<Vec<u8>>,
    #[prost(bytes = "vec", optional, tag = "17")]
    pub apparmor: Option<Vec<u8>>,
    #[prost(uint32, optional, tag = "18")]
    pub no_new_privs: Option<u32>,
    #[prost(uint32, repeated, packed = "false", tag = "19")]
    pub ambient: Vec<u32>,
}

#[derive(Clone, PartialEq, Message)]
pub struct Seccomp {
    #[prost(message, repeated, tag = "1")]
    pub filters: Vec<Filter>,
}

#[derive(Clone, PartialEq, Message)]
pub struct Filter {
    #[prost(bytes = "vec", required, tag = "1")]
    pub program: Vec<u8>,
    #[prost(uint32, optional, tag = "2")]
    pub previous: Option<u32>,
    #[prost(uint32, optional, tag = "3")]
    pub flags: Option<u32>,
}

#[derive(Clone, PartialEq, Message)]
pub struct File {
    #[prost(int32, required, tag = "1")]
    pub kind: i32,
    #[prost(message, optional, tag = "3")]
    pub regular: Option<RegularFile>,
    #[prost(message, optional, tag = "16")]
    pub unix: Option<UnixSocket>,
}

#[derive(Clone, PartialEq, Message)]
pub struct RegularFile {
    #[prost(uint32, required, tag = "1")]
    pub id: u32,
    #[prost(uint32, required, tag = "2")]
    pub flags: u32,
    #[prost(bytes = "vec", required, tag = "6")]
    pub name: Vec<u8>,
    #[prost(bool, optional, tag = "9")]
    pub external: Option<bool>,
}

/// A file that has its name no more.
#[derive(Clone, PartialEq, Message)]
pub struct Remap {
    #[prost(uint32, required, tag = "1")]
    pub file: u32,
    #[prost(int32, optional, tag = "3")]
    pub kind: Option<i32>,
}

#[derive(Clone, PartialEq, Message)]
pub struct UnixSocket {
    #[prost(bytes = "vec", required, tag = "11")]
    pub name: Vec<u8>,
    #[prost(bytes = "vec", optional, tag = "14")]
    pub directory: Option<Vec<u8>>,
}

#[derive(Clone, PartialEq, Message)]
pub struct Ghost {
    #[prost(uint32, required, tag = "3")]
    pub mode: u32,
}

fn unreadable() -> String {
    "can't be understood".into()
}

/// Takes the magic numbers off. The inventory has its own one only.
fn body(image: &[u8], is_inventory: bool) -> Judged<&[u8]> {
    let (size, magic) = if is_inventory { (4, INVENTORY_MAGIC) } else { (MAGIC_SIZE_BYTES, COMMON_MAGIC) };
    let (head, body) = image.split_at_checked(size).ok_or_else(unreadable)?;
    if head[..4] == magic.to_le_bytes() {
        Ok(body)
    } else {
        Err(unreadable())
    }
}

/// Takes one entry off.
fn split_entry(body: &[u8]) -> Judged<(&[u8], &[u8])> {
    let (size, after) = body.split_first_chunk::<4>().ok_or_else(unreadable)?;
    after.split_at_checked(u32::from_le_bytes(*size) as usize).ok_or_else(unreadable)
}

fn decode<T: Message + Default>(entry: &[u8]) -> Judged<T> {
    T::decode(entry).map_err(|_| unreadable())
}

fn only_of<T: Message + Default>(body: &[u8]) -> Judged<T> {
    match split_entry(body)? {
        (entry, []) => decode(entry),
        _ => Err(unreadable()),
    }
}

pub fn inventory(image: &[u8]) -> Judged<Inventory> {
    only_of(body(image, true)?)
}

/// Reads the entry of an image that has one.
pub fn only<T: Message + Default>(image: &[u8]) -> Judged<T> {
    only_of(body(image, false)?)
}

/// Reads the first entry; raw bytes may follow.
pub fn first<T: Message + Default>(image: &[u8]) -> Judged<T> {
    decode(split_entry(body(image, false)?)?.0)
}

pub fn all<T: Message + Default>(image: &[u8]) -> Judged<Vec<T>> {
    let mut rest = body(image, false)?;
    let mut found = Vec::new();
    while !rest.is_empty() {
        let (entry, after) = split_entry(rest)?;
        found.push(decode(entry)?);
        rest = after;
    }
    Ok(found)
}
