"""What an application's routes depend on: whether a route, once found, may be remembered.

It may where only the path and the method decide: for routes of Starlette's and FastAPI's own
kinds, with the convertors that Starlette has. A class of the user's may look at anything.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from copy import copy
from typing import Any

from starlette.routing import Mount, Route, WebSocketRoute

from tidegate.starlette._routes import application

_BY_PATH = (Route.matches, WebSocketRoute.matches, Mount.matches)
# How those of FastAPI's are called that are its own.
_BY_PATH_IN_FASTAPI = ("APIRoute", "APIWebSocketRoute", "_IncludedRouter")


class Shape:
    """The lists of routes below an application, as they were once.

    Attributes:
        is_by_path: whether the path and the method alone decide which route answers.
    """

    __slots__ = ("_lists", "is_by_path")

    def __init__(self, app: object) -> None:
        # Each holder of a list of routes, and what was in it.
        self._lists: list[tuple[Any, Sequence[Any]]] = []
        known = set(_known_matches())
        self.is_by_path = all(_is_by_path(route, known) for route in self._walk(app, set()))

    def holds(self) -> bool:
        """Whether every list has the routes that it had."""
        for holder, routes in self._lists:  # noqa: SIM110 - `all` takes several times as long
            if holder.routes != routes:
                return False
        return True

    def _walk(self, app: object, seen: set[int]) -> Iterator[object]:
        # An application asks its router for the list.
        holder: Any = getattr(app, "router", app)
        if id(holder) in seen or not hasattr(holder, "routes"):
            return
        seen.add(id(holder))
        routes = copy(holder.routes)
        self._lists.append((holder, routes))
        # Folders of `FastAPI.frontend` answer by the files that are in them.
        yield from getattr(holder, "_low_priority_routes", ())
        for route in routes or ():
            yield route
            if isinstance(route, Mount):
                yield from self._walk(application(route), seen)
            elif hasattr(route, "original_router"):
                yield from self._walk(route.original_router, seen)


def _known_matches() -> Iterator[object]:
    yield from _BY_PATH
    fastapi = sys.modules.get("fastapi.routing")
    for name in _BY_PATH_IN_FASTAPI:
        matches = getattr(getattr(fastapi, name, None), "matches", None)
        if matches is not None:
            yield matches


def _is_by_path(route: object, known: set[object]) -> bool:
    if getattr(type(route), "matches", None) not in known:
        return False
    if "matches" in getattr(route, "__dict__", {}):
        return False
    convertors = getattr(route, "param_convertors", {})
    return all(type(it).__module__ == "starlette.convertors" for it in convertors.values())
