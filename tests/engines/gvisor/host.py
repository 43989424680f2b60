"""What design 0038 builds on, tried with the runsc that is pinned: prints what was seen as JSON.

Runs as pid 1 of namespaces of its own (`unshare -mpnf --mount-proc`), so that nothing of it outlives it. Arguments:
runsc, and an empty directory. The limits are for what hangs.
"""

import json
import os
import socket
import subprocess
import sys

RUNSC, PLACE = sys.argv[1:]
GUEST = os.path.join(os.path.dirname(os.path.abspath(__file__)), "guest.py")
LIMIT_S = 300
FLAGS = "--network=sandbox --platform=systrap --ignore-cgroups --directfs=false --host-uds=open --overlay2=none"
HOST_DIRECTORIES = [path for path in ("/usr", "/lib", "/lib64", "/bin") if os.path.exists(path)]
ROOT_CAPABILITIES = ["CAP_SETUID", "CAP_SETGID", "CAP_KILL"]
COUNTERS = """
table inet walls {
  chain out {
    type filter hook output priority 0
    tcp dport 8098 counter
  }
}
table netdev walls {
  chain out {
    type filter hook egress device "eth0" priority 0
    tcp dport 8098 counter
  }
}
"""


def run(*command, **options):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, timeout=LIMIT_S, **options).stdout


def runsc(*arguments):
    """Its output goes to a file: the sandbox keeps the descriptors, and a pipe would not end."""
    log = os.path.join(PLACE, "log")
    with open(log, "w") as output:
        command = [RUNSC, f"--root={PLACE}/state", *FLAGS.split(), *arguments]
        ended = subprocess.run(
            command, check=False, stdin=subprocess.DEVNULL, stdout=output, stderr=output, timeout=LIMIT_S
        )
    if ended.returncode != 0:
        with open(log) as output:
            raise RuntimeError(f"runsc {arguments}: {output.read()}")


class Sandbox:
    """A bundle with a network namespace, and the socket on which its program is waited for."""

    def __init__(self, number):
        self.name = f"sandbox{number}"
        self.bundle = os.path.join(PLACE, self.name)
        self.address = f"10.99.{number}"
        self.make_network(number)
        self.listener = self.listen()
        self.write_bundle()

    def make_network(self, number):
        device = f"host{number}"
        run("ip", "netns", "add", self.name)
        run("ip", "link", "add", device, "type", "veth", "peer", "name", "eth0", "netns", self.name)
        run("ip", "address", "add", f"{self.address}.1/24", "dev", device)
        run("ip", "link", "set", device, "up")
        inside = ("ip", "-n", self.name)
        run(*inside, "link", "set", "lo", "up")
        run(*inside, "address", "add", f"{self.address}.2/24", "dev", "eth0")
        run(*inside, "link", "set", "eth0", "up")
        run(*inside, "route", "add", "default", "via", f"{self.address}.1")
        run("ip", "netns", "exec", self.name, "nft", "-f", "-", input=COUNTERS)

    def listen(self):
        calls = os.path.join(self.bundle, "calls")
        os.makedirs(calls, mode=0o700)
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(os.path.join(calls, "socket"))
        os.chmod(os.path.join(calls, "socket"), 0o600)
        listener.listen(1)
        listener.settimeout(LIMIT_S)
        return listener

    def write_bundle(self):
        for path in ["proc", "tmp", "dev", "etc", "run/calls", "program", *(path[1:] for path in HOST_DIRECTORIES)]:
            os.makedirs(os.path.join(self.bundle, "root", path))
        for name in ("boot-id", "machine-id"):
            with open(os.path.join(self.bundle, name), "w") as file:
                file.write(f"{self.name}\n")
        with open(os.path.join(self.bundle, "config.json"), "w") as file:
            json.dump(self.spec(), file)

    def spec(self):
        mounts = [
            {"destination": "/proc", "type": "proc", "source": "proc"},
            {"destination": "/tmp", "type": "tmpfs", "source": "tmpfs"},
            *(bind(path, path) for path in HOST_DIRECTORIES),
            bind(os.path.dirname(GUEST), "/program"),
            bind(os.path.join(self.bundle, "calls"), "/run/calls"),
            bind(os.path.join(self.bundle, "boot-id"), "/proc/sys/kernel/random/boot_id"),
            bind(os.path.join(self.bundle, "machine-id"), "/etc/machine-id"),
        ]
        network = {"type": "network", "path": f"/run/netns/{self.name}"}
        capabilities = {name: ROOT_CAPABILITIES for name in ("bounding", "effective", "permitted")}
        return {
            "ociVersion": "1.0.0",
            "hostname": self.name,
            "root": {"path": "root", "readonly": True},
            "process": {
                "user": {"uid": 0, "gid": 0},
                "args": ["/usr/bin/python3", "/program/guest.py"],
                "env": ["PATH=/usr/bin:/bin"],
                "cwd": "/",
                "noNewPrivileges": True,
                "capabilities": capabilities,
            },
            "mounts": mounts,
            "linux": {"namespaces": [*({"type": each} for each in ("pid", "mount", "ipc", "uts")), network]},
        }

    def answer(self):
        """Waits for the program's call."""
        call, _ = self.listener.accept()
        call.settimeout(LIMIT_S)
        return Call(call)

    def counted(self):
        """Packets that each counter of the network namespace has seen, by the family of its table."""
        listed = json.loads(run("ip", "netns", "exec", self.name, "nft", "-j", "list", "ruleset"))
        rules = [each["rule"] for each in listed["nftables"] if "rule" in each]
        return {rule["family"]: find_counter(rule)["packets"] for rule in rules}


class Call:
    def __init__(self, call):
        self.lines = call.makefile("rw")

    def ask(self, command):
        self.lines.write(command + "\n")
        self.lines.flush()
        return json.loads(self.lines.readline())

    def is_ended(self):
        return self.lines.readline() == ""


def bind(source, destination):
    return {"destination": destination, "source": source, "type": "bind", "options": ["rbind", "ro"]}


def find_counter(rule):
    return next(part["counter"] for part in rule["expr"] if "counter" in part)


def sentry_users():
    """Users of the sentries that run: the processes that runsc calls runsc-sandbox."""
    users = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            if file.read().startswith(b"runsc-sandbox\0"):
                users.append(os.stat(f"/proc/{pid}").st_uid)
    return users


def link_to_memory(image):
    """Makes a directory of links to files in memory, which stay open."""
    links = os.path.join(PLACE, "links")
    os.mkdir(links)
    for name in os.listdir(image):
        descriptor = os.memfd_create(name)
        with open(os.path.join(image, name), "rb") as file, open(descriptor, "wb", closefd=False) as memory:
            memory.write(file.read())
        os.symlink(f"/proc/{os.getpid()}/fd/{descriptor}", os.path.join(links, name))
    return links


def sender_of(call):
    """Has the program connect to the host by its network, and tells its address."""
    with socket.create_server(("10.99.0.1", 8098)) as server:
        server.settimeout(LIMIT_S)
        call.ask("connect")
        connection, (address, _) = server.accept()
        connection.close()
        return address


def main():
    run("mount", "-t", "tmpfs", "tmpfs", "/run")
    run("mount", "-t", "tmpfs", "tmpfs", PLACE)
    run("ip", "link", "set", "lo", "up")
    original = Sandbox(0)
    runsc("create", f"--bundle={original.bundle}", original.name)
    runsc("start", original.name)
    call = original.answer()
    seen = {"original": call.ask("facts"), "anotherUser": call.ask("another-user")["outcome"]}
    seen["sender"] = sender_of(call)
    seen["counted"] = original.counted()
    seen["sentryUsers"] = sentry_users()
    image = os.path.join(PLACE, "image")
    runsc("checkpoint", f"--image-path={image}", "--compression=none", original.name)
    seen["isCallEnded"] = call.is_ended()
    seen["files"] = sorted(os.listdir(image))
    runsc("delete", "--force", original.name)
    links = link_to_memory(image)
    run("rm", "-r", image)
    seen["clones"] = [facts_of_clone(number, links) for number in (1, 2)]
    print(json.dumps(seen))


def facts_of_clone(number, image):
    clone = Sandbox(number)
    runsc("create", f"--bundle={clone.bundle}", clone.name)
    runsc("restore", f"--image-path={image}", f"--bundle={clone.bundle}", "--detach", clone.name)
    call = clone.answer()
    return {**call.ask("facts"), "sender": sender_of(call)}


main()
