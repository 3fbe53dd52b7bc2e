"""What Starlette knows about a request and the protocol does not: user, route and form."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Any, cast

from starlette.requests import HTTPConnection, Request, empty_receive

from tidegate._form import fields
from tidegate.starlette._routes import as_received, resolve

_NAMES = ("identity", "username", "display_name")


def note_facts(scope: Mapping[str, Any], needs: Collection[str]) -> None:
    """Puts into the scope what a gate asks for and is not there yet."""
    noted = cast("dict[str, Any]", scope)
    if "user" in needs and noted.get("tidegate.user") is None:
        noted["tidegate.user"] = user_of(scope)
    if "route" in needs and "tidegate.route" not in noted:
        # The outermost router, if it has been reached.
        found = resolve(scope.get("router", scope.get("app")), as_received(scope))
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


async def note_form(connection: HTTPConnection) -> None:
    """Puts the fields of the form that a request sends into its scope.

    For the request object of a handler, which keeps the body that it has read.
    """
    note_parsed_form(connection)
    if "tidegate.form" in connection.scope or not isinstance(connection, Request):
        return
    if connection.receive is empty_receive:  # made of a scope alone
        return
    body = await connection.body()
    connection.scope["tidegate.form"] = fields(connection.headers.get("content-type", ""), body)


def note_parsed_form(connection: HTTPConnection) -> None:
    """Does what `note_form` does, for a form that has been read already."""
    parsed: Any = getattr(connection, "_form", None)
    if parsed and "tidegate.form" not in connection.scope:
        pairs = reversed(parsed.multi_items())
        form = {name: value for name, value in pairs if isinstance(value, str)}
        connection.scope["tidegate.form"] = form


class Replay:
    """A `receive` that remembers what it gave, for an application that has to be given it too."""

    def __init__(self, receive: Callable[[], Awaitable[Any]]) -> None:
        self._receive = receive
        self._given: list[Any] = []

    async def __call__(self) -> Any:
        message = await self._receive()
        self._given.append(message)
        return message

    def again(self) -> Callable[[], Awaitable[Any]]:
        """Returns a `receive` that starts from the beginning."""
        if not self._given:
            return self._receive
        given = iter(self._given)

        async def receive() -> Any:
            for message in given:
                return message
            return await self._receive()

        return receive
