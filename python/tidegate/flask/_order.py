"""Finds limits that stand above the decorator that makes a route, where they limit nothing.

Flask then has the bare function for its view. It is the function that a limit has been put around,
and that limit is on no view: this is how it shows, at whichever comes last of the decoration,
`init_app` and the registration of a blueprint.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from functools import wraps
from typing import Any
from weakref import WeakKeyDictionary, WeakSet

import flask

from tidegate._keys import name_of
from tidegate.errors import ConfigError
from tidegate.flask._marks import chain, innermost


class Order:
    """The functions that one extension limits, and the applications it watches."""

    def __init__(self) -> None:
        self._apps: WeakSet[flask.Flask] = WeakSet()
        # By the function without any decorator: what was put around it.
        self._wrappers: WeakKeyDictionary[Any, WeakSet[Any]] = WeakKeyDictionary()
        self._names: Counter[str] = Counter()

    def note(self, function: object, wrapper: object) -> str:
        """Notes a limited function, and returns a name that no other has.

        Raises:
            ConfigError: it is the view of a route already, without the limit.
        """
        inside = list(chain(function))
        for app in self._apps:
            for endpoint, view in app.view_functions.items():
                if any(view is part for part in inside):
                    raise ConfigError(_above(view, app, endpoint))
        self._wrappers.setdefault(innermost(function), WeakSet()).add(wrapper)
        name = f"{getattr(function, '__module__', '')}.{name_of(function)[1:-1]}"
        self._names[name] += 1
        count = self._names[name]
        return name if count == 1 else f"{name} {count}"

    def watch(self, app: flask.Flask) -> None:
        """Looks at the routes of an application, and at those that it gets later.

        Raises:
            ConfigError: a limit stands above the route of the function that it limits.
        """
        for found in self.misplaced(app):
            raise ConfigError(found)
        self._apps.add(app)
        original = app.add_url_rule

        @wraps(original)
        def add_url_rule(*args: Any, **kwargs: Any) -> None:
            before = set(app.view_functions)
            original(*args, **kwargs)
            for endpoint in app.view_functions.keys() - before:
                for found in self._misplaced_at(app, endpoint):
                    raise ConfigError(found)

        setattr(app, "add_url_rule", add_url_rule)  # noqa: B010 - a type checker would object

    def misplaced(self, app: flask.Flask) -> list[str]:
        """What is wrong in an application, a line each."""
        return [line for name in app.view_functions for line in self._misplaced_at(app, name)]

    def _misplaced_at(self, app: flask.Flask, endpoint: str) -> Iterator[str]:
        view = app.view_functions[endpoint]
        try:
            wrappers = self._wrappers.get(innermost(view), ())
        except TypeError:  # no weak references to it
            return
        for wrapper in list(wrappers):
            is_inside = any(part is view for part in chain(wrapper)) and wrapper is not view
            if is_inside and not _is_routed(app, wrapper):
                yield _above(view, app, endpoint)
                return


def _is_routed(app: flask.Flask, wrapper: object) -> bool:
    views = app.view_functions.values()
    return any(part is wrapper for view in views for part in chain(view))


def _above(view: object, app: flask.Flask, endpoint: str) -> str:
    return (
        f"the limit of {name_of(view)} stands above its route, the endpoint {endpoint!r} of the "
        f"application {app.name!r}, where it limits nothing: put @gate.limit(...) below @app.route"
    )
