"""One FastAPI application: bare, behind tidegate, and behind slowapi."""

from typing import Any

from fastapi import FastAPI, Request, Response
from slowapi import Limiter  # type: ignore[import-not-found]
from slowapi.middleware import (  # type: ignore[import-not-found]
    SlowAPIASGIMiddleware,
    SlowAPIMiddleware,
)
from slowapi.util import get_remote_address  # type: ignore[import-not-found]

from tidegate import protect_app


def bare() -> FastAPI:
    """Returns the application alone."""
    app = FastAPI()

    @app.get("/")
    async def hello() -> dict[str, str]:
        return {"hello": "world"}

    return app


def tidegate(limit: str) -> FastAPI:
    """Returns it behind `protect_app`, counting addresses."""
    return protect_app(bare(), limit, per_ip=True)


def slowapi_middleware(limit: str) -> FastAPI:
    """Returns it behind the middleware of slowapi's guide, with header fields."""
    return _behind(SlowAPIMiddleware, limit)


def slowapi_asgi_middleware(limit: str) -> FastAPI:
    """Returns it behind slowapi's other middleware, with header fields."""
    return _behind(SlowAPIASGIMiddleware, limit)


def _behind(middleware: Any, limit: str) -> FastAPI:
    app = bare()
    app.state.limiter = Limiter(
        key_func=get_remote_address, default_limits=[limit], headers_enabled=True
    )
    app.add_middleware(middleware)
    return app


def slowapi_decorator(limit: str) -> FastAPI:
    """Returns it with slowapi's decorator on the handler, with header fields."""
    app = FastAPI()
    limiter = Limiter(key_func=get_remote_address, headers_enabled=True)
    app.state.limiter = limiter

    @app.get("/")
    @limiter.limit(limit)  # type: ignore[untyped-decorator, unused-ignore]
    async def hello(
        request: Request,  # noqa: ARG001 - slowapi looks for both by name
        response: Response,  # noqa: ARG001
    ) -> dict[str, str]:
        return {"hello": "world"}

    return app
