"""Applications that limit requests in flight, each in a process of its own.

`/slow` answers once the file that `TIDEGATE_TEST_GATE` names is there, `/broken` raises, `/stream`
sends without end, and `/pid` tells the worker, and how many are in `/slow`. Two may be in flight,
but for `/pid`, which is not counted.
"""

import os
import time
from collections.abc import AsyncIterator, Iterable, Iterator
from pathlib import Path
from typing import Any

from tidegate import protect_app

GATE = Path(os.environ.get("TIDEGATE_TEST_GATE", os.devnull))
OPTIONS: Any = {
    "store": os.environ.get("TIDEGATE_TEST_STORE", "memory://"),
    "match": {"path": "/**", "exclude": "/pid"},
}
LIMIT = "2 concurrent"
PATIENCE = 40.0


_inside: list[None] = []


def _waited() -> bytes:
    _inside.append(None)
    deadline = time.monotonic() + PATIENCE
    while not GATE.exists() and time.monotonic() < deadline:
        time.sleep(0.005)
    _inside.pop()
    return b"done"


def _told() -> str:
    return f"{os.getpid()} {len(_inside)}"


def _endless() -> Iterator[bytes]:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        yield b"x" * 65536
        time.sleep(0.005)


def wsgi_app() -> Any:
    """No framework, WSGI."""

    def app(environ: Any, start_response: Any) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        if path == "/broken":
            raise KeyError("mine")
        start_response("200 OK", [("Content-Type", "text/plain")])
        if path == "/stream":
            return _endless()
        return [_told().encode() if path == "/pid" else _waited()]

    return protect_app(app, LIMIT, **OPTIONS)


def asgi_app() -> Any:
    """No framework, ASGI."""
    import asyncio

    async def parts() -> AsyncIterator[bytes]:
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            yield b"x" * 65536
            await asyncio.sleep(0.005)

    async def listen(receive: Any, task: Any) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        task.cancel()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        path = scope["path"]
        if path == "/broken":
            raise KeyError("mine")
        await send({"type": "http.response.start", "status": 200, "headers": []})
        if path == "/stream":
            current = asyncio.current_task()
            listening = asyncio.create_task(listen(receive, current))
            try:
                async for part in parts():
                    await send({"type": "http.response.body", "body": part, "more_body": True})
            finally:
                listening.cancel()
        told = _told().encode() if path == "/pid" else await asyncio.to_thread(_waited)
        await send({"type": "http.response.body", "body": told})

    return protect_app(app, LIMIT, **OPTIONS)


def flask_app() -> Any:
    """Flask, with its extension."""
    from flask import Flask, Response

    from tidegate.flask import TideGate

    app = Flask("test")
    gate = TideGate(app, LIMIT, key="global")
    app.add_url_rule("/slow", view_func=_waited, endpoint="slow")
    app.add_url_rule("/stream", view_func=lambda: Response(_endless()), endpoint="stream")
    app.add_url_rule("/pid", view_func=gate.exempt(_told), endpoint="pid")

    @app.get("/broken")
    def broken() -> str:
        raise KeyError("mine")

    return app


def fastapi_app() -> Any:
    """FastAPI, with its extension."""
    import asyncio

    from fastapi import FastAPI
    from fastapi.responses import PlainTextResponse, StreamingResponse

    from tidegate.fastapi import TideGate

    app = FastAPI()
    gate = TideGate(app, LIMIT, key="global")

    @app.get("/slow")
    def slow() -> str:
        return _waited().decode()

    @app.get("/broken")
    async def broken() -> str:
        raise KeyError("mine")

    @app.get("/stream")
    async def stream() -> StreamingResponse:
        async def parts() -> AsyncIterator[bytes]:
            while True:
                yield b"x" * 65536
                await asyncio.sleep(0.005)

        return StreamingResponse(parts())

    @app.get("/pid", response_class=PlainTextResponse)
    @gate.exempt
    async def pid() -> str:
        return _told()

    return app


def django_app() -> Any:
    """Django, with its middleware."""
    import sys
    import types

    from django.conf import settings
    from django.core.wsgi import get_wsgi_application
    from django.http import HttpResponse, StreamingHttpResponse
    from django.urls import path

    from tidegate.django import exempt

    def broken(request: Any) -> HttpResponse:
        raise KeyError("mine")

    urls = types.ModuleType("tidegate_test_urls")
    urls.__dict__["urlpatterns"] = [
        path("slow", lambda request: HttpResponse(_waited())),
        path("stream", lambda request: StreamingHttpResponse(_endless())),
        path("pid", exempt(lambda request: HttpResponse(_told()))),
        path("broken", broken),
    ]
    sys.modules["tidegate_test_urls"] = urls
    settings.configure(
        ROOT_URLCONF="tidegate_test_urls",
        ALLOWED_HOSTS=["*"],
        SECRET_KEY="test",
        MIDDLEWARE=["tidegate.django.TideGateMiddleware"],
        TIDEGATE={"limit": LIMIT, "key": "global"},
    )
    return get_wsgi_application()
