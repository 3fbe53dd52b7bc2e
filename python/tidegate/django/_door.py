"""A gate as Django asks it, in a thread or on an event loop."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest

from tidegate._gate import make_gate
from tidegate._native import Decision, Gate
from tidegate.django._keys import aanswers, answers, asupply, native_key, needs_user, supply
from tidegate.django._request import receive_of, scope_of

OnBreach = Callable[[Any, Decision], Any]


class Door:
    """One gate, and how it answers.

    Args:
        gate: the gate.
        options: what it was made of; `headers` is the profile that its decisions are shown in.
        on_breach: who answers a refused request instead; `None` for the usual response.
    """

    def __init__(
        self, gate: Gate, options: dict[str, Any], on_breach: OnBreach | None = None
    ) -> None:
        self.gate = gate
        self.options = options
        self.headers: Any = options.get("headers", "x-ratelimit")
        self.on_breach = on_breach
        self.needs: frozenset[str] = frozenset(getattr(gate, "needs", ()))
        self.settles: bool = getattr(gate, "settles", False)
        self._asks = bool(gate.key_callables)

    @classmethod
    def made(
        cls, limit: str | int, options: dict[str, Any], on_breach: OnBreach | None = None
    ) -> Door:
        """Makes a gate with one rule, and the door to it.

        Raises:
            ConfigError: no gate can be made of it.
        """
        options = {**options, "key": native_key(options.get("key"))}
        return cls(make_gate(limit, **options), options, on_breach)

    @property
    def needs_view(self) -> bool:
        """Whether it can decide only once Django knows the view and the user."""
        return self._asks or bool(self.needs & {"route", "user"})

    @property
    def needs_user(self) -> bool:
        """Whether one of its rules asks who is signed in."""
        return any(needs_user(rule.key) for rule in self.gate.rules)

    def counts(self, request: HttpRequest) -> bool:
        """False for a CORS preflight, and for what this gate has let in already."""
        scope = scope_of(request)
        if scope is None:
            return self.gate.counts_wsgi(request.META)
        return self.gate.counts_asgi(scope)

    def decide(self, request: HttpRequest, given: Any) -> Decision:
        """Decides a request, which a view may have in another form, `given`."""
        if self.needs:
            supply(self.needs, request)
        keys = answers(self.gate, request, given) if self._asks else None
        return self._admit(request, keys)

    async def adecide(self, request: HttpRequest, given: Any) -> Decision:
        """Decides as `decide` does, and never blocks the event loop."""
        if self.needs:
            await asupply(self.needs, request)
        keys = await aanswers(self.gate, request, given) if self._asks else None
        if not self.gate.waits:
            return self._admit(request, keys)
        scope = scope_of(request)
        if scope is None:
            return await self.gate.aadmit_wsgi(request.META, keys=keys)
        return await self.gate.aadmit_asgi(scope, receive=receive_of(scope), keys=keys)

    def settle(self, decision: Decision, status: int | None) -> None:
        """Tells the gate what became of a request; `None` means that it raised."""
        if decision and self.settles:
            gate: Any = self.gate
            gate.settle(decision, status)

    async def asettle(self, decision: Decision, status: int | None) -> None:
        """Tells as `settle` does, and never blocks the event loop."""
        if decision and self.settles:
            gate: Any = self.gate
            await gate.asettle(decision, status)

    def _admit(self, request: HttpRequest, keys: dict[int, str] | None) -> Decision:
        scope = scope_of(request)
        if scope is None:
            return self.gate.admit_wsgi(request.META, keys=keys)
        return self.gate.admit_asgi(scope, receive=receive_of(scope), keys=keys)
