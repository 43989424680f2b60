"""Init: all of this runs once when a version is published. Its clones continue from the snapshot after it."""

import json
from datetime import UTC, datetime

from snapshot_restore_py import register_after_restore, register_before_snapshot

state = {"greeting": None, "calls": 0, "restoredAt": None}


def load():
    """Stands for what takes long: reading a table, a model, a configuration."""
    print("loading")
    return "Hello"


@register_before_snapshot
def before_snapshot():
    """Runs before the snapshot: each clone finds ready what is loaded here."""
    state["greeting"] = load()


@register_after_restore
def after_restore():
    """Runs in each clone before its first request: renew here what must not be old, or the same in all clones."""
    state["restoredAt"] = datetime.now(UTC).isoformat(timespec="milliseconds")


def handler(event, context):
    state["calls"] += 1
    # Without a snapshot, the first call loads it.
    state["greeting"] = state["greeting"] or load()
    name = (event.get("queryStringParameters") or {}).get("name", "world")
    answer = {
        "message": f"{state['greeting']}, {name}!",
        "calls": state["calls"],
        "restoredAt": state["restoredAt"],
    }
    return {"statusCode": 200, "headers": {"content-type": "application/json"}, "body": json.dumps(answer) + "\n"}
