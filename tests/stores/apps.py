"""Applications for `test_servers`: the limit and the store come from the environment.

Each worker answers with its process id, to a preflight too, which is not counted. `/own` is a
decorated function with a limit of its own.
"""

import os
from typing import Any

from tidegate import protect_app, rate_limit

STORE = os.environ.get("TIDEGATE_TEST_STORE", "memory://")
LIMIT = os.environ.get("TIDEGATE_TEST_LIMIT", "100/day")
OWN_LIMIT = os.environ.get("TIDEGATE_TEST_OWN_LIMIT", "10/day")
DEFAULTS: dict[str, Any] = {"store": STORE, "name": "app"}


def flask_app() -> Any:
    """Flask; made before the workers are forked."""
    from flask import Flask

    app = Flask("test")

    @app.route("/", methods=["GET", "OPTIONS"])
    def root() -> str:
        return str(os.getpid())

    @app.get("/own")
    @rate_limit(OWN_LIMIT, store=STORE)
    def own() -> str:
        return str(os.getpid())

    protected = protect_app(app, LIMIT, **DEFAULTS)
    # The master has used the store before it forks.
    app.test_client().get("/")
    return protected


def fastapi_app() -> Any:
    """FastAPI; made in each worker."""
    from fastapi import FastAPI

    app = FastAPI()

    @app.api_route("/", methods=["GET", "OPTIONS"])
    async def root() -> str:
        return str(os.getpid())

    @app.get("/own")
    @rate_limit(OWN_LIMIT, store=STORE)
    async def own() -> str:
        return str(os.getpid())

    return protect_app(app, LIMIT, **DEFAULTS)
