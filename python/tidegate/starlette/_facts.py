"""What Starlette knows about a request and the protocol does not: the user and the route."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, cast

from tidegate.starlette._routes import as_received, resolve

_NAMES = ("identity", "username", "display_name")


def note_facts(scope: Mapping[str, Any], needs: Collection[str]) -> None:
    """Puts into the scope what a gate asks for and is not there yet."""
    noted = cast("dict[str, Any]", scope)
    if "user" in needs and noted.get("tidegate.user") is None:
        noted["tidegate.user"] = user_of(scope)
    if "route" in needs and "tidegate.route" not in noted:
        found = resolve(scope.get("router"), as_received(scope))
        noted["tidegate.route"] = None if found is None else found.template


def user_of(scope: Mapping[str, Any]) -> str | None:
    """Returns who AuthenticationMiddleware says is signed in, or `None` for nobody.

    It is the user's `identity`, else `username`, else `display_name`: the first that the user's
    class has and that is not empty.
    """
    user = scope.get("user")
    if user is None or not getattr(user, "is_authenticated", False):
        return None
    for name in _NAMES:
        try:
            value = getattr(user, name, None)
        except NotImplementedError:  # Starlette's own SimpleUser has no identity
            continue
        if value is not None and value != "":
            return str(value)
    return None
