"""Applications of a configuration file, which tell what their worker knows of it."""

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tidegate import load_gate, protect_app

if TYPE_CHECKING:
    from collections.abc import Iterable

    from _typeshed.wsgi import StartResponse, WSGIEnvironment

gate = load_gate(os.environ["TIDEGATE_TEST_FILE"])


def _about() -> bytes:
    status = Path("/proc/self/status").read_text()
    resident = next(line for line in status.splitlines() if line.startswith("VmRSS"))
    told: Any = gate.configuration()
    about = {"pid": os.getpid(), "version": gate.version, "kib": int(resident.split()[1])}
    return json.dumps({**about, "error": told["error"]}).encode()


def _wsgi(environ: "WSGIEnvironment", start_response: "StartResponse") -> "Iterable[bytes]":
    body = _about()
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]


async def _asgi(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] != "http":
        raise NotImplementedError(scope["type"])
    body = _about()
    headers = [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


wsgi = protect_app(_wsgi, gate=gate)
asgi = protect_app(_asgi, gate=gate)
