import resource

NAMES = ["NOFILE", "STACK", "MEMLOCK", "CORE", "NPROC", "AS", "DATA", "FSIZE"]


def limits():
    return {name: resource.getrlimit(getattr(resource, f"RLIMIT_{name}")) for name in NAMES}


# Of its own, below what it may have.
resource.setrlimit(resource.RLIMIT_NOFILE, (900, 1000))
before = limits()


def check():
    after = limits()
    return "ok" if after == before else f"{before} {after}"
