import os
import socket

CONNECTION = socket.create_connection((os.environ["OUTSIDE"], 8081))


def handler(event, context):
    try:
        CONNECTION.sendall(b"ping\n")
        return {"alive": CONNECTION.recv(100) != b""}
    except OSError:
        return {"alive": False}
