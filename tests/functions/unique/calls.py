# How long one call takes, in nanoseconds: the best of several rounds.
import random
import ssl
import timeit

DRAWS = {"ssl.RAND_bytes": (lambda: ssl.RAND_bytes(16), 5000), "random.random": (random.random, 50_000)}
for act, _ in DRAWS.values():
    act()


def handler(event, context):
    if "measure" not in event:
        return None
    return {name: min(timeit.repeat(act, number=count, repeat=6)) / count * 1e9 for name, (act, count) in DRAWS.items()}
