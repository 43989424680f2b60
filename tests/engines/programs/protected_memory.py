memory = map_pages(256)
fill(memory, range(256))
ok(libc.mprotect(memory + 64 * PAGE, 64 * PAGE, mmap.PROT_READ), "mprotect")
ok(libc.mprotect(memory + 128 * PAGE, 64 * PAGE, 0), "mprotect")
BOTH = mmap.PROT_READ | mmap.PROT_WRITE


def check():
    # Mappings are split and joined over pages that are not there yet.
    for page in range(0, 64, 3):
        ok(libc.mprotect(memory + page * PAGE, PAGE, mmap.PROT_READ), "mprotect")
    ok(libc.mprotect(memory + 128 * PAGE, 64 * PAGE, BOTH), "mprotect")
    wrong = differs(memory, range(256), "protected")
    ok(libc.mprotect(memory, 256 * PAGE, BOTH), "mprotect")
    return wrong or differs(memory, range(256), "joined again") or "ok"
