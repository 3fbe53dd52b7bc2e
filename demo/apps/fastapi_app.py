"""A small FastAPI application: what the tide does in a few harbours."""

from __future__ import annotations

from fastapi import FastAPI, HTTPException
from pydantic import BaseModel

from tidegate import protect_app

HARBOURS = {1: "Brest", 2: "Cuxhaven", 3: "Dover", 4: "Esbjerg", 5: "Vlissingen"}

app = FastAPI(title="Tides")
protect_app(app, "20/second", per_ip=True)


class Login(BaseModel):
    """Who wants to come in."""

    user: str
    password: str


@app.get("/")
async def home() -> dict[str, str]:
    """Says what this is."""
    return {"service": "tides", "docs": "/docs"}


@app.get("/items/{number}")
async def harbour(number: int) -> dict[str, int | str]:
    """Shows one harbour."""
    if number not in HARBOURS:
        raise HTTPException(status_code=404, detail="no such harbour")
    return {"number": number, "name": HARBOURS[number]}


@app.get("/search")
async def search(q: str = "") -> dict[str, list[str]]:
    """Finds harbours by a part of their name."""
    return {"found": [name for name in HARBOURS.values() if q.lower() in name.lower()]}


@app.post("/login")
async def login(body: Login) -> dict[str, str]:
    """Lets one user in."""
    if (body.user, body.password) != ("ana", "ebb and flow"):
        raise HTTPException(status_code=401, detail="wrong name or password")
    return {"hello": body.user}
