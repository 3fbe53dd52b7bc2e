"""The applications that real servers serve in `test_servers`, each in a process of its own.

All do the same, so that one list of cases fits all: `/` answers, `/missing` does not exist,
`/broken` raises, `/stream` sends three parts and waits before each but the first until the file
that `TIDEGATE_TEST_GATE` names has grown to as many bytes.
"""

import os
import time
from collections.abc import AsyncIterator, Iterable, Iterator
from pathlib import Path
from typing import Any

from tidegate import protect_app

LIMIT = os.environ.get("TIDEGATE_TEST_LIMIT", "1000/second")
GATE = Path(os.environ.get("TIDEGATE_TEST_GATE", os.devnull))
TRUSTED = os.environ.get("TIDEGATE_TEST_TRUSTED", "").split()
OPTIONS: Any = {"per_ip": True, "trusted_proxies": TRUSTED}


def parts() -> Iterator[bytes]:
    """Three parts, each as soon as the one before was received."""
    for number in range(3):
        deadline = time.monotonic() + 10
        while GATE.stat().st_size < number and time.monotonic() < deadline:
            time.sleep(0.005)
        yield b"part %d;" % number


def flask_app() -> Any:
    """Flask."""
    from flask import Flask, Response

    app = Flask("test")
    app.add_url_rule("/", view_func=lambda: "hello", endpoint="root")
    app.add_url_rule("/stream", view_func=lambda: Response(parts()), endpoint="stream")

    @app.get("/broken")
    def broken() -> str:
        raise KeyError("mine")

    return protect_app(app, LIMIT, **OPTIONS)


def fastapi_app() -> Any:
    """FastAPI."""
    import asyncio

    from fastapi import FastAPI
    from fastapi.responses import StreamingResponse

    app = FastAPI()

    @app.get("/")
    async def root() -> str:
        return "hello"

    @app.get("/broken")
    async def broken() -> str:
        raise KeyError("mine")

    async def aparts() -> AsyncIterator[bytes]:
        made = parts()
        while part := await asyncio.to_thread(next, made, b""):
            yield part

    @app.get("/stream")
    async def stream() -> StreamingResponse:
        return StreamingResponse(aparts())

    return protect_app(app, LIMIT, **OPTIONS)


def wsgi_app() -> Any:
    """No framework, WSGI."""

    def app(environ: Any, start_response: Any) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        if path == "/broken":
            raise KeyError("mine")
        found = path in ("/", "/stream")
        status = "200 OK" if found else "404 Not Found"
        start_response(status, [("Content-Type", "text/plain")])
        return parts() if path == "/stream" else [b"hello"]

    return protect_app(app, LIMIT, **OPTIONS)


def asgi_app() -> Any:
    """No framework, ASGI."""
    import asyncio

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        if scope["path"] == "/broken":
            raise KeyError("mine")
        status = 200 if scope["path"] in ("/", "/stream") else 404
        await send({"type": "http.response.start", "status": status, "headers": []})
        if scope["path"] == "/stream":
            made = parts()
            while part := await asyncio.to_thread(next, made, b""):
                await send({"type": "http.response.body", "body": part, "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    return protect_app(app, LIMIT, **OPTIONS)
