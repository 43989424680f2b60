"""Starts the official client, with our hook registered before any of the function's.

Command line: `python3 -B /var/runtime/thaw_runtime.py`, with the handler in the variable `_HANDLER`.

A function's folder and its PYTHONPATH may hold modules with the names of those that the client or this file need
(json.py, random.py, …). As on AWS, the client's imports are done before the function's folders are on `sys.path`, and
the function gets its own module wherever the client has not loaded the standard one already. So this file imports
nothing but `sys` at its top, and nothing that the client does not import.

After a restore, and before the function's hooks: new seeds for the generators that Python keeps itself. OpenSSL's is
renewed by the preloaded library, and `os.urandom`, `secrets`, `uuid4` and `random.SystemRandom` ask the kernel.

Before the snapshot: the events of /var/task/thaw.prime.json, if there is one, through the client's own handling of a
request, then the function's before-snapshot hooks.

THAW_DEBUGPY: `wait` or `listen`, for a debugger; see `start_debugger`.

THAW_RESEED_SKIP: `random`, `numpy`, or `all`, separated by commas.
"""

import sys

RUNTIME_DIR = "/var/runtime"
PRIMES = "/var/task/thaw.prime.json"
TIMES_MAX = 1000
AUTHORITY = "/etc/thaw-ca.pem"
CERTIFICATES = "/etc/ssl/certs"


def main() -> None:
    """Loads the client from the runtime's own folders, then opens the function's and hands over."""
    function_path = search_path()
    sys.path[:] = own_path()
    # The client polls in a thread of this pool, and imports it only then.
    import concurrent.futures.thread  # noqa: F401
    import os

    from awslambdaric import __main__ as client
    from awslambdaric import bootstrap

    trust_service_door(os)
    if os.environ.get("AWS_LAMBDA_INITIALIZATION_TYPE") == "snap-start":
        prepare_snapshot(os, bootstrap)
    sys.path[:] = function_path
    if "THAW_DEBUGPY" in os.environ:
        start_debugger(os.environ)
    client.main([sys.argv[0], os.environ["_HANDLER"]])


def start_debugger(environ) -> None:
    """Lets the function's own debugpy listen, for `thaw dev --debug`; with `wait`, until a debugger has come.

    In this process: an adapter in a process of its own would need a connection, which the snapshot would hold.
    """
    import debugpy

    debugpy.listen(("127.0.0.1", int(environ["THAW_DEBUG_PORT"])), in_process_debug_adapter=True)
    if environ["THAW_DEBUGPY"] == "wait":
        debugpy.wait_for_client()


def trust_service_door(os) -> None:
    """Lets OpenSSL trust the server's service door, to which custom resources answer.

    OpenSSL reads a file beside the folder of certificates. Where the system's own certificates are in a file only, it
    stays that one. `os.environ` does not show the variable: AWS has none.
    """
    if "SSL_CERT_FILE" in os.environ or not os.path.exists(AUTHORITY) or not os.path.isdir(CERTIFICATES):
        return
    if any(name.endswith(".0") for name in os.listdir(CERTIFICATES)):
        os.putenv("SSL_CERT_FILE", AUTHORITY)


def own_path() -> list[str]:
    """The runtime's folder and Python's own; whatever PYTHONPATH or the current folder added is left out."""
    return [RUNTIME_DIR, *(path for path in sys.path if is_standard_path(path))]


def search_path() -> list[str]:
    """AWS's order: the function, layers, PYTHONPATH, the runtime, Python's own (Lambda's guide, "search path").

    What Python itself puts behind its own folders (PYTHONUSERBASE) stays there.
    """
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    first = ["/var/task", f"/opt/python/lib/{version}/site-packages", "/opt/python"]
    rest = [path for path in sys.path if path != RUNTIME_DIR and path not in first]
    own = next((index for index, path in enumerate(rest) if is_standard_path(path)), len(rest))
    return [*first, *rest[:own], RUNTIME_DIR, *rest[own:]]


def is_standard_path(path: str) -> bool:
    """Whether a folder is of Python's own installation, which functions can't change."""
    return path.startswith((sys.base_prefix + "/lib/", sys.base_prefix + "/local/lib/"))


def prepare_snapshot(os, bootstrap) -> None:
    """Registers our hook, and loads while names are certain what the client loads only around a snapshot."""
    import http.client  # noqa: F401

    import snapshot_restore_py
    from awslambdaric import lambda_literals, lambda_runtime_hooks_runner  # noqa: F401

    standard_dir = os.path.dirname(os.__file__) + "/"
    snapshot_restore_py.register_after_restore(lambda: renew(os, standard_dir))
    if os.path.exists(PRIMES):
        install_priming(os, bootstrap)


def renew(os, standard_dir: str) -> None:
    """Gives the generators of loaded modules new seeds. The function's own modules of such names are left alone."""
    skipped = os.environ.get("THAW_RESEED_SKIP", "").split(",")
    if "all" in skipped:
        return
    if "random" not in skipped:
        renew_standard(os, standard_dir)
    numpy = sys.modules.get("numpy.random")
    # A function may have a module of this name that is not NumPy's.
    if hasattr(numpy, "RandomState") and "numpy" not in skipped:
        numpy.seed()


def renew_standard(os, standard_dir: str) -> None:
    random = standard_module("random", standard_dir)
    if random is not None:
        random.seed()
    # Names of temporary files come from a generator of its own, made at its first use.
    tempfile = standard_module("tempfile", standard_dir)
    if tempfile is not None:
        tempfile._name_sequence = None
    # libuuid keeps its clock sequence to itself, and all clones have one MAC address: two calls within a microsecond
    # would give the same UUID. Python's own uuid1 takes over, with a random node as RFC 9562, 6.10 allows.
    uuid = standard_module("uuid", standard_dir)
    if uuid is not None:
        uuid._generate_time_safe = None
        uuid._node = int.from_bytes(os.urandom(6), "big") | 1 << 40


def standard_module(name: str, standard_dir: str):
    """The module if the function has loaded Python's own; None where it has not, or has one of its own of that name."""
    module = sys.modules.get(name)
    origin = getattr(getattr(module, "__spec__", None), "origin", None)
    return module if isinstance(origin, str) and origin.startswith(standard_dir) else None


class _NoAnswer:
    """Takes the place of the client's connection: the answer to a prime event goes nowhere."""

    def __init__(self, real):
        self.marshaller = real.marshaller

    def post_invocation_result(self, *_args, **_kwargs):
        pass

    def post_invocation_error(self, _id, error, *_args, **_kwargs):
        print(f"A prime event failed: {error}", file=sys.stderr)


def prime(os, bootstrap, real_client, handler, log_sink) -> None:
    """Runs the prime events through the client's own handling of a request."""
    json, time = bootstrap.json, bootstrap.time
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
            new_request_id(os),
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


def new_request_id(os) -> str:
    """A random UUID (version 4), without the module `uuid`, whose name may be the function's."""
    digits = os.urandom(16).hex()
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-8{digits[17:20]}-{digits[20:]}"


def install_priming(os, bootstrap) -> None:
    """The client loads the handler, then runs the before-snapshot hooks: in between is the place for the events."""
    load, complete = bootstrap._get_handler, bootstrap.on_init_complete
    loaded = []

    def load_and_keep(name):
        loaded.append(load(name))
        return loaded[0]

    def prime_and_complete(real_client, log_sink):
        prime(os, bootstrap, real_client, loaded[0], log_sink)
        complete(real_client, log_sink)

    bootstrap._get_handler = load_and_keep
    bootstrap.on_init_complete = prime_and_complete


# Processes that the function spawns run this file as another module (multiprocessing), and find nothing to do.
if __name__ == "__main__":
    main()
