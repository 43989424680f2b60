from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from snapshot_restore_py import register_after_restore

KEY = Ed25519PrivateKey.generate()


@register_after_restore
def new_key():
    global KEY
    KEY = Ed25519PrivateKey.generate()


def handler(event, context):
    return {"signature": KEY.sign(event["text"].encode()).hex()}
