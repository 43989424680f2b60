# Tells who it is and what time it thinks it is. Init does the same: a clone can be compared with its snapshot.
import ctypes
import json
import os
import socket
import threading
import time
import urllib.request

fired = []
timer = threading.Timer(1.0, lambda: fired.append(time.monotonic()))
timer.daemon = True
timer.start()


def read(path):
    with open(path) as file:
        return file.read().strip()


def glibc_thread_id():
    """What glibc holds for the id of this thread: a lock with a wrong owner fails, and with it OpenSSL."""
    libc = ctypes.CDLL(None)
    libc.pthread_self.restype = ctypes.c_uint64
    tid_offset = 0x2D0
    return ctypes.c_int.from_address(libc.pthread_self() + tid_offset).value


def facts():
    return {
        "glibcThreadId": glibc_thread_id(),
        "hostname": socket.gethostname(),
        "bootId": read("/proc/sys/kernel/random/boot_id"),
        "machineId": read("/etc/machine-id"),
        "wallMs": time.time() * 1000,
        "monotonicS": time.monotonic(),
        "boottimeS": time.clock_gettime(time.CLOCK_BOOTTIME),
        "pid": os.getpid(),
        "tmp": sorted(os.listdir("/tmp")),
        "snapshot": json.loads(read("/run/thaw/snapshot.json")),
    }


def access_key():
    if "AWS_CONTAINER_CREDENTIALS_FULL_URI" not in os.environ:
        return None
    request = urllib.request.Request(
        os.environ["AWS_CONTAINER_CREDENTIALS_FULL_URI"],
        headers={"Authorization": os.environ["AWS_CONTAINER_AUTHORIZATION_TOKEN"]},
    )
    return json.load(urllib.request.urlopen(request))["AccessKeyId"]


with open("/tmp/from-init", "w") as file:
    file.write("init")
at_init = facts()


def handler(event, context):
    now = facts()
    if "write" in event:
        with open(f"/tmp/{event['write']}", "w") as file:
            file.write(event["write"])
    if "waitForTimer" in event:
        timer.join(10)
    time.sleep(event.get("holdMs", 0) / 1000)
    return {"init": at_init, "now": now, "after": facts(), "fired": fired, "key": access_key()}
