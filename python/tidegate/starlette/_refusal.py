"""A refusal inside Starlette or FastAPI: an exception that their handlers turn into a 429."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from starlette.exceptions import HTTPException, WebSocketException
from starlette.requests import HTTPConnection, Request
from starlette.websockets import WebSocket

from tidegate._current import Current
from tidegate._native import Decision, Gate
from tidegate.errors import RateLimitExceeded
from tidegate.starlette._facts import note_facts, note_form
from tidegate.starlette._told import tell

_TRY_AGAIN_LATER = 1013


class HTTPRateLimitExceeded(RateLimitExceeded, HTTPException):
    """A refused HTTP request; `@app.exception_handler` may name either base."""

    def __init__(self, decision: Decision, status: int, headers: Mapping[str, str]) -> None:
        HTTPException.__init__(self, status, "Too Many Requests", dict(headers))
        RateLimitExceeded.__init__(self, decision)


class WebSocketRateLimitExceeded(RateLimitExceeded, WebSocketException):
    """A refused message or handshake; closes the connection with "try again later"."""

    def __init__(self, decision: Decision) -> None:
        WebSocketException.__init__(self, _TRY_AGAIN_LATER, "rate limit exceeded")
        RateLimitExceeded.__init__(self, decision)


class _Connection(Current):
    def admit(self, gate: Gate, keys: Mapping[int, str] | None, address: str | None) -> Decision:
        note_facts(self.request.scope, getattr(gate, "needs", ()))
        decision = super().admit(gate, keys, address)
        tell(self.request.scope, gate, decision)
        return decision

    async def aadmit(
        self, gate: Gate, keys: Mapping[int, str] | None, address: str | None
    ) -> Decision:
        needs = getattr(gate, "needs", ())
        note_facts(self.request.scope, needs)
        await note_form(self.request, needs)
        decision = await super().aadmit(gate, keys, address)
        tell(self.request.scope, gate, decision)
        return decision

    def refuse(self, gate: Gate, decision: Decision) -> Any:
        raise exception(gate, decision, self.scope)


def find(values: Sequence[object]) -> Current | None:
    """Returns the Starlette request or WebSocket among `values`."""
    for value in values:
        if isinstance(value, HTTPConnection):
            receive = value.receive if isinstance(value, Request) else None
            return _Connection(value, scope=value.scope, receive=receive)
    return None


def from_scope(scope: Mapping[str, Any], receive: Callable[[], Any] | None) -> Current:
    """Returns the request of a scope that our middleware has noted."""
    mutable: Any = scope
    if scope["type"] == "websocket":
        socket = WebSocket(mutable, _no_receive, _no_send)
        return _Connection(socket, scope=scope, receive=receive)
    return _Connection(Request(mutable), scope=scope, receive=receive)


def exception(gate: Gate, decision: Decision, scope: Mapping[str, Any] | None) -> Exception:
    """Makes the exception for a refusal; without a scope, the one for HTTP."""
    if scope is not None and scope["type"] == "websocket":
        return WebSocketRateLimitExceeded(decision)
    refusal = gate.refusal(decision)
    # The body is made by the application's own handler, and with it what describes it.
    headers = {
        name: value for name, value in refusal.headers if not name.lower().startswith("content-")
    }
    return HTTPRateLimitExceeded(decision, refusal.status, headers)


async def _no_receive() -> Any:
    raise RuntimeError("a key callable cannot receive from a WebSocket")


async def _no_send(_: Any) -> None:
    raise RuntimeError("a key callable cannot send to a WebSocket")
