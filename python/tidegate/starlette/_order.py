"""What can be wrong about limits and routes, said when the application starts."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from starlette.types import ASGIApp, Receive, Scope, Send

from tidegate._decorator import wrappers_of
from tidegate._keys import name_of
from tidegate.errors import ConfigError
from tidegate.starlette._routes import endpoints, identity, layers

logger = logging.getLogger("tidegate")


class _Refused:
    """Stands for an application that must not start, and tells the server why."""

    def __init__(self, error: ConfigError) -> None:
        self._error = error

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            # A server that only hears of an exception takes it for a lack of lifespan.
            await receive()
            await send({"type": "lifespan.startup.failed", "message": str(self._error)})
        raise self._error


def checked(app: object, stack: ASGIApp, marked: Sequence[object] = ()) -> ASGIApp:
    """Returns the stack of an application, or what refuses to start if its routes are wrong."""
    try:
        _check(app, marked)
    except ConfigError as error:
        return _Refused(error)
    return stack


def _check(app: object, marked: Sequence[object]) -> None:
    """Raises if a route answers with a function whose limit has been left outside it.

    Also says in the log which of the `marked` objects no route leads to.

    Raises:
        ConfigError: names the function, and the right order.
    """
    answering = list(endpoints(app))
    reached = [layer for endpoint in answering for layer in layers(endpoint)]
    for endpoint in answering:
        wrappers = wrappers_of(endpoint)
        # A function may well have a route of its own, and another one with a limit.
        if wrappers and not any(wrapper is layer for wrapper in wrappers for layer in reached):
            raise ConfigError(
                f"the limit of {name_of(endpoint)} stands above the line that makes its route, "
                "so the route answers without it: put @rate_limit below @app.get(...) and its "
                "like, next to the function"
            )
    known = {identity(layer) for layer in reached}
    for target in marked:
        if identity(target) not in known:
            logger.warning("%s has a limit or an exemption, and no route", name_of(target))
