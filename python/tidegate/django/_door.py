"""A gate as Django asks it, in a thread or on an event loop."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from asgiref.sync import sync_to_async
from django.core.exceptions import SynchronousOnlyOperation
from django.http import HttpRequest

from tidegate._asking import Asker, arun, run
from tidegate._gate import make_gate
from tidegate._native import Decision, Gate
from tidegate._settling import charges
from tidegate.django._breach import returned
from tidegate.django._keys import asupply, native_options, needs_user, scope_of
from tidegate.django._request import DjangoRequest, made, receive_of
from tidegate.django._settle import status_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tidegate._asking import Questions


class Door:
    """One gate, and what Django has to find out for it.

    Args:
        gate: the gate.
        options: what it was made of.
    """

    def __init__(self, gate: Gate, options: dict[str, Any]) -> None:
        self.gate = gate
        self.options = options
        self._version = gate.version
        self._needs = gate.needs
        self.settles = gate.settles
        self._asker = Asker(gate)
        # With nothing to find out first, a request is asked about as it is.
        is_fixed = self._version is None and not self._needs
        self._is_plain = is_fixed and not self._asker.is_needed
        self._is_here = not gate.waits
        self._ask_wsgi = gate.ask_wsgi

    @classmethod
    def made(cls, limit: str | int | None, options: dict[str, Any]) -> Door:
        """Makes a gate with one rule, and the door to it.

        Raises:
            ConfigError: no gate can be made of it.
        """
        return cls(make_gate(limit, **native_options(options)), options)

    @property
    def needs(self) -> set[str]:
        """What its rules want to know, as they are now."""
        if self._version is not None and self._version != self.gate.version:
            self._version = self.gate.version
            self._needs = self.gate.needs
        return self._needs

    @property
    def needs_view(self) -> bool:
        """Whether it can decide only once Django knows the view and the user."""
        return self._asker.is_needed or bool(self.needs & {"route", "user"})

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

    def ask(self, request: HttpRequest) -> Decision | None:
        """Decides a request, if it counts."""
        if not self._is_plain:
            return self.decide(request, request) if self.counts(request) else None
        scope = scope_of(request)
        if scope is None:
            return self._ask_wsgi(request.META, None, False, None, None)
        return self.gate.ask_asgi(scope, receive_of(scope), None, False, None)

    async def aask(self, request: HttpRequest) -> Decision | None:
        """Asks as `ask` does, and never blocks the event loop."""
        if self._is_plain and self._is_here:
            return self.ask(request)
        return await self.adecide(request, request) if self.counts(request) else None

    def decide(self, request: HttpRequest, given: Any) -> Decision:
        """Decides a request, which a view may have in another form, `given`."""
        current = made(given, request)
        answers = None
        if self._asker.is_needed:
            answers = run(self._questions(current, lambda call: returned(call(given))))
        return current.decide(self.gate, answers, None)

    async def adecide(self, request: HttpRequest, given: Any) -> Decision:
        """Decides as `decide` does, and never blocks the event loop."""
        current = made(given, request)
        answers = None
        if self.needs:
            await asupply(self.needs, request)
        if self._asker.is_needed:
            answers = await arun(self._questions(current, lambda call: _asked(call, given)))
        # Without a server to wait for, this does not suspend.
        return await current.adecide(self.gate, answers, None)

    def settle(self, decision: Decision, end: object) -> None:
        """Tells the gate what became of a request: the response, or what was raised."""
        if decision and self.settles:
            self.gate.settle(decision, _status(end), charges=charges(self.gate, end))

    async def asettle(self, decision: Decision, end: object) -> None:
        """Tells as `settle` does, and never blocks the event loop."""
        if decision and self.settles:
            told = charges(self.gate, end)
            await self.gate.asettle(decision, _status(end), charges=told)

    def _questions(
        self, current: DjangoRequest, ask: Callable[[Callable[..., Any]], Any]
    ) -> Questions:
        def subject(rule: int, keys: dict[int, str]) -> str:
            return current.subject(self.gate, rule, keys, None)

        return self._asker.questions(ask, current.applying(self.gate), subject)


def _asked(call: Callable[..., Any], given: object) -> Any:
    try:
        return call(given)
    except SynchronousOnlyOperation:
        # It asks the database, which Django allows in a thread.
        return sync_to_async(call)(given)


def _status(end: object) -> int | None:
    if isinstance(end, BaseException):
        return status_of(end)
    status = getattr(end, "status_code", None)
    return status if isinstance(status, int) else 200
