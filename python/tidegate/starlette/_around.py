"""The two places where `TideGate` stands: around the whole application, and before its routes.

Outside, the limit of the whole application is asked and header fields are written; inside, where
the user is known and handlers of exceptions are near, the limits of routes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from starlette.requests import HTTPConnection, Request
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket

from tidegate._native import Decision
from tidegate._replay import read_asgi
from tidegate.asgi import TideGateMiddleware
from tidegate.starlette._ends import Ends, ends_of
from tidegate.starlette._facts import Replay
from tidegate.starlette._limit import RouteLimit
from tidegate.starlette._routes import Found, resolve

if TYPE_CHECKING:
    from tidegate.starlette._extension import TideGate

_REQUESTS = ("http", "websocket")


class Outside:
    """Around all that Starlette builds, its handler of errors too."""

    def __init__(self, owner: TideGate, app: ASGIApp, stack: ASGIApp) -> None:
        self._owner = owner
        self._app = app
        self._stack = stack
        self._around = TideGateMiddleware(self._serve, gate=owner.around())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in _REQUESTS:
            await self._stack(scope, receive, send)
            return
        if ends_of(scope) is not None:  # an application further out has one of these
            await self._around(scope, receive, send)
            return
        ends = Ends(scope, send)
        try:
            await self._around(scope, receive, ends)
        finally:
            await ends.tell()

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._owner.whole is not None and "form" in self._owner.whole.needs:
            receive = await read_asgi(scope, receive)
        replay = Replay(receive)
        if await self._is_let_in(scope, replay, send):
            await self._stack(scope, replay.again(), send)

    async def _is_let_in(self, scope: Scope, receive: Receive, send: Send) -> bool:
        whole = self._owner.whole
        if whole is None or "user" in whole.needs:
            return True
        if self._owner.needs_routes_outside:
            found = found_in(self._app, scope)
            if self._owner.is_exempt(found):
                return True
        return await _is_admitted(whole, scope, receive, send)


class Inside:
    """In front of the routes, behind every middleware."""

    def __init__(self, owner: TideGate, app: ASGIApp, router: ASGIApp) -> None:
        self._owner = owner
        self._app = app
        self._router = router

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        owner = self._owner
        whole = owner.whole if owner.whole is not None and "user" in owner.whole.needs else None
        if scope["type"] in _REQUESTS and (whole is not None or owner.needs_routes):
            found = found_in(self._app, scope) if owner.needs_routes else None
            replay = Replay(receive)
            if (
                whole is not None
                and not owner.is_exempt(found)
                and not await _is_admitted(whole, scope, replay, send)
            ):
                return
            receive = await self._admit(found, scope, replay.again(), send)
        await self._router(scope, receive, send)

    async def _admit(
        self, found: Found | None, scope: Scope, receive: Receive, send: Send
    ) -> Receive:
        """Asks the limits of a route; raises for the first that refuses.

        Returns:
            What the route is to receive from, since a key may have read the body.
        """
        limits = self._owner.limits_of(found)
        if found is None or not limits:
            return receive
        if any("form" in limit.needs for limit in limits):
            receive = await read_asgi(scope, receive)
        replay = Replay(receive)
        connection = _connection(scope, replay, send)
        # The default counts routes, of which one template may have several.
        scope["tidegate.route"] = found.name if self._owner.is_default(limits) else found.template
        try:
            for limit in limits:
                decision = await limit.admit(connection)
                if decision is not None and not decision:
                    await limit.refuse(connection, decision)
        finally:
            scope["tidegate.route"] = found.template
        return replay.again()


def found_in(app: ASGIApp, scope: Scope) -> Found | None:
    """Resolves the route of a request, once as long as nobody has changed what it depends on."""
    by = (scope["path"], scope.get("method"), scope.get("root_path"), id(app))
    known: tuple[Any, Found | None] | None = scope.get("tidegate.found")
    if known is not None and known[0] == by:
        return known[1]
    found = resolve(app, scope)
    scope["tidegate.found"] = (by, found)
    scope["tidegate.route"] = None if found is None else found.template
    return found


async def _is_admitted(limit: RouteLimit, scope: Scope, receive: Receive, send: Send) -> bool:
    """Asks the limit of the whole application, and answers a refusal."""
    connection = _connection(scope, receive, send)
    decision = await limit.admit(connection)
    if decision is None or decision:
        return True
    if isinstance(connection, Request):
        response = await limit.answer(connection, decision)
        if response is not None:
            await response(scope, receive, send)
            return False
    for message in _refusal(limit, scope, decision):
        await send(message)
    return False


def _refusal(
    limit: RouteLimit, scope: Mapping[str, Any], decision: Decision
) -> list[dict[str, Any]]:
    return limit.guard.gate.refusal_asgi(scope, decision)


def _connection(scope: Scope, receive: Receive, send: Send) -> HTTPConnection:
    if scope["type"] == "websocket":
        return WebSocket(scope, receive, send)
    return Request(scope, receive, send)
