"""A pet store that makes its catalogue, with an index of all words, at Init: with SnapStart once for each version."""

import json
import random
import sqlite3

KINDS = {
    "cat": ["Siamese", "Maine Coon", "Bengal", "Sphynx"],
    "dog": ["Beagle", "Poodle", "Dachshund", "Border Collie"],
    "bird": ["Budgerigar", "Cockatiel", "Canary", "Lovebird"],
    "reptile": ["Leopard Gecko", "Corn Snake", "Bearded Dragon", "Box Turtle"],
}
NAMES = ["Ada", "Biscuit", "Clover", "Dash", "Echo", "Fig", "Ginger", "Hazel", "Indigo", "Juno", "Kiwi", "Luna"]
MOODS = ["curious", "sleepy", "playful", "shy", "bold", "gentle", "noisy", "patient"]
LIKES = ["sunny windowsills", "long walks", "tinned fish", "warm stones", "old songs", "paper bags", "rainy days"]
COUNT = 60_000
PAGE = 10


def open_store() -> sqlite3.Connection:
    # Always the same pets: what they are is decided by their number.
    chance = random.Random(1)
    store = sqlite3.connect(":memory:", check_same_thread=False)
    store.execute("CREATE VIRTUAL TABLE pets USING fts5(name, kind, breed, text, price UNINDEXED)")
    store.executemany("INSERT INTO pets VALUES (?, ?, ?, ?, ?)", (make_pet(chance) for _ in range(COUNT)))
    store.commit()
    return store


def make_pet(chance: random.Random) -> tuple:
    kind = chance.choice(list(KINDS))
    text = f"A {' and '.join(chance.sample(MOODS, 2))} {kind} that likes {chance.choice(LIKES)}"
    return chance.choice(NAMES), kind, chance.choice(KINDS[kind]), text, chance.randrange(20, 900)


STORE = open_store()


def handler(event, context):
    pet_id = event.get("pathParameters", {}).get("id")
    if pet_id is not None:
        return show(pet_id)
    asked = event.get("queryStringParameters", {})
    return search(asked.get("q", ""), asked.get("page", "0"))


def show(pet_id: str) -> dict:
    pets = rows("SELECT rowid, * FROM pets WHERE rowid = ?", pet_id) if pet_id.isdecimal() else []
    return answer(200, pets[0]) if pets else answer(404, {"message": f"There is no pet {pet_id}"})


def search(words: str, page: str) -> dict:
    if not page.isdecimal() or len(page) > 6:
        return answer(400, {"message": "page must be a number"})
    offset = int(page) * PAGE
    if words.strip() == "":
        return answer(200, rows("SELECT rowid, * FROM pets ORDER BY rowid LIMIT ? OFFSET ?", PAGE, offset))
    # Each word in quotes: what the index's own language would take for an operator is a word, too.
    query = " ".join('"' + word.replace('"', '""') + '"' for word in words.split())
    found = "SELECT rowid, * FROM pets WHERE pets MATCH ? ORDER BY rank, rowid LIMIT ? OFFSET ?"
    return answer(200, rows(found, query, PAGE, offset))


def rows(query: str, *values) -> list[dict]:
    keys = ["id", "name", "kind", "breed", "text", "price"]
    return [dict(zip(keys, row, strict=True)) for row in STORE.execute(query, values)]


def answer(status: int, body) -> dict:
    return {"statusCode": status, "headers": {"content-type": "application/json"}, "body": json.dumps(body)}
