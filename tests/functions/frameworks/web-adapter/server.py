"""A web application of FastAPI that knows nothing of Lambda, for uvicorn."""

import random
import uuid
from collections.abc import Iterator

from fastapi import FastAPI
from fastapi.responses import JSONResponse, StreamingResponse

PIECE = "x" * 65_536
app = FastAPI()
# The kernel's numbers: no client of Python runs here that would give the module's generator a new seed after a restore.
generator = random.SystemRandom()
at_start = [generator.random(), str(uuid.uuid4())]


@app.get("/")
def ready() -> str:
    return "ready"


@app.get("/pets/{pet_id}")
def read(pet_id: str, lang: str) -> dict[str, str]:
    return {"id": pet_id, "lang": lang}


@app.post("/pets")
def create(pet: dict[str, str]) -> JSONResponse:
    response = JSONResponse({"name": pet["name"]}, status_code=201)
    response.set_cookie("session", "s1")
    return response


@app.get("/numbers")
def numbers() -> dict[str, list[float | str]]:
    return {"atStart": at_start, "now": [generator.random(), str(uuid.uuid4())]}


@app.get("/stream")
def stream(pieces: int) -> StreamingResponse:
    def body() -> Iterator[str]:
        for _ in range(pieces):
            yield PIECE
        yield "end"

    return StreamingResponse(body(), status_code=202, media_type="text/plain")
