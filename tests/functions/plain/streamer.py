#!/usr/bin/python3
# A runtime that streams its responses, as its event says.
import base64
import http.client
import json
import os
import socket
import sys
import time

host, port = os.environ["AWS_LAMBDA_RUNTIME_API"].split(":")
MODE = "Lambda-Runtime-Function-Response-Mode: streaming\r\nContent-Type: text/plain\r\n"
ERROR = {"errorMessage": "late", "errorType": "LateError"}
DOCUMENT = base64.b64encode(json.dumps(ERROR).encode()).decode()
TRAILERS = (
    "Lambda-Runtime-Function-Error-Type: Function.Late\r\n" + f"Lambda-Runtime-Function-Error-Body: {DOCUMENT}\r\n"
)
streams = 0


def send(connection, data):
    """Sends everything; says so once when nothing is taken."""
    view = memoryview(data)
    while view:
        try:
            view = view[connection.send(view) :]
        except TimeoutError:
            print("held up", flush=True)
            connection.settimeout(None)


def chunk(connection, data):
    send(connection, f"{len(data):x}\r\n".encode() + data + b"\r\n")


def stream(event, path):
    connection = socket.create_connection((host, int(port)))
    connection.settimeout(0.5)
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\n{MODE}Transfer-Encoding: chunked\r\n\r\n"
    send(connection, head.encode())
    for _ in range(event.get("stamps", 0)):
        time.sleep(0.02)
        chunk(connection, f"{time.time() * 1000:.3f}".encode())
    for number in range(event["pieces"]):
        chunk(connection, bytes([97 + number % 26]) * event["size"])
    match event["end"]:
        case "hang":
            time.sleep(1000)
        case "exit":
            sys.exit(3)
        case "error":
            send(connection, f"0\r\n{TRAILERS}\r\n".encode())
        case _:
            send(connection, b"0\r\n\r\n")
    connection.settimeout(None)
    connection.recv(1024)
    connection.close()


poll = http.client.HTTPConnection(host, int(port))
while True:
    poll.request("GET", "/2018-06-01/runtime/invocation/next")
    answer = poll.getresponse()
    event = json.loads(answer.read())
    path = f"/2018-06-01/runtime/invocation/{answer.headers['Lambda-Runtime-Aws-Request-Id']}"
    if event.get("end") is None:
        poll.request("POST", f"{path}/response", json.dumps({"streams": streams}))
        poll.getresponse().read()
    elif event["end"] == "refuse":
        poll.request("POST", f"{path}/error", json.dumps(ERROR), {"Lambda-Runtime-Function-Error-Type": "Early"})
        poll.getresponse().read()
    else:
        streams += 1
        stream(event, f"{path}/response")
