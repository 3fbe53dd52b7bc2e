"""Finds limits that stand above the decorator that makes a route, where they limit nothing.

Flask then has the bare function for its view, and the name in the module means the limited one.
That this is so, and no second use of one function on purpose, shows in where the limit was called:
between the first decorator of the function and its end, there are only its own decorators. It
is found at whichever comes last of the decoration, `init_app` and a blueprint's registration.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from functools import wraps
from types import CodeType, FrameType
from typing import Any
from weakref import WeakKeyDictionary, WeakSet

import flask

from tidegate._keys import name_of
from tidegate.errors import ConfigError
from tidegate.flask._marks import chain, innermost


class Order:
    """The functions that one extension limits by `@`, and the applications it watches."""

    def __init__(self) -> None:
        self._apps: WeakSet[flask.Flask] = WeakSet()
        # By the function without any decorator: what was put around it.
        self._wrappers: WeakKeyDictionary[Any, WeakSet[Any]] = WeakKeyDictionary()
        self._names: Counter[str] = Counter()

    def note(self, function: object, wrapper: object, caller: FrameType | None) -> str:
        """Notes a limited function, and returns a name that no other has.

        Raises:
            ConfigError: it is the view of a route already, without the limit.
        """
        bare = innermost(function)
        if _is_decorating(caller, getattr(bare, "__code__", None)):
            self._wrappers.setdefault(bare, WeakSet()).add(wrapper)
            for app in self._apps:
                self._refuse(app, *app.view_functions)
        name = f"{getattr(function, '__module__', '')}.{name_of(function)[1:-1]}"
        self._names[name] += 1
        count = self._names[name]
        return name if count == 1 else f"{name} {count}"

    def watch(self, app: flask.Flask) -> None:
        """Looks at the routes of an application, and at those that it gets later.

        Raises:
            ConfigError: a limit stands above the route of the function that it limits.
        """
        self._refuse(app, *app.view_functions)
        self._apps.add(app)
        original = app.add_url_rule

        @wraps(original)
        def add_url_rule(*args: Any, **kwargs: Any) -> None:
            before = set(app.view_functions)
            original(*args, **kwargs)
            self._refuse(app, *(app.view_functions.keys() - before))

        setattr(app, "add_url_rule", add_url_rule)  # noqa: B010 - a type checker would object

    def _refuse(self, app: flask.Flask, *endpoints: str) -> None:
        for endpoint in endpoints:
            view = app.view_functions[endpoint]
            if any(True for _ in self._above(view)):
                raise ConfigError(
                    f"the limit of {name_of(view)} stands above its route, the endpoint "
                    f"{endpoint!r} of the application {app.name!r}, where it limits nothing: "
                    "put @gate.limit(...) below @app.route"
                )

    def _above(self, view: object) -> Iterator[object]:
        """The limits around a view that the view itself does not have."""
        try:
            wrappers = list(self._wrappers.get(innermost(view), ()))
        except TypeError:  # no weak references to it
            return
        for wrapper in wrappers:
            inside = list(chain(wrapper))[1:]
            if any(part is view for part in inside):
                yield wrapper


def _is_decorating(caller: FrameType | None, code: CodeType | None) -> bool:
    """Whether a frame is at the decorators of a function."""
    if caller is None or code is None or caller.f_code.co_filename != code.co_filename:
        return False
    last = max(line for *_, line in code.co_lines() if line is not None)
    return code.co_firstlineno <= caller.f_lineno <= last
