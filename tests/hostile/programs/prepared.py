# Much in /tmp or in shared memory before a snapshot: what each restore lays out as files.
import mmap

CASE, MIB = os.environ["CASE"], int(os.environ["MIB"])
SHARED = []


def block(number):
    """A MiB that is in no other place, or of zeros."""
    return bytes(1 << 20) if CASE == "zeros" else (b"%16d" % number) * (1 << 16)


if CASE == "shared_memory":
    for number in range(MIB):
        SHARED.append(mmap.mmap(-1, 1 << 20))
        SHARED[-1].write(block(number))
else:
    with open("/tmp/large", "wb") as file:
        for number in range(MIB):
            file.write(block(number))


def check(event):
    if CASE == "shared_memory":
        same = all(SHARED[number][:] == block(number) for number in range(MIB))
    else:
        with open("/tmp/large", "rb") as file:
            same = all(file.read(1 << 20) == block(number) for number in range(MIB)) and file.read() == b""
    with open("/tmp/large", "ab") as file:
        file.write(b"mine")
    return {"same": same}


serve(check)
