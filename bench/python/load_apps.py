"""The applications that `load` serves, each limited by somebody else, or by nobody.

Every limiter counts by address, sends its header fields, and refuses nobody. One application of
each framework sends three such fields by itself, and counts nothing: what a server does about
them is part of everybody's loss. And one is limited and sends none.
"""

from importlib import import_module
from typing import Any

LIMIT = "1000000000/day"
# What our own fields look like, always the same.
FIELDS = [
    ("x-ratelimit-limit", "1000000000"),
    ("x-ratelimit-remaining", "999999999"),
    ("x-ratelimit-reset", "1790000000"),
]


def flask_bare() -> Any:
    """Flask, unlimited."""
    from flask import Flask

    app = Flask("load")

    @app.get("/")
    def root() -> dict[str, str]:
        return {"hello": "world"}

    return app


def flask_again() -> Any:
    """Flask, unlimited, in a process of its own."""
    return flask_bare()


def flask_protected() -> Any:
    """Flask behind `protect_app`."""
    from tidegate import protect_app

    return protect_app(flask_bare(), LIMIT, per_ip=True)


def flask_silent() -> Any:
    """Flask behind `protect_app`, which sends no header fields."""
    from tidegate import protect_app

    return protect_app(flask_bare(), LIMIT, per_ip=True, headers="none")


def flask_fields() -> Any:
    """Flask, unlimited, with the fields of a limit on every response."""
    app = flask_bare()
    served = app.wsgi_app

    def with_fields(environ: Any, start_response: Any) -> Any:
        def start(status: str, headers: Any, exc_info: Any = None) -> Any:
            return start_response(status, [*headers, *FIELDS], exc_info)

        return served(environ, start)

    app.wsgi_app = with_fields
    return app


def flask_extension() -> Any:
    """Flask with tidegate's extension."""
    from tidegate.flask import TideGate

    app = flask_bare()
    TideGate(app, default=LIMIT, key="ip")
    return app


def flask_limiter() -> Any:
    """Flask with Flask-Limiter, as its guide has it."""
    library = peer("flask_limiter")
    address = peer("flask_limiter.util").get_remote_address

    app = flask_bare()
    library.Limiter(address, app=app, default_limits=["1000000000/day"], headers_enabled=True)
    return app


def fastapi_bare() -> Any:
    """FastAPI, unlimited."""
    from fastapi import FastAPI

    app = FastAPI()

    @app.get("/")
    async def root() -> dict[str, str]:
        return {"hello": "world"}

    return app


def fastapi_again() -> Any:
    """FastAPI, unlimited, in a process of its own."""
    return fastapi_bare()


def fastapi_protected() -> Any:
    """FastAPI behind `protect_app`."""
    from tidegate import protect_app

    return protect_app(fastapi_bare(), LIMIT, per_ip=True)


def fastapi_silent() -> Any:
    """FastAPI behind `protect_app`, which sends no header fields."""
    from tidegate import protect_app

    return protect_app(fastapi_bare(), LIMIT, per_ip=True, headers="none")


def fastapi_fields() -> Any:
    """FastAPI, unlimited, with the fields of a limit on every response."""
    app = fastapi_bare()
    build = app.build_middleware_stack
    fields = [(name.encode(), value.encode()) for name, value in FIELDS]

    def with_fields() -> Any:
        served = build()

        async def serve(scope: Any, receive: Any, send: Any) -> None:
            async def send_on(message: Any) -> None:
                if message["type"] == "http.response.start":
                    message = {**message, "headers": [*message["headers"], *fields]}
                await send(message)

            await served(scope, receive, send_on)

        return serve

    app.build_middleware_stack = with_fields
    return app


def fastapi_extension() -> Any:
    """FastAPI with a limit for each of its routes."""
    from tidegate.fastapi import TideGate

    app = fastapi_bare()
    TideGate(app, default=LIMIT, key="ip")
    return app


def fastapi_slowapi() -> Any:
    """FastAPI with slowapi, as its guide has it."""
    library = peer("slowapi")
    address = peer("slowapi.util").get_remote_address

    app = fastapi_bare()
    limits = ["1000000000/day"]
    limiter = library.Limiter(key_func=address, default_limits=limits, headers_enabled=True)
    app.state.limiter = limiter
    app.add_middleware(peer("slowapi.middleware").SlowAPIASGIMiddleware)
    return app


def peer(module: str) -> Any:
    """A library that only the benchmarks' environment has."""
    return import_module(module)
