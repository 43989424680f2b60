# boto3, urllib and a raw socket with connections made in Init; a listening socket and a connection on the loopback.
import os
import socket

import boto3
import urllib3

OUTSIDE = os.environ["OUTSIDE"]
s3 = boto3.client("s3", endpoint_url=f"http://{OUTSIDE}:8080", region_name="us-east-1")
pool = urllib3.PoolManager()
raw = socket.create_connection((OUTSIDE, 8081))
listener = socket.create_server(("127.0.0.1", 0))
inner = socket.create_connection(listener.getsockname())
accepted, _ = listener.accept()
event_errors = []


def use(name, act):
    try:
        return {"ok": act()}
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}"}


def ask_raw():
    raw.sendall(b"hello\n")
    return raw.recv(100).decode()


def ask_inner():
    inner.sendall(b"inside")
    return accepted.recv(100).decode()


def ask_listener():
    with socket.create_connection(listener.getsockname(), timeout=5) as client:
        other, _ = listener.accept()
        with other:
            client.sendall(b"new")
            return other.recv(100).decode()


def draw():
    return {
        "boto3": use("boto3", lambda: len(s3.list_buckets()["Buckets"])),
        "urllib3": use(
            "urllib3", lambda: pool.request("GET", f"http://{OUTSIDE}:8080/connection", retries=False).data.decode()
        ),
        "raw": use("raw", ask_raw),
        "loopback": use("loopback", ask_inner),
        "listening": use("listening", ask_listener),
    }


at_init = draw()


def handler(event, context):
    return {"init": at_init, "first": draw(), "second": draw()}
