"""moto for `thaw serve --companion moto`: five services of AWS's API on one port of the loopback, all in memory.

    python3.13 -S -B - PARENT PORT ACCOUNT      (this text on the standard input)

The launcher starts it in a root file system that holds Python and moto only, as a user of its own. The first line of
output says that it answers: `ready`. Exit status 98 says that the port is taken.
"""

import ctypes
import json
import os
import resource
import signal
import socket
import sys
import threading
import time

PR_SET_PDEATHSIG = 1
# Everything is kept in memory, and whoever reaches the port may put something there.
MEMORY_BYTES = 2 << 30
# A thread for each connection.
THREADS_MAX = 1024
FILES_MAX = 2048
THREAD_STACK_BYTES = 1 << 20
# A connection that says nothing holds its thread no longer.
IDLE_S = 60
PORT_TAKEN = 98
BACKLOG = 1024
# The services by moto's names for them, as docs/guides/stack-services.md has them.
SERVICES = ("sqs", "sns", "dynamodb", "dynamodbstreams", "kinesis", "secretsmanager")
# The host as functions know it. Addresses of queues bear it, whoever asked for them.
HOST_IN_FUNCTIONS = "host.thaw.internal"


def contain(parent: int) -> None:
    """Sets hard limits, and has the kernel end this process when the launcher ends."""
    for which, value in [
        (resource.RLIMIT_DATA, MEMORY_BYTES),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NPROC, THREADS_MAX),
        (resource.RLIMIT_NOFILE, FILES_MAX),
    ]:
        resource.setrlimit(which, (value, value))
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG) is refused here")
    # It may have ended before the line above.
    if os.getppid() != parent:
        sys.exit(0)


def listen(port: int) -> socket.socket:
    """Takes the port, so that nobody else gets it while moto is loaded; connections wait meanwhile."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
    except OSError as error:
        print(error, file=sys.stderr)
        sys.exit(PORT_TAKEN)
    listener.listen(BACKLOG)
    return listener


class Companion:
    """moto's own application, for the five services alone."""

    def __init__(self, port: int) -> None:
        from moto.backends import get_backend
        from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

        self._authority = f"{HOST_IN_FUNCTIONS}:{port}"
        self._started = time.monotonic()
        self._moto = DomainDispatcherApplication(create_backend_app)
        for service in SERVICES:
            get_backend(service)
            self._moto.app_instances[service] = create_backend_app(service)

    def __call__(self, environ: dict, start_response: object) -> object:
        if environ.get("PATH_INFO") == "/_thaw":
            uptime = {"uptimeS": round(time.monotonic() - self._started)}
            return answer(start_response, "200 OK", uptime)
        environ["HTTP_HOST"] = self._authority
        service = self._service_of(environ)
        if service in SERVICES:
            return self._moto.app_instances[service](environ, start_response)
        message = f"The companion of Thaw has {', '.join(SERVICES)}; this request is for {service or 'none of them'}."
        return answer(start_response, "400 Bad Request", {"__type": "UnknownService", "message": message})

    def _service_of(self, environ: dict) -> str | None:
        # moto's own operations, by their path, would empty everything.
        path = environ.get("PATH_INFO", "")
        if path.startswith(("/moto-api", "/latest/")):
            return None
        try:
            host = self._moto.infer_service_region_host(environ, path)
        except (KeyError, IndexError):
            return None
        return None if host is None else self._moto.get_backend_for_host(host)


def answer(start_response: object, status: str, content: dict) -> list[bytes]:
    body = json.dumps(content).encode()
    head = [("content-type", "application/json"), ("content-length", str(len(body)))]
    start_response(status, head)
    return [body]


def main(parent: int, port: int, account: str) -> None:
    contain(parent)
    listener = listen(port)
    sys.path.append("/library")
    os.environ["MOTO_ACCOUNT_ID"] = account
    os.environ["MOTO_PORT"] = str(port)
    threading.stack_size(THREAD_STACK_BYTES)
    from moto.moto_server.werkzeug_app import MotoRequestHandler
    from werkzeug.serving import make_server

    class Handler(MotoRequestHandler):
        timeout = IDLE_S

        def log(self, *_line: object) -> None:
            """Keeps quiet: each request would be a line."""

    server = make_server(
        "127.0.0.1", port, Companion(port), threaded=True, request_handler=Handler, fd=listener.fileno()
    )
    print("ready", flush=True)
    server.serve_forever()


main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
