#!/usr/bin/python3
# A runtime behind a function URL that streams: the path says what the answer is.
import base64
import http.client
import json
import os
import socket
import time

host, port = os.environ["AWS_LAMBDA_RUNTIME_API"].split(":")
PRELUDE = {"statusCode": 206, "headers": {"Content-Type": "text/event-stream"}, "cookies": ["a=1", "b=2"]}
starts = 0


def chunk(connection, data):
    connection.sendall(f"{len(data):x}\r\n".encode() + data + b"\r\n")


def stream(path, url):
    connection = socket.create_connection((host, int(port)))
    kind = "text/css" if path == "/plain" else "application/vnd.awslambda.http-integration-response"
    mode = f"Lambda-Runtime-Function-Response-Mode: streaming\r\nContent-Type: {kind}\r\n"
    connection.sendall(f"POST {url} HTTP/1.1\r\nHost: x\r\n{mode}Transfer-Encoding: chunked\r\n\r\n".encode())
    if path != "/plain" and path != "/broken":
        chunk(connection, json.dumps(PRELUDE).encode() + bytes(8))
    if path == "/stamps":
        for _ in range(100):
            time.sleep(0.02)
            chunk(connection, f"{time.time() * 1000:.3f}".encode())
    chunk(connection, b"first;")
    if path == "/hang":
        time.sleep(1000)
    for _number in range(300 if path == "/long" else 1):
        chunk(connection, b"x" * 65536 if path == "/long" else b"second;")
    error = base64.b64encode(b'{"errorMessage":"late","errorType":"LateError"}').decode()
    trailers = f"Lambda-Runtime-Function-Error-Type: Function.Late\r\nLambda-Runtime-Function-Error-Body: {error}\r\n"
    connection.sendall(f"0\r\n{trailers if path == '/late' else ''}\r\n".encode())
    connection.recv(1024)
    connection.close()


poll = http.client.HTTPConnection(host, int(port))
while True:
    poll.request("GET", "/2018-06-01/runtime/invocation/next")
    answer = poll.getresponse()
    event = json.loads(answer.read())
    url = f"/2018-06-01/runtime/invocation/{answer.headers['Lambda-Runtime-Aws-Request-Id']}/response"
    starts += 1
    if event["rawPath"] == "/starts":
        poll.request("POST", url, json.dumps({"starts": starts}))
        poll.getresponse().read()
    else:
        stream(event["rawPath"], url)
