MREMAP_MAYMOVE, MREMAP_FIXED = 1, 2
before = map_pages(64)
fill(before, range(1, 65))
target = map_pages(128)
before = ok(libc.mremap(before, 64 * PAGE, 64 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, target), "mremap")
later = map_pages(200)
fill(later, range(1000, 1200))
is_moved = False


def check():
    global is_moved
    if not is_moved:
        is_moved = True
        place = map_pages(400)
        fill(place, [7] * 400)
        # Half of what nobody has touched yet goes elsewhere, and its tail grows.
        ok(libc.mremap(later + 100 * PAGE, 100 * PAGE, 150 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, place), "mremap")
        wrong = differs(place, [*range(1100, 1200), *[None] * 50], "moved and grown")
        hole = map_pages(100, address=later + 100 * PAGE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | 0x10)
        wrong = wrong or differs(hole, [None] * 100, "a new mapping where the moved one was")
        if wrong:
            return wrong
    return (
        differs(before, range(1, 65), "moved before the snapshot")
        or differs(later, range(1000, 1100), "what stayed")
        or "ok"
    )
