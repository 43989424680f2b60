import socket
import struct

SUPERVISOR = os.getppid()
CLONE_NEWUSER = 0x10000000


def reads(path):
    with open(path, "rb") as file:
        return repr(file.read(64))


def writes(path, content=b"x"):
    with open(path, "r+b", buffering=0) as file:
        return file.write(content)


@attempt
def read_file(event):
    return reads(event["path"])


@attempt
def list_directory(event):
    return os.listdir(event["path"])


@attempt
def write_file(event):
    return writes(event["path"])


@attempt
def create_file(event):
    return open(event["path"], "xb").write(b"x")


@attempt
def walk_up(event):
    """Up and out through every directory that this process can name."""
    found = os.open("/var/task", os.O_RDONLY)
    for _ in range(64):
        above = os.open("..", os.O_RDONLY, dir_fd=found)
        os.close(found)
        found = above
    names, is_own = os.listdir(found), os.fstat(found).st_ino == os.stat("/").st_ino
    os.close(found)
    if is_own:
        raise OSError(errno.EXDEV, "ends at the sandbox's own root")
    return names


@attempt
def memory_of_the_supervisor(event):
    address = int(open(f"/proc/{SUPERVISOR}/maps").readline().split("-")[0], 16)
    with open(f"/proc/{SUPERVISOR}/mem", "r+b", buffering=0) as memory:
        memory.seek(address)
        return repr(memory.read(4))


@attempt
def descriptors_of_the_supervisor(event):
    return [os.readlink(f"/proc/{SUPERVISOR}/fd/{fd}") for fd in os.listdir(f"/proc/{SUPERVISOR}/fd")]


@attempt
def descriptors_of_pid_1(event):
    return os.listdir("/proc/1/fd")


@attempt
def hidden_parts_of_proc(event):
    """What says something of the host's devices, keys and kernel addresses is empty."""
    files = (
        "keys",
        "key-users",
        "kallsyms",
        "timer_list",
        "timer_stats",
        "sched_debug",
        "latency_stats",
        "kmsg",
        "interrupts",
        "softirqs",
        "schedstat",
        "kcore",
        "cmdline",
        "config.gz",
        "modules",
        "partitions",
        "diskstats",
        "mdstat",
        "swaps",
        "locks",
        "zoneinfo",
        "buddyinfo",
        "iomem",
        "ioports",
    )
    found = []
    for name in (name for name in files if os.path.exists(f"/proc/{name}")):
        try:
            found += [name] if open(f"/proc/{name}", "rb").read(1) else []
        except PermissionError:
            pass
    found += [
        name
        for name in ("acpi", "asound", "scsi", "bus", "driver", "dynamic_debug", "fs", "irq")
        if os.path.isdir(f"/proc/{name}") and os.listdir(f"/proc/{name}")
    ]
    if not found:
        raise OSError(errno.ENOENT, "nothing")
    return found


@attempt
def place_in_control_groups(event):
    """Where on the host its control groups are, and whose."""
    paths = {line.split(":", 2)[2] for line in open("/proc/self/cgroup").read().splitlines()}
    if paths <= {"/"}:
        raise OSError(errno.ENOENT, "nothing")
    return sorted(paths)


@attempt
def own_descriptors(event):
    """Nothing of the host may be open here: only pipes, sockets, /dev/null and what this program opened itself."""
    odd = []
    for fd in os.listdir("/proc/self/fd"):
        try:
            target = os.readlink(f"/proc/self/fd/{fd}")
        except OSError:
            continue
        if not target.startswith(("pipe:", "socket:", "/dev/null", "/var/task/", "/proc/")) and not target.startswith(
            f"/proc/{os.getpid()}"
        ):
            odd.append(target)
    if not odd:
        raise OSError(errno.ENOENT, "nothing")
    return odd


@attempt
def call(event):
    return syscall(event["number"], *event.get("arguments", []))


@attempt
def make_socket(event):
    made = socket.socket(event["family"], event["type"], event.get("protocol", 0))
    made.close()
    return "a socket"


@attempt
def make_socket_pair(event):
    fds = (ctypes.c_int * 2)()
    return syscall(53, event["family"], event["type"], 0, fds)


@attempt
def change_the_network(event):
    """RTM_SETLINK: takes eth0 down."""
    link = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
    message = struct.pack("=IHHII", 32, 19, 5, 1, 0) + struct.pack("=BxHiII", 0, 0, socket.if_nametoindex("lo"), 0, 1)
    link.send(message)
    answer = link.recv(4096)
    code = struct.unpack("=i", answer[16:20])[0]
    if code != 0:
        raise OSError(-code, os.strerror(-code))
    return "lo is down"


@attempt
def become_root(event):
    os.setuid(0)
    return os.getuid()


@attempt
def set_uid_program(event):
    """A set-uid copy of a shell gains nothing, and a set-uid program of the system neither."""
    import subprocess

    out = subprocess.run(
        ["/usr/bin/su", "-c", "id -u"], check=False, capture_output=True, text=True, stdin=subprocess.DEVNULL
    )
    if out.returncode != 0:
        raise OSError(errno.EPERM, out.stderr)
    return out.stdout


@attempt
def make_device(event):
    os.mknod("/tmp/device", 0o600 | event["kind"], os.makedev(event["major"], event["minor"]))
    os.unlink("/tmp/device")
    return "a device"


@attempt
def kill_process(event):
    os.kill(event["pid"], event.get("signal", 9))
    return "sent"


@attempt
def foreign_processes(event):
    mine = {int(pid) for pid in os.listdir("/proc") if pid.isdigit()}
    # In a clone, pid 1 has a child for the page faults.
    init = open("/proc/1/cmdline").read()
    lines = [open(f"/proc/{pid}/cmdline").read() for pid in mine if pid not in (os.getpid(), SUPERVISOR)]
    odd = [line for line in lines if line != init]
    if not odd:
        raise OSError(errno.ESRCH, "none")
    return odd


@attempt
def bind_over_the_control_socket(event):
    os.unlink("/run/ctl/ctl.sock")
    socket.socket(socket.AF_UNIX).bind("/run/ctl/ctl.sock")
    return "bound"


@attempt
def speak_to_the_control_socket(event):
    """As the server would: HELLO, then SPAWN of a process of one's own."""
    control = socket.socket(socket.AF_UNIX)
    control.settimeout(2)
    control.connect("/run/ctl/ctl.sock")
    for kind, payload in ((1, b'{"protocol":1}'), (2, b'{"name":"mine","argv":["/bin/sh"],"env":{},"cwd":"/"}')):
        control.send(struct.pack("<IB3xI", len(payload), kind, 0) + payload)
    answer = control.recv(100)
    if answer == b"":
        raise OSError(errno.ECONNRESET, "hung up on")
    return repr(answer)


@attempt
def old_abi(event):
    """int 0x80: 32-bit calls have other numbers, which a filter for 64-bit ones would take for something else."""
    import mmap

    code = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    code.write(b"\xb8\x14\x00\x00\x00\xcd\x80\xc3")  # eax = getpid; int 0x80; ret
    child = os.fork()
    if child == 0:
        address = ctypes.addressof(ctypes.c_char.from_buffer(code))
        os._exit(0 if ctypes.CFUNCTYPE(ctypes.c_int)(address)() > 0 else 1)
    status = os.waitpid(child, 0)[1]
    if os.WIFSIGNALED(status) or os.WEXITSTATUS(status) != 0:
        raise OSError(errno.EPERM, "ended by the kernel")
    return "a 32-bit call"


serve()
