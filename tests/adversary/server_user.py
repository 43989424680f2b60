"""
A server process that was taken over: puts links to a directory of root's into the places of the data directory where
root works. Runs as the server's user.
"""

import os
import sys

how, data, target = sys.argv[1:]
AWAY = iter(range(1_000_000))


def swap(path, to):
    """What has the name goes elsewhere, a link takes its place."""
    if os.path.lexists(path):
        os.rename(path, f"{path}.away-{next(AWAY)}")
    os.symlink(to, path)


def drafts():
    for name in os.listdir(f"{data}/snapshots"):
        for draft in ["manifest.partial", "working-set.partial"]:
            swap(f"{data}/snapshots/{name}/{draft}", f"{target}/theirs")
    for number in range(256):
        group = f"{data}/chunks/{number:02x}"
        if not os.path.lexists(group):
            os.symlink(target, group)


def tops():
    for name in ["code", "opt", "snapshots", "chunks", "scratch"]:
        swap(f"{data}/{name}", target)
    swap(f"{data}/sandboxd.lock", f"{target}/theirs")


{"drafts": drafts, "tops": tops}[how]()
