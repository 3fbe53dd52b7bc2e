"""The applications that `load` serves, each limited by somebody else, or by nobody.

Every limiter counts by address, sends its header fields, and refuses nobody. One application of
each kind sends three such fields by itself, and counts nothing: what a server does about them is
part of everybody's loss. And one is limited and sends none.
"""

import os
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

LIMIT = "1000000000/day"
# What our own fields look like, always the same.
FIELDS = [
    ("x-ratelimit-limit", "1000000000"),
    ("x-ratelimit-remaining", "999999999"),
    ("x-ratelimit-reset", "1790000000"),
]
# What servers are told to serve, and what tells it which application that is.
APP = "bench.python.load_apps:served"
VARIABLE = "TIDEGATE_BENCH_SERVES"


def served() -> Any:
    """The application that the environment names: a family, and who limits it."""
    family, name = os.environ[VARIABLE].split(".")
    make, limiters = FAMILIES[family]
    return limiters[name](make())


def flask_small() -> Any:
    """The least that Flask can answer with JSON."""
    from flask import Flask

    app = Flask("load")

    @app.get("/")
    def root() -> dict[str, str]:
        return {"hello": "world"}

    return app


def flask_guide() -> Any:
    """What Flask's quickstart begins with: a page of one line."""
    from flask import Flask

    app = Flask("load")

    @app.route("/")
    def page() -> str:
        return "<p>hello, world</p>"

    return app


def fastapi_small() -> Any:
    """The least that FastAPI can answer with JSON, without a thread."""
    from fastapi import FastAPI

    app = FastAPI()

    @app.get("/")
    async def root() -> dict[str, str]:
        return {"hello": "world"}

    return app


def fastapi_guide() -> Any:
    """What FastAPI's front page begins with: plain functions, one with two parameters."""
    from fastapi import FastAPI

    app = FastAPI()

    @app.get("/")
    def root() -> dict[str, str]:
        return {"hello": "world"}

    @app.get("/items/{number}")
    def item(number: int, q: str | None = None) -> dict[str, int | str | None]:
        return {"number": number, "q": q}

    return app


def unlimited(app: Any) -> Any:
    """Nothing."""
    return app


def protected(app: Any) -> Any:
    """`protect_app`."""
    from tidegate import protect_app

    return protect_app(app, LIMIT, per_ip=True)


def silent(app: Any) -> Any:
    """`protect_app`, which sends no header fields."""
    from tidegate import protect_app

    return protect_app(app, LIMIT, per_ip=True, headers="none")


def fields_in_flask(app: Any) -> Any:
    """The fields of a limit on every response."""
    inner = app.wsgi_app

    def with_fields(environ: Any, start_response: Any) -> Any:
        def start(status: str, headers: Any, exc_info: Any = None) -> Any:
            return start_response(status, [*headers, *FIELDS], exc_info)

        return inner(environ, start)

    app.wsgi_app = with_fields
    return app


def fields_in_fastapi(app: Any) -> Any:
    """The fields of a limit on every response."""
    build = app.build_middleware_stack
    fields = [(name.encode(), value.encode()) for name, value in FIELDS]

    def with_fields() -> Any:
        inner = build()

        async def serve(scope: Any, receive: Any, send: Any) -> None:
            async def send_on(message: Any) -> None:
                if message["type"] == "http.response.start":
                    message = {**message, "headers": [*message["headers"], *fields]}
                await send(message)

            await inner(scope, receive, send_on)

        return serve

    app.build_middleware_stack = with_fields
    return app


def extension_of_flask(app: Any) -> Any:
    """The extension, with a limit for each route."""
    from tidegate.flask import TideGate

    TideGate(app, default=LIMIT, key="ip")
    return app


def extension_of_fastapi(app: Any) -> Any:
    """The extension, with a limit for each route."""
    from tidegate.fastapi import TideGate

    TideGate(app, default=LIMIT, key="ip")
    return app


def flask_limiter(app: Any) -> Any:
    """Flask-Limiter, as its guide has it."""
    library = peer("flask_limiter")
    address = peer("flask_limiter.util").get_remote_address

    library.Limiter(address, app=app, default_limits=["1000000000/day"], headers_enabled=True)
    return app


def slowapi(app: Any) -> Any:
    """slowapi, as its guide has it."""
    library = peer("slowapi")
    address = peer("slowapi.util").get_remote_address

    limits = ["1000000000/day"]
    limiter = library.Limiter(key_func=address, default_limits=limits, headers_enabled=True)
    app.state.limiter = limiter
    app.add_middleware(peer("slowapi.middleware").SlowAPIASGIMiddleware)
    return app


def peer(module: str) -> Any:
    """A library that only the benchmarks' environment has."""
    return import_module(module)


Limiters = Mapping[str, Callable[[Any], Any]]

# In this order they stand in the table. `again` is the bare one, in a process of its own.
_FLASK: Limiters = {
    "bare": unlimited,
    "again": unlimited,
    "fields": fields_in_flask,
    "silent": silent,
    "protected": protected,
    "extension": extension_of_flask,
    "limiter": flask_limiter,
}
_FASTAPI: Limiters = {
    "bare": unlimited,
    "again": unlimited,
    "fields": fields_in_fastapi,
    "silent": silent,
    "protected": protected,
    "extension": extension_of_fastapi,
    "slowapi": slowapi,
}
FAMILIES: Mapping[str, tuple[Callable[[], Any], Limiters]] = {
    "flask": (flask_small, _FLASK),
    "flask-guide": (flask_guide, _FLASK),
    "fastapi": (fastapi_small, _FASTAPI),
    "fastapi-guide": (fastapi_guide, _FASTAPI),
}
