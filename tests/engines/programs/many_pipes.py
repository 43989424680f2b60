import fcntl
import os

# The kernel counts a pipe's buffers for who made it, which is root in a clone: three clones of these have more than a
# user without rights may have (fs.pipe-user-pages-soft).
PIPES = 460
pipes = [os.pipe() for _ in range(PIPES)]
for _, write in pipes:
    os.write(write, b"kept")
capacities = [fcntl.fcntl(read, fcntl.F_GETPIPE_SZ) for read, _ in pipes]


def check():
    for (read, _), before in zip(pipes, capacities, strict=True):
        if (capacity := fcntl.fcntl(read, fcntl.F_GETPIPE_SZ)) != before:
            return f"a pipe holds {capacity} bytes, was {before}"
        if (kept := os.read(read, 100)) != b"kept":
            return f"a pipe had {kept!r}"
    return "ok"
