"""The 429 in the OpenAPI document of a FastAPI application."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import fastapi.routing
from fastapi import FastAPI

from tidegate._decorator import is_limited
from tidegate.fastapi._dependency import RateLimit
from tidegate.starlette import TideGate
from tidegate.starlette._routes import Found, layers

_WHOLE_NUMBER = {"schema": {"type": "integer"}}

responses: dict[int | str, dict[str, Any]] = {
    429: {
        "description": "Too many requests",
        "headers": {
            "Retry-After": {
                "description": "Seconds after which the request would be let through",
                **_WHOLE_NUMBER,
            },
        },
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "title": "TooManyRequests",
                    "properties": {"detail": {"type": "string", "title": "Detail"}},
                    "required": ["detail"],
                },
                "example": {"detail": "Too Many Requests"},
            }
        },
    }
}
"""What a refusal looks like, for `responses=` of a route, a router or an application."""


def document(app: FastAPI) -> FastAPI:
    """Puts the 429 into the OpenAPI document, for every route that has a limit.

    That is a route with a `RateLimit`, its own or a router's, or with `rate_limit`; what the
    document says of a 429 already is kept. `TideGate(app)` does this by itself.

    Returns:
        The application.
    """
    describe(app, None)
    return app


def describe(app: FastAPI, gate: TideGate | None) -> None:
    """Lets `app.openapi` add the refusals of its routes, and of `gate`'s limits."""
    make = app.openapi

    def openapi() -> dict[str, Any]:
        schema = make()
        paths = schema.get("paths", {})
        for template, methods, route in _routes_of(app):
            if not _is_limited(route, template, methods, gate):
                continue
            operations = paths.get(template, {})
            for method in methods:
                if (operation := operations.get(method.lower())) is not None:
                    operation.setdefault("responses", {}).setdefault("429", _described(gate))
        return schema

    app.openapi = openapi  # type: ignore[method-assign]


def _described(gate: TideGate | None) -> dict[str, Any]:
    described = deepcopy(responses[429])
    if gate is not None and gate.whole is not None:
        # The limit of the whole application answers before FastAPI does.
        described["content"]["application/problem+json"] = {"schema": {"type": "object"}}
    return described


def _routes_of(app: FastAPI) -> Iterator[tuple[str, set[str], Any]]:
    """Path and methods of each route as the document has them, and the route."""
    # Since 0.137, routers keep their routes when they are included.
    unfold: Any = getattr(fastapi.routing, "iter_route_contexts", iter)
    for route in unfold(app.routes):
        template, methods = getattr(route, "path_format", None), getattr(route, "methods", None)
        if template and methods and getattr(route, "dependant", None) is not None:
            yield template, set(methods), route


def _is_limited(route: Any, template: str, methods: set[str], gate: TideGate | None) -> bool:
    endpoint = route.endpoint
    if any(is_limited(layer) for layer in layers(endpoint)):
        return True
    if any(isinstance(call, RateLimit) for call in _calls(route.dependant)):
        return True
    if gate is None:
        return False
    found = Found(template, f"{','.join(sorted(methods))} {template}", (endpoint,))
    if gate.is_exempt(found):
        return False
    return gate.whole is not None or gate.has_limit(found)


def _calls(dependant: Any) -> Iterator[object]:
    for inner in dependant.dependencies:
        yield inner.call
        yield from _calls(inner)
