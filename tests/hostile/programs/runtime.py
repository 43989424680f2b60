#!/usr/bin/python3
# A runtime for hostile functions: each try is a function of the event that returns what it got hold of, or raises.
import ctypes
import errno
import http.client
import json
import os
import traceback

API = os.environ["AWS_LAMBDA_RUNTIME_API"]
libc = ctypes.CDLL(None, use_errno=True)
TRIES = {}


def attempt(function):
    TRIES[function.__name__] = function
    return function


def syscall(number, *arguments):
    """The kernel's answer, or OSError."""
    ctypes.set_errno(0)
    result = libc.syscall(
        ctypes.c_long(number),
        *[a if isinstance(a, (bytes, ctypes.Array, type(None))) else ctypes.c_long(a) for a in arguments],
    )
    if result == -1:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


def outcome_of(event):
    try:
        return {"got": TRIES[event["try"]](event)}
    except OSError as error:
        return {"refused": errno.errorcode.get(error.errno, str(error))}
    except Exception:
        return {"broken": traceback.format_exc()}


def serve(handle=outcome_of):
    host, port = API.split(":")
    connection = http.client.HTTPConnection(host, int(port))
    while True:
        connection.request("GET", "/2018-06-01/runtime/invocation/next")
        response = connection.getresponse()
        event = json.loads(response.read())
        request_id = response.headers["Lambda-Runtime-Aws-Request-Id"]
        event["requestId"] = request_id
        try:
            answer = handle(event)
        except Exception:
            answer = traceback.format_exc()
        connection.request("POST", f"/2018-06-01/runtime/invocation/{request_id}/response", json.dumps(answer))
        connection.getresponse().read()
