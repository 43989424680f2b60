import fcntl
import os
import stat

# Open files that have no name any more: with a set-group-id bit, of no rights, and one with a lease.
MODES = [0o2755, 0o4755, 0o1777, 0o000]
files = []
for number, mode in enumerate(MODES):
    path = f"/tmp/deleted{number}"
    files.append(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    os.fchmod(files[-1], mode)
    os.unlink(path)
before = [stat.S_IMODE(os.fstat(fd).st_mode) for fd in files]
leased = os.open("/tmp/leased", os.O_RDONLY | os.O_CREAT)
fcntl.fcntl(leased, fcntl.F_SETLEASE, fcntl.F_RDLCK)


def check():
    after = [stat.S_IMODE(os.fstat(fd).st_mode) for fd in files]
    if after != before:
        return f"modes: {[oct(mode) for mode in before]} {[oct(mode) for mode in after]}"
    if (lease := fcntl.fcntl(leased, fcntl.F_GETLEASE)) != fcntl.F_RDLCK:
        return f"lease: {lease}"
    return "ok"
