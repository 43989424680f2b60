"""An HTTP API of FastAPI behind Mangum, as its documentation shows it."""

import uuid

from fastapi import FastAPI, HTTPException
from mangum import Mangum
from pydantic import BaseModel

app = FastAPI()
pets: dict[str, str] = {"1": "Rex"}


class Pet(BaseModel):
    name: str
    age: int


@app.get("/pets/{pet_id}")
async def read(pet_id: str) -> dict[str, str]:
    if pet_id not in pets:
        raise HTTPException(status_code=404, detail="no such pet")
    return {"name": pets[pet_id]}


@app.post("/pets", status_code=201)
async def create(pet: Pet) -> dict[str, str]:
    pet_id = str(uuid.uuid4())
    pets[pet_id] = pet.name
    return {"id": pet_id}


handler = Mangum(app, lifespan="off")
