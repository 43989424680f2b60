"""fetch-wheels.py VERSION REQUIREMENTS TARGET: unpacks wheels for a Python that need not be installed, with any pip.

Every wheel must be in REQUIREMENTS with its digest (tools/pin-wheels.py writes them).
"""

import pathlib
import subprocess
import sys
import tempfile
import venv
import zipfile

version, requirements, target = sys.argv[1:4]


def pip() -> list[str]:
    if subprocess.run([sys.executable, "-m", "pip", "--version"], check=False, capture_output=True).returncode == 0:
        return [sys.executable, "-m", "pip"]
    venv.create(scratch + "/venv", with_pip=True)
    return [scratch + "/venv/bin/python", "-m", "pip"]


with tempfile.TemporaryDirectory() as scratch:
    wheels = pathlib.Path(scratch, "wheels")
    command = pip() + ["download", "--quiet", "--require-hashes", "--only-binary=:all:", "--dest", str(wheels)]
    command += [
        "--python-version",
        version,
        "--implementation",
        "cp",
        "--platform",
        "manylinux2014_x86_64",
        "--platform",
        "manylinux_2_28_x86_64",
        "-r",
        requirements,
    ]
    subprocess.run(command, check=True)
    for wheel in sorted(wheels.iterdir()):
        zipfile.ZipFile(wheel).extractall(target)
