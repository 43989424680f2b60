use super::images::{
    Core, Creds, File, Filter, Ghost, Ids, Inventory, Process, RegularFile, Remap, Seccomp, Task, Thread, UnixSocket,
};
use super::*;
use crate::keeper;
use prost::Message;
use std::collections::BTreeMap;

const UID: u32 = 100_007;

type Spoil = fn(&mut Creds);
type Images = BTreeMap<String, Vec<u8>>;

fn image(entries: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = [0x5456_4319u32.to_le_bytes(), [1, 2, 3, 4]].concat();
    for entry in entries {
        bytes.extend_from_slice(&(entry.len() as u32).to_le_bytes());
        bytes.extend_from_slice(entry);
    }
    bytes
}

fn ids() -> Ids {
    let [pid, net, ipc, uts, mnt, user, cgroup, time] = [1, 2, 3, 4, 5, 6, 7, 8].map(Some);
    Ids { pid, net, ipc, uts, mnt, user, cgroup, time }
}

fn creds() -> Creds {
    let none = vec![0, 0];
    Creds {
        uid: UID,
        gid: UID,
        euid: UID,
        egid: UID,
        suid: UID,
        sgid: UID,
        fsuid: UID,
        fsgid: UID,
        inheritable: none.clone(),
        permitted: none.clone(),
        effective: none.clone(),
        bounding: none.clone(),
        ambient: none,
        no_new_privs: Some(1),
        ..Creds::default()
    }
}

fn thread() -> Thread {
    Thread { creds: Some(creds()), seccomp_mode: Some(2), seccomp_filter: Some(1) }
}

fn core(thread: Option<Thread>) -> Core {
    Core { machine: 1, task: Some(Task { state: 1 }), ids: None, thread }
}

fn own_filter() -> Filter {
    Filter { program: keeper::filter_bytes().expect("a filter"), previous: None, flags: Some(1) }
}

/// The function has put a filter of its own above the sandbox's.
fn filters() -> Seccomp {
    Seccomp { filters: vec![own_filter(), Filter { program: vec![6; 8], previous: Some(0), flags: None }] }
}

fn put(images: &mut Images, name: &str, entry: &impl Message) {
    images.insert(name.to_string(), image(&[entry.encode_to_vec()]));
}

fn put_inventory(images: &mut Images, version: u32, root_ids: Option<Ids>) {
    let with_two = image(&[Inventory { version, root_ids }.encode_to_vec()]);
    images.insert("inventory.img".into(), [&0x5831_3116u32.to_le_bytes()[..], &with_two[8..]].concat());
}

fn regular(name: &str, flags: i32) -> File {
    let regular = RegularFile { id: 1, flags: flags as u32, name: name.into(), external: None };
    File { kind: 1, regular: Some(regular), unix: None }
}

/// One whose name is another file's by now.
fn deleted(name: &str) -> File {
    let regular = RegularFile { id: 7, flags: libc::O_RDWR as u32, name: name.into(), external: None };
    File { kind: 1, regular: Some(regular), unix: None }
}

fn unix(name: &[u8], directory: Option<&str>) -> File {
    let unix = UnixSocket { name: name.to_vec(), directory: directory.map(|text| text.as_bytes().to_vec()) };
    File { kind: 5, regular: None, unix: Some(unix) }
}

fn sample() -> Images {
    let mut images = Images::new();
    put_inventory(&mut images, 2, Some(ids()));
    put(&mut images, "seccomp.img", &filters());
    put(&mut images, "core-1001.img", &core(Some(thread())));
    put(&mut images, "core-1002.img", &core(Some(Thread { seccomp_filter: None, ..thread() })));
    // Threads that get the filter with their leader's, and by themselves.
    put(&mut images, "core-1004.img", &Core { task: None, ..core(Some(Thread { seccomp_mode: Some(0), ..thread() })) });
    put(&mut images, "core-1005.img", &Core { task: None, ..core(Some(thread())) });
    let process = |pid: u32, threads: &[u32]| Process { pid, threads: threads.to_vec() }.encode_to_vec();
    let tree = [process(1001, &[1001, 1004, 1005]), process(1002, &[1002]), process(1003, &[1003])];
    images.insert("pstree.img".into(), image(&tree));
    let dead = Core { machine: 1, task: Some(Task { state: 2 }), ids: None, thread: None };
    put(&mut images, "core-1003.img", &dead);
    put(&mut images, "ids-1001.img", &ids());
    put(&mut images, "ghost-file-1f.img", &Ghost { mode: libc::S_IFREG | 0o644 });
    put(&mut images, "remap-fpath.img", &Remap { file: 7, kind: Some(1) });
    let files = [
        regular("/tmp/data", libc::O_RDWR),
        regular("./tmp/dir/data", libc::O_WRONLY | libc::O_APPEND),
        regular("/", libc::O_DIRECTORY),
        regular("/usr/lib/libc.so", libc::O_RDONLY),
        regular("/dev/null", libc::O_RDWR),
        regular("/proc", libc::O_DIRECTORY),
        regular("/proc/meminfo", libc::O_RDONLY),
        regular("/proc/1001/maps", libc::O_RDONLY),
        regular("/proc/1001/task/1002/stat", libc::O_RDONLY),
        deleted("/tmp/link"),
        unix(b"", None),
        unix(b"\0name", None),
        unix(b"/run/ctl/ctl.sock\0", None),
        unix(b"/tmp/socket\0", None),
        unix(b"socket\0", Some("/tmp/dir")),
        File { kind: 4, regular: None, unix: None },
    ];
    images.insert("files.img".into(), image(&files.map(|file| file.encode_to_vec())));
    for name in ["mm-1001.img", "pagemap-1001.img", "pagemap-shmem-7.img", "pages-1.img"] {
        images.insert(name.into(), Vec::new());
    }
    images
}

fn judged(images: &Images) -> Judged {
    let links = HashSet::from([b"link".to_vec()]);
    judge(images.keys().map(String::as_str), &Expected { uid: UID, links: &links }, |name| {
        Ok::<_, Refusal>(images[name].clone())
    })
}

fn refused(what: &str, change: impl FnOnce(&mut Images)) {
    let mut images = sample();
    change(&mut images);
    assert!(judged(&images).is_err(), "{what} was accepted");
}

#[test]
fn a_function_as_it_is_can_be_restored() {
    assert_eq!(judged(&sample()), Ok(()));
}

#[test]
fn rights_that_no_function_has_are_refused() {
    let spoil: [(&str, Spoil); 17] = [
        ("user", |c| c.uid = 0),
        ("effective user", |c| c.euid = 0),
        ("saved user", |c| c.suid = 0),
        ("user of files", |c| c.fsuid = UID + 1),
        ("group", |c| c.gid = 0),
        ("effective group", |c| c.egid = 0),
        ("saved group", |c| c.sgid = 0),
        ("group of files", |c| c.fsgid = 0),
        ("more groups", |c| c.groups = vec![UID, 0]),
        ("inheritable", |c| c.inheritable = vec![1, 0]),
        ("permitted", |c| c.permitted = vec![0, 1]),
        ("effective", |c| c.effective = vec![1]),
        ("bounding", |c| c.bounding = vec![0, 0, 1]),
        ("ambient", |c| c.ambient = vec![1]),
        ("securebits", |c| c.securebits = 1),
        ("new privileges", |c| c.no_new_privs = Some(0)),
        ("profile", |c| c.lsm_profile = Some(b"x".to_vec())),
    ];
    for (what, change) in spoil {
        let mut creds = creds();
        change(&mut creds);
        let thread = Thread { creds: Some(creds), ..thread() };
        // Of a process, and of a thread of it, which says that it is dead.
        refused(what, |images| put(images, "core-1002.img", &core(Some(thread.clone()))));
        let core = Core { task: Some(Task { state: 2 }), ..core(Some(thread)) };
        refused(what, |images| put(images, "core-1005.img", &core));
    }
    refused("no rights named", |images| put(images, "core-1001.img", &core(Some(Thread { creds: None, ..thread() }))));
    refused("no thread", |images| put(images, "core-1001.img", &core(None)));
    refused("two entries", |images| {
        let entry = core(Some(thread())).encode_to_vec();
        images.insert("core-1001.img".into(), image(&[entry.clone(), entry]));
    });
}

#[test]
fn a_thread_without_the_filter_of_the_sandbox_is_refused() {
    for mode in [None, Some(0), Some(1)] {
        let thread = Thread { seccomp_mode: mode, ..thread() };
        refused("a mode", |images| put(images, "core-1001.img", &core(Some(thread))));
    }
    let other = |program: Vec<u8>, previous| Filter { program, previous, flags: None };
    let allow = [0x06, 0, 0, 0, 0, 0, 0xff, 0x7f].to_vec();
    let seccomp = |filters: Vec<Filter>| Seccomp { filters };
    refused("another filter", |images| put(images, "seccomp.img", &seccomp(vec![other(allow.clone(), None); 2])));
    refused("a filter of no thread", |images| {
        put(images, "seccomp.img", &seccomp(vec![own_filter(), other(allow.clone(), None)]))
    });
    refused("a circle", |images| {
        put(images, "seccomp.img", &seccomp(vec![other(allow.clone(), Some(1)), other(allow.clone(), Some(0))]))
    });
    refused("a number past the end", |images| put(images, "seccomp.img", &seccomp(vec![own_filter()])));
    refused("flags", |images| {
        let flagged = Filter { flags: Some(8), ..own_filter() };
        put(images, "seccomp.img", &seccomp(vec![flagged, other(allow.clone(), Some(0))]))
    });
    // No thread gets the filter of its leader where that is not put on all of them.
    refused("a thread", |images| {
        let alone = Filter { flags: Some(0), ..own_filter() };
        put(images, "seccomp.img", &seccomp(vec![alone, other(allow.clone(), Some(0))]))
    });
    refused("a thread that is not there", |images| drop(images.remove("core-1004.img")));
    refused("no tree", |images| drop(images.remove("pstree.img")));
    refused("no filters", |images| drop(images.remove("seccomp.img")));
}

#[test]
fn namespaces_and_states_of_another_kind_are_refused() {
    let other = |change: fn(&mut Ids)| {
        let mut ids = ids();
        change(&mut ids);
        ids
    };
    let changes: [fn(&mut Ids); 9] = [
        |i| i.pid = Some(9),
        |i| i.net = Some(9),
        |i| i.ipc = Some(9),
        |i| i.uts = Some(9),
        |i| i.mnt = Some(9),
        |i| i.user = None,
        |i| i.cgroup = Some(9),
        |i| i.time = Some(9),
        |i| *i = Ids::default(),
    ];
    for change in changes {
        refused("ids", |images| put(images, "ids-1001.img", &other(change)));
        let core = Core { ids: Some(other(change)), ..core(Some(thread())) };
        refused("ids in a core", |images| put(images, "core-1001.img", &core));
    }
    refused("no ids of the sandbox", |images| put_inventory(images, 2, None));
    refused("images of old", |images| put_inventory(images, 1, Some(ids())));
    for name in [
        "mountpoints-12.img", "netns-9.img", "userns-7.img", "creds-1001.img", "tmpfs-dev-3.tar.gz.img",
        "reg-files.img", "core-1001", "parent", "core-.img", "core-x.img", "nftables-9.img", "tunfile.img",
        "ids-1001.img.x",
    ] {
        refused(name, |images| drop(images.insert(name.into(), Vec::new())));
    }
    refused("another magic number", |images| images.get_mut("core-1001.img").expect("is there")[0] ^= 1);
    refused("cut short", |images| images.get_mut("core-1001.img").expect("is there").truncate(20));
}

#[test]
fn files_that_a_function_could_not_open_are_refused() {
    let hostile = [
        regular("/proc/1/mem", libc::O_RDONLY),
        regular("/proc/1/mem", libc::O_RDWR),
        regular("/proc/2/maps", libc::O_RDONLY),
        regular("/proc/self/mem", libc::O_RDWR),
        regular("/proc/1001/mem", libc::O_RDONLY),
        regular("/proc/1001/root/proc/1/mem", libc::O_RDONLY),
        regular("/proc/1001/cwd", libc::O_RDONLY),
        regular("/proc/1001/fd/3", libc::O_RDONLY),
        regular("/proc/sys/kernel/core_pattern", libc::O_RDWR),
        regular("/proc/sysrq-trigger", libc::O_WRONLY),
        regular("./proc/../proc/1/mem", libc::O_RDONLY),
        regular("/run/.thaw/disk/upper/x", libc::O_RDONLY),
        regular("/mnt/data/theirs", libc::O_RDONLY),
        regular("/usr/bin/true", libc::O_RDWR),
        regular("/dev/sda", libc::O_RDONLY),
        regular("/tmp/link", libc::O_RDWR),
        regular("/tmp/link/1/mem", libc::O_RDWR),
        deleted("/tmp/link/1/mem"),
        deleted("/proc/1/mem"),
        regular("/tmp/new", libc::O_RDONLY | libc::O_CREAT),
        regular("/tmp/../proc/1/mem", libc::O_RDONLY),
        File {
            kind: 1,
            regular: Some(RegularFile { id: 1, flags: 0, name: b"/tmp/x".to_vec(), external: Some(true) }),
            unix: None,
        },
        File { kind: 1, regular: None, unix: None },
        unix(b"/run/x\0", None),
        unix(b"/tmp/link/x\0", None),
        unix(b"x\0", Some("/run")),
        unix(b"../run/x\0", Some("/tmp")),
        unix(b"x\0", None),
        File { kind: 10, regular: None, unix: None },
        File { kind: 14, regular: None, unix: None },
        File { kind: 15, regular: None, unix: None },
        File { kind: 16, regular: None, unix: None },
        File { kind: 99, regular: None, unix: None },
    ];
    for file in hostile {
        refused(&format!("{file:?}"), |images| put(images, "files.img", &file));
    }
    for kind in [libc::S_IFBLK, libc::S_IFCHR] {
        refused("a device", |images| put(images, "ghost-file-1f.img", &Ghost { mode: kind | 0o666 }));
    }
}

use proptest::prelude::*;

proptest! {
    #[test]
    fn any_bytes_are_judged_and_never_a_panic(
        name in prop_oneof![Just("files.img"), Just("core-1001.img"), Just("seccomp.img"), Just("inventory.img")],
        bytes in proptest::collection::vec(any::<u8>(), 0..300),
    ) {
        let mut images = sample();
        images.insert(name.into(), image(std::slice::from_ref(&bytes)));
        let _ = judged(&images);
        images.insert(name.into(), bytes);
        let _ = judged(&images);
    }
}
