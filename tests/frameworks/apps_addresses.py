"""Applications that answer with what the gate found out about the client.

One gate for each way to trust that `spoofing.toml` has; the path says which: `/0`, `/1` …
"""

import json
import tomllib
from functools import partial
from pathlib import Path
from typing import Any

from tidegate import asgi, wsgi

TABLE = Path(__file__).with_name("spoofing.toml")
CASES: list[dict[str, Any]] = tomllib.loads(TABLE.read_text())["case"]


def options(case: dict[str, Any]) -> dict[str, Any]:
    """What the gate of a case is made with."""
    return {
        "trusted_proxies": case.get("trusted", []),
        "forwarded_header": case.get("header", "x-forwarded-for"),
        "ipv6_prefix": case.get("ipv6_prefix", 64),
    }


GATES: list[dict[str, Any]] = []
for _case in CASES:
    if options(_case) not in GATES:
        GATES.append(options(_case))


def path(case: dict[str, Any]) -> str:
    """Where the gate of a case is."""
    return f"/{GATES.index(options(case))}"


def told(decision: Any) -> bytes:
    """The answer."""
    found = {
        "address": decision.address,
        "key": decision.key,
        "source": decision.address_source,
    }
    return json.dumps(found).encode()


def wsgi_app() -> Any:
    """Plain WSGI."""

    def tell(environ: Any, start_response: Any) -> list[bytes]:
        start_response("200 OK", [("Content-Type", "application/json")])
        return [told(environ["tidegate.decision"])]

    limited = partial(wsgi.TideGateMiddleware, tell, "1000000/second", key="ip")
    apps = [limited(**given) for given in GATES]

    def app(environ: Any, start_response: Any) -> Any:
        return apps[int(environ["PATH_INFO"][1:])](environ, start_response)

    return app


def asgi_app() -> Any:
    """Plain ASGI."""

    async def tell(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": told(scope["tidegate"])})

    limited = partial(asgi.TideGateMiddleware, tell, "1000000/second", key="ip")
    apps = [limited(**given) for given in GATES]

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            await apps[int(scope["path"][1:])](scope, receive, send)

    return app
