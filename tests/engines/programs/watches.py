import ctypes
import os
import struct

libc = ctypes.CDLL(None, use_errno=True)
OPEN, CLOSE_WRITE, CREATE, IGNORED, ONESHOT = 0x20, 0x8, 0x100, 0x8000, 0x80000000
queue = libc.inotify_init1(os.O_NONBLOCK)
WATCHED = {}


def watch(path, mask):
    number = libc.inotify_add_watch(queue, path.encode(), ctypes.c_uint32(mask))
    if number < 0:
        raise OSError(ctypes.get_errno(), path)
    WATCHED[number] = path


def events():
    try:
        data = os.read(queue, 65536)
    except BlockingIOError:
        return []
    found, at = [], 0
    while at < len(data):
        number, mask, _, length = struct.unpack_from("iIII", data, at)
        name = data[at + 16 : at + 16 + length].rstrip(b"\0").decode()
        found.append((WATCHED[number], mask, name))
        at += 16 + length
    return found


for n in range(40):
    os.makedirs(f"/tmp/wide/{n}/deep")
    watch(f"/tmp/wide/{n}/deep", CREATE)
open("/tmp/file", "w").close()
os.mkdir("/tmp/once")
watch("/tmp/file", CLOSE_WRITE)
watch("/tmp", CREATE)
watch("/tmp/once", CREATE | ONESHOT)
PLACES = "/ /proc /dev /run /etc /etc/hosts /usr /usr/lib /var/task /var/task/bootstrap"
for place in PLACES.split():
    watch(place, CREATE)
watch("/usr/bin/env", OPEN)


def touch(path):
    with open(path, "w"):
        pass


def check():
    stale = events()
    touch("/tmp/file")
    touch("/tmp/wide/7/deep/a")
    touch("/tmp/b")
    touch("/tmp/once/c")
    touch("/tmp/once/d")
    with open("/usr/bin/env"):
        pass
    found = events()
    expected = [
        ("/tmp/file", CLOSE_WRITE, ""),
        ("/tmp/wide/7/deep", CREATE, "a"),
        ("/tmp", CREATE, "b"),
        ("/tmp/once", CREATE, "c"),
        ("/tmp/once", IGNORED, ""),
        ("/usr/bin/env", OPEN, ""),
    ]
    return "ok" if stale == [] and found == expected else f"{stale} {found}"
