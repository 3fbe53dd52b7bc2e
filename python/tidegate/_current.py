"""Finds the request that a decorated function runs in.

In this order: a request of a loaded framework among the call's arguments, Flask's context, and
what our own middleware has noted. No framework is imported: one that is loaded already is asked
through the module of its name (`tidegate.flask` and so on), which is loaded then.
"""

from __future__ import annotations

import sys
from contextvars import ContextVar
from importlib import import_module
from typing import cast

from tidegate._native import WsgiPassage
from tidegate._request import Request
from tidegate.errors import RateLimitExceeded

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, MutableMapping, Sequence
    from typing import Any, TypeAlias

    from tidegate._native import Answers, AsgiPassage, Decision, Gate

    # A scope or environ; ASGI's `receive`, `None` under WSGI; the gate that was passed, and what
    # puts header fields on the response.
    Noted: TypeAlias = tuple[
        MutableMapping[str, Any], Callable[[], Any] | None, Gate, AsgiPassage | WsgiPassage
    ]

# The module whose presence says that a framework is in use, and who speaks for it: a module with
# `find(values)`, which returns the request among a call's arguments, or the one that runs.
_FRAMEWORKS = {
    "starlette.requests": "tidegate.starlette",
    "django.http": "tidegate.django",
    "flask": "tidegate.flask",
}
_adapters: dict[str, Any] = {}


class Current:
    """The request that a function runs in; of no framework, unless a subclass says so.

    Attributes:
        request: what key callables are given.
        scope: the ASGI scope, if that is the protocol.
        environ: the WSGI environ, if that is the protocol.
        receive: what the server gave along with the scope.
    """

    def __init__(
        self,
        request: Any,
        *,
        scope: Mapping[str, Any] | None = None,
        environ: Mapping[str, Any] | None = None,
        receive: Callable[[], Any] | None = None,
    ) -> None:
        self.request = request
        self.scope = scope
        self.environ = environ
        self.receive = receive

    async def read(self) -> None:
        """Puts the fields of the request's form into the scope, where that can be done."""

    def applying(self, gate: Gate) -> list[int]:
        """The positions of the gate's rules that apply to this request."""
        if self.scope is not None:
            return gate.applying_asgi(self.scope)
        return gate.applying_wsgi(self.environ or {})

    def subject(self, gate: Gate, rule: int, keys: Mapping[int, str], address: str | None) -> str:
        """Whom a rule of the gate counts in this request."""
        if self.scope is not None:
            scope, receive = self.scope, self.receive
            return gate.subject_asgi(scope, rule, receive=receive, keys=keys, address=address)
        return gate.subject_wsgi(self.environ or {}, rule, keys=keys, address=address)

    def status_of(self, response: Any) -> int | None:
        """The status of what a handler returned, or of what it raised.

        That is 200 for a value that is no response yet, and None for an exception that says
        nothing about a response.
        """
        is_error = isinstance(response, BaseException)
        status = getattr(response, "status_code", None)
        if status is None and is_error:
            status = getattr(response, "code", None)
        if isinstance(status, int):
            return status
        return None if is_error else 200

    def admit(self, gate: Gate, keys: Answers | None, address: str | None) -> Decision:
        """Asks the gate about this request, whose client may be known already."""
        if self.scope is not None:
            return gate.admit_asgi(self.scope, receive=self.receive, keys=keys, address=address)
        return gate.admit_wsgi(self.environ or {}, keys=keys, address=address)

    async def aadmit(self, gate: Gate, keys: Answers | None, address: str | None) -> Decision:
        """Asks as `admit` does, without blocking the event loop."""
        if self.scope is not None:
            receive = self.receive
            return await gate.aadmit_asgi(self.scope, receive=receive, keys=keys, address=address)
        return await gate.aadmit_wsgi(self.environ or {}, keys=keys, address=address)

    def refuse(self, gate: Gate, decision: Decision) -> Any:  # noqa: ARG002 - for subclasses
        """Raises what becomes the framework's 429, or returns the response.

        Without a framework, our middleware around the application turns the exception into
        the response.
        """
        raise RateLimitExceeded(decision)

    async def arefuse(self, gate: Gate, decision: Decision) -> Any:
        """Refuses as `refuse` does, where `on_breach` may have to be awaited."""
        return self.refuse(gate, decision)


# What our middleware around the application notes about the request of this task or thread. A
# plain tuple, because every request pays for it and few ask. For what begins after the response, a
# list of the same, which is emptied when the request has ended: a server's timer keeps nothing.
current: ContextVar[Noted | None] = ContextVar("tidegate_current", default=None)
# Its methods, bound once: the interpreter makes an object of each whenever it looks one up.
noted, note, forget = current.get, current.set, current.reset


def around(environ: Mapping[str, Any] | None = None) -> Noted | None:
    """What our middleware around the application knows of the request, noted or kept.

    A request whose environ is found by Flask's own context needs no note: what would be noted is
    kept there. `environ` is that of the request, if it is known.
    """
    found = current.get()
    if found:
        return found
    if environ is None and "flask" in sys.modules:
        environ = _adapter("tidegate.flask").running_environ()
    if environ is None:
        return None
    gates = environ.get("tidegate.gates")
    return None if gates is None else _kept(environ, gates)


def _kept(environ: Mapping[str, Any], gates: object) -> Noted | None:
    """What is kept: the passage of the first gate that a request has passed, in its place."""
    passage = cast("list[object]", gates)[0] if isinstance(gates, list) else gates
    if not isinstance(passage, WsgiPassage):
        return None
    return cast("MutableMapping[str, Any]", environ), None, passage.gate, passage


def outer_address(environ: Mapping[str, Any] | None = None) -> str | None:
    """The client's address by the trust of the gate around the application.

    `None` when there is no gate, or one that believes nobody: any other gate finds the same then.
    `environ` is that of the request, if it is known.
    """
    noted = around(environ)
    if not noted or not noted[2].believes:
        return None
    request, receive, gate, _ = noted
    if receive is None:
        return gate.address_wsgi(request)
    return gate.address_asgi(request, receive=receive)


def consider(decision: Decision, environ: Mapping[str, Any] | None = None) -> None:
    """Tells the middleware around the application of a decision that was made further in.

    The response gets the header fields of the one that binds most, and so does the scope or the
    environ, which is given if it is known.
    """
    noted = around(environ)
    if noted:
        request, receive, _, passage = noted
        name = "tidegate.decision" if receive is None else "tidegate"
        request[name] = passage.consider(decision)


def find(values: Sequence[object]) -> Current | None:
    """Returns the request that a call with these arguments belongs to, or `None`."""
    for marker, module in _FRAMEWORKS.items():
        if marker in sys.modules:
            found: Current | None = _adapter(module).find(values)
            if found is not None:
                return found
    noted = current.get()
    if not noted:
        return None
    known, receive, _, _ = noted
    if receive is None:
        return Current(Request.from_wsgi(known), environ=known)
    if is_starlette_loaded():
        of_starlette: Current = _adapter("tidegate.starlette").from_scope(known, receive)
        return of_starlette
    return Current(Request.from_asgi(known), scope=known, receive=receive)


def refuse_anywhere(gate: Gate, decision: Decision) -> Any:
    """Raises for a call that no request is known of.

    It may still run below a Starlette route, whose request nobody handed on: there the
    exception becomes a 429, and anywhere else it is an ordinary `RateLimitExceeded`.
    """
    if is_starlette_loaded():
        raise _adapter("tidegate.starlette").exception(gate, decision, None)
    raise RateLimitExceeded(decision)


def _adapter(module: str) -> Any:
    adapter = _adapters.get(module)
    if adapter is None:
        # Kept, since even an import of what is there takes as long as a check.
        adapter = _adapters[module] = import_module(module)
    return adapter


def is_starlette_loaded() -> bool:
    """True when this process uses Starlette, or FastAPI, which is made of it."""
    return "starlette.requests" in sys.modules
