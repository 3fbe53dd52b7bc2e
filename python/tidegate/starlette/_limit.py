"""One limit asked from inside a Starlette application: by a route, or by FastAPI's `Depends`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeAlias, cast

from starlette.requests import HTTPConnection, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from tidegate._arguments import limit_string
from tidegate._guard import Guard
from tidegate._native import Decision
from tidegate.errors import ConfigError, ConfigTypeError, RateLimitExceeded, shorten
from tidegate.starlette._told import told_to

# Of Starlette's request, or a WebSocket.
Key: TypeAlias = str | Callable[[Any], str | Awaitable[str]]
OnBreach: TypeAlias = Callable[[Any, Decision], object]


class BreachAnswered(RateLimitExceeded):
    """A refusal that `on_breach` has answered; becomes that response."""

    def __init__(self, decision: Decision, response: Response) -> None:
        super().__init__(decision)
        self.response = response


async def respond(request: object, error: Exception) -> Response:  # noqa: ARG001 - Starlette's
    """Answers a `BreachAnswered`."""
    return cast("BreachAnswered", error).response


class RouteLimit:
    """A limit with its key and its answer, for the requests of one or of several routes.

    Args:
        limit: a limit string, or requests per second.
        options: as for `protect_app`, and `on_breach`.
    """

    def __init__(self, limit: str | int, options: Mapping[str, Any]) -> None:
        own: Any = dict(options)
        self.on_breach: OnBreach | None = own.pop("on_breach", None)
        if self.on_breach is not None and not callable(self.on_breach):
            raise ConfigTypeError(
                "`on_breach` must be a callable that is given the request and the decision, "
                f"got {shorten(self.on_breach)}"
            )
        self._profile: str | Sequence[str] = own.get("headers", "x-ratelimit")
        key = own.pop("key", None)
        if own.pop("per_ip", False):
            if key is not None:
                raise ConfigError(
                    f"`per_ip` and `key` {shorten(key)} are both given: give one of the two"
                )
            key = "ip"
        self.guard = Guard(_answer, limit_string(limit), key, own)

    @property
    def needs(self) -> frozenset[str]:
        """The facts about a request that the limit asks for."""
        return getattr(self.guard.gate, "needs", frozenset())

    async def admit(self, connection: HTTPConnection) -> Decision | None:
        """Charges a request, once however often it comes here.

        Returns:
            The decision; `None` for what is not counted, such as a CORS preflight.
        """
        gate = self.guard.gate
        for told in told_to(connection.scope) or ():
            if told.gate is gate:
                return told.decision
        if not gate.counts_asgi(connection.scope):
            return None
        decision, _ = await self.guard.aenter((connection,), {})
        if decision and decision.delay:
            from asyncio import sleep  # noqa: PLC0415 - for queueing limits only

            await sleep(decision.delay)
        return decision

    async def answer(self, request: Request, decision: Decision) -> Response | None:
        """Asks `on_breach` for the response to a refusal; `None` leaves it to the caller."""
        if self.on_breach is None:
            return None
        answer: Any = self.on_breach(request, decision)
        if hasattr(answer, "__await__"):
            answer = await answer
        if answer is None or isinstance(answer, Response):
            return answer
        return _response(answer, self.guard.gate.refusal(decision).status, self.fields(decision))

    def fields(self, decision: Decision) -> dict[str, str]:
        """The header fields of a decision."""
        return decision.headers(self._profile)

    async def refuse(self, connection: HTTPConnection, decision: Decision) -> None:
        """Raises what Starlette's handlers of exceptions turn into the response."""
        if isinstance(connection, Request):
            response = await self.answer(connection, decision)
            if response is not None:
                raise BreachAnswered(decision, response)
        self.guard.refuse(_current(connection), decision)


def _response(answer: object, status: int, headers: dict[str, str]) -> Response:
    """Makes a response of what `on_breach` answered in short."""
    given = body = answer
    if isinstance(answer, tuple):
        parts = cast("tuple[Any, ...]", given)
        body = parts[0] if parts else None
        status = parts[1] if len(parts) > 1 else status
        if len(parts) > 2:
            headers.update(parts[2])
    if isinstance(body, Response):
        return body
    if isinstance(body, (str, bytes)):
        return PlainTextResponse(body, status, headers)
    if isinstance(body, (dict, list)):
        return JSONResponse(body, status, headers)
    raise ConfigTypeError(
        "`on_breach` must return a response, text, a dict or list for JSON, a tuple "
        f"(body, status, headers), or None for the usual answer; got {shorten(given)}"
    )


def _current(connection: HTTPConnection) -> Any:
    from tidegate.starlette._refusal import find  # noqa: PLC0415 - they know each other

    return find((connection,))


async def _answer() -> None:
    """What the guard takes for the function it protects: an async one, so keys may be too."""
