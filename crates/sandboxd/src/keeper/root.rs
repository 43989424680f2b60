//! The root file system of a sandbox: a small read-only tmpfs on which the runtime's directories hang.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::{symlink, PermissionsExt};
use std::path::Path;

use nix::mount::{mount, umount2, MntFlags, MsFlags};
use nix::sys::stat::{makedev, mknod, Mode, SFlag};
use nix::unistd::{chdir, pivot_root, sethostname, Pid};

use super::messages::KeeperConfig;
use super::shown::{self, Aside, Shown};
use super::{identity, tmp_disk};
use crate::sys;

/// Up to this only init, CRIU and helpers live, so that the pids of a snapshot are free again at its restore.
const LAST_RESERVED_PID: i32 = 1000;
/// The sandbox's own in every root; those of a container image lie below them.
const OWN_DIRECTORIES: [&str; 7] = ["proc", "dev", "tmp", "run", "etc", "mnt", "var/rapid"];
const RUNTIME_DIRECTORIES: [&str; 5] = ["usr", "opt", "var/task", "var/runtime", "var/lang"];
/// Top-level directories that are links into /usr on a merged system, real directories otherwise.
const TOP_LEVEL: [&str; 6] = ["bin", "sbin", "lib", "lib32", "lib64", "libx32"];
/// What is mounted in a root that waits for its image.
const OWN_MOUNTS: [&str; 5] = ["proc", "dev", "run", "var/rapid/init", "var/rapid/libthaw-unique.so"];
/// Where the whole is put together: an own directory that is empty.
const IMAGE_POINT: &str = "/mnt";
/// The host's own programs and sources are nobody's business.
const HOST_HIDDEN: [&str; 3] = ["usr/local", "usr/src", "usr/lib/thaw"];
const ETC_COPIED: [&str; 9] = [
    "ld.so.cache", "ld.so.conf", "ld.so.conf.d", "alternatives", "ssl/certs", "ssl/openssl.cnf", "ca-certificates",
    "localtime", "mime.types",
];
/// Files that tell of the host, of its keys, or of what others do. What programs reckon with stays: cpuinfo, meminfo,
/// stat, loadavg, uptime, version, vmstat.
const PROC_MASKED: [&str; 25] = [
    "kcore", "keys", "key-users", "sysrq-trigger", "timer_list", "timer_stats", "sched_debug", "latency_stats",
    "kallsyms", "kmsg", "interrupts", "softirqs", "schedstat", "cmdline", "config.gz", "modules", "partitions",
    "diskstats", "mdstat", "swaps", "locks", "zoneinfo", "buddyinfo", "iomem", "ioports",
];
/// Devices and file systems of the host.
const PROC_HIDDEN: [&str; 8] = ["acpi", "asound", "scsi", "bus", "driver", "dynamic_debug", "fs", "irq"];
/// The one setting of the kernel that is set in a running sandbox: by pid 1 and by CRIU.
const SETTING_WRITTEN: &str = "sys/kernel/ns_last_pid";

const PASSWD: &str = "root:x:0:0:root:/root:/sbin/nologin\nnobody:x:65534:65534:nobody:/:/sbin/nologin\n";
const GROUP: &str = "root:x:0:\nnogroup:x:65534:\n";
const HOSTS: &str = "127.0.0.1 localhost sandbox sandbox.localdomain\n::1 localhost\n";
/// Ports of the host that the operator lets functions reach (sandboxes/reach.rs).
const HOST: &str = "169.254.76.2 host.thaw.internal\n";
/// What signs for the server's service door, in `/etc`.
const CERTIFICATE: &str = "thaw-ca.pem";
const NSSWITCH: &str = "passwd: files\ngroup: files\nhosts: files dns\n";
const PRELOADED: &str = "/var/rapid/libthaw-unique.so";

/// Builds the root and enters it. Afterwards this process sees nothing else of the host.
pub fn build(config: &KeeperConfig) -> io::Result<()> {
    mount(None::<&str>, "/", None::<&str>, MsFlags::MS_REC | MsFlags::MS_PRIVATE, None::<&str>)?;
    let base = Path::new(&config.mount_point);
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV;
    mount(Some("thaw"), base, Some("tmpfs"), flags, Some("mode=755,size=1m"))?;
    make_directories(base, &OWN_DIRECTORIES)?;
    build_run(config, &base.join("run"))?;
    let shown = Shown::new(&base.join(&tmp_disk::PRIVATE[1..]))?;
    build_own_etc(&base.join("etc"))?;
    if let Some(root) = &config.root {
        show_runtime(config, &shown, Path::new(root), base)?;
    }
    link_programs(&config.programs, &base.join("var/lang/bin"))?;
    fs::write(base.join("var/rapid/init"), b"")?;
    shown.show(Path::new(&config.supervisor), &base.join("var/rapid/init"))?;
    if let Some(library) = &config.preload {
        preload(&shown, Path::new(library), base)?;
    }
    drop(shown);
    build_dev(&base.join("dev"))?;
    let proc_flags = flags | MsFlags::MS_NOEXEC;
    mount(Some("proc"), &base.join("proc"), Some("proc"), proc_flags, None::<&str>)?;
    settle_kernel(&base.join("proc"))?;
    mask_proc(&base.join("proc"), &base.join("dev/null"))?;
    identity::write(base)?;
    enter(base)?;
    sethostname("sandbox")?;
    Ok(())
}

fn make_directories(base: &Path, names: &[&str]) -> io::Result<()> {
    names.iter().try_for_each(|name| fs::create_dir_all(base.join(name)))
}

/// Hangs an operating system, a language and its client into the root.
fn show_runtime(config: &KeeperConfig, shown: &Shown, source: &Path, base: &Path) -> io::Result<()> {
    make_directories(base, &RUNTIME_DIRECTORIES)?;
    shown.show(&source.join("usr"), &base.join("usr"))?;
    make_bash_the_shell(&base.join("usr/bin"))?;
    for dir in TOP_LEVEL {
        mirror_top_level(shown, source, base, dir)?;
    }
    if source == Path::new("/") {
        let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_RDONLY;
        for dir in HOST_HIDDEN.iter().filter(|dir| base.join(dir).is_dir()) {
            mount(Some("thaw"), &base.join(dir), Some("tmpfs"), flags, Some("size=4k"))?;
        }
    }
    build_etc(shown, source, &base.join("etc"))?;
    if let Some(client) = &config.client {
        shown.show(Path::new(client), &base.join("var/runtime"))?;
    }
    if let Some(lang) = &config.lang {
        shown.show(Path::new(lang), &base.join("var/lang"))?;
    }
    Ok(())
}

/// Amazon Linux has bash as `/bin/sh`, Debian dash: its file shows bash here. Nothing is done where there is no bash,
/// or `sh` is no link to a neighbour.
fn make_bash_the_shell(programs: &Path) -> io::Result<()> {
    let bash = programs.join("bash");
    let Ok(shell) = fs::read_link(programs.join("sh")) else { return Ok(()) };
    let is_neighbour = shell.components().count() == 1 && !shell.is_absolute();
    let shell = programs.join(shell);
    let is_file = |path: &Path| fs::symlink_metadata(path).is_ok_and(|meta| meta.is_file());
    if is_neighbour && shell != bash && is_file(&bash) && is_file(&shell) {
        shown::show_part(&bash, &shell)?;
    }
    Ok(())
}

/// AWS has the programs of a language in this folder, which is the first one in PATH.
fn link_programs(programs: &BTreeMap<String, String>, dir: &Path) -> io::Result<()> {
    if programs.is_empty() {
        return Ok(());
    }
    fs::create_dir(dir)?;
    programs.iter().try_for_each(|(name, path)| symlink(path, dir.join(name)))
}

fn mirror_top_level(shown: &Shown, source: &Path, base: &Path, dir: &str) -> io::Result<()> {
    let from = source.join(dir);
    if dir == "lib64" {
        if let Some(libraries) = system_libraries(source) {
            return symlink(libraries, base.join(dir));
        }
    }
    match fs::symlink_metadata(&from) {
        Err(_) => Ok(()),
        Ok(meta) if meta.is_symlink() => symlink(fs::read_link(&from)?, base.join(dir)),
        Ok(_) => {
            fs::create_dir(base.join(dir))?;
            shown.show(&from, &base.join(dir))
        }
    }
}

/// Finds where Debian keeps the libraries that other systems have in /lib64. AWS's LD_LIBRARY_PATH names /lib64 before
/// the function's own folders: only with the system's libraries in it the runtime's program loads those, and not what
/// a function has brought under their names. None where /lib64 has something else.
fn system_libraries(source: &Path) -> Option<String> {
    let libraries = format!("usr/lib/{}-linux-gnu", std::env::consts::ARCH);
    let from = source.join("lib64");
    if !source.join(&libraries).is_dir() || from.exists() && !fs::symlink_metadata(&from).ok()?.is_symlink() {
        return None;
    }
    let mut shown = fs::read_dir(source.join("usr/lib64")).into_iter().flatten().flatten();
    shown.all(|entry| source.join(&libraries).join(entry.file_name()).exists()).then_some(libraries)
}

/// What tells a sandbox from its siblings, and where the network is: an image's own would be wrong.
fn build_own_etc(etc: &Path) -> io::Result<()> {
    link_to_run(etc, "machine-id")?;
    link_to_run(etc, CERTIFICATE)?;
    fs::write(etc.join("hosts"), format!("{HOSTS}{HOST}"))?;
    fs::write(etc.join("hostname"), "sandbox\n")?;
    fs::write(etc.join("resolv.conf"), resolver())
}

/// What becomes known only when the sandbox is taken: by then this file system is read-only.
fn link_to_run(etc: &Path, name: &str) -> io::Result<()> {
    symlink(format!("/run/etc/{name}"), etc.join(name))
}

fn build_etc(shown: &Shown, source: &Path, etc: &Path) -> io::Result<()> {
    // They name the function's user. An image's own are left alone, as on AWS.
    for name in ["passwd", "group"] {
        link_to_run(etc, name)?;
    }
    fs::write(etc.join("nsswitch.conf"), NSSWITCH)?;
    let from = source.join("etc");
    let mut names: Vec<String> = ETC_COPIED.iter().map(|name| (*name).to_string()).collect();
    for entry in fs::read_dir(&from).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with("java") {
            names.push(name);
        }
    }
    if !from.is_dir() {
        return Ok(());
    }
    let whole = shown.lay_aside(&from)?;
    for name in names {
        show_etc(shown, &whole, &from, Path::new(&name), &etc.join(&name))?;
    }
    Ok(())
}

/// `whole`: the overlay of all of `/etc`, laid out aside.
fn show_etc(shown: &Shown, whole: &Aside, etc: &Path, name: &Path, to: &Path) -> io::Result<()> {
    let from = etc.join(name);
    let Ok(meta) = fs::metadata(&from) else { return Ok(()) };
    if let Some(parent) = to.parent() {
        fs::create_dir_all(parent)?;
    }
    if meta.is_dir() {
        fs::create_dir(to)?;
    } else {
        fs::write(to, b"")?;
    }
    // A link to elsewhere has an overlay of its own.
    match fs::canonicalize(&from)?.strip_prefix(fs::canonicalize(etc)?) {
        Ok(inside) => whole.show(inside, to),
        Err(_) => shown.show(&fs::canonicalize(&from)?, to),
    }
}

/// Preloads a library into all programs, whatever environment they are started with.
fn preload(shown: &Shown, library: &Path, base: &Path) -> io::Result<()> {
    fs::write(base.join(&PRELOADED[1..]), b"")?;
    shown.show(library, &base.join(&PRELOADED[1..]))?;
    fs::write(base.join("etc/ld.so.preload"), format!("{PRELOADED}\n"))
}

/// Lists the host's name servers, without those on its loopback: a sandbox can't reach them.
fn resolver() -> String {
    for file in ["/etc/resolv.conf", "/run/systemd/resolve/resolv.conf"] {
        let text = fs::read_to_string(file).unwrap_or_default();
        let lines: Vec<&str> = text
            .lines()
            .filter(|line| !line.starts_with('#') && !line.starts_with("nameserver 127.") && *line != "nameserver ::1")
            .collect();
        if lines.iter().any(|line| line.starts_with("nameserver")) {
            return lines.join("\n") + "\n";
        }
    }
    String::new()
}

fn build_dev(dev: &Path) -> io::Result<()> {
    mount(Some("thaw"), dev, Some("tmpfs"), MsFlags::MS_NOSUID | MsFlags::MS_NOEXEC, Some("mode=755,size=16k"))?;
    for (name, minor) in [("null", 3), ("zero", 5), ("full", 7), ("random", 8), ("urandom", 9)] {
        let path = dev.join(name);
        mknod(&path, SFlag::S_IFCHR, Mode::from_bits_truncate(0o666), makedev(1, minor))?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o666))?;
    }
    symlink("/run/thaw/generation", dev.join("sysgenid"))?;
    for (name, target) in [("fd", ""), ("stdin", "/0"), ("stdout", "/1"), ("stderr", "/2")] {
        symlink(format!("/proc/self/fd{target}"), dev.join(name))?;
    }
    let flags = MsFlags::MS_REMOUNT | MsFlags::MS_RDONLY | MsFlags::MS_NOSUID | MsFlags::MS_NOEXEC;
    mount(None::<&str>, dev, None::<&str>, flags, None::<&str>)?;
    Ok(())
}

fn build_run(config: &KeeperConfig, run: &Path) -> io::Result<()> {
    mount(Some("thaw"), run, Some("tmpfs"), MsFlags::MS_NOSUID | MsFlags::MS_NODEV, Some("mode=755,size=2m"))?;
    if !config.kdat.is_empty() {
        let to = run.join("criu.kdat");
        fs::copy(&config.kdat, &to)?;
        fs::set_permissions(&to, fs::Permissions::from_mode(0o600))?;
    }
    fs::create_dir(run.join("ctl"))?;
    fs::create_dir(run.join("etc"))?;
    let private = run.join(".thaw");
    for dir in [""].into_iter().chain(tmp_disk::DIRECTORIES).chain(shown::DIRECTORIES) {
        fs::create_dir(private.join(dir))?;
    }
    shown::attach_empty(Path::new(&config.empty), &private)?;
    fs::set_permissions(&private, fs::Permissions::from_mode(0o700))?;
    tmp_disk::mount_disk(config, &private.join("disk"))
}

/// Hides what is the host's in /proc, and makes the kernel's settings read-only, also for root in the sandbox.
fn mask_proc(proc: &Path, null: &Path) -> io::Result<()> {
    for path in PROC_MASKED.iter().map(|name| proc.join(name)).filter(|path| path.exists()) {
        mount(Some(null), &path, None::<&str>, MsFlags::MS_BIND, None::<&str>)?;
    }
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
    for dir in PROC_HIDDEN.iter().map(|name| proc.join(name)).filter(|dir| dir.is_dir()) {
        mount(Some("thaw"), &dir, Some("tmpfs"), flags | MsFlags::MS_RDONLY, Some("size=4k"))?;
    }
    let bind_again = |path: &Path, more: MsFlags| -> io::Result<()> {
        mount(Some(path), path, None::<&str>, MsFlags::MS_BIND, None::<&str>)?;
        mount(None::<&str>, path, None::<&str>, MsFlags::MS_REMOUNT | MsFlags::MS_BIND | flags | more, None::<&str>)?;
        Ok(())
    };
    bind_again(&proc.join("sys"), MsFlags::MS_RDONLY)?;
    bind_again(&proc.join(SETTING_WRITTEN), MsFlags::empty())
}

fn enter(base: &Path) -> io::Result<()> {
    chdir(base)?;
    pivot_root(".", ".")?;
    umount2(".", MntFlags::MNT_DETACH)?;
    chdir("/")?;
    let flags = MsFlags::MS_REMOUNT | MsFlags::MS_RDONLY | MsFlags::MS_NOSUID | MsFlags::MS_NODEV;
    mount(None::<&str>, "/", None::<&str>, flags, None::<&str>)?;
    Ok(())
}

/// Puts a container image below the root that was built, and makes both together the root: what is the sandbox's own
/// wins, whatever the image has in its place. So no link of the image leads a mount elsewhere.
pub fn enter_image(image: BorrowedFd) -> io::Result<()> {
    let overlay = Shown::new(Path::new(tmp_disk::PRIVATE))?.overlay_below_root(image)?;
    sys::attach_tree(overlay.as_fd(), Path::new(IMAGE_POINT))?;
    for own in OWN_MOUNTS {
        let from = Path::new("/").join(own);
        if from.exists() {
            let to = Path::new(IMAGE_POINT).join(own);
            mount(Some(&from), &to, None::<&str>, MsFlags::MS_MOVE, None::<&str>)?;
        }
    }
    chdir(IMAGE_POINT)?;
    pivot_root(".", ".")?;
    umount2(".", MntFlags::MNT_DETACH)?;
    chdir("/")?;
    Ok(())
}

/// Switches MPTCP off: Go listens with it where it can, and CRIU can't dump that. Go falls back to TCP.
fn settle_kernel(proc: &Path) -> io::Result<()> {
    let mptcp = proc.join("sys/net/mptcp/enabled");
    if mptcp.exists() {
        fs::write(mptcp, "0")?;
    }
    Ok(())
}

/// Returns the next process's pid.
pub fn reserve_low_pids() -> io::Result<Pid> {
    fs::write("/proc/sys/kernel/ns_last_pid", LAST_RESERVED_PID.to_string())?;
    Ok(Pid::from_raw(LAST_RESERVED_PID + 1))
}

/// Makes the mount points of file systems on a small file system of their own: the root is read-only by the time they
/// are known.
pub fn make_mount_points(names: &[&str]) -> io::Result<()> {
    if names.is_empty() {
        return Ok(());
    }
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV;
    mount(Some("thaw"), "/mnt", Some("tmpfs"), flags, Some("mode=755,size=16k"))?;
    for name in names {
        fs::create_dir(Path::new("/mnt").join(name))?;
    }
    mount(None::<&str>, "/mnt", None::<&str>, flags | MsFlags::MS_REMOUNT | MsFlags::MS_RDONLY, None::<&str>)?;
    Ok(())
}

/// Shows the certificate of the server's service door; nothing where there is none.
pub fn write_certificate(text: &str) -> io::Result<()> {
    if text.is_empty() {
        return Ok(());
    }
    fs::write(Path::new("/run/etc").join(CERTIFICATE), text)
}

/// Names the function's user.
pub fn write_users(uid: u32) -> io::Result<()> {
    fs::write("/run/etc/passwd", format!("{PASSWD}sbx_user1051:x:{uid}:{uid}::/tmp:/sbin/nologin\n"))?;
    fs::write("/run/etc/group", format!("{GROUP}sbx_user1051:x:{uid}:\n"))
}
