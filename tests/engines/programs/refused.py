import ctypes
import os
import select
import socket
import struct
import threading
import time

libc = ctypes.CDLL(None, use_errno=True)
KEPT = []


def netlink():
    one = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
    one.send(struct.pack("=IHHII", 20, 18, 0x301, 1, 0) + bytes(4))
    KEPT.append(one)


def shared_memory():
    libc.shmget(77, 4096, 0o1600)


def semaphores():
    libc.semget(78, 1, 0o1600)


def messages():
    libc.msgget(79, 0o1600)


def posix_queue():
    KEPT.append(libc.syscall(240, ctypes.c_char_p(b"queue"), 0o102, 0o600, None))


def landlock():
    KEPT.append(libc.syscall(444, ctypes.byref(ctypes.c_uint64(0x1FFF)), 8, 0))


def file_of_another():
    KEPT.append(open("/proc/1/stat"))


def own_memory():
    KEPT.append(open("/proc/self/mem", "rb"))


def own_namespace():
    KEPT.append(open("/proc/self/ns/net"))


def packet_pipe():
    KEPT.extend(os.pipe2(os.O_DIRECT))


def corked():
    one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    one.setsockopt(socket.IPPROTO_UDP, 1, 1)
    one.connect(("127.0.0.1", 9))
    one.send(b"x")
    KEPT.append(one)


def backlog():
    server = socket.create_server(("127.0.0.1", 7100))
    KEPT.extend([server, socket.create_connection(("127.0.0.1", 7100))])


def unix_backlog():
    server = socket.socket(socket.AF_UNIX)
    server.bind("/tmp/socket")
    server.listen()
    one = socket.socket(socket.AF_UNIX)
    one.connect("/tmp/socket")
    one.send(b"x")
    KEPT.extend([server, one])


def watch_of_proc():
    libc.inotify_add_watch(libc.inotify_init1(0), b"/proc/self/status", 0xFFF)


def watch_of_nothing():
    os.mkdir("/tmp/gone")
    KEPT.append(os.open("/tmp/gone", os.O_RDONLY))
    libc.inotify_add_watch(libc.inotify_init1(0), b"/tmp/gone", 0x100)
    os.rmdir("/tmp/gone")


def thread_that_ended_first():
    child = os.fork()
    if child == 0:
        threading.Thread(target=time.sleep, args=(1000,)).start()
        libc.syscall(60, 0)
    # Until then it could be saved.
    while state_of(child) != "Z":
        time.sleep(0.001)


def state_of(process):
    with open(f"/proc/{process}/stat") as file:
        return file.read().rpartition(")")[2].split()[0]


def epoll_of_another():
    watched = select.epoll()
    reading, writing = os.pipe()
    if os.fork() == 0:
        watched.close()
        time.sleep(1000)
    watched.register(reading, select.EPOLLIN)
    os.close(reading)
    KEPT.extend([watched, writing])


def reservation():
    libc.mmap.restype = ctypes.c_void_p
    libc.mmap(None, ctypes.c_size_t(64 << 40), 0, 0x4022, -1, ctypes.c_long(0))


globals()[os.environ["CASE"]]()
serve(lambda: "ok")
