import os

reader, writer = os.pipe()
os.write(writer, b"written at Init")
os.set_blocking(reader, False)


def check():
    found = os.read(reader, 100)
    os.write(writer, b"again")
    return "ok" if (found, os.read(reader, 100)) == (b"written at Init", b"again") else repr(found)
