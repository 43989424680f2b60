import mmap
import os

ghost = open("/tmp/ghost", "w+b")
ghost.write(b"unlinked" * 100_000)
ghost.flush()
os.unlink("/tmp/ghost")
mapped = mmap.mmap(ghost.fileno(), 0)


def check():
    ghost.seek(0)
    if ghost.read() != b"unlinked" * 100_000:
        return "the content of an unlinked file was lost"
    mapped[0:3] = b"new"
    ghost.seek(0)
    return "ok" if ghost.read(3) == b"new" and not os.path.exists("/tmp/ghost") else "the mapping was lost"
