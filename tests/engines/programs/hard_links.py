import os

open("/tmp/a", "w").write("at Init")
os.link("/tmp/a", "/tmp/b")
kept = open("/tmp/a", "r+")
open("/tmp/gone", "w").write("at Init")
renamed = open("/tmp/gone", "r+")
os.link("/tmp/gone", "/tmp/stays")
os.unlink("/tmp/gone")
NAMES = sorted(os.listdir("/tmp"))


def check():
    """A file of two names stays one, also when it is written to through a descriptor of Init."""
    kept.write("AT INIT")
    kept.flush()
    renamed.write("AT INIT")
    renamed.flush()
    found = [open(f"/tmp/{name}").read() for name in ("a", "b", "stays")]
    links = [os.stat(f"/tmp/{name}").st_nlink for name in ("a", "b", "stays")]
    same = os.path.samefile("/tmp/a", "/tmp/b") and os.path.samestat(os.fstat(kept.fileno()), os.stat("/tmp/b"))
    if found == ["AT INIT"] * 3 and links == [2, 2, 1] and same and sorted(os.listdir("/tmp")) == NAMES:
        return "ok"
    return f"{found} {links} {same} {os.listdir('/tmp')}"
