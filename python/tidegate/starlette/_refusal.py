"""A refusal inside Starlette or FastAPI: an exception that their handlers turn into a 429."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from starlette.exceptions import HTTPException, WebSocketException
from starlette.requests import HTTPConnection, Request
from starlette.websockets import WebSocket

from tidegate._current import Current
from tidegate._native import Answers, Decision, Gate
from tidegate.errors import RateLimitExceeded
from tidegate.starlette._answers import (
    ASGIResponse,
    BreachAnswered,
    answered,
    answered_at_once,
    will_be_answered,
)
from tidegate.starlette._facts import note_facts, note_form, note_parsed_form

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
    async def read(self) -> None:
        await note_form(self.request)

    def applying(self, gate: Gate) -> list[int]:
        note_facts(self.request.scope, gate.needs)
        return super().applying(gate)

    def admit(self, gate: Gate, keys: Answers | None, address: str | None) -> Decision:
        note_facts(self.request.scope, gate.needs)
        if "form" in gate.needs:
            note_parsed_form(self.request)
        return super().admit(gate, keys, address)

    async def aadmit(self, gate: Gate, keys: Answers | None, address: str | None) -> Decision:
        note_facts(self.request.scope, gate.needs)
        return await super().aadmit(gate, keys, address)

    def refuse(self, gate: Gate, decision: Decision) -> Any:
        self._raise(gate, decision, self._answered(answered_at_once, gate, decision))

    async def arefuse(self, gate: Gate, decision: Decision) -> Any:
        response = self._answered(answered, gate, decision)
        self._raise(gate, decision, None if response is None else await response)

    def _answered(self, answer: Callable[..., Any], gate: Gate, decision: Decision) -> Any:
        is_http = self.request.scope["type"] == "http"
        return answer(gate, self.request, decision) if is_http else None

    def _raise(self, gate: Gate, decision: Decision, response: ASGIResponse | None) -> None:
        if response is None:
            raise exception(gate, decision, self.scope)
        will_be_answered(self.request.scope)
        raise BreachAnswered(decision, response)


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
