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


class Settlement:
    """A decision that the response may still change.

    Attributes:
        charges: what a callable says of the response, by the position of its rule.
    """

    __slots__ = ("charges", "decision", "gate")

    def __init__(self, gate: Any, decision: Decision) -> None:
        self.gate = gate
        self.decision = decision
        self.charges: dict[int, bool] | None = None

    def judge(self, deduct_when: Question, response: flask.Response) -> flask.Response:
        """Asks whether the response is charged."""
        self.charges = {0: bool(deduct_when.ask(response))}
        return response


class Turn:
    """One request on its way through the limits.

    Attributes:
        applied: the limits that have had their say, so that none is asked twice.
        freed_by: the extensions whose filters have let the request go.
        delay: seconds to wait before going ahead.
        settlements: decisions that wait for the response.
    """

    __slots__ = ("applied", "delay", "freed_by", "settlements")

    def __init__(self) -> None:
        # Tuples, since nearly every request has one limit, and nothing in the others.
        self.applied: tuple[Limit, ...] = ()
        self.freed_by: tuple[object, ...] = ()
        self.delay = 0.0
        self.settlements: tuple[Settlement, ...] = ()

    @classmethod
    def of(cls, environ: WSGIEnvironment) -> Turn:
        """The turn of a request, begun if it has none yet."""
        turn: Turn | None = environ.get(_TURN)
        if turn is None:
            turn = environ[_TURN] = cls()
        return turn

    def wait_for_response(
        self, gate: Gate, decision: Decision, deduct_when: Question | None
    ) -> None:
        """Notes a decision whose gate wants to know the response."""
        if not gate.settles:
            return
        settlement = Settlement(gate, decision)
        self.settlements += (settlement,)
        if deduct_when is not None:
            flask.after_this_request(partial(settlement.judge, deduct_when))

    def go_ahead(self, environ: WSGIEnvironment) -> None:
        """Waits for its turn in a queue, if a limit has one, and tells the application."""
        g: Any = flask.g
        # Not by the proxy, which takes several times as long.
        g._get_current_object().tidegate = environ.get(_DECISION)
        if self.delay:
            time.sleep(self.delay)
            self.delay = 0.0

    def settle(self, status: int | None) -> None:
        """Tells the gates how it ended; `None` when the application raised."""
        while self.settlements:
            *rest, settlement = self.settlements
            self.settlements = tuple(rest)
            settlement.gate.settle(settlement.decision, status, charges=settlement.charges)


class Ends:
    """Around the whole application: tells the gates of every turn how it ended."""

    def __init__(self, app: WSGIApplication) -> None:
        self.app = app

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Serves one request."""
        try:
            body = self.app(environ, start_response)
        except BaseException:
            turn: Turn | None = environ.get(_TURN)
            if turn is not None:
                turn.settle(None)
            raise
        turn = environ.get(_TURN)
        if turn is None or not turn.settlements:
            return body
        # Ours, which has seen the status.
        return _Body(body, turn, getattr(start_response, "status", None))


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
