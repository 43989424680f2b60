import secrets
import sys
import time

# The probe of the engine suite (tests/engines/suite.ts): each event names what it is asked to do.
TOKEN = secrets.token_hex(32)
EVENTS = 0
EATEN = []


def read(path):
    with open(path) as file:
        return file.read()


def echo(event):
    return {"token": TOKEN, "events": EVENTS, "value": event.get("value"), "atMs": time.time() * 1000}


def write(event):
    with open(f"/tmp/{event['name']}", "w") as file:
        file.write(event["text"])


def read_file(event):
    return read(f"/tmp/{event['name']}")


def identity(_event):
    return {"bootId": read("/proc/sys/kernel/random/boot_id"), "machineId": read("/etc/machine-id")}


def burn(event):
    begun = time.time()
    end = time.process_time() + event["cpuS"]
    while time.process_time() < end:
        pass
    return {"wallS": time.time() - begun}


def eat(_event):
    while True:
        EATEN.append(b"x" * 2**24)


def stop(event):
    sys.exit(event["code"])


OPS = {"echo": echo, "write": write, "read": read_file, "identity": identity, "burn": burn, "eat": eat, "exit": stop}


def handle(event):
    global EVENTS
    EVENTS += 1
    return OPS[event["op"]](event)


print("ready", flush=True)
