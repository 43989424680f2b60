PAGES = 4 * 1024 * 1024
MAP_NORESERVE = 0x4000
memory = map_pages(PAGES, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | MAP_NORESERVE)
STEP = 65_537
fill(memory, range(PAGES // STEP), at=lambda place: place * STEP)


def check():
    for place in range(PAGES // STEP):
        if read(memory, place * STEP) != page_of(place):
            return f"page {place * STEP} is wrong"
        if read(memory, place * STEP + 1) != ZEROS or read(memory, place * STEP + STEP // 2) != ZEROS:
            return f"there is something behind page {place * STEP}"
    return "ok"
