import selectors
import socket
import time


@attempt
def connect(event):
    """Which of the addresses answer; all at once."""
    waiting = selectors.DefaultSelector()
    for address, port in event["addresses"]:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        one = socket.socket(family)
        one.setblocking(False)
        try:
            one.connect((address, port))
        except BlockingIOError:
            waiting.register(one, selectors.EVENT_WRITE, f"{address}:{port}")
        except OSError:
            pass
    reached = []
    deadline = time.monotonic() + event.get("seconds", 2)
    while waiting.get_map() and time.monotonic() < deadline:
        for key, _ in waiting.select(0.2):
            if key.fileobj.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0:
                reached.append(key.data)
            waiting.unregister(key.fileobj)
    return sorted(reached)


@attempt
def refusals(event):
    """The error with which each address answers; all at once."""
    waiting = selectors.DefaultSelector()
    found = {}
    for address, port in event["addresses"]:
        one = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
        one.setblocking(False)
        error = one.connect_ex((address, port))
        if error == errno.EINPROGRESS:
            waiting.register(one, selectors.EVENT_WRITE, f"{address}:{port}")
        else:
            found[f"{address}:{port}"] = errno.errorcode[error]
    deadline = time.monotonic() + event["seconds"]
    while waiting.get_map() and time.monotonic() < deadline:
        for key, _ in waiting.select(0.2):
            error = key.fileobj.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            found[key.data] = errno.errorcode.get(error, "none")
            waiting.unregister(key.fileobj)
    return found


@attempt
def storm(event):
    """How many of very many connections are taken, and in how many seconds at most."""
    waiting = selectors.DefaultSelector()
    taken = 0
    began = time.monotonic()
    for _ in range(event["count"]):
        one = socket.socket()
        one.setblocking(False)
        one.connect_ex(tuple(event["address"]))
        waiting.register(one, selectors.EVENT_WRITE)
    # As long as some come: each wait is longer than the time between two that the host lets through.
    while taken < event["enough"] and (ready := waiting.select(2)):
        for key, _ in ready:
            taken += key.fileobj.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0
            waiting.unregister(key.fileobj)
    return {"taken": taken, "seconds": time.monotonic() - began}


@attempt
def listen(event):
    """A server on every address of this sandbox; how many connections came in a while."""
    server = socket.create_server(("0.0.0.0", event["port"]))
    server.settimeout(event["seconds"])
    try:
        server.accept()
        return "a connection"
    except TimeoutError as error:
        raise OSError(errno.ETIMEDOUT, "nobody") from error


@attempt
def ask(event):
    """What a service says before it hangs up."""
    with socket.create_connection(event["address"], timeout=5) as one:
        try:
            one.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            return one.recv(100).decode()
        except ConnectionError:
            return ""


@attempt
def send_datagrams(event):
    one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    for address, port in event["addresses"]:
        try:
            one.sendto(b"hostile", (address, port))
        except OSError:
            pass
    return "sent"


serve()
