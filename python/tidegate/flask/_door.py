"""A gate as Flask asks it: with the answers of callables, and with what the application knows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import flask

from tidegate._asking import Asker, run
from tidegate._current import noted
from tidegate._gate import make_gate
from tidegate._native import Answers, Decision, Gate
from tidegate.flask._ask import Question
from tidegate.flask._facts import supply

# What a gate may want to know, and Flask has at hand.
_ROUTE = frozenset({"route"})


class Door:
    """One gate, and whom to ask before it decides."""

    __slots__ = ("_asker", "_asks", "_needs", "_questions", "_user", "_version", "gate", "is_plain")

    def __init__(self, gate: Gate, user: Question | None) -> None:
        self.gate = gate
        self._user = user
        self._asker = Asker(gate)
        self._asks = self._asker.is_needed
        self._version = gate.version
        self._needs = frozenset(gate.needs)
        self._questions = {
            call: Question(kind, call, given=2 if kind == "limit" else 1)
            for kind, _, _, call in gate.callables
            if kind != "charge"
        }
        # Whether one call of the gate is all there is to a request.
        is_fixed = self._version is None and self._needs <= _ROUTE
        self.is_plain = is_fixed and not self._asks and not gate.settles

    @classmethod
    def made(cls, limit: str, user: Question | None, options: dict[str, Any]) -> Door:
        """Makes a gate with one rule, and the door to it."""
        return cls(make_gate(limit, **options), user)

    def ask(self, request: flask.Request, cost: int | None, *, asks_outer: bool) -> Decision | None:
        """Decides about a request, and tells the middleware around it, where this `is_plain`.

        Returns:
            The decision; `None` for a CORS preflight.
        """
        rule = request.url_rule if self._needs else None
        route = None if rule is None else rule.rule
        return self.gate.ask_wsgi(request.environ, noted(), asks_outer, route, cost)

    def decide(self, request: flask.Request, cost: int | None, address: str | None) -> Decision:
        """Asks the gate about a request."""
        if self._version is not None and self._version != self.gate.version:
            self._version = self.gate.version
            self._needs = frozenset(self.gate.needs)
        if self._needs:
            supply(self._needs, request, self._user)
        answers = self._answers(request, address) if self._asks else None
        return self.gate.admit_wsgi(request.environ, keys=answers, cost=cost, address=address)

    def _answers(self, request: flask.Request, address: str | None) -> Answers:
        environ = request.environ

        def told(call: Callable[..., Any]) -> Any:
            question = self._questions.get(call)
            return call(request) if question is None else question.ask(request)

        def subject(rule: int, keys: dict[int, str]) -> str:
            return self.gate.subject_wsgi(environ, rule, keys=keys, address=address)

        return run(self._asker.questions(told, self.gate.applying_wsgi(environ), subject))
