"""Which Django request runs, and what a refusal is inside Django."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from typing import Any

from django.http import HttpRequest

from tidegate import _current
from tidegate._current import Current
from tidegate._native import Answers, Decision, Gate
from tidegate.django._breach import arefuse, refuse
from tidegate.django._keys import asupply, scope_of, supply
from tidegate.django._settle import status_of
from tidegate.django._turn import Turn
from tidegate.errors import RateLimitExceeded

# The request that our middleware has let in, for what runs below a view without its request.
running: ContextVar[HttpRequest | None] = ContextVar("tidegate_django", default=None)


class DjangoRequest(Current):
    """A request of Django's, with the facts that its rules need.

    As found among the arguments of a limited function: a view, which can answer.
    """

    def applying(self, gate: Gate) -> list[int]:
        """The positions of the gate's rules that apply to this request."""
        self._supply(gate)
        return super().applying(gate)

    def admit(self, gate: Gate, keys: Answers | None, address: str | None) -> Decision:
        """Asks the gate, and notes the answer for the middleware."""
        return self._noted(self.decide(gate, keys, address))

    async def aadmit(self, gate: Gate, keys: Answers | None, address: str | None) -> Decision:
        """Asks as `admit` does, without blocking the event loop."""
        return self._noted(await self.adecide(gate, keys, address))

    def decide(self, gate: Gate, keys: Answers | None, address: str | None) -> Decision:
        """Asks the gate, and notes nothing."""
        self._supply(gate)
        return super().admit(gate, keys, address)

    async def adecide(self, gate: Gate, keys: Answers | None, address: str | None) -> Decision:
        """Asks as `decide` does, without blocking the event loop."""
        request = http_request(self.request)
        if gate.needs and request is not None:
            await asupply(gate.needs, request)
        return await super().aadmit(gate, keys, address)

    def status_of(self, response: Any) -> int | None:
        """The status of a response, or of the one that Django makes of an exception."""
        if isinstance(response, BaseException):
            return status_of(response)
        return super().status_of(response)

    def refuse(self, gate: Gate, decision: Decision) -> Any:
        """Returns the response: Django knows no exception that means 429."""
        return refuse(gate, decision, self.request)

    async def arefuse(self, gate: Gate, decision: Decision) -> Any:
        """Returns the response, which may have to be awaited."""
        return await arefuse(gate, decision, self.request)

    def _supply(self, gate: Gate) -> None:
        request = http_request(self.request)
        if gate.needs and request is not None:
            supply(gate.needs, request)

    def _noted(self, decision: Decision) -> Decision:
        request = http_request(self.request)
        if request is not None:
            Turn.of(request).note(request, decision)
        return decision


class _Running(DjangoRequest):
    """The request above a limited function: our middleware turns the exception into a 429."""

    def refuse(self, gate: Gate, decision: Decision) -> Any:  # noqa: ARG002 - it is the base's
        raise RateLimitExceeded(decision)

    async def arefuse(self, gate: Gate, decision: Decision) -> Any:
        return self.refuse(gate, decision)


def find(values: Sequence[object]) -> Current | None:
    """Returns the Django request among `values`, or the one that our middleware has let in."""
    for value in values:
        request = http_request(value)
        if request is not None:
            return made(value, request)
    request = running.get()
    return None if request is None else made(request, request, _Running)


def http_request(value: object) -> HttpRequest | None:
    """Django's request, out of itself or out of the request that REST framework makes of it."""
    if isinstance(value, HttpRequest):
        return value
    inner = getattr(value, "_request", None)
    return inner if isinstance(inner, HttpRequest) else None


def receive_of(scope: Mapping[str, Any]) -> Callable[[], Any] | None:
    """What the server gave along with a scope, if a middleware of ours around Django saw it.

    Django keeps it from its own middlewares. It knows the socket's peer where a server has put
    another address into the scope; without it, such an address is not believed.
    """
    noted = _current.current.get()
    return noted[1] if noted and noted[0] is scope else None


def made(
    given: object, request: HttpRequest, kind: type[DjangoRequest] = DjangoRequest
) -> DjangoRequest:
    """A request as gates are asked about it; `given` is what a view has, and callables get."""
    scope = scope_of(request)
    if scope is None:
        return kind(given, environ=request.META)
    return kind(given, scope=scope, receive=receive_of(scope))
