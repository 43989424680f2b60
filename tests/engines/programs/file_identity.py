import ctypes
import os
import struct

LIBC = ctypes.CDLL(None, use_errno=True)
AT_SYMLINK_NOFOLLOW = 0x100
AT_EMPTY_PATH = 0x1000
BASIC_AND_BIRTH = 0xFFF


def identity(path, descriptor=-100):
    """What tells one file from another and when it was changed; of a link itself. All but the device number."""
    found = ctypes.create_string_buffer(256)
    flags = AT_SYMLINK_NOFOLLOW if path else AT_EMPTY_PATH
    if LIBC.statx(descriptor, os.fsencode(path), flags, BASIC_AND_BIRTH, found) != 0:
        return os.strerror(ctypes.get_errno())
    links, uid, gid, mode, inode, size = struct.unpack_from("IIIHxxQQ", found, 16)
    accessed, born, changed, modified = (struct.unpack_from("qI", found, at) for at in (64, 80, 96, 112))
    return {
        "inode": inode,
        "born": born,
        "changed": changed,
        "modified": modified,
        "accessed": accessed,
        "links": links,
        "mode": mode,
        "owner": (uid, gid),
        "size": size,
    }


def write(path, text):
    with open(path, "w") as file:
        file.write(text)


os.makedirs("/tmp/tree/deep/er")
for number in range(300):
    write(f"/tmp/tree/{number}", "x" * number)
for number in range(0, 300, 7):
    os.unlink(f"/tmp/tree/{number}")
write("/tmp/tree/deep/two-names", "one file")
os.link("/tmp/tree/deep/two-names", "/tmp/tree/deep/er/other-name")
os.symlink("two-names", "/tmp/tree/deep/link")
os.mkfifo("/tmp/tree/deep/fifo", 0o640)
write("/tmp/tree/old", "of 2001, before it was born")
os.utime("/tmp/tree/old", ns=(1_000_000_000_000_000_001, 1_000_000_000_000_000_002))
os.utime("/tmp/tree/deep", ns=(-1, 5_000_000_000_000_000_003))
os.chmod("/tmp/tree/old", 0o4711)
held = open("/tmp/tree/held", "w+")
held.write("open since Init")
held.flush()
# An unlinked file with another name. CRIU gives it a name for a while: the directory's times are new.
os.mkdir("/tmp/renamed")
renamed = open("/tmp/renamed/gone", "w+")
os.link("/tmp/renamed/gone", "/tmp/renamed/stays")
os.unlink("/tmp/renamed/gone")
renamed_inode = os.fstat(renamed.fileno()).st_ino
ORDER = os.listdir("/tmp/tree")


def all_below(top):
    return [top] + [os.path.join(dir, name) for dir, dirs, files in os.walk(top) for name in dirs + files]


def identities():
    """Of all in the tree. Reading sets times of access, also CRIU's: one file that nobody reads has its own."""
    found = {path: identity(path) for path in all_below("/tmp/tree")}
    for path in found.keys() - {"/tmp/tree/old"}:
        found[path]["accessed"] = None
    return found


AT_INIT = identities()
TMP_AT_INIT = identity("/tmp")


def check():
    found = identities()
    wrong = [path for path in AT_INIT | found if AT_INIT.get(path) != found.get(path)]
    if wrong:
        return f"{len(wrong)} of {len(AT_INIT)}: {[(path, AT_INIT.get(path), found.get(path)) for path in wrong[:3]]}"
    if {**identity("", held.fileno()), "accessed": None} != AT_INIT["/tmp/tree/held"]:
        return f"the open file is another: {identity('', held.fileno())}"
    for name, stat in (("open", os.fstat(renamed.fileno())), ("named", os.stat("/tmp/renamed/stays"))):
        if (stat.st_ino, stat.st_nlink) != (renamed_inode, 1):
            return f"the {name} file has inode {stat.st_ino} and {stat.st_nlink} names, was {renamed_inode}"
    if os.listdir("/tmp/tree") != ORDER:
        return "the order of a directory is another"
    now = {**identity("/tmp"), "accessed": TMP_AT_INIT["accessed"]}
    if now != TMP_AT_INIT:
        return f"/tmp itself was {TMP_AT_INIT}, is {now}"
    # What is written to stays the same file.
    held.write(", and after")
    held.flush()
    after = identity("/tmp/tree/held")
    if (after["inode"], after["born"]) != (AT_INIT["/tmp/tree/held"]["inode"], AT_INIT["/tmp/tree/held"]["born"]):
        return f"a file that is written to is another: {after}"
    return "ok"
