import errno
import fcntl
import os
import struct

# What all environments of a host show, and what is each one's own.
SHOWN = ["/var/task/bootstrap", "/var/task", "/usr/bin/env", "/usr/lib", "/etc/hosts", "/etc/ssl/certs", "/var/runtime"]
OWN = ["/dev/null", "/dev", "/run", "/proc/version", "/tmp", "/tmp/file"]
OFD_SETLK = 37
open("/tmp/file", "w").write("x" * 100)
PLACES = [place for place in SHOWN + OWN if os.path.exists(place)]
held = [os.open(place, os.O_RDONLY) for place in PLACES]
for fd in held:
    fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
posix = open("/tmp/file", "r+")
fcntl.lockf(posix, fcntl.LOCK_EX | fcntl.LOCK_NB, 10, 0)
described = open("/tmp/file", "r+")
fcntl.fcntl(described, OFD_SETLK, struct.pack("hhqqi4x", fcntl.F_WRLCK, 0, 50, 5, 0))


def tried(lock):
    """In another process, to which posix locks do not belong."""
    pid = os.fork()
    if pid == 0:
        try:
            lock()
            os._exit(0)
        except OSError as error:
            os._exit(error.errno)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def check():
    def by_flock(place):
        return tried(lambda: fcntl.flock(os.open(place, os.O_RDONLY), fcntl.LOCK_EX | fcntl.LOCK_NB))

    def by_range(at):
        with open("/tmp/file", "r+") as file:
            return tried(lambda: fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 5, at))

    found = {place: by_flock(place) for place in PLACES}
    free = [place for place, error in found.items() if error != errno.EAGAIN]
    ranges = [by_range(at) for at in (0, 50, 90)]
    if free or ranges != [errno.EAGAIN, errno.EAGAIN, 0]:
        return f"not held: {free} {ranges}"
    return "ok"
