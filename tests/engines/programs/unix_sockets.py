import os
import socket

left, right = socket.socketpair()
left.send(b"in the buffer")
path = "/tmp/listening.sock"
listener = socket.socket(socket.AF_UNIX)
listener.bind(path)
listener.listen()


def check():
    if right.recv(100) != b"in the buffer":
        return "the buffer of a pair was lost"
    client = socket.socket(socket.AF_UNIX)
    client.connect(path)
    served, _ = listener.accept()
    client.send(b"hello")
    return "ok" if served.recv(100) == b"hello" and os.path.exists(path) else "the listener was lost"
