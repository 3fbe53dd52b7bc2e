"""The gate in front of an ASGI application: HTTP requests and WebSocket handshakes.

Imports no framework. A response is passed on as it comes, message by message; only header
fields are added to its start. asyncio only, since a queueing limit sleeps.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, TypeAlias

from tidegate._current import forget, note_asgi
from tidegate._gate import DEFAULT_LIMIT, resolve_gate, warn_of_ignored_forwarding
from tidegate._keys import checked_key
from tidegate._native import Decision, Gate
from tidegate._request import Request
from tidegate.errors import RateLimitExceeded

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing_extensions import Unpack

    from tidegate._gate import MiddlewareOptions

__all__ = ["ASGIApp", "Request", "TideGateMiddleware"]

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
ASGIApp: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

_STARTS = frozenset({"http.response.start", "websocket.accept", "websocket.http.response.start"})
# The extension that lets a refused handshake have a response of its own.
_DENIAL = "websocket.http.response"
_TRY_AGAIN_LATER = 1013


class TideGateMiddleware:
    """Refuses what is over the limit with a 429, and puts the limit's header fields on the rest.

    The decision is in the scope, as `scope["tidegate"]`. A request that passes the same gate
    twice, in a mounted application say, is counted once. A CORS preflight is not counted.

    Args:
        app: the application, ASGI 3.
        limit: a limit string, or requests per second.
        gate: a gate of your own, instead of `limit` and the options.
        options: as for `tidegate.protect_app`. A `key` that is a callable is given a
            `Request` and may be async.
    """

    def __init__(
        self,
        app: ASGIApp,
        limit: str | int = DEFAULT_LIMIT,
        *,
        gate: Gate | None = None,
        **options: Unpack[MiddlewareOptions],
    ) -> None:
        self.app = app
        self.gate = resolve_gate(gate, limit, options)
        self._key_callables = self.gate.key_callables

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one connection."""
        if scope["type"] not in ("http", "websocket") or self._is_free(scope):
            await self.app(scope, receive, send)
            return
        keys = await self._keys(scope)
        decision = self.gate.admit_asgi(scope, receive=receive, keys=keys)
        scope["tidegate"] = decision
        warn_of_ignored_forwarding(self.gate)
        if not decision:
            await self._refuse(scope, send, decision)
            return
        if decision.delay:
            from asyncio import sleep  # noqa: PLC0415 - for queueing limits only

            await sleep(decision.delay)
        await self._serve(scope, receive, send, decision)

    def _is_free(self, scope: Scope) -> bool:
        """True for a preflight, and for a request that has passed this gate already."""
        if scope.get("method") == "OPTIONS" and _field(scope, b"access-control-request-method"):
            return True
        passed: list[Gate] = scope.setdefault("tidegate.gates", [])
        if self.gate in passed:
            return True
        passed.append(self.gate)
        return False

    async def _keys(self, scope: Scope) -> dict[int, str] | None:
        if not self._key_callables:
            return None
        request = Request.from_asgi(scope)
        keys: dict[int, str] = {}
        for rule, function in self._key_callables:
            answer: Any = function(request)
            if hasattr(answer, "__await__"):
                answer = await answer
            keys[rule] = checked_key(answer, function)
        return keys

    async def _serve(self, scope: Scope, receive: Receive, send: Send, decision: Decision) -> None:
        fields = self.gate.asgi_headers(decision)
        has_answered = False

        async def send_with_fields(message: Message) -> None:
            nonlocal has_answered
            has_answered = True
            if message["type"] in _STARTS:
                message = {**message, "headers": _merged(message.get("headers"), fields)}
            await send(message)

        token = note_asgi(scope, receive, self.gate)
        try:
            await self.app(scope, receive, send_with_fields)
        except RateLimitExceeded as exceeded:
            # A limited function below, in an application without a framework.
            if has_answered:
                raise
            await self._refuse(scope, send, exceeded.decision)
        finally:
            forget(token)

    async def _refuse(self, scope: Scope, send: Send, decision: Decision) -> None:
        kind = "http.response"
        if scope["type"] == "websocket":
            if _DENIAL not in (scope.get("extensions") or ()):
                await send({"type": "websocket.close", "code": _TRY_AGAIN_LATER})
                return
            kind = _DENIAL
        refusal = self.gate.refusal(decision, _field(scope, b"accept"))
        body = b"" if scope.get("method") == "HEAD" else refusal.body
        start = {"type": f"{kind}.start", "status": refusal.status}
        await send({**start, "headers": refusal.asgi_headers()})
        await send({"type": f"{kind}.body", "body": body})


def _field(scope: Scope, name: bytes) -> bytes | None:
    for field, value in scope.get("headers") or ():
        if field.lower() == name:
            found: bytes = value
            return found
    return None


def _merged(own: Any, fields: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """The application's fields and ours; only its own if it has set one of ours."""
    merged: list[tuple[bytes, bytes]] = list(own or ())
    names = {name for name, _ in fields}
    if any(name.lower() in names for name, _ in merged):
        return merged
    return merged + fields
