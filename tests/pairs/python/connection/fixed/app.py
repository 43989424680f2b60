import os
import socket


def handler(event, context):
    with socket.create_connection((os.environ["OUTSIDE"], 8081)) as connection:
        connection.sendall(b"ping\n")
        return {"alive": connection.recv(100) != b""}
