import ctypes
import mmap
import struct

PAGE = 4096
libc = ctypes.CDLL(None, use_errno=True)
libc.mmap.restype = libc.mremap.restype = ctypes.c_void_p
libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
libc.mremap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_size_t, ctypes.c_int, ctypes.c_void_p]
libc.mprotect.argtypes = libc.madvise.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
libc.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
ZEROS = bytes(PAGE)
FAILED = ctypes.c_void_p(-1).value


def ok(result, what):
    if result in (-1, FAILED):
        raise OSError(ctypes.get_errno(), what)
    return result


def map_pages(pages, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, address=None):
    return ok(libc.mmap(address, pages * PAGE, mmap.PROT_READ | mmap.PROT_WRITE, flags, -1, 0), "mmap")


def page_of(number):
    return struct.pack("<Q", number * 0x9E3779B97F4A7C15 % 2**64 | 1) * (PAGE // 8)


def fill(address, numbers, at=None):
    for place, number in enumerate(numbers):
        ctypes.memmove(address + (place if at is None else at(place)) * PAGE, page_of(number), PAGE)


def read(address, page):
    return ctypes.string_at(address + page * PAGE, PAGE)


def differs(address, numbers, what):
    """Where a page is not what it should be (None: zeros), in words; empty where all are."""
    for place, number in enumerate(numbers):
        if read(address, place) != (ZEROS if number is None else page_of(number)):
            return f"{what}: page {place} is wrong ({read(address, place)[:16].hex()})"
    return ""
