"""A handler and a hook to stop in."""

from snapshot_restore_py import register_after_restore

told = []


@register_after_restore
def hook():
    hooked = "hooked"
    told.append(hooked)


def handler(event, _context):
    doubled = event["n"] * 2
    return {"doubled": doubled, "told": told}
