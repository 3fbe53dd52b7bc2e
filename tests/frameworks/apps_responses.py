"""Applications for what becomes of responses on their way: profiles, compression, connections.

A gate for each choice of `PROFILES`, at `/0`, `/1` …, which admits one request for each path.
"""

import asyncio
import gzip
import os
from collections.abc import Iterable
from itertools import combinations
from pathlib import Path
from typing import Any

from tests.frameworks.apps_plain import asgi_site, wsgi_site
from tidegate import asgi, protect_app, wsgi

NAMES = ("x-ratelimit", "draft", "legacy")
PROFILES: list[list[str]] = [
    *(list(chosen) for count in (1, 2, 3) for chosen in combinations(NAMES, count)),
    ["none"],
]
LOG = Path(os.environ.get("TIDEGATE_TEST_LOG", os.devnull))


def note(word: str) -> None:
    """Tells the test what happened."""
    with LOG.open("a") as log:
        log.write(f"{word}\n")


def wsgi_profiles() -> Any:
    """Every choice of header fields."""
    apps = [
        wsgi.TideGateMiddleware(wsgi_site, "1/hour", key="path", headers=chosen)
        for chosen in PROFILES
    ]

    def app(environ: Any, start_response: Any) -> Any:
        return apps[int(environ["PATH_INFO"].split("/")[1])](environ, start_response)

    return app


def asgi_profiles() -> Any:
    """Every choice of header fields."""
    apps = [
        asgi.TideGateMiddleware(asgi_site, "1/hour", key="path", headers=chosen)
        for chosen in PROFILES
    ]

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            await apps[int(scope["path"].split("/")[1])](scope, receive, send)

    return app


def compressed(app: Any) -> Any:
    """A small WSGI middleware that compresses what `app` answers."""

    def middleware(environ: Any, start_response: Any) -> Iterable[bytes]:
        begun: list[Any] = []

        def start(*given: Any) -> Any:
            begun[:] = given
            return lambda data: None

        body = gzip.compress(b"".join(app(environ, start)))
        status, fields, *rest = begun
        kept = [(name, value) for name, value in fields if name.lower() != "content-length"]
        own = [("Content-Encoding", "gzip"), ("Content-Length", str(len(body)))]
        start_response(status, kept + own, *rest)
        return [body]

    return middleware


def wsgi_compressed_outside() -> Any:
    """Compression around the gate."""
    return compressed(protect_app(wsgi_site, "1/hour"))


def wsgi_compressed_inside() -> Any:
    """The gate around compression."""
    return protect_app(compressed(wsgi_site), "1/hour")


def asgi_compressed_outside() -> Any:
    """Compression around the gate."""
    from starlette.middleware.gzip import GZipMiddleware

    return GZipMiddleware(protect_app(asgi_site, "1/hour"), minimum_size=1)


def asgi_compressed_inside() -> Any:
    """The gate around compression."""
    from starlette.middleware.gzip import GZipMiddleware

    return protect_app(GZipMiddleware(asgi_site, minimum_size=1), "1/hour")


def wsgi_endless() -> Any:
    """A stream that ends when the client goes away, and says that it was closed."""

    def stream() -> Iterable[bytes]:
        try:
            while True:
                yield b"x" * 65536
        finally:
            note("closed")

    def app(environ: Any, start_response: Any) -> Iterable[bytes]:
        if environ["PATH_INFO"] != "/endless":
            return wsgi_site(environ, start_response)
        start_response("200 OK", [("Content-Type", "application/octet-stream")])
        return stream()

    return protect_app(app, "3/hour")


def asgi_endless() -> Any:
    """A stream that ends when `receive` says that the client has gone, or when `send` raises."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        if scope["path"] != "/endless":
            await asgi_site(scope, receive, send)
            return
        await send({"type": "http.response.start", "status": 200, "headers": []})
        gone = asyncio.ensure_future(_until_gone(receive))
        try:
            while not gone.done():
                part = {"type": "http.response.body", "body": b"x" * 65536, "more_body": True}
                await asyncio.wait(
                    [gone, asyncio.ensure_future(send(part))],
                    return_when=asyncio.FIRST_COMPLETED,
                )
                await asyncio.sleep(0)
        finally:
            gone.cancel()
            note("closed")

    return protect_app(app, "3/hour")


async def _until_gone(receive: Any) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def asgi_background() -> Any:
    """A task that runs once the response is out."""
    from starlette.applications import Starlette
    from starlette.background import BackgroundTask
    from starlette.responses import PlainTextResponse
    from starlette.routing import Route

    async def work() -> None:
        await asyncio.sleep(0)
        note("worked")

    def root(request: Any) -> PlainTextResponse:
        return PlainTextResponse("hello", background=BackgroundTask(work))

    return protect_app(Starlette(routes=[Route("/", root)]), "2/hour")
