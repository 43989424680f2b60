"""pin-wheels.py REQUIREMENTS VERSION…: writes each requirement, and what it needs, with the digests of its wheels.

The named versions of Python share one file: a wheel for each of them is among the digests. Requirements that are there
with a version stay at it; what they need is taken at its newest. Run it by hand, and look at the difference.
"""

import hashlib
import pathlib
import re
import subprocess
import sys
import tempfile

PLATFORMS = ["--platform", "manylinux2014_x86_64", "--platform", "manylinux_2_28_x86_64"]


def main(requirements: str, *versions: str) -> None:
    path = pathlib.Path(requirements)
    head = [line for line in path.read_text().splitlines() if line.startswith("#")]
    wanted = [
        line.split(" ")[0] for line in path.read_text().splitlines() if line and not line.startswith(("#", " ", "\t"))
    ]
    found: dict[str, set[str]] = {}
    with tempfile.TemporaryDirectory() as scratch:
        for version in versions:
            download(wanted, version, pathlib.Path(scratch, version))
        for wheel in sorted(pathlib.Path(scratch).glob("*/*.whl")):
            name, number = wheel.name.split("-")[:2]
            key = f"{re.sub(r'[_.]+', '-', name).lower()}=={number}"
            found.setdefault(key, set()).add(hashlib.sha256(wheel.read_bytes()).hexdigest())
    keys = {re.split(r"[\[=]", requirement)[0].lower(): requirement for requirement in wanted}
    lines = []
    for key in sorted(found):
        requirement = keys.get(key.split("==")[0], key)
        lines += [" \\\n    ".join([requirement, *(f"--hash=sha256:{digest}" for digest in sorted(found[key]))])]
    path.write_text("\n".join([*head, *lines]) + "\n")


def download(wanted: list[str], version: str, into: pathlib.Path) -> None:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--only-binary=:all:", "--dest", str(into)]
    command += ["--python-version", version, "--implementation", "cp", *PLATFORMS, *wanted]
    subprocess.run(command, check=True)


main(*sys.argv[1:])
