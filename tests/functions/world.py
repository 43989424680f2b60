"""What a function finds around it: variables, limits, users, programs."""

import errno
import locale
import os
import pwd
import resource
import socket
import subprocess

NAMES = ("AS", "CORE", "CPU", "DATA", "FSIZE", "MEMLOCK", "NOFILE", "NPROC", "RSS", "STACK")


def run(*words):
    return subprocess.run(words, capture_output=True, text=True, check=False).stdout.strip()


def handler(event, _context):
    return {
        "environment": dict(os.environ),
        "limits": {name: resource.getrlimit(getattr(resource, f"RLIMIT_{name}")) for name in NAMES},
        "folders": {path: folder(path) for path in ("/var/task", "/opt", "/tmp")},
        "cwd": os.getcwd(),
        "user": pwd.getpwuid(os.getuid()).pw_name,
        "bash": run("/bin/bash", "-c", "a=(x y); echo ${a[1]} $(id -un) $(ulimit -n) $(ulimit -u)"),
        "sh": run("/bin/sh", "-c", "a=(x y); [[ -d /tmp ]] && echo ${a[1]}"),
        "locale": locale.setlocale(locale.LC_CTYPE, ""),
        "host": socket.gethostbyname("host.thaw.internal"),
        "reached": [reaches(port) for port in event.get("ports", [])],
        "collectors": [reaches(port, "localhost") for port in event.get("collectors", [])],
        "devices": sorted(os.listdir("/dev")),
    }


def folder(path):
    mode = f"{os.stat(path).st_mode & 0o7777:o}"
    try:
        with open(f"{path}/written", "w", encoding="utf-8"):
            return f"{mode} written"
    except OSError as error:
        return f"{mode} {errno.errorcode[error.errno]}"


def reaches(port, host="host.thaw.internal"):
    try:
        with socket.create_connection((host, port), 10) as connection:
            return "hello" if connection.recv(100) == b"hello" else "nothing"
    except OSError as error:
        return type(error).__name__
