"""One limit asked from inside a Starlette application: by a route, or by FastAPI's `Depends`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.requests import HTTPConnection, Request

from tidegate._arguments import limit_string
from tidegate._guard import Guard
from tidegate._native import Decision
from tidegate.errors import ConfigError, shorten
from tidegate.starlette._answers import ASGIResponse, answered
from tidegate.starlette._ends import ends_of
from tidegate.starlette._facts import note_facts
from tidegate.starlette._refusal import find

_ASKED = "tidegate.asked"


class RouteLimit:
    """A limit with its key and its answer, for the requests of one or of several routes.

    Args:
        limit: a limit string, or requests per second.
        options: as for `protect_app`.
    """

    def __init__(self, limit: str | int, options: Mapping[str, Any]) -> None:
        own: Any = dict(options)
        self._profile = own.get("headers", "x-ratelimit")
        key = own.pop("key", None)
        if own.pop("per_ip", False):
            if key is not None:
                raise ConfigError(
                    f"`per_ip` and `key` {shorten(key)} are both given: give one of the two"
                )
            key = "ip"
        self.guard = Guard(_answer, limit_string(limit), key, own)
        self.needs = self.guard.gate.needs

    async def admit(self, connection: HTTPConnection) -> Decision | None:
        """Charges a request, once however often it comes here.

        Returns:
            The decision; `None` for what is not counted, such as a CORS preflight.
        """
        scope, gate = connection.scope, self.guard.gate
        asked: dict[int, Decision] = scope.setdefault(_ASKED, {})
        known = asked.get(id(self))
        if known is not None:
            return known
        if not gate.counts_asgi(scope):
            return None
        ends = ends_of(scope)
        if gate.settles and ends is None:
            raise ConfigError(
                "a limit with `charge_on`, or of concurrent requests, has to hear how a request "
                "ends: put TideGate(app) around the application"
            )
        note_facts(scope, self.needs)
        decision, _ = await self.guard.aenter((connection,), {})
        asked[id(self)] = decision
        if gate.settles and ends is not None:
            ends.await_end(gate, decision)
        if decision and decision.delay:
            from asyncio import sleep  # noqa: PLC0415 - for queueing limits only

            await sleep(decision.delay)
        return decision

    def fields(self, decision: Decision) -> dict[str, str]:
        """The header fields of a decision."""
        return decision.headers(self._profile)

    async def answer(self, request: Request, decision: Decision) -> ASGIResponse | None:
        """Asks `on_breach` for the response to a refusal; `None` leaves it to the caller."""
        return await answered(self.guard.gate, request, decision)

    async def refuse(self, connection: HTTPConnection, decision: Decision) -> None:
        """Raises what Starlette's handlers of exceptions turn into the response."""
        await self.guard.arefuse(find((connection,)), decision)


async def _answer() -> None:
    """What the guard takes for the function it protects: an async one, so keys may be too."""
