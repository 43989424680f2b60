import os
import socket


def handler(event, context):
    with socket.create_connection((os.environ["BACKEND"], 8080)) as connection:
        return connection.getpeername()[1]
