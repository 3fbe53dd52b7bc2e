"""One limit asked from inside a Starlette application: by a route, or by FastAPI's `Depends`."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from typing import Any

from starlette.requests import HTTPConnection, Request

from tidegate._arguments import limit_string
from tidegate._current import noted
from tidegate._guard import Guard
from tidegate._native import Decision
from tidegate.asgi import ENDS
from tidegate.errors import ConfigError, shorten
from tidegate.starlette._answers import ASGIResponse, answered
from tidegate.starlette._facts import note_facts
from tidegate.starlette._refusal import find

# What a gate may want to know, and the scope says already where a route has been found.
_ROUTE = frozenset({"route"})


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
        # Where a request keeps the decision.
        self._asked = f"tidegate.asked.{id(self)}"
        self._ask, self._asks_outer = self.guard.gate.ask_asgi, self.guard.asks_outer
        self.is_plain = self.guard.is_plain and self.needs <= _ROUTE

    def ask(
        self, scope: MutableMapping[str, Any], receive: Any, route: str | None
    ) -> Decision | None:
        """Charges a request as `admit` does, for a limit that `is_plain`.

        Args:
            scope: of the request.
            receive: what came with it.
            route: what to count as its route; `None` for what the scope says.
        """
        known: Decision | None = scope.get(self._asked)
        if known is not None:
            return known
        decision = self._ask(scope, receive, noted(), self._asks_outer, route)
        if decision is not None:
            scope[self._asked] = decision
        return decision

    async def admit(self, connection: HTTPConnection) -> Decision | None:
        """Charges a request, once however often it comes here.

        Returns:
            The decision; `None` for what is not counted, such as a CORS preflight.
        """
        scope, gate = connection.scope, self.guard.gate
        known: Decision | None = scope.get(self._asked)
        if known is not None:
            return known
        if not gate.counts_asgi(scope):
            return None
        outer = noted() if gate.settles else None
        if gate.settles and not outer:
            raise ConfigError(
                "a limit with `charge_on`, or of concurrent requests, has to hear how a request "
                "ends: put TideGate(app) around the application"
            )
        note_facts(scope, self.needs)
        decision, _ = await self.guard.aenter((connection,), {})
        scope[self._asked] = decision
        if outer:
            outer[0].setdefault(ENDS, []).append((gate, decision))
        if decision and decision.delay:
            await wait_for_turn(decision)
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


async def wait_for_turn(decision: Decision) -> None:
    """Waits for as long as a limit with a queue says."""
    from asyncio import sleep  # noqa: PLC0415 - for queueing limits only

    await sleep(decision.delay)


async def _answer() -> None:
    """What the guard takes for the function it protects: an async one, so keys may be too."""
