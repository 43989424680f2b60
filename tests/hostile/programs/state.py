import fcntl
import mmap
import resource
import select
import signal
import socket
import struct
import threading
import time

CASE = os.environ["CASE"]
KEPT = []


def many_mappings():
    """
    Many shared ones, of alternating protections so that none are joined. CRIU restores each with a file that it keeps
    open: where the limit of open files is below their number, the publish is refused (packaging/ sets it higher).
    """
    for n in range(20_000):
        KEPT.append(mmap.mmap(-1, 4096, prot=mmap.PROT_READ | (mmap.PROT_WRITE if n % 2 else 0)))


def huge_reservation():
    libc.mmap.restype = ctypes.c_void_p
    libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
    address = libc.mmap(None, 64 << 40, 0, 0x4022, -1, 0)  # PROT_NONE, NORESERVE
    assert address not in (None, 2**64 - 1), "the kernel refused"


def huge_mapping_of_sparse_file():
    fd = os.open("/tmp/file", os.O_RDWR | os.O_CREAT)
    os.ftruncate(fd, 300 << 20)
    area = mmap.mmap(fd, 300 << 20)
    area[100 << 20] = 7
    KEPT.append(area)


def grows_down():
    KEPT.append(mmap.mmap(-1, 65536, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | 0x100))


def mapping_at_zero():
    libc.mmap.restype = ctypes.c_void_p
    libc.mmap(ctypes.c_void_p(0x10000), ctypes.c_size_t(65536), 3, 0x32, -1, ctypes.c_long(0))


def executable_pages():
    KEPT.append(mmap.mmap(-1, 65536, prot=7))


def no_memory_execution():
    """PR_SET_MDWE: nothing may become executable any more, not even the code that the one who saves needs inside."""
    if libc.prctl(65, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "MDWE")


def many_threads():
    threading.stack_size(65536)
    for _ in range(400):
        thread = threading.Thread(target=threading.Event().wait, daemon=True)
        thread.start()


def thread_that_ended_first():
    """The main thread of a child exits, another goes on."""
    if os.fork() == 0:
        threading.Thread(target=lambda: time.sleep(1000)).start()
        libc.syscall(60, 0)


def zombies():
    for _ in range(50):
        if os.fork() == 0:
            os._exit(3)
    time.sleep(0.1)


def stopped_child():
    pid = os.fork()
    if pid == 0:
        while True:
            signal.pause()
    os.kill(pid, signal.SIGSTOP)
    KEPT.append(pid)


def deep_family():
    def descend(depth):
        if depth and os.fork() == 0:
            descend(depth - 1)
            while True:
                signal.pause()

    descend(60)


def sessions():
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            os.setpgid(0, 0)
        while True:
            signal.pause()


def orphan_of_a_dead_session():
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            while True:
                signal.pause()
        os._exit(0)
    os.wait()


def sibling():
    """clone(CLONE_PARENT): a process that is the supervisor's child without its knowledge."""
    if libc.syscall(56, 0x8000 | signal.SIGCHLD, 0, 0, 0, 0) == 0:
        while True:
            signal.pause()


def signal_the_one_who_saves():
    """Whoever runs as this user and is not of this family gets SIGKILL, all the time."""
    if os.fork() == 0:
        family = set(os.listdir("/proc"))
        while True:
            for pid in set(os.listdir("/proc")) - family:
                if pid.isdigit():
                    try:
                        os.kill(int(pid), signal.SIGKILL)
                    except OSError:
                        pass


def limits_of_zero():
    for name in (
        "RLIMIT_FSIZE",
        "RLIMIT_NPROC",
        "RLIMIT_DATA",
        "RLIMIT_STACK",
        "RLIMIT_MEMLOCK",
        "RLIMIT_SIGPENDING",
        "RLIMIT_MSGQUEUE",
    ):
        resource.setrlimit(getattr(resource, name, 11 if name == "RLIMIT_SIGPENDING" else 12), (0, 0))


def few_descriptors():
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, 3))


def little_address_space():
    resource.setrlimit(resource.RLIMIT_AS, (64 << 20, 64 << 20))


def descriptor_at_the_top():
    os.dup2(1, 1023)


def no_descriptors():
    for fd in (0, 2):
        os.close(fd)


def memfd_sealed():
    fd = os.memfd_create("x" * 200, os.MFD_ALLOW_SEALING)
    os.write(fd, b"content")
    fcntl.fcntl(fd, 1033, 0xF)
    KEPT.append(fd)


def memfd_executed():
    fd = os.memfd_create("program", 0)
    os.write(fd, open("/bin/sleep", "rb").read())
    if os.fork() == 0:
        os.execve(f"/proc/self/fd/{fd}", ["sleep", "1000"], {})


def deleted_program():
    import shutil

    shutil.copy("/bin/sleep", "/tmp/program")
    if os.fork() == 0:
        os.execv("/tmp/program", ["program", "1000"])
    time.sleep(0.2)
    os.unlink("/tmp/program")


def deleted_directory():
    os.mkdir("/tmp/gone")
    os.chdir("/tmp/gone")
    os.rmdir("/tmp/gone")


def path_descriptors():
    KEPT.extend(
        [
            os.open("/", os.O_PATH),
            os.open("/proc/self", os.O_PATH),
            os.open("/etc/shadow" if os.path.exists("/etc/shadow") else "/etc/hosts", os.O_PATH),
        ]
    )


def proc_files():
    KEPT.extend(
        [
            open("/proc/self/maps"),
            open("/proc/1/status"),
            open(f"/proc/{os.getppid()}/status"),
            open("/proc/self/mem", "r+b"),
        ]
    )


def namespaces_open():
    KEPT.extend([os.open(f"/proc/self/ns/{name}", os.O_RDONLY) for name in ("mnt", "pid", "net", "user", "cgroup")])


def netlink():
    one = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
    one.bind((0, 0xFFFF))
    one.send(struct.pack("=IHHII", 20, 18, 0x301, 1, 0) + bytes(4))
    KEPT.append(one)


def datagrams():
    one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    one.bind(("0.0.0.0", 5353))
    two = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    two.connect(("::1", 9))
    for _ in range(20):
        one.sendto(b"queued", ("127.0.0.1", 5353))
    KEPT.extend([one, two])


def descriptors_in_flight():
    one, other = socket.socketpair()
    for _ in range(20):
        socket.send_fds(one, [b"x"], [1, 2])
    KEPT.extend([one, other])


def a_ring_of_sockets():
    one, other = socket.socketpair()
    socket.send_fds(one, [b"x"], [other.fileno(), one.fileno()])
    KEPT.extend([one, other])


def tcp_backlog():
    server = socket.create_server(("127.0.0.1", 7100), backlog=100)
    for _ in range(50):
        one = socket.create_connection(("127.0.0.1", 7100))
        one.send(b"x" * 1000)
        KEPT.append(one)
    KEPT.append(server)


def abstract_socket():
    one = socket.socket(socket.AF_UNIX)
    one.bind("\0" + "n" * 100)
    one.listen()
    KEPT.append(one)


def epoll_of_epoll():
    last = select.epoll()
    last.register(1, select.EPOLLOUT) if False else None
    for _ in range(4):
        outer = select.epoll()
        outer.register(last, select.EPOLLIN)
        KEPT.append(last)
        last = outer
    KEPT.append(last)


def inotify():
    fd = libc.inotify_init1(0)
    for path in (b"/tmp", b"/proc", b"/usr", b"/var/task"):
        libc.inotify_add_watch(fd, path, 0xFFF)
    open("/tmp/event", "w").close()


def locks():
    one = open("/tmp/locked", "w")
    fcntl.lockf(one, fcntl.LOCK_EX)
    two = open("/tmp/locked2", "w")
    fcntl.flock(two, fcntl.LOCK_EX)
    three = open("/tmp/leased", "w+")
    four = os.open("/tmp/leased2", os.O_RDONLY | os.O_CREAT)
    fcntl.fcntl(four, fcntl.F_SETLEASE, fcntl.F_RDLCK)
    KEPT.extend([one, two, three, four])


def pid_descriptor():
    KEPT.append(os.pidfd_open(os.getppid()))


def queue_of_messages():
    name = ctypes.c_char_p(b"/q")
    KEPT.append(libc.syscall(240, name, 0o102, 0o600, None))


def shared_segment():
    libc.shmat.restype = ctypes.c_void_p
    segment = syscall(29, 77, 1 << 20, 0o1600)
    ctypes.memset(libc.shmat(segment, None, 0), 5, 1 << 20)


def filters():
    """Filters of its own, one upon the other."""
    program = struct.pack("HBBI", 6, 0, 0, 0x7FFF0000)
    buffer = ctypes.create_string_buffer(program)
    fprog = ctypes.create_string_buffer(struct.pack("HxxxxxxQ", 1, ctypes.addressof(buffer)))
    for _ in range(30):
        if libc.prctl(22, 2, fprog) != 0:
            raise OSError(ctypes.get_errno(), "seccomp")


def filter_that_ends_all_calls_but_few():
    """Strict mode in a child: only read, write and exit."""
    if os.fork() == 0:
        r, w = os.pipe()
        libc.prctl(22, 1, 0)
        libc.syscall(0, r, ctypes.create_string_buffer(1), 1)


def timers():
    for which in (signal.ITIMER_REAL, signal.ITIMER_VIRTUAL, signal.ITIMER_PROF):
        signal.signal({0: signal.SIGALRM, 1: signal.SIGVTALRM, 2: signal.SIGPROF}[which], lambda *_: None)
        signal.setitimer(which, 10**6, 10**6)


def blocked_signals():
    signal.pthread_sigmask(signal.SIG_BLOCK, set(range(1, 65)) - {32, 33})
    for _ in range(100):
        os.kill(os.getpid(), signal.SIGRTMIN + 5)


def odd_name():
    libc.prctl(15, b")\n) S 1 1 1 ", 0, 0, 0)


def not_dumpable():
    libc.prctl(4, 0, 0, 0, 0)


def transparent_pages_off():
    libc.prctl(41, 1, 0, 0, 0)


def sandbox_of_its_own():
    """Landlock: this process may no longer open anything."""
    ruleset = libc.syscall(444, ctypes.byref(ctypes.c_uint64(0x1FFF)), 8, 0)
    if ruleset >= 0:
        libc.syscall(446, ruleset, 0)


def control_socket_connected():
    one = socket.socket(socket.AF_UNIX)
    one.connect("/run/ctl/ctl.sock")
    KEPT.append(one)


def cpu_bound_child():
    if os.fork() == 0:
        while True:
            pass


def fork_storm():
    """Something is always about to be born or to die."""
    if os.fork() == 0:
        while True:
            pid = os.fork()
            if pid == 0:
                os._exit(0)
            os.waitpid(pid, 0)


globals()[CASE]()
if __name__ == "__main__":
    serve(lambda event: {"case": CASE, "pid": os.getpid(), "uid": os.getuid()})
