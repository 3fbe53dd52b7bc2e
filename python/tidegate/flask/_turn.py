"""What has been decided about one request so far, and how its response tells of it."""

from __future__ import annotations

import time
from collections.abc import Iterable
from functools import partial
from typing import Any

import flask

from tidegate._native import Decision, Gate
from tidegate.flask._ask import Question

TYPE_CHECKING = False
if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

    from tidegate.flask._limit import Limit

_TURN = "tidegate.flask"
_DECISION = "tidegate.decision"
_REFUSING = ("429", "503")
# What a response's status is for a gate whose limit has a `deduct_when`: see `_limit`.
KEPT, RETURNED = 200, 500


class Settlement:
    """A decision that the response may still change.

    Attributes:
        status: what the gate is told instead of the response's own status.
    """

    __slots__ = ("decision", "gate", "status")

    def __init__(self, gate: Any, decision: Decision) -> None:
        self.gate = gate
        self.decision = decision
        self.status: int | None = None

    def judge(self, deduct_when: Question, response: flask.Response) -> flask.Response:
        """Asks whether the response is charged."""
        self.status = KEPT if deduct_when.ask(response) else RETURNED
        return response


class Turn:
    """One request on its way through the limits.

    Attributes:
        applied: the limits that have had their say, so that none is asked twice.
        freed_by: the extensions whose filters have let the request go.
        delay: seconds to wait before going ahead.
        settlements: decisions that wait for the response.
        decision: the most binding decision.
    """

    __slots__ = ("applied", "decision", "delay", "freed_by", "profile", "settlements")

    def __init__(self) -> None:
        self.applied: set[Limit] = set()
        self.freed_by: set[object] = set()
        self.delay = 0.0
        self.settlements: list[Settlement] = []
        self.decision: Decision | None = None
        self.profile: Any = "none"

    @classmethod
    def of(cls, environ: WSGIEnvironment) -> Turn:
        """The turn of a request, begun if it has none yet."""
        turn: Turn | None = environ.get(_TURN)
        if turn is None:
            turn = environ[_TURN] = cls()
        return turn

    def consider(self, environ: WSGIEnvironment, decision: Decision, profile: Any) -> None:
        """Takes a decision as the one to tell of, if no other holds the client back more."""
        self.delay = max(self.delay, decision.delay)
        if self.decision is None or binds_more(decision, self.decision):
            self.decision, self.profile = decision, profile
            environ[_DECISION] = decision

    def wait_for_response(
        self, gate: Gate, decision: Decision, deduct_when: Question | None
    ) -> None:
        """Notes a decision whose gate wants to know the response."""
        if not getattr(gate, "settles", False):
            return
        settlement = Settlement(gate, decision)
        self.settlements.append(settlement)
        if deduct_when is not None:
            flask.after_this_request(partial(settlement.judge, deduct_when))

    def go_ahead(self) -> None:
        """Waits for its turn in a queue, if a limit has one, and tells the application."""
        if self.decision is not None:
            flask.g.tidegate = self.decision
        if self.delay:
            time.sleep(self.delay)
            self.delay = 0.0

    def settle(self, status: int | None) -> None:
        """Tells the gates how it ended; `None` when the application raised."""
        while self.settlements:
            settlement = self.settlements.pop()
            told = status if settlement.status is None else settlement.status
            settlement.gate.settle(settlement.decision, told)

    def complete(self, status: str, headers: list[tuple[str, str]]) -> list[tuple[str, str]]:
        """The response's header fields and ours; of two with one name, the response's own."""
        if self.decision is None:
            return headers
        own = {name.lower() for name, _ in headers}
        missing = [
            (name, value)
            for name, value in self.decision.headers(self.profile).items()
            if name.lower() not in own and (name != "Retry-After" or status.startswith(_REFUSING))
        ]
        return [*headers, *missing]


class Reporter:
    """Around the whole application: header fields on every response, and the end of every turn."""

    def __init__(self, app: WSGIApplication) -> None:
        self.app = app

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Serves one request."""
        turn = Turn.of(environ)
        answered: list[int] = []

        def start(status: str, headers: list[tuple[str, str]], *exc_info: Any) -> Any:
            code = status.partition(" ")[0]
            answered[:] = [int(code)] if code.isdigit() else []
            return start_response(status, turn.complete(status, headers), *exc_info)

        try:
            body = self.app(environ, start)
        except BaseException:
            turn.settle(None)
            raise
        if not turn.settlements:
            return body
        return _Body(body, turn, answered[0] if answered else None)


class _Body:
    """A response's body that settles when the server is done with it."""

    def __init__(self, body: Iterable[bytes], turn: Turn, status: int | None) -> None:
        self._body = body
        self._iterator = iter(body)
        self._turn = turn
        self._status = status

    def __iter__(self) -> _Body:
        return self

    def __next__(self) -> bytes:
        try:
            return next(self._iterator)
        except StopIteration:
            self._turn.settle(self._status)
            raise

    def close(self) -> None:
        """Ends the response, also one that the client did not wait for."""
        try:
            close = getattr(self._body, "close", None)
            if close is not None:
                close()
        finally:
            self._turn.settle(self._status)


def binds_more(one: Decision, other: Decision) -> bool:
    """Whether `one` holds a client back more than `other`: what a response should speak of."""
    if one.allowed and other.allowed:
        return one.remaining * other.limit < other.remaining * one.limit
    if one.allowed or other.allowed:
        return other.allowed
    return one.retry_after > other.retry_after


def current_decision() -> Decision | None:
    """The decision about the running request; `None` outside one, and where nothing is limited.

    Of several, the one that holds the client back the most. Templates find the same as
    `g.tidegate`.

    Example:
        >>> from flask import Flask
        >>> from tidegate.flask import TideGate, current_decision
        >>> app = Flask("shop")
        >>> gate = TideGate(app, "100/minute")
        >>> @app.get("/")
        ... def left() -> str:
        ...     decision = current_decision()
        ...     return f"{decision.remaining} left"
        >>> app.test_client().get("/").text
        '99 left'
    """
    if not flask.has_request_context():
        return None
    decision: Decision | None = flask.request.environ.get(_DECISION)
    return decision
