"""Applications that charge for failed logins only, each in a process of its own.

A POST to `/login` checks the password in its body, slowly; `/checked` tells how often that was.
"""

import itertools
import time
from collections.abc import Iterable
from typing import Any

from tidegate import protect_app, rate_limit

LIMIT = "5/hour"
checks = itertools.count()
_checked = [0]


def is_right(password: bytes) -> bool:
    """Checks a password, and remembers that it did."""
    _checked[0] = next(checks) + 1
    time.sleep(0.05)
    return password == b"right"


def asgi_app() -> Any:
    """No framework, ASGI, behind `protect_app`."""
    import asyncio

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        status, body = 200, str(_checked[0]).encode()
        if scope["path"] == "/login":
            password = (await receive())["body"]
            status = 200 if await asyncio.to_thread(is_right, password) else 401
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": body})

    return protect_app(app, LIMIT, match={"path": "/login"}, charge_on="401")


def wsgi_app() -> Any:
    """No framework, WSGI, behind `protect_app`."""

    def app(environ: Any, start_response: Any) -> Iterable[bytes]:
        status = "200 OK"
        if environ["PATH_INFO"] == "/login":
            password = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
            status = "200 OK" if is_right(password) else "401 Unauthorized"
        start_response(status, [])
        return [str(_checked[0]).encode()]

    return protect_app(app, LIMIT, match={"path": "/login"}, charge_on="401")


def fastapi_app() -> Any:
    """FastAPI with the decorator, and its exception for a wrong password."""
    from fastapi import FastAPI, HTTPException, Request
    from fastapi.responses import PlainTextResponse

    app = FastAPI()

    @app.post("/login")
    @rate_limit(LIMIT, charge_on=401)
    async def login(request: Request) -> str:
        import asyncio

        if not await asyncio.to_thread(is_right, await request.body()):
            raise HTTPException(401)
        return "welcome"

    @app.get("/checked", response_class=PlainTextResponse)
    def checked() -> str:
        return str(_checked[0])

    return app


def fastapi_extension() -> Any:
    """FastAPI with its extension."""
    from fastapi import FastAPI, Request
    from fastapi.responses import PlainTextResponse, Response

    from tidegate.fastapi import TideGate

    app = FastAPI()
    gate = TideGate(app)

    @app.post("/login")
    @gate.limit(LIMIT, key="global", charge_on="4xx")
    def login(request: Request) -> Response:
        return Response(status_code=200 if is_right(b"wrong") else 401)

    @app.get("/checked", response_class=PlainTextResponse)
    def checked() -> str:
        return str(_checked[0])

    return app
