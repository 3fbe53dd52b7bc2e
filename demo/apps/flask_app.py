"""A small Flask application: what the tide does in a few harbours."""

from __future__ import annotations

from flask import Flask, abort, jsonify, request
from flask.typing import ResponseReturnValue

from tidegate import protect_app

HARBOURS = {1: "Brest", 2: "Cuxhaven", 3: "Dover", 4: "Esbjerg", 5: "Vlissingen"}

app = Flask(__name__)
protect_app(app, "20/second", per_ip=True)


@app.get("/")
def home() -> ResponseReturnValue:
    """Says what this is."""
    return jsonify(service="tides")


@app.get("/items/<int:number>")
def harbour(number: int) -> ResponseReturnValue:
    """Shows one harbour."""
    if number not in HARBOURS:
        abort(404, "no such harbour")
    return jsonify(number=number, name=HARBOURS[number])


@app.get("/search")
def search() -> ResponseReturnValue:
    """Finds harbours by a part of their name."""
    part = request.args.get("q", "").lower()
    return jsonify(found=[name for name in HARBOURS.values() if part in name.lower()])


@app.post("/login")
def login() -> ResponseReturnValue:
    """Lets one user in."""
    body = request.get_json()
    if (body.get("user"), body.get("password")) != ("ana", "ebb and flow"):
        abort(401, "wrong name or password")
    return jsonify(hello=body["user"])
