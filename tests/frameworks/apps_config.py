"""Starlette and FastAPI applications whose limits a configuration file describes.

`x-user` in a request says who is signed in. The file is the one that `TIDEGATE_TEST_FILE` names.
"""

import os
from typing import Any

from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.authentication import AuthenticationMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from tests.frameworks.apps_starlette import ByHeader
from tidegate import Decision, fastapi
from tidegate.starlette import TideGate


def sorry(request: Request, decision: Decision) -> Response | None:
    """What is said to those who want to be told in words."""
    if "x-words" not in request.headers:
        return None
    return PlainTextResponse(f"{decision.rule} at {request.url.path}", 429)


async def hello(request: Request) -> Response:
    """Greets."""
    return PlainTextResponse("hello")


async def health(request: Request) -> Response:
    """Is exempt."""
    return PlainTextResponse("well")


async def own(request: Request) -> Response:
    """Has a limit of its own."""
    return PlainTextResponse("own")


def starlette_app() -> Any:
    """Starlette, with a user behind a middleware."""
    gate = TideGate(config=os.environ["TIDEGATE_TEST_FILE"], on_breach=sorry)
    routes = [
        Route("/", hello, methods=["GET", "POST"]),
        Route("/items/{id}", hello),
        Route("/health", gate.exempt(health)),
        Route("/own", gate.limit("1/hour", key="ip")(own)),
    ]
    middleware = [Middleware(AuthenticationMiddleware, backend=ByHeader())]
    app = Starlette(routes=routes, middleware=middleware)
    gate.init_app(app)
    return app


def fastapi_app() -> Any:
    """The same in FastAPI."""
    app = FastAPI()
    app.add_middleware(AuthenticationMiddleware, backend=ByHeader())
    gate = fastapi.TideGate(app, config=os.environ["TIDEGATE_TEST_FILE"], on_breach=sorry)
    app.add_route("/", hello, methods=["GET", "POST"])
    app.add_route("/items/{id}", hello)
    app.add_route("/health", gate.exempt(health))
    app.add_route("/own", gate.limit("1/hour", key="ip")(own))
    app.add_api_route("/documented", lambda: "seen")
    return app
