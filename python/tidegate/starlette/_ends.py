"""How a request ended, for limits that were asked inside the application and want to know."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from typing import Any

from tidegate._native import Decision, Gate
from tidegate._settling import Response, charges

_ENDS = "tidegate.ends"
_STARTS = ("http.response.start", "websocket.accept", "websocket.http.response.start")


class Ends:
    """The decisions of one request that its end matters to; also a `send` that sees the status."""

    def __init__(self, scope: MutableMapping[str, Any], send: Any) -> None:
        self._send = send
        self._decisions: list[tuple[Gate, Decision]] = []
        self._status: int | None = None
        self._headers: Any = None
        scope[_ENDS] = self

    async def __call__(self, message: MutableMapping[str, Any]) -> None:
        if message["type"] in _STARTS:
            self._status = message.get("status", 101)
            self._headers = message.get("headers")
        await self._send(message)

    def await_end(self, gate: Gate, decision: Decision) -> None:
        """Notes a decision, to be told of the end."""
        self._decisions.append((gate, decision))

    async def tell(self) -> None:
        """Tells all that were noted how the request ended."""
        for gate, decision in self._decisions:
            told = charges(gate, Response.begun(self._status, self._headers))
            await gate.asettle(decision, self._status, charges=told)


def ends_of(scope: Mapping[str, Any]) -> Ends | None:
    """Returns who tells about the end of a request; `None` without `TideGate` around it."""
    return scope.get(_ENDS)
