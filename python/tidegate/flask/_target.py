"""Puts limits and exemptions on what users decorate: functions, view classes, blueprints."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from inspect import currentframe, isclass
from types import FrameType
from typing import Any, NoReturn, TypeVar, cast

import flask
from flask.views import View

from tidegate._keys import is_async, name_of
from tidegate.errors import ConfigError, ConfigTypeError, shorten
from tidegate.flask import _marks
from tidegate.flask._limit import Limit

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tidegate.flask._extension import TideGate

T = TypeVar("T")


class Decorator:
    """What `limit` and `shared_limit` return: puts the limit on what it is called with."""

    def __init__(self, owner: TideGate, limit: Limit) -> None:
        self._owner = owner
        self._limit = limit

    def __call__(self, target: T) -> T:
        """Limits a view, a view class or its method, a blueprint or any function.

        Raises:
            ConfigError: it is none of these, or the decorator stands above the route.
        """
        if flask.has_request_context():
            # Made anew for each request, it would never refuse anything.
            raise ConfigError(
                f"{name_of(target)} is limited inside a request: decorate it where it is defined"
            )
        given: Any = target
        if isinstance(given, flask.Blueprint):
            self._owner.note_blueprint(given, self._limit)
        elif isclass(given):
            self._limit_class(given)
        elif callable(given) and type(given) not in (classmethod, staticmethod):
            here = currentframe()
            caller = here and here.f_back  # where the decorator stands: perhaps above a route
            return cast("T", _around(self._owner, self._limit, given, caller))
        else:
            raise ConfigTypeError(
                "limit() needs a view, a view class, a blueprint or a function, "
                f"got {shorten(given)} of type {type(target).__qualname__}"
            )
        return target

    def _limit_class(self, target: Any) -> None:
        if not issubclass(target, View):
            raise ConfigTypeError(
                f"limit() cannot limit the class {name_of(target)}, which is no flask.views.View: "
                "put it on its methods"
            )
        _marks.add_limit(target, self._owner, self._limit)
        # So that an application without this extension says so, and does not serve it free.
        target.decorators = [*target.decorators, self]

    @property
    def __name__(self) -> NoReturn:
        # Flask asks a view for its name: this one came from `@gate.limit` without a limit.
        raise ConfigError('@gate.limit has no limit: write @gate.limit("5/minute")')


def exempt(owner: TideGate, target: T) -> T:
    """Frees a view, a view class or a blueprint from the limits around it."""
    given: Any = target
    if isinstance(given, flask.Blueprint):
        owner.note_blueprint(given, None)
    elif issubclass(given, View) if isclass(given) else callable(given):
        _marks.add_exemption(given, owner)
    else:
        raise ConfigTypeError(
            f"exempt() needs a view, a view class or a blueprint, got {shorten(given)}"
        )
    return target


def _around(
    owner: TideGate, limit: Limit, function: Callable[..., Any], caller: FrameType | None
) -> object:
    @wraps(function)
    async def awaited(*args: Any, **kwargs: Any) -> Any:
        owner.charge_call(limit, name)
        return await function(*args, **kwargs)

    @wraps(function)
    def called(*args: Any, **kwargs: Any) -> Any:
        owner.charge_call(limit, name)
        return function(*args, **kwargs)

    wrapper: object = awaited if is_async(function) else called
    _marks.add_limit(wrapper, owner, limit)
    name = owner.note_function(function, wrapper, caller)
    return wrapper
