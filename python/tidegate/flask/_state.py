"""One extension in one application: asks the limits that a request meets."""

from __future__ import annotations

import flask

from tidegate._breach import ask
from tidegate._current import consider, outer_address
from tidegate._native import Decision, Gate
from tidegate.flask._bound import Bound, OwnGate
from tidegate.flask._door import Door
from tidegate.flask._limit import Limit
from tidegate.flask._plan import Plan
from tidegate.flask._refusal import AnsweredRefusal, HTTPRateLimitExceeded, usual
from tidegate.flask._settings import Settings
from tidegate.flask._turn import Turn

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tidegate.flask._extension import TideGate


class State:
    """The limits of one extension in one application."""

    def __init__(self, extension: TideGate, app: flask.Flask, settings: Settings) -> None:
        self.extension = extension
        self.app = app
        self.settings = settings
        self.plan = Plan(extension, app, settings)
        # Whom to believe is said once, around the application, unless said here too.
        self._asks_outer = "trusted_proxies" not in settings.options

    def admit(self, request: flask.Request) -> None:
        """Asks every limit that the request meets, and raises when one refuses."""
        turn = Turn.of(request.environ)
        for bound in self.plan.of(request.endpoint, request.method):
            if bound.limit is not None:
                turn.applied += (bound.limit,)
            self._ask(bound, request, turn)
        turn.go_ahead(request.environ)

    def admit_call(self, limit: Limit, name: str, request: flask.Request) -> None:
        """Asks the limit of a function that is not the request's view."""
        turn = Turn.of(request.environ)
        if self.extension not in turn.freed_by and limit.counts(request.method):
            self._ask(self.plan.bind(limit, name, "function", name, request.method), request, turn)
            turn.go_ahead(request.environ)

    def _ask(self, bound: Bound | OwnGate, request: flask.Request, turn: Turn) -> None:
        limit, door = bound.limit, bound.at_once
        if door is not None:
            decision = door.ask(request, bound.cost(request), asks_outer=self._asks_outer)
        elif limit is not None and limit.exempt_when and limit.exempt_when.ask(request):
            return
        else:
            door = bound.door(request)
            decision = None if door is None else self._decide(door, bound, request)
        if door is None or decision is None:
            return  # nothing limits it, or it is a CORS preflight
        turn.delay = max(turn.delay, decision.delay)
        if not decision:
            flask.g.tidegate = decision
            raise self._refusal(limit, door.gate, decision, request)
        if not door.is_plain:
            deduct_when = None if limit is None else limit.deduct_when
            turn.wait_for_response(door.gate, decision, deduct_when)

    def _decide(
        self, door: Door, bound: Bound | OwnGate, request: flask.Request
    ) -> Decision | None:
        if not door.gate.counts_wsgi(request.environ):
            return None
        address = outer_address(request.environ) if self._asks_outer else None
        decision = door.decide(request, bound.cost(request), address)
        consider(decision, request.environ)
        return decision

    def _refusal(
        self, limit: Limit | None, gate: Gate, decision: Decision, request: flask.Request
    ) -> Exception:
        breach = None if limit is None else limit.on_breach
        breach = breach or self.extension.breach or self.settings.on_breach
        told = None if breach is None else breach.ask(request, decision)
        if told is None:
            told = ask(gate, request, decision)
        if told is not None:
            return AnsweredRefusal(decision, told)
        return HTTPRateLimitExceeded(decision, usual(gate, decision, request))
