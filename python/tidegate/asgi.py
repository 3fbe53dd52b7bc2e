"""The gate in front of an ASGI application: HTTP requests and WebSocket handshakes.

Imports no framework. A response is passed on as it comes, message by message; only header
fields are added to its start. asyncio only, since a queueing limit sleeps.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, TypeAlias

from tidegate._current import current
from tidegate._gate import DEFAULT_LIMIT, resolve_gate
from tidegate._keys import checked_key
from tidegate._native import Decision, Gate
from tidegate._request import Request
from tidegate.errors import RateLimitExceeded

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing_extensions import Unpack

    from tidegate._gate import MiddlewareOptions
    from tidegate._native import AsgiPassage

__all__ = ["ASGIApp", "Request", "TideGateMiddleware"]

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
ASGIApp: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]


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
        self._enter = self.gate.enter_asgi
        self._waits = self.gate.waits
        self._key_callables = self.gate.key_callables

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one connection."""
        keys = None
        if self._key_callables and self.gate.counts_asgi(scope):
            keys = await self._keys(scope)
        if self._waits:
            passage = await self._aenter(scope, receive, send, keys)
        else:
            passage = self._enter(scope, receive, send, keys)
        if passage is None:
            await self.app(scope, receive, send)
            return
        if not passage:
            decision = passage.decision
            if not decision:
                # Not in a coroutine of its own: a flood is mostly this.
                for message in self.gate.refusal_asgi(scope, decision):
                    await send(message)
                return
            await _in_queue(decision)
        token = current.set((scope, receive, self.gate))
        try:
            await self.app(scope, receive, passage)
        except RateLimitExceeded as exceeded:
            # A limited function below, in an application without a framework.
            if passage.has_begun:
                raise
            for message in self.gate.refusal_asgi(scope, exceeded.decision):
                await send(message)
        finally:
            current.reset(token)

    async def _aenter(
        self, scope: Scope, receive: Receive, send: Send, keys: dict[int, str] | None
    ) -> AsgiPassage | None:
        if not self.gate.begin_asgi(scope):
            return None
        decision = await self.gate.aadmit_asgi(scope, receive=receive, keys=keys)
        return self.gate.passage_asgi(scope, send, decision)

    async def _keys(self, scope: Scope) -> dict[int, str]:
        request = Request.from_asgi(scope)
        keys: dict[int, str] = {}
        for rule, function in self._key_callables:
            answer: Any = function(request)
            if hasattr(answer, "__await__"):
                answer = await answer
            keys[rule] = checked_key(answer, function)
        return keys


async def _in_queue(decision: Decision) -> None:
    from asyncio import sleep  # noqa: PLC0415 - for queueing limits only

    await sleep(decision.delay)
