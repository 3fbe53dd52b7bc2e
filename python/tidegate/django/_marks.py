"""What decorators leave on a view, and where to look for it.

A view function may stand for a class, and the method of the class that will serve may have a
limit of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

EXEMPT = "tidegate_exempt"
LIMITS = "tidegate_limits"

# Whether anything is exempt in this process, so that the middleware need not know the view.
exempted: list[object] = []
# How often a mark was put on something: what was found before may be wrong since.
changes: int = 0


def put(target: Any, name: str, value: object) -> None:
    """Leaves a mark."""
    global changes  # noqa: PLW0603 - counts what happens in the process
    setattr(target, name, value)
    changes += 1


def is_exempt(view: object, method: str) -> bool:
    """Whether `exempt` was put on a view, its class, or the method that will serve."""
    return any(getattr(part, EXEMPT, False) for part in parts(view, method))


def has_limit(view: object, method: str) -> bool:
    """Whether a view has a limit of its own for this method."""
    return any(limit.covers(method) for limit in limits(view, method))


def limits(view: object, method: str) -> list[Any]:
    """The limits of a view's own, the outermost last."""
    found: list[Any] = []
    for part in parts(view, method):
        found += [limit for limit in getattr(part, LIMITS, ()) if limit not in found]
    return found


def parts(view: Any, method: str) -> Iterator[object]:
    """Where decorators may have left something: the view, its class, and what will serve."""
    yield view
    # Django's class views, and REST framework's.
    kind: Any = getattr(view, "view_class", None) or getattr(view, "cls", None)
    if kind is None:
        return
    yield kind
    name = method.lower()
    # A view set's methods are named in its URL.
    actions: dict[str, str] = getattr(view, "actions", None) or {}
    handler = getattr(kind, actions.get(name, name), None)
    if handler is None and name == "head":
        handler = getattr(kind, actions.get("get", "get"), None)
    yield handler
