import fcntl
import struct
import subprocess

PLACES = ["/usr/bin/env", "/usr/lib", "/usr/bin", "/etc/hosts", "/etc/ssl/certs", "/var/runtime", "/var/task/shared"]
PLACES = [place for place in PLACES if os.path.exists(place)]
KEPT = []


def hold(kind):
    """Takes the lock on each place. Waits where somebody else has it."""
    for place in PLACES:
        fd = os.open(place, os.O_RDONLY)
        KEPT.append(fd)
        fcntl.flock(fd, kind)


@attempt
def hold_all(event):
    hold(fcntl.LOCK_EX | fcntl.LOCK_NB)
    return len(KEPT)


@attempt
def release_all(event):
    while KEPT:
        os.close(KEPT.pop())
    return 0


@attempt
def ranges(event):
    """Locks of an open file and of a process, for reading: what a file that is not writable allows."""
    for place in PLACES:
        if os.path.isfile(place):
            fd = os.open(place, os.O_RDONLY)
            KEPT.append(fd)
            fcntl.fcntl(fd, fcntl.F_SETLK, struct.pack("hhqqi4x", fcntl.F_RDLCK, 0, 0, 0, 0))
            fcntl.fcntl(fd, 37, struct.pack("hhqqi4x", fcntl.F_RDLCK, 0, 0, 0, 0))
    return True


@attempt
def lease(event):
    fd = os.open("/usr/bin/env", os.O_RDONLY)
    KEPT.append(fd)
    return fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_RDLCK)


@attempt
def watch(event):
    """All that happens to a file or in a directory."""
    queue = syscall(294, os.O_NONBLOCK)
    KEPT.append(queue)
    for place in PLACES:
        syscall(254, queue, place.encode() + b"\0", 0xFFF)
    WATCHES.append(queue)
    return len(PLACES)


WATCHES = []


@attempt
def seen(event):
    try:
        return len(os.read(WATCHES[-1], 65536))
    except BlockingIOError:
        return 0


@attempt
def use(event):
    """What others could see: opened, read, listed, executed."""
    for place in PLACES:
        if os.path.isdir(place):
            os.listdir(place)
        else:
            open(place, "rb").read()
    subprocess.run(["/usr/bin/env"], stdout=subprocess.DEVNULL, check=True)
    return True


if os.environ.get("HOLD") == "1":
    hold(fcntl.LOCK_EX)
if __name__ == "__main__":
    serve()
