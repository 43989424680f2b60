import hashlib
import socket
import stat

CASE = os.environ["CASE"]
T = b"/tmp/"


def symlinks():
    os.symlink("/etc/shadow", "/tmp/shadow")
    os.symlink("/", "/tmp/root")
    os.symlink("/tmp/loop", "/tmp/loop")
    os.symlink("../../../../../../../../etc", "/tmp/up")
    os.symlink("x" * 4000, "/tmp/long")
    os.mkdir("/tmp/dir")
    os.symlink("/proc/1/root", "/tmp/dir/pid1")


def hard_links():
    open("/tmp/one", "w").write("shared")
    for n in range(50):
        os.link("/tmp/one", f"/tmp/link{n}")


def special_files():
    os.mkfifo("/tmp/fifo")
    socket.socket(socket.AF_UNIX).bind("/tmp/socket")
    open("/tmp/suid", "w").write("#!/bin/sh\nid\n")
    os.chmod("/tmp/suid", 0o6755)
    os.mkdir("/tmp/sticky")
    os.chmod("/tmp/sticky", 0o7000)
    os.mkdir("/tmp/locked")
    open("/tmp/locked/inside", "w").write("x")
    os.chmod("/tmp/locked/inside", 0)
    os.chmod("/tmp/locked", 0)


def attributes():
    open("/tmp/marked", "w").write("x")
    os.setxattr("/tmp/marked", "user.mark", b"m" * 200)
    os.utime("/tmp/marked", (1, 1))


def odd_names():
    for name in (b"-rf", b"--help", b"a\nb", b" ", b"\\", b"manifest", b".partial", b"\xc3\xa9", b"*", b"a" * 255):
        open(T + name, "w").write("x")


def names_not_utf8():
    open(T + b"\xff\xfe", "w").write("x")
    os.mkdir(T + b"\x80dir")
    open(T + b"\x80dir/\xc3", "w").write("x")


def deep():
    os.chdir("/tmp")
    for _ in range(60):
        os.mkdir("d" * 200)
        os.chdir("d" * 200)
    open("bottom", "w").write("x")
    os.chdir("/var/task")


def sparse():
    with open("/tmp/sparse", "wb") as file:
        file.truncate(4 << 40)
        file.seek(1 << 40)
        file.write(b"middle")


def many():
    os.mkdir("/tmp/many")
    for n in range(20_000):
        os.close(os.open(f"/tmp/many/{'n' * 220}{n}", os.O_CREAT | os.O_WRONLY))


def replaced():
    """Open under a name that is a link to something else by the time of the snapshot."""
    global KEPT
    KEPT = open("/tmp/target", "w+")
    KEPT.write("mine")
    KEPT.flush()
    os.rename("/tmp/target", "/tmp/moved")
    os.symlink("/etc/shadow", "/tmp/target")


def replaced_directory():
    global KEPT
    os.mkdir("/tmp/place")
    KEPT = open("/tmp/place/passwd", "w+")
    KEPT.write("mine")
    KEPT.flush()
    os.rename("/tmp/place", "/tmp/elsewhere")
    os.symlink("/run/etc", "/tmp/place")


def deleted():
    global KEPT
    KEPT = open("/tmp/gone", "w+")
    KEPT.write("mine")
    KEPT.flush()
    os.unlink("/tmp/gone")
    os.symlink("/run/etc/passwd", "/tmp/gone")


KEPT = None


def many_deep_links():
    """17,000 links whose paths are as long as paths can be: their list is longer than a snapshot may have it."""
    os.chdir("/tmp")
    for _ in range(16):
        os.mkdir("d" * 250)
        os.chdir("d" * 250)
    os.close(os.open("file", os.O_CREAT | os.O_WRONLY, 0o600))
    for number in range(17_000):
        os.link("file", f"link{number}")
    os.chdir("/var/task")


def digest():
    """All that can be told of /tmp: names, kinds, modes, targets, content, attributes."""
    hasher = hashlib.sha256()
    todo = [b"/tmp"]
    fds = 0
    while todo and fds < 100_000:
        path = todo.pop()
        fds += 1
        meta = os.lstat(path)
        hasher.update(
            repr(
                (
                    path,
                    stat.S_IFMT(meta.st_mode),
                    stat.S_IMODE(meta.st_mode),
                    meta.st_nlink if stat.S_ISREG(meta.st_mode) else 0,
                )
            ).encode()
        )
        if stat.S_ISLNK(meta.st_mode):
            hasher.update(os.readlink(path))
        elif stat.S_ISDIR(meta.st_mode) and len(path) < 3500:
            try:
                todo += [path + b"/" + name for name in sorted(os.listdir(path))]
            except PermissionError:
                pass
        elif stat.S_ISREG(meta.st_mode) and meta.st_size < 1 << 20 and meta.st_mode & 0o400:
            hasher.update(open(path, "rb").read())
            hasher.update(repr(sorted((name, os.getxattr(path, name)) for name in os.listxattr(path))).encode())
    return hasher.hexdigest()


globals()[CASE]()
BEFORE = digest()


def check(event):
    after = digest()
    kept = None
    if KEPT is not None:
        KEPT.seek(0)
        kept = KEPT.read()
    leaks = []
    for path in ("/tmp/shadow", "/tmp/up/shadow", "/tmp/dir/pid1/etc/shadow", "/tmp/root/etc/shadow", "/tmp/target"):
        try:
            if not os.path.islink("/tmp/target") or path != "/tmp/target":
                open(path, "rb").read(1)
                leaks.append(path)
            else:
                open(path, "rb").read(1)
                leaks.append(path)
        except OSError:
            pass
    return {"same": after == BEFORE, "kept": kept, "leaks": leaks, "users": open("/run/etc/passwd").read().count("\n")}


serve(check)
