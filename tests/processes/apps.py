"""Applications for several workers: the limit and the table's file come from the environment.

Each writes a ledger: a line when a request comes in, and one when it was admitted or refused,
as it happens. A worker that is killed leaves the requests that it was deciding without an end.
"""

import os
from typing import TYPE_CHECKING, Any

from tidegate import protect_app

if TYPE_CHECKING:
    from collections.abc import Iterable

    from _typeshed.wsgi import StartResponse, WSGIEnvironment


_LEDGER = os.open(
    os.environ.get("TIDEGATE_TEST_LEDGER", os.devnull), os.O_WRONLY | os.O_APPEND | os.O_CREAT
)


def _write(word: bytes) -> None:
    # Appended whole, whoever else writes: so POSIX has it for so few bytes.
    os.write(_LEDGER, word + b"\n")


def _wsgi(environ: "WSGIEnvironment", start_response: "StartResponse") -> "Iterable[bytes]":
    _write(b"admitted")
    body = str(os.getpid()).encode()
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]


async def _asgi(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] != "http":
        raise NotImplementedError(scope["type"])
    _write(b"admitted")
    body = str(os.getpid()).encode()
    headers = [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


_SETTINGS: dict[str, Any] = {
    "limit": os.environ.get("TIDEGATE_TEST_LIMIT", "100/day"),
    "store": os.environ.get("TIDEGATE_TEST_STORE", "memory://"),
}
_protected_wsgi = protect_app(_wsgi, **_SETTINGS)
_protected_asgi = protect_app(_asgi, **_SETTINGS)


def wsgi(environ: "WSGIEnvironment", start_response: "StartResponse") -> "Iterable[bytes]":
    """The limited application, with its ledger."""

    def start(status: str, *rest: Any) -> Any:
        if status.startswith("429"):
            _write(b"refused")
        return start_response(status, *rest)

    _write(b"begun")
    return _protected_wsgi(environ, start)


async def asgi(scope: Any, receive: Any, send: Any) -> None:
    """The limited application, with its ledger."""
    if scope["type"] != "http":
        await _protected_asgi(scope, receive, send)
        return

    async def note(message: Any) -> None:
        if message.get("status") == 429:
            _write(b"refused")
        await send(message)

    _write(b"begun")
    await _protected_asgi(scope, receive, note)
