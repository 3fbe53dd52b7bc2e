"""Which routes of an application nothing limits.

Told without a request, and without importing any framework: an application that is made with one
has loaded it. Knows Flask, Starlette, FastAPI and Django, and whatever stands around them. A gate
is asked by a request to the route's template; a route counts as limited, too, when its function or
one of its dependencies is tidegate's.
"""

from __future__ import annotations

import importlib
import os
import sys
from typing import Any, NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

# What frameworks add to routes by themselves.
_AUTOMATIC = {"HEAD", "OPTIONS"}


class Routes(NamedTuple):
    """What was found.

    Attributes:
        all: how many routes there are, each method by itself.
        unlimited: those without a limit, such as "GET /items/{id}".
    """

    all: int
    unlimited: list[str]


class NotFoundError(Exception):
    """There is no application; says why."""


class NotKnownError(Exception):
    """There is an application, and its routes are not known; says why."""


class _Route(NamedTuple):
    method: str
    path: str
    answers: Sequence[object]


def unlimited_routes(place: str) -> Routes:
    """Looks at the routes of the application at `place`, such as "shop.main:app".

    Raises:
        NotFoundError: there is none there.
        NotKnownError: it is made with something else, or limited in ways that are not known here.
    """
    gates, app = _unwrap(load(place))
    if "wsgi_app" in dir(app):
        more, _ = _unwrap(app.wsgi_app)
        return _of_flask(app, [*gates, *more])
    if "build_middleware_stack" in dir(app):
        stack = app.build_middleware_stack()
        _refuse_extension(place, stack)
        more, _ = _unwrap(stack)
        return _judged(_starlette_routes(app, ""), [*gates, *more], _asks_asgi)
    if type(app).__module__.startswith("django.core.handlers."):
        return _of_django(gates)
    raise NotKnownError(
        f"{place} is a {type(app).__module__}.{type(app).__qualname__}, whose routes are not "
        "known; give a Flask, Starlette, FastAPI or Django application"
    )


def load(place: str) -> Any:
    """Imports the object at `place`: "MODULE:NAME", where a name may have dots in it.

    Raises:
        NotFoundError: the place is spelt wrong, or there is nothing there.
    """
    module, colon, name = place.partition(":")
    if not (module and colon and name):
        raise NotFoundError(f"--app {place} is no application; write MODULE:NAME, as in main:app")
    if (folder := os.getcwd()) not in sys.path:  # noqa: PTH109 - sys.path holds text
        sys.path.insert(0, folder)
    try:
        found: Any = importlib.import_module(module)
        for part in name.split("."):
            found = getattr(found, part)
    except Exception as error:  # whatever an application's own code raises
        raise NotFoundError(f"--app {place} cannot be imported: {error!r}") from error
    return found


def _unwrap(app: Any) -> tuple[list[Any], Any]:
    """The gates around an application, and the first part of it that is not tidegate's."""
    gates: list[Any] = []
    while _is_ours(app):
        if (gate := getattr(app, "gate", None)) is not None:
            gates.append(gate)
        inner = getattr(app, "app", None)
        if inner is None:
            break
        app = inner
    # Middleware of the user's may stand between the gate and the application.
    around, seen = getattr(app, "app", None), 0
    while around is not None and seen < 100:
        if _is_ours(around) and getattr(around, "gate", None) is not None:
            gates.append(around.gate)
        around, seen = getattr(around, "app", None), seen + 1
    return gates, app


def _refuse_extension(place: str, stack: Any) -> None:
    """Says that an extension of ours decides per route, in ways that are not known here."""
    for _ in range(100):
        around = getattr(stack, "middleware", stack)
        if type(around).__module__ == "tidegate.starlette._around":
            raise NotKnownError(
                f"{place} has limits of tidegate.starlette.TideGate, which cannot be looked at yet"
            )
        stack = getattr(stack, "app", None)


def _of_flask(app: Any, gates: list[Any]) -> Routes:
    found: list[tuple[Any, _Route]] = []
    for rule in app.url_map.iter_rules():
        methods: set[str] = set(rule.methods or {"GET"})
        for method in sorted(methods - _AUTOMATIC or methods):
            found.append((rule, _Route(method, rule.rule, [app.view_functions.get(rule.endpoint)])))
    plans: list[Any] = [
        extension.state_of(app).plan for extension in app.extensions.get("tidegate", ())
    ]
    left: list[_Route] = [
        route
        for rule, route in found
        if not any(
            plan.of(rule.endpoint, route.method) or plan.frees(rule.endpoint, route.method)
            for plan in plans
        )
    ]
    return Routes(len(found), _judged(iter(left), gates, _asks_wsgi).unlimited)


def _of_django(gates: list[Any]) -> Routes:
    # An adapter, which this module knows by name only.
    adapter: Any = importlib.import_module("tidegate.django._unlimited")
    found: list[Any] = list(adapter.views())
    left = (_Route(it.method, it.template, it.parts) for it in found if not it.is_settled)
    return Routes(len(found), _judged(left, [*gates, *adapter.gates()], _asks_wsgi).unlimited)


def _starlette_routes(app: Any, prefix: str, shared: tuple[object, ...] = ()) -> Iterator[_Route]:
    """The routes of an application or a router; `shared` are the dependencies of all of them."""
    shared = (*shared, *_dependencies(getattr(app, "router", app)))
    routes: Sequence[Any] = getattr(app, "routes", None) or ()
    for route in routes:
        # FastAPI includes a router without copying its routes, since 0.137.
        if (router := getattr(route, "original_router", None)) is not None:
            context = route.include_context
            below = (*shared, *_dependencies(context))
            yield from _starlette_routes(router, prefix + context.prefix, below)
            continue
        path = prefix + getattr(route, "path", "")
        if getattr(route, "routes", None):
            yield from _starlette_routes(route, path, shared)
            continue
        answers = getattr(route, "endpoint", None) or getattr(route, "app", None)
        methods: set[str] = set(getattr(route, "methods", None) or {"GET"})
        for method in sorted(methods - _AUTOMATIC or methods):
            asked = _Answers(answers, getattr(route, "dependant", None), shared)
            yield _Route(method, path, [asked])


class _Answers(NamedTuple):
    """What answers, and what FastAPI asks before."""

    endpoint: object
    dependant: Any
    shared: tuple[object, ...]


def _dependencies(holder: object) -> Iterator[object]:
    all_of_them: Sequence[Any] = getattr(holder, "dependencies", None) or ()
    for depends in all_of_them:
        yield getattr(depends, "dependency", None)


def _judged(routes: Iterator[_Route], gates: list[Any], asks: Any) -> Routes:
    number = 0
    unlimited: list[str] = []
    for route in routes:
        number += 1
        own = any(_has_own(part) for part in route.answers)
        if not (own or any(asks(gate, route) for gate in gates)):
            unlimited.append(f"{route.method} {route.path}")
    return Routes(number, unlimited)


def _asks_wsgi(gate: Any, route: _Route) -> bool:
    environ: dict[str, Any] = {
        "REQUEST_METHOD": route.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": route.path,
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "tidegate.route": route.path,
    }
    return bool(gate.applying_wsgi(environ))


def _asks_asgi(gate: Any, route: _Route) -> bool:
    scope: dict[str, Any] = {
        "type": "http",
        "method": route.method,
        "path": route.path,
        "headers": [],
        "query_string": b"",
        "tidegate.route": route.path,
    }
    return bool(gate.applying_asgi(scope))


def _has_own(answers: object) -> bool:
    if isinstance(answers, _Answers):
        is_shared = any(_is_ours(dependency) for dependency in answers.shared)
        return is_shared or _has_own(answers.endpoint) or _depends(answers.dependant)
    return any(_is_ours(part) for part in _chain(answers))


def _depends(dependant: Any) -> bool:
    inners: Sequence[Any] = getattr(dependant, "dependencies", None) or ()
    return any(_is_ours(getattr(inner, "call", None)) or _depends(inner) for inner in inners)


def _chain(function: Any) -> Iterator[object]:
    """A function, and what it wraps."""
    seen: set[int] = set()
    while function is not None and id(function) not in seen:
        seen.add(id(function))
        yield function
        function = getattr(function, "__wrapped__", None)


def _is_ours(part: Any) -> bool:
    """Whether tidegate's code made a function, or is an object's class."""
    names: dict[str, Any] | None = getattr(part, "__globals__", None)
    name = type(part).__module__ if names is None else str(names.get("__name__"))
    return name.split(".")[0] == "tidegate"
