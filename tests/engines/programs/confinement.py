import ctypes
import errno
import os
import socket


def fails(action, *codes):
    try:
        action()
    except OSError as error:
        return error.errno in codes or not codes
    return False


def check():
    libc = ctypes.CDLL(None, use_errno=True)
    status = dict(line.split(":\t", 1) for line in open("/proc/self/status").read().splitlines() if ":\t" in line)
    problems = []
    if os.getuid() < 100_000:
        problems.append(f"uid {os.getuid()}")
    for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
        if int(status[name], 16) != 0:
            problems.append(f"{name} {status[name]}")
    if status["NoNewPrivs"] != "1" or status["Seccomp"] != "2":
        problems.append(f"no_new_privs {status['NoNewPrivs']}, seccomp {status['Seccomp']}")
    for path in (
        "/var/task/x",
        "/opt/x",
        "/usr/x",
        "/etc/x",
        "/var/x",
        "/x",
        "/run/thaw/x",
        "/run/thaw/generation",
        "/proc/sys/kernel/random/boot_id",
    ):
        if not fails(lambda path=path: open(path, "w"), errno.EROFS, errno.EACCES, errno.ENOENT):
            problems.append(f"{path} can be written")
    for path in ("/root", "/home", "/work", "/var/lib/thaw", "/etc/shadow", "/sys/kernel"):
        if os.path.exists(path):
            problems.append(f"{path} is there")
    # The host has a folder of the same name.
    if sorted(os.listdir("/run/thaw")) != ["generation", "snapshot.json"]:
        problems.append(f"/run/thaw has {os.listdir('/run/thaw')}")
    if not fails(lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW)):
        problems.append("raw sockets")
    for name, number in (
        ("mount", 165),
        ("ptrace", 101),
        ("unshare", 272),
        ("bpf", 321),
        ("userfaultfd", 323),
        ("keyctl", 250),
    ):
        argument = 0x10000000 if name == "unshare" else 0
        if libc.syscall(number, argument, 0, 0, 0, 0) != -1:
            problems.append(name)
    if any(int(pid) not in range(1, 100_000) for pid in os.listdir("/proc") if pid.isdigit()):
        problems.append("foreign processes")
    if len([pid for pid in os.listdir("/proc") if pid.isdigit()]) > 8:
        problems.append("too many processes are visible")
    host = socket.socket()
    host.settimeout(0.5)
    if host.connect_ex(("169.254.169.254", 80)) == 0:
        problems.append("a metadata address answers")
    return "ok" if not problems else problems
