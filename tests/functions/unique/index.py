# Draws from every source of chance once in Init, so that its state is in the snapshot, and again in each request.
import os
import random
import secrets
import ssl
import tempfile
import time
import uuid

import numpy
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

own = random.Random()
own_numpy = numpy.random.default_rng()


def read(path):
    with open(path, "rb", buffering=0) as file:
        return file.read(16).hex()


def public_bytes(key):
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo).hex()


def draw():
    return {
        "os.urandom": os.urandom(16).hex(),
        "/dev/urandom": read("/dev/urandom"),
        "/dev/random": read("/dev/random"),
        "os.getrandom": os.getrandom(16).hex(),
        "secrets.token_hex": secrets.token_hex(16),
        "uuid.uuid4": str(uuid.uuid4()),
        # The rest of it is the time: different only as long as no two clones ask within one microsecond.
        "uuid.uuid1: its node and clock sequence": str(uuid.uuid1())[19:],
        "random.SystemRandom": str(random.SystemRandom().random()),
        "ssl.RAND_bytes": ssl.RAND_bytes(16).hex(),
        "cryptography: a key of an elliptic curve": public_bytes(ec.generate_private_key(ec.SECP256R1())),
        "cryptography: an Ed25519 key": public_bytes(ed25519.Ed25519PrivateKey.generate()),
        "random.random": str(random.random()),
        "random.getrandbits": str(random.getrandbits(128)),
        "random.shuffle": str(random.sample(range(1 << 30), 4)),
        "tempfile.mktemp": tempfile.mktemp(),
        "numpy.random.rand": str(numpy.random.rand()),
        "yours: random.Random()": str(own.random()),
        "yours: numpy.random.default_rng()": str(own_numpy.random()),
    }


draw()


def handler(event, context):
    values = draw()
    time.sleep(event.get("holdMs", 0) / 1000)
    with open("/run/thaw/generation", "rb") as file:
        return {"clone": file.read(16)[8:].hex(), "values": values}
