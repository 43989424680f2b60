import os

os.makedirs("/tmp/deep/er", exist_ok=True)
kept = open("/tmp/deep/er/kept", "w+")
kept.write("at Init\n")
kept.flush()
os.symlink("/tmp/deep/er/kept", "/tmp/link")


def check():
    kept.write("after\n")
    kept.flush()
    with open("/tmp/link") as file:
        found = file.read()
    return "ok" if found == "at Init\nafter\n" else repr(found)
