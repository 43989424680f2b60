import os

memory = map_pages(512)
fill(memory, range(512))
FORKS = 300


def child_says(numbers, what):
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.write(writer, (differs(memory, numbers, what) or "ok").encode())
        finally:
            os._exit(0)
    os.close(writer)
    said = os.read(reader, 1000).decode()
    os.close(reader)
    os.waitpid(child, 0)
    return said


def check():
    # Neither has touched the pages when they part; the child of a child reads them too.
    outer_reader, outer_writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.write(outer_writer, child_says(range(512), "in a grandchild").encode())
        finally:
            os._exit(0)
    os.close(outer_writer)
    said = os.read(outer_reader, 1000).decode()
    os.close(outer_reader)
    os.waitpid(child, 0)
    if said != "ok":
        return f"a child of a child: {said}"
    wrong = differs(memory, range(512), "in the parent")
    for _ in range(FORKS):
        if wrong:
            return wrong
        child = os.fork()
        if child == 0:
            os._exit(0)
        os.waitpid(child, 0)
    return child_says(range(512), "after many forks")
