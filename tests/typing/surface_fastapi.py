"""What FastAPI and Starlette users write; read by mypy and pyright, and run by its test."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from fastapi import Depends, FastAPI, Request
from starlette.applications import Starlette
from starlette.endpoints import HTTPEndpoint
from starlette.responses import JSONResponse, Response
from starlette.staticfiles import StaticFiles
from typing_extensions import assert_type

from tidegate import Decision, Limiter, rate_limit, starlette
from tidegate.fastapi import RateLimit, TideGate, document, responses, route_of

app = FastAPI(responses=responses)
gate = TideGate(app, "1000/minute", default=60, per_ip=True, trusted_proxies=1)
gated = starlette.TideGate(default="60/minute", key="ip")
limit = RateLimit(times=5, seconds=10, key="header:x-api-key", on_breach=lambda _, __: None)


def of_a_file(path: Path) -> starlette.TideGate:
    """Limits out of a file."""
    return TideGate(config=path, default="60/minute")


async def by_host(request: Request) -> str:
    """An async key."""
    return request.url.hostname or "nobody"


def sorry(request: Request, decision: Decision) -> Response:
    """The answer to a refusal."""
    return JSONResponse({"path": request.url.path, "wait": decision.retry_after}, 429)


@app.get("/")
@gate.limit("5/minute", key=by_host, cost=2, on_breach=sorry)
def show(number: int, q: str = "none") -> str:
    """A route."""
    return f"{number} {q}"


@app.get("/all")
@gate.shared_limit("5/minute", "all")
@rate_limit("5/minute")
async def show_all(decision: Annotated[Decision, Depends(limit)]) -> list[int]:
    """An async route."""
    return [decision.remaining]


@gate.exempt
class Health(HTTPEndpoint):
    """A class."""

    def get(self, request: Request) -> Response:
        """Answers."""
        return Response()


async def fastapi() -> None:
    """Functions, classes and applications stay what they are."""
    assert_type(show(1, q="x"), str)
    assert_type(await show_all(Limiter("1/second").check("ana")), list[int])
    assert_type(gate.exempt(StaticFiles(directory=".")), StaticFiles)
    assert_type(gate.exempt(Health), type[Health])
    assert_type(document(FastAPI()), FastAPI)
    assert_type(route_of(app, {"type": "http", "path": "/", "method": "GET"}), str | None)
    gated.init_app(Starlette())
