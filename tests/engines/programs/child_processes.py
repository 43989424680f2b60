import os
import signal
import subprocess

child = subprocess.Popen(["/bin/cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
orphan_reader, orphan_writer = os.pipe()
middle = os.fork()
if middle == 0:
    if os.fork() == 0:
        signal.pause()
    os._exit(0)
os.waitpid(middle, 0)


def check():
    child.stdin.write(b"through a child\n")
    child.stdin.flush()
    if child.stdout.readline() != b"through a child\n":
        return "the child does not answer"
    if child.poll() is not None or os.getpgid(child.pid) != os.getpgid(0):
        return "the child's state was lost"
    fresh = subprocess.run(["/bin/echo", "fresh"], capture_output=True, check=True)
    return "ok" if fresh.stdout == b"fresh\n" else "no new child can be made"
