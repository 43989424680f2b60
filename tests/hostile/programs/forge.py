import signal
import socket
import sys
import threading
import time
import urllib.error
import urllib.request

SUPERVISOR = os.getppid()


def post(path, body=b"{}", headers=None):
    request = urllib.request.Request(f"http://{API}{path}", data=body, method="POST", headers=headers or {})
    try:
        return urllib.request.urlopen(request, timeout=5).status
    except urllib.error.HTTPError as error:
        return error.code


@attempt
def wait(event):
    time.sleep(event["seconds"])
    return f"mine: {event['requestId']}"


@attempt
def answer_for(event):
    """A response, and an error, for somebody else's request."""
    path = f"/2018-06-01/runtime/invocation/{event['other']}"
    return [post(path + "/response", b'"forged"'), post(path + "/error", b'{"errorMessage":"forged"}')]


@attempt
def move_out_of_turn(event):
    return [
        post("/2018-06-01/runtime/init/error"),
        post("/2018-06-01/runtime/restore/error"),
        post("/2018-06-01/runtime/invocation/..%2f..%2finit/error"),
        post("/_thaw/v1/environments/stop"),
        post("/2015-03-31/functions/other/invocations"),
    ]


@attempt
def credentials_of_another(event):
    request = urllib.request.Request(f"http://{API}/2021-04-23/credentials", headers={"Authorization": event["token"]})
    try:
        return urllib.request.urlopen(request, timeout=5).read().decode()
    except urllib.error.HTTPError as error:
        raise OSError(errno.EACCES, str(error.code)) from error


@attempt
def smuggle(event):
    """Two requests in one; what is malformed is answered 400 or closed, and never relayed as another."""
    host, port = API.split(":")
    answers = []
    path = f"/2018-06-01/runtime/invocation/{event['other']}/response"
    second = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{{}}"
    for raw in (
        f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{second}",
        f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nContent-Length: 40\r\n\r\n{{}}",
        f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n",
        "GET /2018-06-01/ping HTTP/9.9\r\n\r\n",
        "\x00" * 100,
        "GET / HTTP/1.1\r\n" + "X: y\r\n" * 2000 + "\r\n",
        "GET /" + "a" * 100_000 + " HTTP/1.1\r\n\r\n",
    ):
        one = socket.create_connection((host, int(port)), timeout=5)
        try:
            one.sendall(raw.encode())
            answers.append(one.recv(100).split(b"\r\n")[0].decode())
        except OSError as error:
            answers.append(type(error).__name__)
        one.close()
    return answers


@attempt
def many_connections(event):
    """Every descriptor that this process may have, to its own supervisor."""
    host, port = API.split(":")
    kept = []
    try:
        while True:
            kept.append(socket.create_connection((host, int(port)), timeout=1))
    except OSError:
        pass
    count = len(kept)
    for one in kept:
        one.close()
    return count


@attempt
def flood_the_control_socket(event):
    kept, refused = [], 0
    for _ in range(900):
        one = socket.socket(socket.AF_UNIX)
        one.setblocking(False)
        try:
            one.connect("/run/ctl/ctl.sock")
            kept.append(one)
        except OSError:
            refused += 1
    return len(kept) + refused


@attempt
def signal_the_supervisor(event):
    os.kill(SUPERVISOR, event["signal"])
    time.sleep(event.get("seconds", 0))
    return "sent"


@attempt
def print_forged(event):
    for text in event["texts"]:
        sys.stdout.write(text)
    sys.stdout.flush()
    return "printed"


if os.environ.get("STOP_AT_INIT"):
    # Once this process waits in the supervisor, the supervisor waits for nobody.
    def stop():
        time.sleep(0.3)
        os.kill(SUPERVISOR, signal.SIGSTOP)

    if os.environ["STOP_AT_INIT"] == "before":
        os.kill(SUPERVISOR, signal.SIGSTOP)
    else:
        threading.Thread(target=stop, daemon=True).start()

serve()
