"""Applications without a framework, one of each kind under WSGI and under ASGI.

Each is `protect_app` with the options in `TIDEGATE_TEST_OPTIONS`, see `given`, around a site:
`/` answers, `/moved` redirects, `/broken` answers 500, `/stream` sends parts as in `apps`,
`/events` does so as server-sent events, `/items/…` echoes, all else is a 404.
"""

import asyncio
import json
import os
from collections.abc import Iterable, Iterator
from typing import Any

from tests.frameworks.apps import parts
from tidegate import asgi, protect_app, rate_limit, wsgi


def given(**options: Any) -> dict[str, str]:
    """The environment variable that hands `options` to the applications of this module."""
    return {"TIDEGATE_TEST_OPTIONS": json.dumps(options)}


OPTIONS: Any = json.loads(os.environ.get("TIDEGATE_TEST_OPTIONS", "{}"))
TEXT = "text/plain; charset=utf-8"
STATUSES = {"/": "200 OK", "/moved": "302 Found", "/broken": "500 Internal Server Error"}


def found(path: str) -> tuple[str, list[tuple[str, str]], Iterable[bytes]]:
    """Status, fields and body of the answer to a request for `path`."""
    if path == "/stream":
        return "200 OK", [("Content-Type", TEXT)], parts()
    if path == "/events":
        events = (b"data: " + part + b"\n\n" for part in parts())
        return "200 OK", [("Content-Type", "text/event-stream")], events
    status = "200 OK" if path.startswith("/items/") else STATUSES.get(path, "404 Not Found")
    fields = [("Content-Type", TEXT)]
    if path == "/moved":
        fields.append(("Location", "/"))
    return status, fields, [f"you asked for {path}".encode("utf-8", "replace")]


def wsgi_site(environ: Any, start_response: Any) -> Iterable[bytes]:
    """The site under WSGI."""
    path = environ["PATH_INFO"].encode("latin-1").decode("utf-8", "replace")
    status, fields, body = found(path)
    start_response(status, fields)
    return [] if environ["REQUEST_METHOD"] == "HEAD" else body


async def asgi_site(scope: Any, receive: Any, send: Any) -> None:
    """The site under ASGI."""
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.send", "text": "hello"})
        await send({"type": "websocket.close", "code": 1000})
        return
    if scope["type"] != "http":
        return
    status, fields, body = found(scope["path"])
    raw = [(name.lower().encode(), value.encode()) for name, value in fields]
    start = {"type": "http.response.start", "status": int(status[:3]), "headers": raw}
    await send(start)
    source = iter(body)
    while part := await asyncio.to_thread(next, source, b""):
        if scope["method"] != "HEAD":
            await send({"type": "http.response.body", "body": part, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


def wsgi_app() -> Any:
    """The site behind the gate."""
    return protect_app(wsgi_site, **OPTIONS)


def asgi_app() -> Any:
    """The site behind the gate."""
    return protect_app(asgi_site, **OPTIONS)


def wsgi_functions() -> Any:
    """Limited functions: one that is the whole application, one that a generator calls."""

    @rate_limit("2/hour", key="ip")
    def search() -> bytes:
        return b"found"

    @rate_limit("1/hour", key="ip")
    def export() -> Iterator[bytes]:
        yield b"exported"

    def app(environ: Any, start_response: Any) -> Iterable[bytes]:
        body = list(export()) if environ["PATH_INFO"] == "/export" else [search()]
        start_response("200 OK", [("Content-Type", TEXT)])
        return body

    return protect_app(app, "1000/hour")


def asgi_functions() -> Any:
    """Limited functions, both async."""

    @rate_limit("2/hour", key="ip")
    async def search() -> bytes:
        await asyncio.sleep(0)
        return b"found"

    @rate_limit("1/hour", key="ip")
    async def export() -> Any:
        yield b"exported"

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        is_export = scope["path"] == "/export"
        body = b"".join([part async for part in export()]) if is_export else await search()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": body})

    return protect_app(app, "1000/hour")


def wsgi_mounts() -> Any:
    """Mounted applications: `/own` has a gate of its own, `/same` the gate around everything."""
    whole = wsgi.TideGateMiddleware(wsgi_site, "4/hour", key="ip")
    mounted = {
        "/own": wsgi.TideGateMiddleware(wsgi_site, "1/hour", key="ip", name="own"),
        "/same": wsgi.TideGateMiddleware(wsgi_site, gate=whole.gate),
    }

    def app(environ: Any, start_response: Any) -> Any:
        prefix = "/" + environ["PATH_INFO"].split("/")[1]
        if prefix not in mounted:
            return wsgi_site(environ, start_response)
        below = environ["PATH_INFO"].removeprefix(prefix)
        return mounted[prefix](
            environ | {"SCRIPT_NAME": prefix, "PATH_INFO": below}, start_response
        )

    return wsgi.TideGateMiddleware(app, gate=whole.gate)


def asgi_mounts() -> Any:
    """The same mounts under ASGI."""
    whole = asgi.TideGateMiddleware(asgi_site, "4/hour", key="ip")
    mounted = {
        "/own": asgi.TideGateMiddleware(asgi_site, "1/hour", key="ip", name="own"),
        "/same": asgi.TideGateMiddleware(asgi_site, gate=whole.gate),
    }

    async def app(scope: Any, receive: Any, send: Any) -> None:
        prefix = "/" + scope.get("path", "/").split("/")[1]
        if prefix not in mounted:
            await asgi_site(scope, receive, send)
            return
        below = scope["path"].removeprefix(prefix)
        await mounted[prefix]({**scope, "root_path": prefix, "path": below}, receive, send)

    return asgi.TideGateMiddleware(app, gate=whole.gate)


def of_user(request: Any) -> str:
    """Whom a request says that it is, or its address."""
    return request.headers.get("authorization") or f"at {request.client}"


async def of_user_later(request: Any) -> str:
    """The same, as if a database had been asked."""
    await asyncio.sleep(0)
    return of_user(request)


def wsgi_users() -> Any:
    """Each user by himself."""
    return protect_app(wsgi_site, "2/hour", key=of_user)


def asgi_users() -> Any:
    """Each user by himself; who it is has to be awaited."""
    return protect_app(asgi_site, "2/hour", key=of_user_later)
