import ctypes
import mmap
import resource
import socket
import threading
import time


def until_refused(take, limit):
    """Takes until the kernel says no. What was taken is given back when the environment goes, or here by the caller."""
    kept = []
    try:
        while len(kept) < limit:
            kept.append(take(len(kept)))
    except (OSError, RuntimeError, MemoryError) as error:
        return kept, errno.errorcode.get(getattr(error, "errno", 0) or 0, type(error).__name__)
    return kept, "never refused"


@attempt
def processes(event):
    def one(_):
        pid = os.fork()
        if pid == 0:
            while True:
                time.sleep(60)
        return pid

    kept, why = until_refused(one, 5000)
    for pid in kept:
        os.kill(pid, 9)
        os.waitpid(pid, 0)
    return [len(kept), why]


@attempt
def threads(event):
    stop = threading.Event()
    threading.stack_size(65536)

    def one(_):
        thread = threading.Thread(target=stop.wait)
        thread.start()
        return thread

    kept, why = until_refused(one, 5000)
    stop.set()
    return [len(kept), why]


@attempt
def descriptors(event):
    kept, why = until_refused(lambda _: os.open("/dev/null", os.O_RDONLY), 100_000)
    for fd in kept:
        os.close(fd)
    return [len(kept), why]


@attempt
def more_descriptors(event):
    resource.setrlimit(resource.RLIMIT_NOFILE, (1_000_000, 1_000_000))
    return "raised"


@attempt
def disk(event):
    kept, why = until_refused(lambda n: open(f"/tmp/big{n}", "wb", buffering=0).write(bytes(16 << 20)), 2000)
    for n in range(len(kept) + 1):
        os.path.exists(f"/tmp/big{n}") and os.unlink(f"/tmp/big{n}")
    return [len(kept) * 16, why]


@attempt
def inodes(event):
    os.makedirs("/tmp/many", exist_ok=True)
    kept, why = until_refused(lambda n: os.close(os.open(f"/tmp/many/{n}", os.O_CREAT | os.O_WRONLY)), 3_000_000)
    return [len(kept), why]


@attempt
def memory(event):
    kept = []
    while True:
        area = mmap.mmap(-1, 8 << 20)
        for at in range(0, 8 << 20, 4096):
            area[at] = 1
        kept.append(area)


@attempt
def shared_memory(event):
    """Segments of System V outlive their process; their pages are the sandbox's all the same."""
    libc.shmat.restype = ctypes.c_void_p
    for key in range(1, 10_000):
        segment = syscall(29, key, 8 << 20, 0o1600)
        address = libc.shmat(segment, None, 0)
        ctypes.memset(address, 1, 8 << 20)


@attempt
def memory_files(event):
    for n in range(900):
        fd = os.memfd_create(f"m{n}")
        os.write(fd, bytes(8 << 20))


@attempt
def kernel_memory(event):
    """Buffers of sockets and pipes that nobody reads."""
    for _ in range(400):
        one, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        one.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 8 << 20)
        one.setblocking(False)
        KEPT.append((one, other))
        try:
            while True:
                one.send(bytes(1 << 16))
        except BlockingIOError:
            pass
    return len(KEPT)


KEPT = []


@attempt
def cpu(event):
    """Far more busy processes than the host has processors, for some seconds."""
    children = []
    for _ in range(24):
        pid = os.fork()
        if pid == 0:
            while True:
                pass
        children.append(pid)
    time.sleep(event["seconds"])
    for pid in children:
        os.kill(pid, 9)
        os.waitpid(pid, 0)
    return "tired"


@attempt
def work_between_invokes(event):
    """Starts, or reads, a counter that a child keeps counting."""
    global COUNTER
    if COUNTER is None:
        COUNTER = mmap.mmap(-1, 4096)
        if os.fork() == 0:
            while True:
                COUNTER[0:8] = (int.from_bytes(COUNTER[0:8], "little") + 1).to_bytes(8, "little")
                time.sleep(0.001)
    first = int.from_bytes(COUNTER[0:8], "little")
    time.sleep(0.3)
    return [first, int.from_bytes(COUNTER[0:8], "little")]


@attempt
def oom_score_adj(event):
    return int(open("/proc/self/oom_score_adj").read())


@attempt
def lower_oom_score_adj(event):
    with open("/proc/self/oom_score_adj", "w") as file:
        file.write("-500")


@attempt
def address_space(event):
    """Gives back every second page of a large mapping, one call each; then children that all change one more."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.madvise.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    for piece in range(event["pieces"]):
        if libc.madvise(MAPPING + 2 * mmap.PAGESIZE * piece, mmap.PAGESIZE, mmap.MADV_DONTNEED) != 0:
            raise OSError(ctypes.get_errno(), "madvise")
    children = []
    for _ in range(event["children"]):
        pid = os.fork()
        if pid == 0:
            libc.madvise(MAPPING + mmap.PAGESIZE, mmap.PAGESIZE, mmap.MADV_DONTNEED)
            while True:
                time.sleep(60)
        children.append(pid)
    for pid in children:
        os.kill(pid, 9)
        os.waitpid(pid, 0)
    return [event["pieces"], len(children)]


def map_much():
    """64 GiB that nothing is charged for, as long as nobody touches it."""
    libc = ctypes.CDLL(None)
    libc.mmap.restype = ctypes.c_void_p
    flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | 0x4000
    return libc.mmap(None, ctypes.c_size_t(64 << 30), mmap.PROT_READ | mmap.PROT_WRITE, flags, -1, 0)


COUNTER = None
MAPPING = map_much()
serve()
