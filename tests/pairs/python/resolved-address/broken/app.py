import os
import socket

ADDRESS = socket.gethostbyname(os.environ["BACKEND"])


def handler(event, context):
    with socket.create_connection((ADDRESS, 8080)) as connection:
        return connection.getpeername()[1]
