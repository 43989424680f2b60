from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

KEY = Ed25519PrivateKey.generate()


def handler(event, context):
    return {"signature": KEY.sign(event["text"].encode()).hex()}
