import random
import threading

PAGES = 4096
memory = map_pages(PAGES)
fill(memory, range(PAGES))
start, problems = threading.Barrier(17), []


def storm(seed):
    while True:
        start.wait()
        order = list(range(PAGES))
        random.Random(seed).shuffle(order)
        for page in order:
            if read(memory, page) != page_of(page):
                problems.append(f"page {page} is wrong")
                break
        start.wait()


for seed in range(16):
    threading.Thread(target=storm, args=(seed,), daemon=True).start()


def check():
    start.wait()
    start.wait()
    return problems[0] if problems else "ok"
