"""Applications with limits inside that have header fields of their own, and a limit around.

The one around shows the "legacy" fields; `/own` shows "draft", and `/other` says nothing.
"""

from typing import Any

from tests.frameworks.apps_plain import asgi_site, wsgi_site
from tidegate import asgi, protect_app, rate_limit, wsgi

AROUND: Any = {"limit": "100/hour", "headers": "legacy"}


def flask_extension() -> Any:
    """Flask, with limits of the extension's."""
    from flask import Flask

    from tidegate.flask import TideGate

    app = Flask("own")
    gate = TideGate(app, **AROUND)
    app.add_url_rule("/own", "own", gate.limit("1/hour", headers="draft")(_hello))
    app.add_url_rule("/other", "other", gate.limit("1/hour")(_hello))
    return app


def flask_decorated() -> Any:
    """Flask behind `protect_app`, with limits that know no framework."""
    from flask import Flask

    app = protect_app(Flask("own"), **AROUND)
    app.add_url_rule("/own", "own", rate_limit("1/hour", headers="draft")(_hello))
    app.add_url_rule("/other", "other", rate_limit("1/hour")(_hello))
    return app


def fastapi_extension() -> Any:
    """FastAPI, with limits of the extension's, and as dependencies."""
    from fastapi import Depends, FastAPI

    from tidegate.fastapi import RateLimit, TideGate

    app = FastAPI()
    gate = TideGate(app, **AROUND)
    app.get("/own")(gate.limit("1/hour", headers="draft")(_ahello))
    app.get("/other", dependencies=[Depends(RateLimit("1/hour"))])(_aother)
    return app


def fastapi_depends() -> Any:
    """FastAPI behind `protect_app`, with limits as dependencies."""
    from fastapi import Depends, FastAPI

    from tidegate.fastapi import RateLimit

    app = protect_app(FastAPI(), **AROUND)
    app.get("/own", dependencies=[Depends(RateLimit("1/hour", headers="draft"))])(_ahello)
    app.get("/other", dependencies=[Depends(RateLimit("1/hour"))])(_aother)
    return app


def plain_wsgi() -> Any:
    """WSGI without a framework."""
    own = rate_limit("1/hour", headers="draft")(wsgi_site)
    other = rate_limit("1/hour")(wsgi_site)

    def app(environ: Any, start_response: Any) -> Any:
        inner = own if environ["PATH_INFO"] == "/own" else other
        return inner(environ, start_response)

    return wsgi.TideGateMiddleware(app, **AROUND)


def plain_asgi() -> Any:
    """ASGI without a framework."""
    own = rate_limit("1/hour", headers="draft")(asgi_site)
    other = rate_limit("1/hour")(asgi_site)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            inner = own if scope["path"] == "/own" else other
            await inner(scope, receive, send)

    return asgi.TideGateMiddleware(app, **AROUND)


def _hello() -> str:
    return "hello"


async def _ahello() -> str:
    return "hello"


async def _aother() -> str:
    return "hello"
