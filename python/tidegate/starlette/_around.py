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
from tidegate.starlette._facts import Replay
from tidegate.starlette._limit import RouteLimit, wait_for_turn
from tidegate.starlette._places import Place, Places

if TYPE_CHECKING:
    from tidegate.starlette._extension import TideGate

_REQUESTS = ("http", "websocket")


class Around(TideGateMiddleware):
    """Around all that Starlette builds, its handler of errors too."""

    def __init__(self, owner: TideGate, places: Places, stack: ASGIApp) -> None:
        served = stack if owner.whole is None else Outside(owner, owner.whole, places, stack)
        super().__init__(served, gate=owner.gate_around())


class Outside:
    """Asks the limit of the whole application, unless it needs the user."""

    def __init__(self, owner: TideGate, whole: RouteLimit, places: Places, stack: ASGIApp) -> None:
        self._owner = owner
        self._whole = whole
        self._places = places
        self._stack = stack

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        whole = self._whole
        if scope["type"] in _REQUESTS and "user" not in whole.needs:
            if self._owner.needs_routes_outside and self._places.of(scope).is_exempt:
                await self._stack(scope, receive, send)
                return
            if whole.is_plain:
                decision = whole.ask(scope, receive, None)
                if decision is not None and not decision:
                    await _answer(whole, decision, scope, receive, send)
                    return
                if decision is not None and decision.delay:
                    await wait_for_turn(decision)
            else:
                if "form" in whole.needs:
                    receive = await read_asgi(scope, receive)
                rest = await _let_in(whole, scope, receive, send)
                if rest is None:
                    return
                receive = rest
        await self._stack(scope, receive, send)


class Inside:
    """In front of the routes, behind every middleware."""

    def __init__(self, owner: TideGate, places: Places, router: ASGIApp) -> None:
        self._owner = owner
        self._places = places
        self._router = router
        self._whole = owner.whole

    async def serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one connection."""
        if scope["type"] in _REQUESTS:
            place = self._places.of(scope) if self._owner.needs_routes else None
            whole = self._whole
            if (
                whole is not None
                and "user" in whole.needs
                and (place is None or not place.is_exempt)
            ):
                rest = await _let_in(whole, scope, receive, send)
                if rest is None:
                    return
                receive = rest
            if place is not None and place.limits:
                if place.is_plain:
                    for limit in place.limits:
                        decision = limit.ask(scope, receive, place.route)
                        if decision is None:  # what is not counted by one is not by any
                            break
                        if not decision:
                            await limit.refuse(_connection(scope, receive, send), decision)
                        if decision.delay:
                            await wait_for_turn(decision)
                else:
                    receive = await _admit(place, scope, receive, send)
        await self._router(scope, receive, send)


async def _let_in(limit: RouteLimit, scope: Scope, receive: Receive, send: Send) -> Receive | None:
    """Asks the limit of the whole application, and answers a refusal.

    Returns:
        What is to be received from then on, since a key may have read the body; `None` when the
        request was refused.
    """
    replay = Replay(receive)
    decision = await limit.admit(_connection(scope, replay, send))
    if decision is None or decision:
        return replay.again()
    await _answer(limit, decision, scope, replay.again(), send)
    return None


async def _admit(place: Place, scope: Scope, receive: Receive, send: Send) -> Receive:
    """Asks the limits of a route; raises for the first that refuses.

    Returns:
        What the route is to receive from, since a key may have read the body.
    """
    if any("form" in limit.needs for limit in place.limits):
        receive = await read_asgi(scope, receive)
    replay = Replay(receive)
    connection = _connection(scope, replay, send)
    template = scope.get("tidegate.route")
    scope["tidegate.route"] = place.route
    try:
        for limit in place.limits:
            decision = await limit.admit(connection)
            if decision is not None and not decision:
                await limit.refuse(connection, decision)
    finally:
        scope["tidegate.route"] = template
    return replay.again()


async def _answer(
    limit: RouteLimit, decision: Decision, scope: Scope, receive: Receive, send: Send
) -> None:
    """Answers a refusal by the limit of the whole application."""
    connection = _connection(scope, receive, send)
    if isinstance(connection, Request):
        response = await limit.answer(connection, decision)
        if response is not None:
            await response(scope, receive, send)
            return
    for message in _refusal(limit, scope, decision):
        await send(message)


def _refusal(
    limit: RouteLimit, scope: Mapping[str, Any], decision: Decision
) -> list[dict[str, Any]]:
    return limit.guard.gate.refusal_asgi(scope, decision)


def _connection(scope: Scope, receive: Receive, send: Send) -> HTTPConnection:
    if scope["type"] == "websocket":
        return WebSocket(scope, receive, send)
    return Request(scope, receive, send)
