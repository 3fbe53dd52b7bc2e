"""Finds the request that a decorated function runs in.

In this order: a request of a loaded framework among the call's arguments, Flask's context, and
what our own middleware has noted. No framework is imported: one that is loaded already is asked
through the module of its name (`tidegate.flask` and so on), which is loaded then.
"""

from __future__ import annotations

import sys
from contextvars import ContextVar
from importlib import import_module

from tidegate._request import Request
from tidegate.errors import RateLimitExceeded

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from contextvars import Token
    from typing import Any

    from tidegate._native import Decision, Gate


# The module whose presence says that a framework is in use, and who speaks for it: a module with
# `find(values)`, which returns the request among a call's arguments, or the one that runs.
_FRAMEWORKS = {
    "starlette.requests": "tidegate.starlette",
    "django.http": "tidegate.django",
    "flask": "tidegate.flask",
}


class Current:
    """The request that a function runs in; of no framework, unless a subclass says so.

    Attributes:
        request: what key callables are given.
        scope: the ASGI scope, if that is the protocol.
        environ: the WSGI environ, if that is the protocol.
        receive: what the server gave along with the scope.
        outer: the gate of our middleware that the request has passed.
    """

    def __init__(
        self,
        request: Any,
        *,
        scope: Mapping[str, Any] | None = None,
        environ: Mapping[str, Any] | None = None,
        receive: Callable[[], Any] | None = None,
        outer: Gate | None = None,
    ) -> None:
        self.request = request
        self.scope = scope
        self.environ = environ
        self.receive = receive
        self.outer = outer

    def admit(self, gate: Gate, keys: Mapping[int, str] | None, address: str | None) -> Decision:
        """Asks the gate about this request, whose client may be known already."""
        if self.scope is not None:
            return gate.admit_asgi(self.scope, receive=self.receive, keys=keys, address=address)
        return gate.admit_wsgi(self.environ or {}, keys=keys, address=address)

    def refuse(self, gate: Gate, decision: Decision) -> Any:  # noqa: ARG002 - for subclasses
        """Raises what becomes the framework's 429, or returns the response.

        Without a framework, our middleware around the application turns the exception into
        the response.
        """
        raise RateLimitExceeded(decision)


_noted: ContextVar[Current | None] = ContextVar("tidegate_current", default=None)


def note_asgi(
    scope: Mapping[str, Any], receive: Callable[[], Any], gate: Gate
) -> Token[Current | None]:
    """Remembers the request of this task, and the gate that it passed, until `forget`."""
    return _noted.set(Current(None, scope=scope, receive=receive, outer=gate))


def note_wsgi(environ: Mapping[str, Any], gate: Gate) -> Token[Current | None]:
    """Remembers the request of this thread, and the gate that it passed, until `forget`."""
    return _noted.set(Current(None, environ=environ, outer=gate))


def outer_address() -> str | None:
    """The client's address by the trust of the gate around the application, if there is one."""
    noted = _noted.get()
    if noted is None or noted.outer is None:
        return None
    if noted.scope is not None:
        return noted.outer.address_asgi(noted.scope, receive=noted.receive)
    return noted.outer.address_wsgi(noted.environ or {})


def forget(token: Token[Current | None]) -> None:
    """Ends what `note_asgi` or `note_wsgi` began."""
    _noted.reset(token)


def find(values: Sequence[object]) -> Current | None:
    """Returns the request that a call with these arguments belongs to, or `None`."""
    for marker, module in _FRAMEWORKS.items():
        if marker in sys.modules:
            adapter: Any = import_module(module)
            found: Current | None = adapter.find(values)
            if found is not None:
                return found
    noted = _noted.get()
    if noted is None:
        return None
    if noted.scope is not None:
        if is_starlette_loaded():
            starlette: Any = import_module("tidegate.starlette")
            of_starlette: Current = starlette.from_scope(noted.scope, noted.receive)
            return of_starlette
        noted.request = noted.request or Request.from_asgi(noted.scope)
    elif noted.environ is not None:
        noted.request = noted.request or Request.from_wsgi(noted.environ)
    return noted


def refuse_anywhere(gate: Gate, decision: Decision) -> Any:
    """Raises for a call that no request is known of.

    It may still run below a Starlette route, whose request nobody handed on: there the
    exception becomes a 429, and anywhere else it is an ordinary `RateLimitExceeded`.
    """
    if is_starlette_loaded():
        raise import_module("tidegate.starlette").exception(gate, decision, None)
    raise RateLimitExceeded(decision)


def is_starlette_loaded() -> bool:
    """True when this process uses Starlette, or FastAPI, which is made of it."""
    return "starlette.requests" in sys.modules
