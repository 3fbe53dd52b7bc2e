"""Which route answers a request: asked of the application's own routes, before they run.

Every route is asked by its own `matches`, so its convertors and a class of the user's decide as
they will when the request arrives there. Knows routers that FastAPI has included without copying
their routes (0.137 and later), mounted applications, and hosts.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import starlette._utils
from starlette.routing import BaseRoute, Host, Match, Mount

# Since 0.33 a mounted application sees the whole path, and the part that is its own by `root_path`.
_PATH_STAYS_WHOLE = hasattr(starlette._utils, "get_route_path")
# What routing puts into the scope; a request that is being answered has it already.
_PUT_BY_ROUTING = frozenset({"app_root_path", "endpoint", "fastapi", "path_params", "route"})


class Found(NamedTuple):
    """The route that answers a request.

    Attributes:
        template: as the application spells it, with the prefixes of routers and mounts and
            without `root_path`: "/items/{id}".
        name: the template with the methods, which tells two routes of one template apart.
        parts: the mounted applications and included routers on the way, outermost first, and
            last what answers: a function, a class, an application.
    """

    template: str
    name: str
    parts: tuple[object, ...]


def route_of(app: object, scope: Mapping[str, Any]) -> str | None:
    """Returns the template of the route that answers a request, or `None` if none does.

    The template is spelled as in the application, with the prefixes of included routers and of
    mounts, and without `root_path`. What a mounted application answers without a route of its
    own, static files say, has the mount's: "/static/{path:path}".

    Args:
        app: the Starlette or FastAPI application, or a router.
        scope: of the request, as the server gave it or as a handler sees it.

    Example:
        >>> from starlette.applications import Starlette
        >>> from starlette.routing import Mount, Route
        >>> async def show(request): ...
        >>> app = Starlette(routes=[Mount("/shop", routes=[Route("/items/{id:int}", show)])])
        >>> route_of(app, {"type": "http", "method": "GET", "path": "/shop/items/7"})
        '/shop/items/{id:int}'
    """
    found = resolve(app, as_received(scope))
    return None if found is None else found.template


def resolve(app: object, scope: Mapping[str, Any]) -> Found | None:
    """Returns the route of `app` that answers a request which no route has seen yet."""
    probe = {name: value for name, value in scope.items() if name not in _PUT_BY_ROUTING}
    try:
        return _search(app, probe, "", ())
    except Exception:  # noqa: BLE001 - a convertor of the user's; the routing itself meets it next
        return None


def as_received(scope: Mapping[str, Any]) -> dict[str, Any]:
    """Returns a scope as it was before mounts shifted its path."""
    received = dict(scope)
    root = scope.get("app_root_path", scope.get("root_path", ""))
    if not _PATH_STAYS_WHOLE:
        received["path"] = scope.get("root_path", "")[len(root) :] + scope["path"]
    received["root_path"] = root
    return received


def endpoints(app: object) -> Iterator[object]:
    """Every function, class and application that a route of `app` leads to."""
    for route in routes_of(app):
        if isinstance(route, (Mount, Host)):
            yield route.app
            yield application(route)
            yield from endpoints(application(route))
        elif hasattr(route, "original_router"):
            yield route.original_router
            yield from endpoints(route.original_router)
        elif (endpoint := getattr(route, "endpoint", None)) is not None:
            yield endpoint


def identity(target: object) -> object:
    """What tells a function or an application from others; a bound method is the same again."""
    if inspect.ismethod(target):
        return (id(target.__self__), id(target.__func__))
    return id(target)


def layers(function: object) -> Iterator[object]:
    """A function, and what it was wrapped around by decorators and partials."""
    seen: list[object] = []
    while function is not None and not any(function is known for known in seen):
        seen.append(function)
        yield function
        if isinstance(function, functools.partial):
            function = function.func
        else:
            function = getattr(function, "__wrapped__", None)


def _search(
    app: object, scope: dict[str, Any], prefix: str, parts: tuple[object, ...]
) -> Found | None:
    for route in routes_of(app):
        match, child = route.matches(scope)
        if match is Match.FULL:
            return _descend(route, {**scope, **child}, prefix, parts)
    return _in_frontend(app, scope, prefix, parts)


def _descend(
    route: Any, scope: dict[str, Any], prefix: str, parts: tuple[object, ...]
) -> Found | None:
    """Follows a route that matches to what answers."""
    if isinstance(route, (Mount, Host)):
        prefix += getattr(route, "path", "")
        app = application(route)
        # FastAPI writes its own into the scope when it is called.
        if own_root := getattr(app, "root_path", None):
            scope["root_path"] = own_root
        parts = (*parts, route.app, app)
        template = f"{prefix}/{{path:path}}"
        return _search(app, scope, prefix, parts) or Found(template, template, parts)
    if hasattr(route, "original_router"):
        parts = (*parts, route.original_router)
        _, child, inner, context = route._match(scope)
        if context is not None and not isinstance(inner, (Mount, Host)):
            return _found(context.starlette_route or context, prefix, parts)
        return None if inner is None else _descend(inner, {**scope, **child}, prefix, parts)
    return _found(route, prefix, parts)


def _found(route: Any, prefix: str, parts: tuple[object, ...]) -> Found:
    template = prefix + getattr(route, "path", "")
    methods = sorted(set(getattr(route, "methods", None) or ()) - {"HEAD"})
    name = f"{','.join(methods)} {template}" if methods else template
    return Found(template, name, (*parts, getattr(route, "endpoint", None) or route))


def _in_frontend(
    app: object, scope: dict[str, Any], prefix: str, parts: tuple[object, ...]
) -> Found | None:
    """Finds the folder of `FastAPI.frontend`, which answers when no other route does."""
    router: Any = getattr(app, "router", app)
    match_low_priority = getattr(router, "_match_low_priority", None)
    if match_low_priority is None:
        return None
    match, child, route, _ = match_low_priority(scope)
    if match is not Match.FULL:
        return None
    inside: str = child.get("fastapi", {}).get("frontend_path", "")
    path: str = scope["path"].removeprefix(scope.get("root_path", ""))
    folder = path.removesuffix(inside).rstrip("/")
    template = f"{prefix}{folder}/{{path:path}}"
    return Found(template, template, (*parts, route))


def application(route: Mount | Host) -> object:
    """The application below a mount, without the middlewares around it."""
    app: Any = getattr(route, "_base_app", route.app)
    for _ in range(100):  # of middlewares that hold each other, at most so many
        if hasattr(app, "routes") or not hasattr(app, "app"):
            return app
        app = app.app
    return app


def routes_of(app: object) -> Sequence[Any]:
    """The routes of an application or a router; none of what has no list of them."""
    routes: Sequence[BaseRoute] | None = getattr(app, "routes", None)
    return routes or ()
