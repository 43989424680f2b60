MADV_WIPEONFORK, MAP_DROPPABLE = 18, 0x08
given = map_pages(64)
fill(given, range(1, 65))
ok(libc.madvise(given + 16 * PAGE, 16 * PAGE, mmap.MADV_DONTNEED), "madvise")
wiped = map_pages(8)
ok(libc.madvise(wiped, 8 * PAGE, MADV_WIPEONFORK), "madvise")
fill(wiped, range(500, 508))
droppable = libc.mmap(None, 8 * PAGE, mmap.PROT_READ | mmap.PROT_WRITE, MAP_DROPPABLE | mmap.MAP_ANONYMOUS, -1, 0)
if droppable != FAILED:
    fill(droppable, range(600, 608))
later = map_pages(300)
fill(later, range(1000, 1300))
calls = 0


def check():
    global calls
    calls += 1
    if calls == 1:
        wrong = differs(wiped, [None] * 8, "WIPEONFORK") or (
            droppable != FAILED and differs(droppable, [None] * 8, "MAP_DROPPABLE")
        )
        if wrong:
            return wrong
    # Pages that nobody has touched since the restore are given up.
    ok(libc.madvise(later + 100 * PAGE, 100 * PAGE, mmap.MADV_DONTNEED), "madvise")
    kept = [*range(1000, 1100), *[None] * 100, *range(1200, 1300)]
    return (
        differs(given, [*range(1, 17), *[None] * 16, *range(33, 65)], "DONTNEED before the snapshot")
        or differs(later, kept, "DONTNEED after the restore")
        or "ok"
    )
