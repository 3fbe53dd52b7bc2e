"""The two places where `TideGate` stands: around the whole application, and before its routes.

Outside, the limit of the whole application is asked and header fields are written; inside, where
the user is known and handlers of exceptions are near, the limits of routes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from starlette.requests import HTTPConnection, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocket

from tidegate._current import current
from tidegate._native import Decision
from tidegate.starlette._facts import Replay
from tidegate.starlette._limit import RouteLimit
from tidegate.starlette._routes import Found, resolve
from tidegate.starlette._told import begin, most_binding

if TYPE_CHECKING:
    from tidegate.starlette._extension import TideGate

_REQUESTS = ("http", "websocket")
_STARTS = ("http.response.start", "websocket.accept", "websocket.http.response.start")


class Outside:
    """Around all that Starlette builds, its handler of errors too."""

    def __init__(self, owner: TideGate, app: ASGIApp, stack: ASGIApp) -> None:
        self._owner = owner
        self._app = app
        self._stack = stack

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in _REQUESTS:
            await self._stack(scope, receive, send)
            return
        owner = self._owner
        told = begin(scope)
        status: int | None = None

        async def send_with_fields(message: Message) -> None:
            nonlocal status
            if message["type"] in _STARTS:
                status = message.get("status", 101)
                if told:
                    binding = most_binding(told)
                    # Only the writer of the fields is wanted of it; nothing is decided here.
                    write = binding.gate.passage_asgi(scope, send, binding.decision)
                    await write(message)
                    return
            await send(message)

        token = current.set((scope, receive, owner.trust.guard.gate))
        try:
            replay = Replay(receive)
            if await self._is_let_in(scope, replay, send_with_fields):
                await self._stack(scope, replay.again(), send_with_fields)
        finally:
            current.reset(token)
            for each in told:
                if getattr(each.gate, "settles", False):
                    gate: Any = each.gate
                    await gate.asettle(each.decision, status)

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
            if not await self._passes(owner.limits_of(found), scope, replay, send):
                return
            receive = replay.again()
        await self._router(scope, receive, send)

    async def _passes(
        self, limits: list[RouteLimit], scope: Scope, receive: Receive, send: Send
    ) -> bool:
        if not limits:
            return True
        connection = _connection(scope, receive, send)
        for limit in limits:
            decision = await limit.admit(connection)
            if decision is None or decision:
                continue
            if isinstance(connection, Request):
                response = await limit.answer(connection, decision)
                if response is not None:
                    await response(scope, receive, send)
                    return False
            await limit.refuse(connection, decision)
        return True


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
