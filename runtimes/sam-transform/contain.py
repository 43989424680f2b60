"""Takes from this process, for good, all that a transform does not need.

Works without any right of its own, in each kernel that has seccomp: no socket, no file, no other process. Whoever is
led astray by a template can compute, and answer.
"""

import ctypes
import ctypes.util
import resource
import struct

PR_SET_PDEATHSIG = 1
PR_SET_SECCOMP = 22
PR_SET_NO_NEW_PRIVS = 38
SECCOMP_MODE_FILTER = 2
SIGKILL = 9

# Of the x86-64 ABI; calls of the x32 ABI have another bit and are in no list.
AUDIT_ARCH_X86_64 = 0xC000003E
ALLOWED = {
    "read": 0,
    "write": 1,
    "close": 3,
    "fstat": 5,
    "lseek": 8,
    "mmap": 9,
    "mprotect": 10,
    "munmap": 11,
    "brk": 12,
    "rt_sigaction": 13,
    "rt_sigprocmask": 14,
    "rt_sigreturn": 15,
    "mremap": 25,
    "madvise": 28,
    "getpid": 39,
    "exit": 60,
    "gettimeofday": 96,
    "sigaltstack": 131,
    "gettid": 186,
    "futex": 202,
    "restart_syscall": 219,
    "clock_gettime": 228,
    "exit_group": 231,
    "getrandom": 318,
    "rseq": 334,
}

LOAD_WORD = 0x20
JUMP_IF_EQUAL = 0x15
RETURN = 0x06
RETURN_ALLOW = 0x7FFF0000
RETURN_KILL = 0x80000000
# EPERM: the library's own error handling turns it into an error of that template.
RETURN_EPERM = 0x00050000 | 1


class Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p)]


def limit_resources(memory_bytes: int) -> None:
    """Sets hard limits: nobody without rights raises them again."""
    for which, value in [
        (resource.RLIMIT_AS, memory_bytes),
        (resource.RLIMIT_DATA, memory_bytes),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
    ]:
        resource.setrlimit(which, (value, value))


def end_with_parent() -> None:
    """Has the kernel end this process when its server ends, also in the middle of a template."""
    _prctl(PR_SET_PDEATHSIG, SIGKILL)


def forbid_system_calls() -> None:
    """Allows the calls above and no others, to all threads that there are or will be."""
    instructions = _filter()
    program = Program(len(instructions) // 8, instructions)
    _prctl(PR_SET_NO_NEW_PRIVS, 1)
    _prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.addressof(program))


def _filter() -> bytes:
    def instruction(code: int, if_true: int, if_false: int, value: int) -> bytes:
        return struct.pack("=HBBI", code, if_true, if_false, value)

    calls = sorted(ALLOWED.values())
    lines = [
        # The architecture of the call, at byte 4 of what the kernel tells; its number is at byte 0.
        instruction(LOAD_WORD, 0, 0, 4),
        instruction(JUMP_IF_EQUAL, 1, 0, AUDIT_ARCH_X86_64),
        instruction(RETURN, 0, 0, RETURN_KILL),
        instruction(LOAD_WORD, 0, 0, 0),
    ]
    for index, number in enumerate(calls):
        # Over the calls that follow, and over the refusal.
        lines.append(instruction(JUMP_IF_EQUAL, len(calls) - index, 0, number))
    lines.append(instruction(RETURN, 0, 0, RETURN_EPERM))
    lines.append(instruction(RETURN, 0, 0, RETURN_ALLOW))
    return b"".join(lines)


def _prctl(option: int, *values: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    arguments = [ctypes.c_ulong(value) for value in [*values, 0, 0, 0, 0][:4]]
    if libc.prctl(option, *arguments) != 0:
        raise OSError(ctypes.get_errno(), f"prctl({option}) is refused here")
