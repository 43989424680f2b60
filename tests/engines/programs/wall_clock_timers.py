import ctypes
import os
import struct
import time

libc = ctypes.CDLL(None, use_errno=True)
LATER_S = 1000
ABSOLUTE = 1
NANOSECONDS = 10**9


def timer(clock, flags, due_ns, interval_s=0):
    fd = libc.timerfd_create(clock, os.O_NONBLOCK)
    value = (ctypes.c_long * 4)(interval_s, 0, due_ns // NANOSECONDS, due_ns % NANOSECONDS)
    if libc.timerfd_settime(fd, flags, ctypes.byref(value), None) != 0:
        raise OSError(ctypes.get_errno(), "timerfd_settime")
    return fd


def left_ns(fd):
    value = (ctypes.c_long * 4)()
    libc.timerfd_gettime(fd, ctypes.byref(value))
    return value[2] * NANOSECONDS + value[3]


def expirations(fd):
    try:
        return struct.unpack("Q", os.read(fd, 8))[0]
    except BlockingIOError:
        return 0


NOW_NS = time.time_ns()
DUE_NS = NOW_NS + LATER_S * NANOSECONDS
wall = timer(time.CLOCK_REALTIME, ABSOLUTE, DUE_NS)
every = timer(time.CLOCK_REALTIME, ABSOLUTE, DUE_NS, 3600)
past = timer(time.CLOCK_REALTIME, ABSOLUTE, NOW_NS - NANOSECONDS)
unset = timer(time.CLOCK_REALTIME, ABSOLUTE, 0)
span = timer(time.CLOCK_REALTIME, 0, LATER_S * NANOSECONDS)
steady = timer(time.CLOCK_MONOTONIC, ABSOLUTE, time.monotonic_ns() + LATER_S * NANOSECONDS)
if expirations(past) != 1:
    raise RuntimeError("a moment of the past is not due")


def check():
    for fd in (wall, every):
        before_ns = time.time_ns()
        left = left_ns(fd)
        after_ns = time.time_ns()
        # Not by how old the snapshot is: a millisecond for what the kernel reads at another moment.
        if not before_ns + left - 10**6 <= DUE_NS <= after_ns + left + 10**6:
            return f"due {(after_ns + left - DUE_NS) / 1e9} s late"
    if any(expirations(fd) for fd in (past, unset)) or left_ns(past) or left_ns(unset):
        return "what has expired, or was not set, expires"
    if not all(0 < left_ns(fd) <= LATER_S * NANOSECONDS for fd in (span, steady)):
        return f"spans: {left_ns(span)} {left_ns(steady)}"
    return "ok"
