"""A function with work at Init: it builds a search index once; clones of the snapshot have it already."""

import math
import os
import random
import uuid

from snapshot_restore_py import register_after_restore, register_before_snapshot

WORDS = 40_000


def build_index() -> dict[str, list[int]]:
    source = random.Random(7)
    index: dict[str, list[int]] = {}
    for number in range(WORDS):
        word = "".join(source.choice("abcdefghij") for _ in range(5))
        index.setdefault(word, []).append(int(math.sqrt(number) * 1000))
    return index


INDEX = build_index()


@register_before_snapshot
def warm_up() -> None:
    handler({"prefix": "ab"}, None)


@register_after_restore
def restored() -> None:
    print("restored in", os.environ["AWS_LAMBDA_FUNCTION_NAME"])


def handler(event, context):
    prefix = event.get("prefix", "")
    found = sorted(word for word in INDEX if word.startswith(prefix))
    return {"id": str(uuid.uuid4()), "count": len(found), "first": found[:5]}
