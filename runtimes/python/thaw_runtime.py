"""Starts the official client: `python -m thaw_runtime HANDLER`, with our hook registered before any of the function's.

After a restore, and before the function's hooks: new seeds for the generators that Python keeps itself. OpenSSL's is
renewed by the preloaded library, and `os.urandom`, `secrets`, `uuid4` and `random.SystemRandom` ask the kernel.

Before the snapshot: the events of /var/task/thaw.prime.json, if there is one, through the client's own handling of a
request, then the function's before-snapshot hooks.

THAW_RESEED_SKIP: `random`, `numpy`, or `all`, separated by commas.
"""

import json
import os
import random
import secrets
import sys
import time
import uuid

import snapshot_restore_py
from awslambdaric import __main__ as client
from awslambdaric import bootstrap

PRIMES = "/var/task/thaw.prime.json"
TIMES_MAX = 1000


def renew() -> None:
    skipped = os.environ.get("THAW_RESEED_SKIP", "").split(",")
    if "all" in skipped:
        return
    if "random" not in skipped:
        random.seed()
        # Names of temporary files come from a generator of its own, made at its first use.
        tempfile = sys.modules.get("tempfile")
        if tempfile is not None:
            tempfile._name_sequence = None
        # libuuid keeps its clock sequence to itself, and all clones have one MAC address: two calls within a
        # microsecond would give the same UUID. Python's own uuid1 takes over, with a random node as RFC 9562,
        # 6.10 allows.
        uuid._generate_time_safe = None
        uuid._node = secrets.randbits(48) | 1 << 40
    numpy = sys.modules.get("numpy.random")
    if numpy is not None and "numpy" not in skipped:
        numpy.seed()


class _NoAnswer:
    """Takes the place of the client's connection: the answer to a prime event goes nowhere."""

    def __init__(self, real):
        self.marshaller = real.marshaller

    def post_invocation_result(self, *_args, **_kwargs):
        pass

    def post_invocation_error(self, _id, error, *_args, **_kwargs):
        print(f"A prime event failed: {error}", file=sys.stderr)


def prime(real_client, handler, log_sink) -> None:
    try:
        with open(PRIMES, encoding="utf-8") as file:
            document = json.load(file)
        events = [json.dumps(event) for event in document["events"]] * min(int(document.get("times", 1)), TIMES_MAX)
    except FileNotFoundError:
        return
    except (ValueError, KeyError, TypeError) as error:
        print(f"thaw.prime.json can't be read, nothing is primed: {error!r}", file=sys.stderr)
        return
    arn = f"arn:thaw:prime:::function:{os.environ.get('AWS_LAMBDA_FUNCTION_NAME')}"
    for event in events:
        deadline = int(time.time() * 1000) + 60_000
        # What the client's loop passes for a request.
        bootstrap.handle_event_request(
            _NoAnswer(real_client),
            handler,
            str(uuid.uuid4()),
            event,
            "application/json",
            None,
            None,
            arn,
            deadline,
            None,
            log_sink,
            None,
        )


def install_priming() -> None:
    """The client loads the handler, then runs the before-snapshot hooks: in between is the place for the events."""
    load, complete = bootstrap._get_handler, bootstrap.on_init_complete
    loaded = []

    def load_and_keep(name):
        loaded.append(load(name))
        return loaded[0]

    def prime_and_complete(real_client, log_sink):
        prime(real_client, loaded[0], log_sink)
        complete(real_client, log_sink)

    bootstrap._get_handler = load_and_keep
    bootstrap.on_init_complete = prime_and_complete


if __name__ == "__main__":
    if os.environ.get("AWS_LAMBDA_INITIALIZATION_TYPE") == "snap-start":
        snapshot_restore_py.register_after_restore(renew)
        if os.path.exists(PRIMES):
            install_priming()
    client.main(sys.argv)
