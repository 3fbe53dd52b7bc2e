"""What decorators leave on functions and classes, and how it is found again on a view.

A mark is an attribute, so every decorator that is made with `functools.wraps` carries it along.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any, cast

from tidegate.errors import ConfigTypeError, shorten
from tidegate.flask._limit import Limit

_LIMITS = "__tidegate_limits__"
_EXEMPTIONS = "__tidegate_exempt__"
_PARTIAL: type = partial


def chain(view: object) -> Iterator[object]:
    """A function, and what it wraps, from the outermost to the innermost."""
    seen: set[int] = set()
    current: object = view
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        yield current
        wrapped = getattr(current, "__wrapped__", None)
        if wrapped is None and isinstance(current, _PARTIAL):
            wrapped = cast("Any", current).func
        if wrapped is None:
            wrapped = getattr(current, "__func__", None)
        current = wrapped


def innermost(view: object) -> object:
    """What is left of a function without its decorators."""
    *_, last = chain(view)
    return last


def add_limit(target: Any, owner: object, limit: Limit) -> None:
    """Leaves a limit on a function or a class."""
    setattr(target, _LIMITS, (*getattr(target, _LIMITS, ()), (owner, limit)))


def add_exemption(target: Any, owner: object) -> None:
    """Leaves an exemption on a function or a class."""
    holder = getattr(target, "__func__", target)  # a bound method has no attributes of its own
    try:
        setattr(holder, _EXEMPTIONS, (*getattr(holder, _EXEMPTIONS, ()), owner))
    except AttributeError:
        raise ConfigTypeError(
            f"exempt() needs a view, a view class or a blueprint, got {shorten(target)}"
        ) from None


def limits_of(target: object, owner: object) -> Iterator[Limit]:
    """The limits of `owner` on a function, or on a class or one that it inherits from."""
    for part in chain(target):
        for holder, limit in getattr(part, _LIMITS, ()):
            if holder is owner:
                yield limit


def is_exempt(target: object, owner: object) -> bool:
    """Whether `owner` has exempted a function or class."""
    return any(owner in getattr(part, _EXEMPTIONS, ()) for part in chain(target))


def views_of(view: object, method: str) -> Iterator[object]:
    """Everything that may carry a mark for requests of a view with this method."""
    yield view
    view_class = getattr(view, "view_class", None)
    if view_class is None:
        return
    yield view_class
    for name in ("dispatch_request", method.lower()):
        handler = getattr(view_class, name, None)
        if handler is None and name == "head":
            handler = getattr(view_class, "get", None)
        if handler is not None:
            yield handler
