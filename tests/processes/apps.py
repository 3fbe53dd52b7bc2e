"""Applications for several workers: the limit and the table's file come from the environment."""

import os
from typing import TYPE_CHECKING, Any

from tidegate import protect_app

if TYPE_CHECKING:
    from collections.abc import Iterable

    from _typeshed.wsgi import StartResponse, WSGIEnvironment


def _wsgi(environ: "WSGIEnvironment", start_response: "StartResponse") -> "Iterable[bytes]":
    body = str(os.getpid()).encode()
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]


async def _asgi(scope: Any, receive: Any, send: Any) -> None:
    body = str(os.getpid()).encode()
    headers = [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


_SETTINGS: dict[str, Any] = {
    "limit": os.environ.get("TIDEGATE_TEST_LIMIT", "100/day"),
    "store": os.environ.get("TIDEGATE_TEST_STORE", "memory://"),
}

wsgi = protect_app(_wsgi, **_SETTINGS)
asgi = protect_app(_asgi, **_SETTINGS)
