"""The applications that `load` serves, each limited by somebody else, or by nobody.

Every limiter counts by address, sends its header fields, and refuses nobody.
"""

from importlib import import_module
from typing import Any

LIMIT = "1000000000/day"


def flask_bare() -> Any:
    """Flask, unlimited."""
    from flask import Flask

    app = Flask("load")

    @app.get("/")
    def root() -> dict[str, str]:
        return {"hello": "world"}

    return app


def flask_protected() -> Any:
    """Flask behind `protect_app`."""
    from tidegate import protect_app

    return protect_app(flask_bare(), LIMIT, per_ip=True)


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


def fastapi_protected() -> Any:
    """FastAPI behind `protect_app`."""
    from tidegate import protect_app

    return protect_app(fastapi_bare(), LIMIT, per_ip=True)


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
