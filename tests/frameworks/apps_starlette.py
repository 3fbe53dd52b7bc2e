"""The Starlette and FastAPI applications that real servers serve, each in a process of its own.

They run with the oldest and the newest supported versions. `x-user` in a request says who is
signed in. The clock stands still, so a quota never comes back.
"""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.authentication import AuthCredentials, AuthenticationBackend, SimpleUser
from starlette.background import BackgroundTask
from starlette.endpoints import HTTPEndpoint
from starlette.middleware import Middleware
from starlette.middleware.authentication import AuthenticationMiddleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Mount, Route, Router, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.websockets import WebSocket

from tests.frameworks.apps import parts
from tidegate import rate_limit
from tidegate.starlette import TideGate
from tidegate.testing import Clock

done: list[str] = []


class ByHeader(AuthenticationBackend):
    """Believes the header `x-user`."""

    async def authenticate(self, conn: Any) -> Any:
        name = conn.headers.get("x-user")
        return (AuthCredentials(["in"]), SimpleUser(name)) if name else None


async def aparts() -> AsyncIterator[bytes]:
    """Three parts, each as soon as the one before was received."""
    made: Iterator[bytes] = parts()
    while part := await asyncio.to_thread(next, made, b""):
        yield part


def folder() -> StaticFiles:
    """A folder of static files with one file in it."""
    path = Path(tempfile.mkdtemp())
    (path / "file.txt").write_text("a file")
    return StaticFiles(directory=str(path))


async def mark(request: Request, call_next: Any) -> Response:
    response: Response = await call_next(request)
    response.headers["x-mark"] = "1"
    return response


def _echo(request: Request) -> Response:
    return PlainTextResponse("ok")


async def _aecho(request: Request) -> Response:
    return PlainTextResponse("ok")


gate = TideGate(default="2/minute", per_ip=True, clock=Clock())
together = gate.shared_limit("3/minute", "together")


@gate.limit("3/minute")
def own(request: Request) -> Response:
    return PlainTextResponse("own")


@gate.limit("3/minute")
async def aown(request: Request) -> Response:
    return PlainTextResponse("own")


@gate.exempt
async def health(request: Request) -> Response:
    return PlainTextResponse("well")


@together
def first(request: Request) -> Response:
    return PlainTextResponse("first")


@together
async def second(request: Request) -> Response:
    return PlainTextResponse("second")


@gate.limit("1/minute", on_breach=lambda request, decision: {"path": request.url.path})
async def sorry(request: Request) -> Response:
    return PlainTextResponse("ok")


@gate.limit("2/minute", key=lambda request: request.headers["x-api-key"])
async def by_key(request: Request) -> Response:
    return PlainTextResponse("ok")


async def _user(request: Request) -> str:
    return str(request.user.display_name or request.client.host)  # type: ignore[union-attr]


@gate.limit("2/minute", key=_user)
async def by_user(request: Request) -> Response:
    return PlainTextResponse("ok")


@rate_limit("2/minute", key="ip", clock=Clock())
async def decorated(request: Request) -> Response:
    return PlainTextResponse("ok")


@rate_limit("2/minute", key="ip", clock=Clock())
def sync_decorated(request: Request) -> Response:
    return PlainTextResponse("ok")


@gate.limit("3/minute")
class Limited(HTTPEndpoint):
    async def get(self, request: Request) -> Response:
        return PlainTextResponse("got")

    def post(self, request: Request) -> Response:
        return PlainTextResponse("posted")


class Plain(HTTPEndpoint):
    async def get(self, request: Request) -> Response:
        return PlainTextResponse("got")


@gate.exempt
async def stream(request: Request) -> Response:
    return StreamingResponse(aparts())


async def _words() -> AsyncIterator[str]:
    for word in ("data: a\n\n", "data: b\n\n"):
        yield word


async def events(request: Request) -> Response:
    return StreamingResponse(_words(), media_type="text/event-stream")


async def zipped(request: Request) -> Response:
    return StreamingResponse(_words(), media_type="text/plain")


async def endless(request: Request) -> Response:
    async def beats() -> AsyncIterator[bytes]:
        try:
            while True:
                yield b"."
                await asyncio.sleep(0.01)
        finally:
            done.append("left")

    return StreamingResponse(beats())


async def _name(request: Request) -> str:
    """A key out of the body, which the route reads again."""
    body = await request.json()
    return str(body["name"])


@gate.limit("2/minute", key=_name)
async def by_body(request: Request) -> Response:
    return JSONResponse(await request.json())


async def broken(request: Request) -> Response:
    raise KeyError("mine")


async def task(request: Request) -> Response:
    return PlainTextResponse("ok", background=BackgroundTask(done.append, "task"))


@gate.exempt
async def tasks(request: Request) -> Response:
    return JSONResponse(done)


async def socket(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.send_text("hello")
    await websocket.close()


def starlette_app() -> Any:
    """Every ability, by Starlette alone."""
    sub = Starlette(routes=[Route("/job/{id:int}", _echo), Route("/own", aown)])
    free = gate.exempt(folder())
    nested = Router([Mount("/inner", routes=[Route("/job", _aecho)]), Route("/job", _echo)])
    app = Starlette(
        routes=[
            Route("/", _echo),
            Route("/items/{id:int}", _aecho),
            Route("/own", own),
            Route("/aown", aown, methods=["GET", "POST"]),
            Route("/health", health),
            Route("/first", first),
            Route("/second", second),
            Route("/sorry", sorry),
            Route("/by-key", by_key),
            Route("/by-user", by_user),
            Route("/decorated", decorated),
            Route("/sync-decorated", sync_decorated),
            Route("/class", Limited),
            Route("/plain-class", Plain),
            Route("/stream", stream),
            Route("/events", events),
            Route("/zipped", zipped),
            Route("/endless", endless),
            Route("/by-body", by_body, methods=["POST"]),
            Route("/broken", broken),
            Route("/task", task),
            Route("/tasks", tasks),
            WebSocketRoute("/socket", socket),
            Mount("/outer", app=nested),
            Mount("/sub", app=sub),
            Mount("/wrapped", app=CORSMiddleware(GZipMiddleware(sub))),
            Mount("/static", app=folder()),
            Mount("/free", app=free),
        ],
        middleware=[
            Middleware(CORSMiddleware, allow_origins=["*"]),
            Middleware(GZipMiddleware, minimum_size=1),
            Middleware(BaseHTTPMiddleware, dispatch=mark),
            Middleware(AuthenticationMiddleware, backend=ByHeader()),
        ],
    )
    gate.init_app(app)
    return app


def inside_app() -> Any:
    """The same, below middlewares that Starlette knows nothing of."""
    return GZipMiddleware(BaseHTTPMiddleware(starlette_app(), dispatch=mark), minimum_size=1)


def whole_app() -> Any:
    """A limit for the whole application, of which one route is free."""
    routes = [Route("/", _echo), Route("/health", _aecho), Mount("/static", app=folder())]
    app = Starlette(routes=routes)
    TideGate(app, "3/minute", per_ip=True, clock=Clock()).exempt(_aecho)
    return app
