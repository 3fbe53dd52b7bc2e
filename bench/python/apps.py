"""The same small application under every framework, called without a server.

Each function returns a call that serves one request and answers its status.
"""

import asyncio
import io
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

_LOOP = asyncio.new_event_loop()
_FIELDS = [(b"host", b"example.org"), (b"accept", b"*/*"), (b"user-agent", b"bench/1")]


def asgi_requests(app: Any, path: str = "/") -> Callable[[int], list[int]]:
    """Returns a call that serves so many GET requests to an ASGI application."""
    statuses: list[int] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    async def serve(count: int) -> None:
        for _ in range(count):
            await app(_scope(path), receive, send)

    def run(count: int) -> list[int]:
        statuses.clear()
        _LOOP.run_until_complete(serve(count))
        return statuses

    return run


def _scope(path: str) -> dict[str, Any]:
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": list(_FIELDS),
        "client": ("192.0.2.7", 50000),
        "server": ("example.org", 80),
        "state": {},
    }


def wsgi_requests(app: Any, path: str = "/") -> Callable[[int], list[int]]:
    """Returns a call that serves so many GET requests to a WSGI application."""
    statuses: list[int] = []

    def start_response(status: str, _headers: object, _exc_info: object = None) -> object:
        statuses.append(int(status[:3]))
        return None

    def run(count: int) -> list[int]:
        statuses.clear()
        for _ in range(count):
            body = app(_environ(path), start_response)
            for _part in body:
                pass
            close = getattr(body, "close", None)
            if close is not None:
                close()
        return statuses

    return run


def _environ(path: str) -> dict[str, Any]:
    return {
        "REQUEST_METHOD": "GET",
        "SCRIPT_NAME": "",
        "PATH_INFO": path,
        "QUERY_STRING": "",
        "SERVER_NAME": "example.org",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "192.0.2.7",
        "HTTP_HOST": "example.org",
        "HTTP_ACCEPT": "*/*",
        "HTTP_USER_AGENT": "bench/1",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(),
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }


async def plain_asgi(
    _scope: dict[str, Any],
    _receive: Callable[[], Awaitable[dict[str, Any]]],
    send: Callable[[dict[str, Any]], Awaitable[None]],
) -> None:
    """The least that an ASGI application can do."""
    headers = [(b"content-type", b"text/plain"), (b"content-length", b"5")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"hello"})


def plain_wsgi(_environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """The least that a WSGI application can do."""
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "5")])
    return [b"hello"]
