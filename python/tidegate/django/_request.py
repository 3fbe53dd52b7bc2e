"""Which Django request runs, and what a refusal is inside Django."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from typing import Any

from django.http import HttpRequest, HttpResponse

from tidegate import _current
from tidegate._current import Current
from tidegate._native import Decision, Gate
from tidegate.django._turn import Turn
from tidegate.errors import RateLimitExceeded

# The request that our middleware has let in, for what runs below a view without its request.
running: ContextVar[HttpRequest | None] = ContextVar("tidegate_django", default=None)


class _Django(Current):
    """A request whose decisions our middleware shows."""

    def admit(self, gate: Gate, keys: Mapping[int, str] | None, address: str | None) -> Decision:
        return self._noted(super().admit(gate, keys, address))

    async def aadmit(
        self, gate: Gate, keys: Mapping[int, str] | None, address: str | None
    ) -> Decision:
        return self._noted(await super().aadmit(gate, keys, address))

    def _noted(self, decision: Decision) -> Decision:
        request = http_request(self.request)
        if request is not None:
            Turn.of(request).note(request, decision, None)
        return decision


class _Given(_Django):
    """A request among the arguments of a limited function: a view, which can answer."""

    def refuse(self, gate: Gate, decision: Decision) -> Any:
        # Returned, not raised: Django knows no exception that means 429.
        return refusal_of(gate, decision, self.request)


class _Running(_Django):
    """The request above a limited function: our middleware turns the exception into a 429."""

    def refuse(self, gate: Gate, decision: Decision) -> Any:  # noqa: ARG002 - it is the base's
        raise RateLimitExceeded(decision)


def find(values: Sequence[object]) -> Current | None:
    """Returns the Django request among `values`, or the one that our middleware has let in."""
    for value in values:
        request = http_request(value)
        if request is not None:
            return _made(_Given, value, request)
    request = running.get()
    return None if request is None else _made(_Running, request, request)


def http_request(value: object) -> HttpRequest | None:
    """Django's request, out of itself or out of the request that REST framework makes of it."""
    if isinstance(value, HttpRequest):
        return value
    inner = getattr(value, "_request", None)
    return inner if isinstance(inner, HttpRequest) else None


def scope_of(request: HttpRequest) -> Mapping[str, Any] | None:
    """The ASGI scope of a request; `None` under WSGI, where `request.META` is the environ."""
    scope: Mapping[str, Any] | None = getattr(request, "scope", None)
    return scope


def receive_of(scope: Mapping[str, Any]) -> Callable[[], Any] | None:
    """What the server gave along with a scope, if a middleware of ours around Django saw it.

    Django keeps it from its own middlewares. It knows the socket's peer where a server has put
    another address into the scope; without it, such an address is not believed.
    """
    noted = _current.current.get()
    return noted[1] if noted is not None and noted[0] is scope else None


def accept_of(request: HttpRequest) -> str | None:
    """The Accept header field of a request."""
    accept: str | None = request.META.get("HTTP_ACCEPT")
    return accept


def refusal_of(gate: Gate, decision: Decision, request: Any) -> HttpResponse:
    """The usual response to a refused request."""
    refusal = gate.refusal(decision, accept_of(request))
    return HttpResponse(refusal.body, status=refusal.status, headers=dict(refusal.headers))


def _made(kind: type[Current], given: object, request: HttpRequest) -> Current:
    scope = scope_of(request)
    if scope is None:
        return kind(given, environ=request.META)
    return kind(given, scope=scope, receive=receive_of(scope))
