"""Uses tidegate as applications do, for the profile that a release is compiled with.

Run by `maturin build --pgo` (`pgo-command` in pyproject.toml), in an environment of its own, on a
module that counts which way it goes. What is never done here is taken for rare and laid aside: so
every algorithm, every store without a server, every kind of adapter and every answer has its
turn, in about the shares of real traffic. Stores in servers have none: theirs is the network's
time. Nothing is measured here.
"""

import asyncio
import logging
import threading
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from fastapi import Depends, FastAPI
from flask import Flask
from werkzeug.test import EnvironBuilder

from tidegate import Gate, Limiter, Rule, load_gate, protect_app, rate_limit
from tidegate._arguments import ALGORITHMS
from tidegate.fastapi import RateLimit
from tidegate.fastapi import TideGate as FastTideGate
from tidegate.flask import TideGate as FlaskTideGate

PLENTY = "10000/second"
SCARCE = "20/minute"
# How often everything is done, and one in how many times what is rarer.
TIMES = 2_000
RARE = 10
CONFIG = f"""\
[[rules]]
name = "all"
limit = "{PLENTY}"
key = "ip"

[[rules]]
name = "items"
limit = "{SCARCE}; 100/hour"
key = "header:x-api-key"
match = {{ path = "/items/*", methods = ["GET"] }}
"""


def main() -> None:
    """Takes one part after the other."""
    with TemporaryDirectory() as folder:
        for store in ("memory://", f"shared://{folder}/table"):
            for algorithm in ALGORITHMS:
                # A table in shared memory has no room for logs.
                if store == "memory://" or algorithm != "sliding_window_log":
                    ask(store, algorithm)
        config = Path(folder, "tidegate.toml")
        config.write_text(CONFIG)
        asyncio.run(serve_asgi(config))
        serve_wsgi(config)


def ask(store: str, algorithm: str) -> None:
    """Asks a limiter in every way, from two threads."""
    plenty = Limiter(PLENTY, store=store, algorithm=algorithm, name=f"plenty-{algorithm}")
    scarce = Limiter(SCARCE, store=store, algorithm=algorithm, name=f"scarce-{algorithm}")

    def check_all() -> None:
        for number in range(TIMES):
            plenty.allow(f"key {number}")
            plenty.check("one")
            plenty.check("one", cost=2)
            plenty.allow_many([f"key {one}" for one in range(number % 64)])
            if number % RARE == 0:
                scarce.allow("one")
                scarce.check(f"key {number % 3}").headers()

    async def acheck_all() -> None:
        for number in range(TIMES):
            await plenty.aallow("one")
            await plenty.acheck(f"key {number}")

    other = threading.Thread(target=check_all)
    other.start()
    check_all()
    asyncio.run(acheck_all())
    other.join()


def asgi_apps(config: Path) -> Iterator[Any]:
    """FastAPI behind every kind of limit."""
    for fields in ("x-ratelimit", "draft", "legacy", "none"):
        yield protect_app(fastapi(), PLENTY, per_ip=True, headers=fields)
    yield protect_app(fastapi(), SCARCE, per_ip=True)
    yield protect_app(fastapi(), PLENTY, per_ip=True, trusted_proxies=["192.0.2.0/24"])
    yield protect_app(fastapi(), PLENTY, key="header:x-api-key", charge_on=["4xx"])
    yield protect_app(fastapi(), gate=load_gate(config))
    rules = [Rule("all", PLENTY, key="ip"), Rule("few", "100 concurrent", key="global")]
    yield protect_app(fastapi(), gate=Gate(rules))
    app = fastapi()
    FastTideGate(app, default=PLENTY, key="ip")
    yield app


def fastapi() -> FastAPI:
    """An application with limits of its own on one route."""
    app = FastAPI()

    @app.get("/")
    async def root() -> dict[str, str]:
        return {"hello": "world"}

    @app.get("/items/{item}", dependencies=[Depends(RateLimit(PLENTY, key="ip"))])
    async def item(item: str) -> dict[str, str]:
        return {"item": item}

    return app


async def serve_asgi(config: Path) -> None:
    """Sends requests to every application."""

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        pass

    for app in asgi_apps(config):
        for number in range(TIMES):
            path = f"/items/{number % 9}" if number % RARE == 0 else "/"
            await app(scope(path, number), receive, send)


def scope(path: str, number: int) -> dict[str, Any]:
    """A request as uvicorn tells of it."""
    client = f"192.0.2.{number % 50}" if number % RARE else "2001:db8::1"
    headers = [(b"host", b"example.com"), (b"user-agent", b"training"), (b"accept", b"*/*")]
    if number % 3 == 0:
        headers.append((b"x-forwarded-for", b"198.51.100.7, 203.0.113.9"))
        headers.append((b"x-api-key", b"key %d" % (number % 20)))
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": headers,
        "client": (client, 50_000),
        "server": ("127.0.0.1", 8000),
        "state": {},
    }


def serve_wsgi(config: Path) -> None:
    """Sends requests to Flask behind every kind of limit."""
    limited = flask()
    FlaskTideGate(limited, default=PLENTY, key="ip")
    apps = [
        protect_app(flask(), PLENTY, per_ip=True),
        protect_app(flask(), PLENTY, per_ip=True, headers="none"),
        protect_app(flask(), SCARCE, per_ip=True),
        protect_app(flask(), gate=load_gate(config)),
        limited,
    ]
    for app in apps:
        for number in range(TIMES):
            answer = app(environ(number), start_response)
            b"".join(answer)
            if hasattr(answer, "close"):
                answer.close()


def flask() -> Flask:
    """An application with a limit of its own on one route."""
    app = Flask("training")
    app.testing = True  # an error ends the training, where it would be a page otherwise

    @app.get("/")
    def root() -> dict[str, str]:
        return {"hello": "world"}

    @app.get("/items/<item>")
    @rate_limit(PLENTY, key="ip")
    def item(item: str) -> dict[str, str]:
        return {"item": item}

    return app


def start_response(*_: object) -> Any:
    """A server that nobody listens to."""
    return print


def environ(number: int) -> dict[str, Any]:
    """A request as a server of WSGI tells of it."""
    path = f"/items/{number % 9}" if number % RARE == 0 else "/"
    headers = [("X-Forwarded-For", "198.51.100.7")] if number % 3 == 0 else []
    made = EnvironBuilder(path, headers=headers).get_environ()
    return {**made, "REMOTE_ADDR": f"192.0.2.{number % 50}"}


if __name__ == "__main__":
    logging.disable()  # much of this is worth a warning, and meant
    main()
